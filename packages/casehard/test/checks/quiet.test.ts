import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import type { CheckRequest } from '../../src/checks/check.ts';
import { HOSTILE, PASSWORD } from './audited.ts';
import { makeCertificates } from './certificates.ts';
import { MAIL_KINDS, speak, WRONG } from './dialects.ts';
import { type ScriptedServer, serveScript } from './scripted.ts';
import { serveWeb } from './web.ts';

const { ca, good } = makeCertificates();
const KEY = 'MARKED-secret-for-everything-7f3a';

const servers: { close(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

describe('a process that runs checks', () => {
  it('prints nothing of its own, shows no secret however loud it is asked to be, and ends when the checks do', async () => {
    const requests: CheckRequest[] = [];
    const mail: ScriptedServer[] = [];
    for (const kind of MAIL_KINDS) {
      for (const login of [undefined, `${WRONG[kind]} ${KEY} ${PASSWORD} ${HOSTILE}`]) {
        const behaviour = { certificate: good, ...(login === undefined ? {} : { login }) };
        const server = await serveScript(speak(kind, behaviour));
        mail.push(server);
        const base = { kind, host: 'localhost', port: server.port, user: 'user' } as const;
        requests.push({ ...base, tls: 'starttls' }, { ...base, tls: 'none' }, { ...base, tls: 'tls' });
      }
    }
    const silent = await serveScript({ raw: () => {} });
    const web = await serveWeb(({ headers, body }, response) => {
      response.writeHead(401, { 'x-echo': headers.authorization ?? '' }).end(`{"error":"${KEY}","body":"${body}"}`);
    });
    servers.push(...mail, silent, web);
    requests.push(
      { kind: 'imap', host: '127.0.0.1', port: silent.port, user: 'user', tls: 'none' },
      { kind: 'http', url: web.origin },
      { kind: 'oauth-client', url: web.origin, clientId: 'client' },
      { kind: 'oauth-refresh', url: web.origin, clientId: 'client' },
    );
    const began = performance.now();
    const { code, out, err } = await run({ secret: KEY, requests, ca });
    expect(err).toBe('');
    const right = 'OK OK NO_TLS';
    const wrong = 'WRONG_CREDENTIAL WRONG_CREDENTIAL NO_TLS';
    const web4 = 'TIMEOUT WRONG_CREDENTIAL WRONG_CREDENTIAL WRONG_CREDENTIAL';
    const codes = [...MAIL_KINDS.flatMap(() => [right, wrong]), web4].join(' ');
    expect(out.split('\n')[0]).toBe(codes);
    expect(out).not.toMatch(/MARKED|<script/);
    expect(out).not.toContain(Buffer.from(KEY).toString('base64'));
    expect(out).not.toContain(Buffer.from(`\0user\0${KEY}`).toString('base64'));
    expect(code).toBe(0);
    // The longest check waits 1.5 seconds; a forgotten timer of a library would wait for its own, a second longer.
    expect(performance.now() - began).toBeLessThan(6000);
    await Promise.all(mail.map((server) => server.idle()));
  });
});

// --- internal ---

async function run(input: object): Promise<{ readonly code: unknown; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'quiet-run.ts')], {
    env: { ...process.env, DEBUG: '*', NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(JSON.stringify(input));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, out, err };
}
