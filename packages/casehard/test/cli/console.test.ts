import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { BIN } from './command.ts';
import { type Mailer, makeMailer } from './mailer.ts';

const [sqlite] = ENGINES;

describe('casehard console', () => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (!sqlite) throw new Error('no sqlite');
    mailer = await makeMailer(sqlite);
  });
  afterAll(() => mailer.drop());

  /** Starts it on a free port; what it printed once it listens, and a way to end it. */
  async function start(args: readonly string[] = []) {
    const child = spawn(process.execPath, [BIN, 'console', '--port', '0', ...args], {
      cwd: mailer.folder,
      env: mailer.env,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((done) => child.on('close', done));
    while (!/http:\/\/[^\s"]+/.test(stdout)) {
      if (child.exitCode !== null) throw new Error(`it ended: ${stderr}`);
      await new Promise((done) => setTimeout(done, 50));
    }
    return {
      stdout: () => stdout,
      stderr: () => stderr,
      url: /http:\/\/127\.0\.0\.1:\d+/.exec(stdout)?.[0] ?? '',
      stop: async () => {
        child.kill('SIGINT');
        return ended;
      },
    };
  }

  it('prints a link at the first start that makes an operator, once, and none after that', async () => {
    const first = await start();
    const link = /http:\S+\/welcome\/[\w-]{43}/.exec(first.stdout())?.[0] ?? '';
    expect(first.stderr()).toContain('casehard.state-key');
    expect(statSync(join(mailer.folder, 'casehard.state-key')).mode & 0o777).toBe(0o600);
    const origin = { origin: first.url };
    const form = () =>
      new URLSearchParams({ name: 'ada', password: 'correct horse battery', again: 'correct horse battery' });
    const made = await fetch(link, { method: 'POST', body: form(), headers: origin, redirect: 'manual' });
    expect(made.status).toBe(303);
    expect((await fetch(link, { method: 'POST', body: form(), headers: origin, redirect: 'manual' })).status).toBe(410);
    expect(await first.stop()).toBe(0);

    const second = await start(['--json']);
    expect(JSON.parse(second.stdout())).toMatchObject({ ok: true, link: null });
    expect(await second.stop()).toBe(0);
    const third = await start(['--new-link']);
    expect(third.stdout()).toContain('/welcome/');
    expect(await third.stop()).toBe(0);
  }, 60_000);

  it.each([
    [['--host', '0.0.0.0'], 'plain HTTP on 0.0.0.0 would send passwords in the clear'],
    [['--host', '192.0.2.1'], 'plain HTTP on 192.0.2.1 would send passwords in the clear'],
    [['--public-url', 'http://casehard.example'], 'the public URL must be https'],
    [['--public-url', 'https://casehard.example/path'], 'the public URL must be https'],
    [['--port', '99999'], 'must be a port'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await mailer.run(['console', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('says so where the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, stderr } = await mailer.run(['console', '--port', String(port)]);
    expect([code, stderr.includes(`port ${port} is taken`)]).toEqual([2, true]);
    server.close();
  });
});
