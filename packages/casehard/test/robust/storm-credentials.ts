import { createHash } from 'node:crypto';
import { column, path, setting } from '@casehard/core';
import { type RawBuilder, sql } from 'kysely';
import { printPhp } from '../../src/sample/php-text.ts';

/** The credentials that the storm saves and reads: every kind of place. */
export const stormFields = {
  user: column('users', 'password', { row: { id: 'int' }, was: 'base64' }),
  smtp: setting('settings', { where: { name: 'smtp' }, value: 'value', was: 'base64' }),
  client: path('clients', 'config', '/secret', { row: { id: 'int' }, in: 'json', was: 'plaintext' }),
  addon: path('addons', 'config', '/secret', { row: { id: 'int' }, in: 'php-serialize', was: 'plaintext' }),
};

export type StormField = keyof typeof stormFields;

/** Rows of each field; small, so that savers and hardeners meet. */
export const STORM_ROWS: Readonly<Record<StormField, number>> = { user: 300, smtp: 1, client: 40, addon: 40 };

/** Where a field's text is kept. */
export const STORM_PLACES: Readonly<
  Record<StormField, { table: string; column: string; where(id: number): RawBuilder<unknown> }>
> = {
  user: { table: 'users', column: 'password', where: byId },
  smtp: { table: 'settings', column: 'value', where: () => sql`name = 'smtp'` },
  client: { table: 'clients', column: 'config', where: byId },
  addon: { table: 'addons', column: 'config', where: byId },
};

/** The content that the n-th save of a row stores; it says of itself whose it is. */
export function contentOf(field: StormField, id: number, save: number): string {
  const text = `${field}/${id}/${save}`;
  return `${text}/é"\\${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

/** Which save of this row a content is. Throws for anything that was never saved there. */
export function saveOf(field: StormField, id: number, content: string | null): number {
  const save = Number(/^\w+\/\d+\/(\d+)\//.exec(content ?? '')?.[1]);
  if (content !== contentOf(field, id, save)) throw new Error(`${field}#${id}: read what nobody has saved`);
  return save;
}

/** The column's text around a stored value, as the application writes it. The document repeats which save it is. */
export function wrap(field: StormField, stored: string, save: number): string {
  if (field === 'client') return `{"save":${save},"secret":${JSON.stringify(stored)}}`;
  if (field === 'addon') return printPhp({ save, secret: stored });
  return stored;
}

/** The stored value in a column's text, and the save that its document says it is. */
export function unwrap(
  field: StormField,
  text: string,
): { readonly stored: string; readonly save: number | undefined } {
  if (field === 'client') {
    const { secret, save } = JSON.parse(text) as { secret: string; save: number };
    return { stored: secret, save };
  }
  if (field !== 'addon') return { stored: text, save: undefined };
  const bytes = Buffer.from(text);
  const head = /^a:2:\{s:4:"save";i:(\d+);s:6:"secret";s:(\d+):"/.exec(text);
  const start = head?.[0].length ?? 0;
  const end = start + Number(head?.[2]);
  if (bytes.subarray(end).toString() !== '";}') throw new Error('the serialized text is broken');
  return { stored: bytes.subarray(start, end).toString(), save: Number(head?.[1]) };
}

/** As a process stores it that has not heard of casehard. */
export function legacyOf(field: StormField, content: string): string {
  return stormFields[field].was === 'base64' ? Buffer.from(content).toString('base64') : content;
}

// --- internal ---

function byId(id: number): RawBuilder<unknown> {
  return sql`id = ${id}`;
}
