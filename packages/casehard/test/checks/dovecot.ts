import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { temporaryFolder } from '../engines.ts';
import type { Certificate } from './certificates.ts';
import { deadPort } from './scripted.ts';

/** Why tests against Dovecot are skipped, if they are. With CASEHARD_REQUIRE_SERVERS=1 that is an error. */
export const DOVECOT_ABSENT = absence();

/** A Dovecot of its own for one test file. */
export interface Dovecot {
  readonly ports: Readonly<Record<'imap' | 'imaps' | 'pop3' | 'pop3s' | 'submission', number>>;
  readonly version: string;
  /** Everything that it has logged. */
  log(): string;
  /** Puts a mail, as a mail server received it, into the mailbox of a user: by Dovecot's own delivery agent. */
  deliver(user: string, message: Uint8Array): void;
  close(): Promise<void>;
}

/**
 * Starts Dovecot with IMAP, POP3 and submission on free ports of 127.0.0.1 and 127.0.0.2. Connections to the first one
 * come from the very same address, which Dovecot takes for secured; to the second one they do not.
 */
export async function startDovecot(
  users: Readonly<Record<string, string>>,
  certificate: Certificate,
): Promise<Dovecot> {
  const folder = temporaryFolder('dovecot');
  const names = ['imap', 'imaps', 'pop3', 'pop3s', 'submission', 'relay'] as const;
  const found = await Promise.all(names.map(deadPort));
  const ports = Object.fromEntries(names.map((name, index) => [name, found[index]])) as Record<
    (typeof names)[number],
    number
  >;
  // Its processes run as users of their own.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'mail'));
  if (IS_ROOT) chownSync(join(folder, 'mail'), NOBODY, NOBODY);
  const passwords = Object.entries(users).map(([user, password]) => `${user}:{PLAIN.HEX}${hex(password)}\n`);
  writeFileSync(join(folder, 'users'), passwords.join(''));
  const config = join(folder, 'dovecot.conf');
  writeFileSync(config, configuration(folder, ports, certificate));
  const relay = new SMTPServer({ disabledCommands: ['STARTTLS', 'AUTH'], logger: false });
  relay.listen(ports.relay, '127.0.0.1');
  const log = join(folder, 'log');
  const child = spawn('dovecot', ['-F', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const readLog = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  await listening(child, ports.submission, readLog);
  return {
    ports,
    version: execFileSync('dovecot', ['--version'], { encoding: 'utf8' }).trim(),
    log: readLog,
    deliver: (user, message) => {
      execFileSync(DELIVERY_AGENT, ['-c', config, '-e', '-d', user], { input: message });
    },
    close: async () => {
      child.kill();
      if (child.exitCode === null) await once(child, 'exit');
      await new Promise<void>((resolve) => relay.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// --- internal ---

const IS_ROOT = userInfo().uid === 0;
const NOBODY = 65_534;
const DELIVERY_AGENT = '/usr/lib/dovecot/dovecot-lda';

function absence(): string | undefined {
  const { status, stdout } = spawnSync('dovecot', ['--version'], { encoding: 'utf8' });
  const modules = ['imap', 'pop3', 'submission'].map((name) => `/usr/lib/dovecot/${name}-login`);
  const reason =
    status !== 0
      ? 'dovecot is not installed'
      : !stdout.startsWith('2.3.')
        ? 'the configuration of this test is for Dovecot 2.3'
        : modules.every((path) => existsSync(path))
          ? undefined
          : 'dovecot-imapd, dovecot-pop3d or dovecot-submissiond is not installed';
  if (reason !== undefined && process.env.CASEHARD_REQUIRE_SERVERS === '1') throw new Error(reason);
  return reason;
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

async function listening(child: ChildProcess, port: number, log: () => string): Promise<void> {
  let complaint = '';
  child.stderr?.on('data', (chunk) => {
    complaint += chunk;
  });
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await wait(100);
  }
  child.kill();
  throw new Error(`dovecot does not start: ${complaint}${log()}`);
}

function configuration(
  folder: string,
  ports: Readonly<Record<string, number>>,
  { certFile, keyFile }: Certificate,
): string {
  // The login processes refuse root, and are the ones that talk to strangers; the package has users for them.
  const [login, internal] = IS_ROOT ? ['dovenull', 'dovecot'] : [userInfo().username, userInfo().username];
  const [uid, gid] = IS_ROOT ? [NOBODY, NOBODY] : [userInfo().uid, userInfo().gid];
  const group = IS_ROOT ? 'dovecot' : execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
  const listener = (name: string, isTls = false): string =>
    `  inet_listener ${name} {\n    port = ${ports[name]}\n${isTls ? '    ssl = yes\n' : ''}  }\n`;
  return `
protocols = imap pop3 submission
listen = 127.0.0.1, 127.0.0.2
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
default_login_user = ${login}
default_internal_user = ${internal}
default_internal_group = ${group}
ssl = yes
ssl_cert = <${certFile}
ssl_key = <${keyFile}
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
auth_username_chars =
mail_location = maildir:${folder}/mail/%Mu
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/users
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${folder}/mail/%Mu
}
service imap-login {
  chroot =
${listener('imap')}${listener('imaps', true)}}
service pop3-login {
  chroot =
${listener('pop3')}${listener('pop3s', true)}}
service submission-login {
  chroot =
${listener('submission')}}
service anvil {
  chroot =
  # Without penalties: after a wrong password the next login would wait for seconds.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
submission_relay_host = 127.0.0.1
submission_relay_port = ${ports.relay}
`;
}
