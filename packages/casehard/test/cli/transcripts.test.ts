import { readdirSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../engines.ts';
import { readTranscript, replay, TRANSCRIPTS, writeTranscript } from './transcript.ts';

describe('the command says, byte for byte, what its transcripts say', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it.each(readdirSync(TRANSCRIPTS))('%s', async (name) => {
    const folder = temporaryFolder('transcript');
    folders.push(folder);
    const now = await replay(readTranscript(name), folder);
    if (process.env.UPDATE_TRANSCRIPTS === '1') writeTranscript(name, now);
    expect(now).toBe(readTranscript(name));
  });
});
