import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CheckCode, CheckResult } from '../../src/checks/check.ts';
import { against, closeServers, run, serve } from './against.ts';
import { audited, HOSTILE, PASSWORD } from './audited.ts';
import { makeCertificates } from './certificates.ts';
import { type Behaviour, GREETINGS, MAIL_KINDS, speak, WRONG } from './dialects.ts';
import { deadPort, type ScriptedServer } from './scripted.ts';

const { ca, good, expired, otherName } = makeCertificates();

afterEach(closeServers);

describe.each(MAIL_KINDS)('a %s server', (kind) => {
  const said = (code: CheckCode, says: RegExp, more: Partial<CheckResult> = {}) =>
    expect.objectContaining({ ok: false, code, says: expect.stringMatching(says), ...more });

  describe('that answers', () => {
    it.each([
      ['starttls', 'verified'],
      ['none', 'none'],
      ['tls', 'verified'],
    ] as const)('takes the login with %s', async (tls, certificate) => {
      const { result } = await against(kind, { certificate: good, implicitTls: tls === 'tls' }, tls, { ca });
      expect(result).toMatchObject({ ok: true, code: 'OK', certificate });
    });

    it('is told the right password, and refuses a wrong one in words of its own that are not ours', async () => {
      const { result } = await against(kind, { login: `${WRONG[kind]} ${HOSTILE}` }, 'none');
      expect(result).toEqual(said('WRONG_CREDENTIAL', /^the server refused this user and password/));
      expect(result.reply).toBe({ smtp: '535 5.7.8', imap: 'AUTHENTICATIONFAILED', pop3: '-ERR [AUTH]' }[kind]);
    });

    it('cannot look the password up at the moment', async () => {
      const login = { smtp: '454 4.7.0 later', imap: 'NO [UNAVAILABLE] later', pop3: '-ERR [SYS/TEMP] later' }[kind];
      const { result } = await against(kind, { login }, 'none');
      const reply = { smtp: '454 4.7.0', imap: 'UNAVAILABLE', pop3: '-ERR [SYS/TEMP]' }[kind];
      expect(result).toEqual(said('PROTOCOL', /^the server cannot check the password at the moment/, { reply }));
    });

    it('writes markup, colours and line breaks wherever it can', async () => {
      const login = { smtp: '535', imap: 'NO', pop3: '-ERR' }[kind];
      const evil = `${HOSTILE} [${HOSTILE}]`;
      const { result } = await against(kind, { login: `${login} [${HOSTILE}] 5.7.8${HOSTILE}` }, 'none');
      expect(result).toMatchObject({ code: 'WRONG_CREDENTIAL', reply: login });
      for (const greeting of [`${GREETINGS[kind].trim()} ${evil}\r\n`, `${evil}\r\n${evil}\r\n`, `-ERR ${evil}\r\n`]) {
        const garbled = await run({ ...speak(kind, { login: `BAD ${evil}` }), greeting }, kind, 'none', {
          timeoutMs: 500,
        });
        expect(garbled.result.ok).toBe(false);
      }
    });
  });

  describe('with a certificate', () => {
    const CERTIFICATES = [
      ['of an unknown authority', good, undefined, /^the certificate is not signed by an authority that is trusted/],
      ['that has expired', expired, ca, /^the certificate has expired/],
      ['for another name', otherName, ca, /^the certificate is for another name/],
    ] as const;
    for (const tls of ['starttls', 'tls'] as const) {
      it.each(CERTIFICATES)(`%s gets no login with ${tls}`, async (_name, certificate, authority, says) => {
        const policy = authority === undefined ? {} : { ca: authority };
        const { result, server } = await against(kind, { certificate, implicitTls: tls === 'tls' }, tls, policy);
        expect(result).toEqual(said('CERTIFICATE', says, { certificate: 'not verified' }));
        expect(secretsIn(server)).toEqual([]);
      });

      it.each(CERTIFICATES)(
        `%s is accepted where the policy says so, visibly, with ${tls}`,
        async (_name, certificate) => {
          const behaviour = { certificate, implicitTls: tls === 'tls' };
          const { result } = await against(kind, behaviour, tls, { certificate: 'any' });
          expect(result).toMatchObject({ ok: true, certificate: 'not verified' });
        },
      );
    }

    it('for its name is accepted at whatever address the name resolves to', async () => {
      const server = await serve(speak(kind, { certificate: otherName }));
      const lookup = async () => [{ address: '127.0.0.1' }];
      const request = { kind, host: 'other.example', port: server.port, user: 'user', tls: 'starttls' } as const;
      expect(await audited(request, PASSWORD, { ca, lookup })).toMatchObject({ ok: true, certificate: 'verified' });
    });
  });

  describe('that does not encrypt', () => {
    const STRIPPED: readonly (readonly [string, Behaviour])[] = [
      ['STARTTLS is not offered', { starttls: false }],
      ['STARTTLS is offered and then refused', {}],
      ['STARTTLS is accepted and nothing follows but plaintext', { staysPlain: true }],
    ];
    it.each(STRIPPED)('gets no login: %s', async (name, behaviour) => {
      const { result, server } = await against(kind, behaviour, 'starttls', { ca, timeoutMs: 800 });
      // A plaintext server that finds no line in the handshake keeps waiting for one.
      expect(result.code).toBe(name.endsWith('plaintext') ? 'TIMEOUT' : 'NO_TLS');
      expect(result.certificate).toBe('none');
      expect(secretsIn(server)).toEqual([]);
    });

    it('gets no login when words are slipped in before the handshake', async () => {
      const injected = { smtp: '250 AUTH PLAIN\r\n', imap: '* CAPABILITY AUTH=PLAIN\r\n', pop3: '+OK\r\n' }[kind];
      const { result, server } = await against(kind, { certificate: good, injected }, 'starttls', { ca });
      // nodemailer drops the words and goes on encrypted; the others end the conversation.
      expect(result.code).toBe(kind === 'smtp' ? 'OK' : 'NO_TLS');
      if (kind !== 'smtp') expect(secretsIn(server)).toEqual([]);
    });

    it('is told apart where TLS is expected from the first byte', async () => {
      const { result } = await against(kind, {}, 'tls', { ca });
      expect(result).toEqual(said('NO_TLS', /^the server does not speak TLS on this port/));
    });

    it('and wants to, is said to be so', async () => {
      const { result, server } = await against(kind, { loginNeedsTls: true }, 'none');
      expect(result).toEqual(said('NO_TLS', /^the server takes no login on an unencrypted connection/));
      expect(secretsIn(server)).toEqual([]);
    });
  });

  describe('that is not there', () => {
    it.each(['starttls', 'tls', 'none'] as const)('is dead with %s', async (tls) => {
      const port = await deadPort();
      const result = await audited({ kind, host: '127.0.0.1', port, user: 'user', tls }, PASSWORD);
      expect(result).toEqual(said('DEAD_HOST', /^nothing answers at this address and port/));
      expect(result.address).toBe(`127.0.0.1:${port}`);
    });

    const SILENT: readonly (readonly [string, (socket: Socket) => void])[] = [
      ['silent from the start', () => {}],
      ['silent after its greeting', (socket) => socket.write(GREETINGS[kind])],
      ['slow for ever', (socket) => drip(socket, 'x')],
    ];
    for (const tls of ['starttls', 'tls', 'none'] as const) {
      it.each(SILENT)(`is %s, and lets go with ${tls}`, async (name, raw) => {
        const began = performance.now();
        const { result, server } = await run({ raw }, kind, tls, { timeoutMs: 400 });
        const isNoTls = tls === 'tls' && !name.endsWith('start');
        expect(result.code).toBe(isNoTls ? 'NO_TLS' : 'TIMEOUT');
        expect(performance.now() - began).toBeLessThan(2000);
        await server.idle();
      });
    }

    it('closes the door at once', async () => {
      const { result } = await run({ raw: (socket) => socket.end() }, kind, 'starttls');
      expect(result).toEqual(said('PROTOCOL', /^the server closed the connection/));
    });

    it('is left alone when the caller cancels', async () => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 100);
      const { result, server } = await run({ raw: () => {} }, kind, 'none', { signal: abort.signal });
      expect(result).toEqual(said('CANCELLED', /^the check was cancelled$/));
      await server.idle();
      const again = await run({ raw: () => {} }, kind, 'none', { signal: abort.signal });
      expect(again.result.code).toBe('CANCELLED');
      expect(again.server.connections()).toBe(0);
    });
  });

  describe('that floods', () => {
    const line = { smtp: '220-', imap: '* OK ', pop3: '+OK ' }[kind];
    const FLOODS: readonly (readonly [string, string, string])[] = [
      ['one line without an end', line, 'x'.repeat(65_536)],
      ['one reply without an end', line, `x\r\n${line}`.repeat(4096)],
      ['empty lines', '', '\r\n'.repeat(32_768)],
      ['greetings', '', GREETINGS[kind].repeat(4096)],
    ];
    it('with one reply of 100 KiB is cut off, although it then falls silent', async () => {
      const raw = (socket: Socket): unknown => socket.write(`${line}${'x'.repeat(100 * 1024)}`);
      const { result } = await run({ raw }, kind, 'none', { timeoutMs: 2000 });
      expect(result.code).toBe('PROTOCOL');
    });

    it.each(FLOODS)('with %s is cut off', async (name, first, more) => {
      let sent = 0;
      const raw = (socket: Socket): void => {
        socket.write(first);
        const pour = (): void => {
          while (!socket.destroyed && socket.write(more)) sent += more.length;
          sent += more.length;
        };
        socket.on('drain', pour);
        pour();
      };
      const began = performance.now();
      const { result, server } = await run({ raw }, kind, 'none', { timeoutMs: 8000 });
      // A second greeting is an answer to EHLO in the eyes of nodemailer, one without logins.
      expect(result.code).toBe(kind === 'smtp' && name === 'greetings' ? 'NO_TLS' : 'PROTOCOL');
      expect(performance.now() - began).toBeLessThan(4000);
      // What was on its way in buffers counts too; an endless flood would be gigabytes by now.
      expect(sent).toBeLessThan(512 * 2 ** 20);
      await server.idle();
    });
  });
});

// --- internal ---

/** The lines that carried a login. */
function secretsIn(server: ScriptedServer): readonly string[] {
  const plain = Buffer.from(`\0user\0${PASSWORD}`).toString('base64');
  return server.heard.filter((line) => /AUTH|LOGIN|PASS|MARKED/i.test(line) || line.includes(plain));
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20);
  socket.on('close', () => clearInterval(timer));
}
