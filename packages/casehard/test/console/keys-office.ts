import { join } from 'node:path';
import { type Attachment, createCasehard, createKeyring, type KeyringOptions } from '@casehard/core';
import { sql } from 'kysely';
import { loadConfig } from '../../src/config/load.ts';
import { createDriver } from '../../src/inventory/driver.ts';
import type { TestEngine } from '../engines.ts';
import { type Office, openOffice, until } from './office.ts';
import type { Page, Visitor } from './visitor.ts';

/** Milliseconds between two reports, so that a rotation is a matter of seconds. */
export const HEARTBEAT = 400;

/** "Mailer" whose processes report often, and whose keys may be withdrawn the day they come to rest. */
export function openKeysOffice(engine: TestEngine, keys: Readonly<Record<string, string>>): Promise<Office> {
  return openOffice(engine, {
    keys,
    configuration: (text) => text.replace('defineConfig({', 'defineConfig({\n  keys: { quietDays: 0 },'),
    console: { heartbeat: HEARTBEAT },
  });
}

/** Runs the upgrade, hardens everything, and waits until a scan has seen that. */
export async function hardenAll(office: Office, operator: Visitor): Promise<void> {
  await until(async () => (await operator.get('/upgrade')).text.includes('Run upgrade'));
  await operator.post('/upgrade');
  await until(async () => (await operator.get('/upgrade')).text.includes('The upgrade has run'));
  await runHarden(operator);
  await scanned(operator);
  if (office.warnings.length > 0) throw new Error(office.warnings.join('\n'));
}

/** Hardens, or reseals, and waits for the end. */
export async function runHarden(operator: Visitor): Promise<void> {
  await operator.get('/jobs');
  const { path } = await operator.post('/jobs/harden', { field: '' });
  const job = path.split('?')[0] ?? '';
  await until(async () => /data-live="state"[^>]*>done/.test((await operator.get(job)).text), 60);
}

/** Asks for a scan, and waits until one that began after that has ended, and the doctor has looked. */
export async function scanned(operator: Visitor): Promise<void> {
  await operator.get('/keys');
  await operator.post('/scan');
  await until(async () => !(await operator.get('/')).text.includes('A scan is under way'), 60);
  await until(async () => !(await operator.get('/doctor')).text.includes('The doctor is looking'), 60);
}

/** A process of the application, as it attaches itself; its host is the one of the test, its id its own. */
export async function attachProcess(office: Office, keys: KeyringOptions): Promise<Attachment> {
  const { fields } = await loadConfig(join(office.folder, 'casehard.config.ts'));
  const hard = createCasehard({ fields, keyring: createKeyring(keys), warn: () => {} });
  return hard.attach(createDriver(office.test.db, fields), { heartbeat: HEARTBEAT });
}

/** Puts a credential under a key into rows of `users`, as a process with that key would. */
export async function saveUnder(office: Office, key: string, ids: readonly number[]): Promise<void> {
  const { fields } = await loadConfig(join(office.folder, 'casehard.config.ts'));
  const hard = createCasehard({ fields, keyring: createKeyring({ active: key }), warn: () => {} });
  for (const id of ids) {
    const sealed = hard.field('user.smtp.password').seal(`MARKED-lost-${id}`, { user_id: id } as never);
    await sql`update users set smtp_password = ${sealed} where user_id = ${id}`.execute(office.test.db.kysely);
  }
}

/** Posts a form with a file, as a browser does. */
export async function upload(
  visitor: Visitor,
  path: string,
  fields: Readonly<Record<string, string>>,
  file?: { readonly name: string; readonly content: string | Uint8Array<ArrayBuffer> },
): Promise<Response> {
  const body = new FormData();
  for (const [name, value] of Object.entries({ csrf: visitor.token, ...fields })) body.append(name, value);
  if (file) body.append('file', new Blob([file.content]), file.name);
  // As bytes: a form whose reading is broken off would go on filling the stream that it is.
  const sent = new Response(body);
  const headers = { origin: 'http://127.0.0.1:8437', 'content-type': sent.headers.get('content-type') ?? '' };
  return visitor.raw(path, { method: 'POST', body: await sent.arrayBuffer(), headers });
}

/** The text of a page without its tags, in one line. */
export function plain({ text }: Pick<Page, 'text'>): string {
  return text
    .replace(/<[^>]+>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/\s+/g, ' ');
}

export function kidOf(key: string): string {
  return key.split('.')[2] ?? '';
}
