import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckRequest, Lookup } from '../../src/checks/check.ts';
import { audited } from './audited.ts';
import { type ScriptedServer, serveScript } from './scripted.ts';

let server: ScriptedServer;
beforeAll(async () => {
  server = await serveScript({ greeting: '554 go away\r\n', answer: () => '221 bye\r\n' });
});
afterAll(() => server.close());

const smtp = (host: string): CheckRequest => ({ kind: 'smtp', host, port: server.port, user: 'u', tls: 'none' });

function resolver(...answers: readonly (readonly string[])[]): Lookup & { asked: string[] } {
  const asked: string[] = [];
  const lookup = async (name: string) => {
    asked.push(name);
    return (answers[Math.min(asked.length, answers.length) - 1] ?? []).map((address) => ({ address }));
  };
  return Object.assign(lookup, { asked });
}

describe('an address that is never dialled is refused in every spelling', () => {
  const REFUSED = [
    ...['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '0xa9.254.43518', '169.254.43518'],
    ...['１６９.254.169.254', '169。254。169。254', '169.254.169.254.', '[::ffff:169.254.169.254]', '::ffff:a9fe:a9fe'],
    ...['64:ff9b::a9fe:a9fe', '[fe80::1]', 'fd00:ec2::254', '0', '0.0.0.0', '[::]', '255.255.255.255', '224.0.0.1'],
  ];
  it.each(REFUSED)('%s', async (host) => {
    expect(await audited(smtp(host), 'password')).toEqual({
      ok: false,
      code: 'REFUSED_ADDRESS',
      says: expect.stringMatching(/^the host has an address that is never dialled/),
    });
  });
  it.each(['http://2852039166/', 'http://0xA9FEA9FE/', 'https://[::ffff:a9fe:a9fe]/', 'http://169.254.169.254/'])(
    '%s',
    async (url) => {
      expect(await audited({ kind: 'http', url }, 'some-key')).toMatchObject({ code: 'REFUSED_ADDRESS' });
    },
  );
});

describe('a private address is refused unless the policy allows it', () => {
  it.each(['127.0.0.1', '2130706433', '0177.1', '127.1', '[::1]', '::ffff:127.0.0.1', '10.0.0.1', 'localhost'])(
    '%s',
    async (host) => {
      expect(await audited(smtp(host), 'password', { privateAddresses: false })).toEqual({
        ok: false,
        code: 'REFUSED_ADDRESS',
        says: expect.stringMatching(/^the host has a private address/),
      });
    },
  );
  it('and an odd spelling of an allowed one is dialled as what it is', async () => {
    const before = server.connections();
    expect(await audited(smtp('0x7f.1'), 'password')).toMatchObject({
      code: 'PROTOCOL',
      reply: '554',
      address: `127.0.0.1:${server.port}`,
    });
    expect(server.connections()).toBe(before + 1);
  });
});

describe('a name', () => {
  it('is resolved once, and exactly the vetted address is dialled, whatever the DNS says later', async () => {
    const lookup = resolver(['127.0.0.1'], ['169.254.169.254']);
    expect(await audited(smtp('Rebind.Example.'), 'password', { lookup })).toMatchObject({
      reply: '554',
      address: `127.0.0.1:${server.port}`,
    });
    expect(lookup.asked).toEqual(['rebind.example']);
  });

  const MIXED = [['169.254.169.254'], ['127.0.0.1', '169.254.169.254'], ['8.8.8.8', 'fe80::1%eth0'], ['127.0.0.1', '']];
  it.each(MIXED)('with a refused address among its addresses is refused: %s %s', async (...addresses) => {
    const before = server.connections();
    const lookup = resolver(addresses);
    expect(await audited(smtp('mixed.example'), 'password', { lookup })).toMatchObject({ code: 'REFUSED_ADDRESS' });
    expect(server.connections()).toBe(before);
  });

  it('with one private address among public ones counts as private', async () => {
    const policy = { lookup: resolver(['8.8.8.8', '10.0.0.1']), privateAddresses: false };
    expect(await audited(smtp('mixed.example'), 'password', policy)).toMatchObject({ code: 'REFUSED_ADDRESS' });
  });

  it('with a dead address first is reached at the next one', async () => {
    const lookup = resolver(['::1', '127.0.0.1']);
    expect(await audited(smtp('two.example'), 'password', { lookup })).toMatchObject({
      reply: '554',
      address: `127.0.0.1:${server.port}`,
    });
  });

  it('that does not exist is said to be so', async () => {
    expect(await audited(smtp('no-such-name.invalid'), 'password')).toMatchObject({ code: 'NAME_NOT_FOUND' });
    const nobody: Lookup = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    };
    const missing = { ok: false, code: 'NAME_NOT_FOUND', says: 'the host name does not exist: check its spelling' };
    expect(await audited(smtp('nobody.example'), 'password', { lookup: nobody })).toEqual(missing);
    expect(await audited(smtp('empty.example'), 'password', { lookup: resolver([]) })).toEqual(missing);
  });

  it('that the name servers do not answer for is told apart', async () => {
    const lookup: Lookup = async () => {
      throw Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' });
    };
    expect(await audited(smtp('slow.example'), 'password', { lookup })).toEqual({
      ok: false,
      code: 'NAME_NOT_FOUND',
      says: 'the name servers do not answer: check the DNS of this machine',
    });
  });

  it('that resolves after the time is up is not dialled any more', async () => {
    const before = server.connections();
    let answer = (): void => {};
    const lookup: Lookup = () => new Promise((resolve) => (answer = () => resolve([{ address: '127.0.0.1' }])));
    expect(await audited(smtp('late.example'), 'password', { lookup, timeoutMs: 50 })).toMatchObject({
      code: 'TIMEOUT',
    });
    answer();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.connections()).toBe(before);
  });
});
