import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * docs/format.md ends with a decoder in PHP that shares no code with ours. It must open every published vector, and
 * refuse what must be refused by one key and one context.
 */
const ROOT = resolve(import.meta.dirname, '../../..');
const blocks = [...readFileSync(resolve(ROOT, 'docs/format.md'), 'utf8').matchAll(/^```php.*\n([\s\S]*?)^```$/gm)];
const [decoder = '', example = ''] = blocks.map(([, code = '']) => code);
const hasPhp = spawnSync('php', ['-v']).status === 0;
if (!hasPhp && process.env.CASEHARD_REQUIRE_SERVERS === '1') throw new Error('php is not installed');

describe.skipIf(!hasPhp)('the decoder of docs/format.md, in PHP', () => {
  it('opens the known answer as the document shows', () => {
    expect(php(example)).toBe('hunter2');
  });

  it('opens every published vector', () => {
    const { masters, vectors } = read('sealed.json') as SealedFile;
    const jobs = vectors.map(({ sealed, master, scope, row }) => {
      return { sealed, master: masters[master]?.master, scope, row: row.map(({ piece }) => piece) };
    });
    const opened = openAll(jobs);
    const contents = vectors.map(({ type, content, times }) =>
      Buffer.from(content.repeat(times), type === 'bytes' ? 'hex' : 'utf8').toString('base64'),
    );
    expect(opened).toEqual(contents);
    expect(opened.length).toBeGreaterThanOrEqual(20);
  });

  it('refuses every vector that has a defect, under the first key and context that are given', () => {
    const { masters, vectors } = read('reject.json') as RejectFile;
    // What is withdrawn, too long, or accepted in which context is policy, and whether a text is UTF-8 is the caller's.
    const defects = vectors.filter(({ code, keys }) => !POLICY.includes(code) && keys.length > 0);
    const jobs = defects.map(({ sealed, keys, contexts }) => {
      return {
        sealed,
        master: masters[keys[0] ?? '']?.master,
        scope: contexts[0]?.scope ?? '',
        row: contexts[0]?.row ?? [],
      };
    });
    expect(openAll(jobs).filter((opened) => opened !== null)).toEqual([]);
    expect(jobs.length).toBeGreaterThan(40);
  });
});

// --- internal ---

const POLICY = ['TOO_LARGE', 'CONTEXT_POLICY', 'CORRUPT_FRAME', 'WITHDRAWN_KEY'];

interface Masters {
  readonly masters: Readonly<Record<string, { readonly master: string } | undefined>>;
}

interface SealedFile extends Masters {
  readonly vectors: readonly {
    readonly sealed: string;
    readonly master: string;
    readonly scope: string;
    readonly row: readonly { readonly piece: string }[];
    readonly type: 'text' | 'bytes';
    readonly content: string;
    readonly times: number;
  }[];
}

interface RejectFile extends Masters {
  readonly vectors: readonly {
    readonly sealed: string;
    readonly code: string;
    readonly keys: readonly string[];
    readonly contexts: readonly { readonly scope?: string; readonly row?: readonly string[] }[];
  }[];
}

interface Job {
  readonly sealed: string;
  readonly master: string | undefined;
  readonly scope: string;
  readonly row: readonly string[];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(resolve(ROOT, 'vectors', name), 'utf8'));
}

/** The contents in base64, null for what was refused. */
function openAll(jobs: readonly Job[]): readonly (string | null)[] {
  const loop = `
    $out = [];
    foreach (json_decode(stream_get_contents(STDIN), true) as $job) {
      try {
        $out[] = base64_encode(casehard_open($job['sealed'], hex2bin($job['master']), $job['scope'], $job['row']));
      } catch (RuntimeException $error) {
        $out[] = null;
      }
    }
    echo json_encode($out);`;
  return JSON.parse(php(loop, JSON.stringify(jobs))) as readonly (string | null)[];
}

function php(code: string, input = ''): string {
  const { stdout, stderr } = spawnSync('php', ['-r', `${decoder.replace('<?php', '')}\n${code}`], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  expect(stderr).toBe('');
  return stdout;
}
