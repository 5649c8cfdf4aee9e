import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why tests with the `age` command are skipped, if they are. With CASEHARD_REQUIRE_SERVERS=1 that is an error. */
export const AGE_ABSENT = absence();

/** A pair of age-keygen: the recipient, and the file of the identity. */
export interface AgePair {
  readonly recipient: string;
  readonly file: string;
}

/** Makes a pair with the real command. */
export function makeAgePair(folder: string, name = 'identity.txt'): AgePair {
  const file = join(folder, name);
  age('age-keygen', ['-o', file]);
  return { recipient: age('age-keygen', ['-y', file]).trim(), file };
}

/** Runs a command of age; throws with its complaint where it fails. */
export function age(command: 'age' | 'age-keygen', args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** Runs age on a terminal of its own, made by `script`, and types the passphrase as often as it asks. */
export async function ageWithPassphrase(args: readonly string[], passphrase: string): Promise<void> {
  const line = ['age', ...args].map((arg) => `'${arg}'`).join(' ');
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  let answered = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const asked = said.match(/(?:Enter|Confirm) passphrase[^:]*:/g)?.length ?? 0;
    for (; answered < asked; answered++) child.stdin.write(`${passphrase}\n`);
  });
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`age on a terminal: ${said}`);
}

/** Writes a file of settings for age to seal. */
export function writeSettings(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

// --- internal ---

function absence(): string | undefined {
  const missing = ['age', 'age-keygen', 'script'].filter((command) => spawnSync(command, ['--version']).error);
  if (missing.length === 0) return undefined;
  const reason = `${missing.join(', ')} not installed`;
  if (process.env.CASEHARD_REQUIRE_SERVERS === '1') throw new Error(reason);
  return reason;
}
