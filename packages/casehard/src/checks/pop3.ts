import type { Secret } from '@casehard/core';
import { secure } from './dial.ts';
import { type Lines, openLines } from './lines.ts';
import { connectMail, noStarttls, tryLater, wantsTls, wrongPassword } from './mail.ts';
import { type Pop3Request, sendable } from './request.ts';
import { CheckStop, type Passed } from './result.ts';
import type { Session } from './session.ts';

/** STLS where asked for, CAPA, USER, PASS, QUIT (RFC 1939, 2449, 2595). No message is listed or fetched. */
export async function checkPop3(request: Pop3Request, secret: Secret, session: Session): Promise<Passed> {
  const pass = sendable(secret);
  const { endpoint, socket } = await connectMail(request, session);
  let lines = openLines(socket);
  if (!isOk(await lines.next())) throw new CheckStop('PROTOCOL', 'the server turned us away before the login', '-ERR');
  if (request.tls === 'starttls') {
    if (!isOk(await lines.command('STLS'))) throw noStarttls('-ERR');
    // What follows the +OK before the handshake was written by somebody in between (RFC 2595 section 4).
    if (!lines.release()) throw noStarttls();
    lines = openLines(await secure(socket, endpoint, session));
  }
  const capabilities = await capa(lines);
  const user = await lines.command(`USER ${request.user}`);
  if (!isOk(user)) throw refused(user, request, capabilities);
  const answer = await lines.command(`PASS ${pass}`);
  // IN-USE is said to somebody who has logged in, and whose mailbox another program holds (RFC 2449 section 8.1.1).
  if (!isOk(answer) && codeOf(answer) !== 'IN-USE') throw refused(answer, request, capabilities);
  // The login has succeeded; a server that does not say goodbye changes nothing about it.
  lines.send('QUIT');
  return { says: 'the server accepted user and password; the mailbox was not touched' };
}

// --- internal ---

/** Response codes of RFC 2449 and RFC 3206. */
const CODES = ['AUTH', 'IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM'] as const;

function isOk(line: string): boolean {
  if (/^\+OK\b/i.test(line)) return true;
  if (/^-ERR\b/i.test(line)) return false;
  throw new CheckStop('PROTOCOL', 'the server does not speak POP3 on this port');
}

/** The capabilities in upper case; none where the server does not know the command. */
async function capa(lines: Lines): Promise<readonly string[]> {
  const found: string[] = [];
  if (!isOk(await lines.command('CAPA'))) return found;
  for (let line = await lines.next(); line !== '.'; line = await lines.next()) {
    if (found.length >= MANY) throw new CheckStop('PROTOCOL', 'the server sends far too much');
    found.push(line.toUpperCase());
  }
  return found;
}

const MANY = 200;

function codeOf(line: string): (typeof CODES)[number] | undefined {
  const code = /^-ERR \[([A-Z/-]+)\]/i.exec(line)?.[1]?.toUpperCase();
  return CODES.find((known) => known === code);
}

function refused(line: string, { tls }: Pop3Request, capabilities: readonly string[]): CheckStop {
  const code = codeOf(line);
  const reply = code === undefined ? '-ERR' : `-ERR [${code}]`;
  // A server that has STLS and no USER yet takes logins on encrypted connections only.
  if (tls === 'none' && capabilities.includes('STLS') && !capabilities.includes('USER')) return wantsTls(reply);
  if (code === 'SYS/TEMP' || code === 'LOGIN-DELAY') return tryLater(reply);
  if (code === 'SYS/PERM')
    return new CheckStop('PROTOCOL', 'the mailbox is out of order: ask who runs the server', reply);
  return wrongPassword(reply);
}
