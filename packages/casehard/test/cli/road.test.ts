import { createCasehard, createKeyring, VERDICT_KINDS } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleFields } from '../../src/sample/config.ts';
import { ENGINES } from '../engines.ts';
import { changed, dump } from './dump.ts';
import { type Listed, type Mailer, makeMailer, QUARANTINED } from './mailer.ts';
import { NEW_VALUE, remedyFor, withOperator } from './remedies.ts';

/** Verdicts of foreign values name the product; the sample says only that they are foreign. */
const short = (verdict: string): string => (verdict.startsWith('foreign') ? 'foreign' : verdict);
const lines = (entries: readonly { readonly locator: string; readonly verdict: string }[]): readonly string[] =>
  [...new Set(entries.map(({ locator, verdict }) => `${locator}: ${short(verdict)}`))].sort();

describe.each(ENGINES)('from the sample to no plaintext on $engine', (engine) => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (!engine.absent) mailer = await makeMailer(engine);
  });
  afterAll(() => mailer?.drop());

  const expected = (keep: RegExp): readonly string[] =>
    lines(mailer.specials.filter(({ verdict }) => keep.test(verdict)));

  it.skipIf(engine.absent)('status shows every verdict, and lists exactly the odd rows with their origin', async () => {
    const { code, json } = await mailer.run(['status', '--deep', '--json']);
    expect(code).toBe(0);
    const fields = json.fields as readonly { readonly verdicts: Readonly<Record<string, number>> }[];
    const seen = VERDICT_KINDS.filter((kind) => fields.some(({ verdicts }) => (verdicts[kind] ?? 0) > 0));
    expect(seen).toEqual(VERDICT_KINDS);
    const listed = json.listed as readonly Listed[];
    expect(lines(listed)).toEqual(expected(/^(foreign|unexpected|unreadable|stale)|nested/));
    expect(Object.fromEntries(listed.filter(({ from }) => from).map(({ locator, from }) => [locator, from]))).toEqual({
      'user.smtp.password#64': 'user.smtp.password#63',
      'user.smtp.password#65': 'user.smtp.password#66',
      'user.smtp.password#66': 'user.smtp.password#65',
      'user.smtp.password#67': 'user.api.token#67',
      'addon.api.key#sealed-moved': 'addon.api.key#sealed',
      'oauth.client.secret#sealed-moved': 'oauth.client.secret#sealed',
    });
  });

  it.skipIf(engine.absent)(
    'a quick status finds the same rows not hardened, but for damage that only opening shows',
    async () => {
      const quick = (await mailer.run(['status', '--json'])).json;
      const thorough = (await mailer.run(['status', '--deep', '--json'])).json;
      expect((quick.fields as readonly Counted[]).map(totals)).toEqual(
        (thorough.fields as readonly Counted[]).map(totals),
      );
    },
  );

  it.skipIf(engine.absent)('upgrade, then harden: what remains is exactly what must be quarantined', async () => {
    expect((await mailer.run(['upgrade'])).code).toBe(0);
    const hardened = await mailer.run(['harden', '--json']);
    expect([hardened.code, hardened.json.busy]).toEqual([3, 0]);
    const check = await mailer.run(['status', '--check', '--deep', '--json']);
    expect(check.code).toBe(3);
    expect(lines(check.json.listed as readonly Listed[])).toEqual(expected(/^(foreign|unexpected|unreadable)|nested/));
    expect(hardened.json.quarantined).toBe(expected(QUARANTINED).length);
    expect(check.json.notHardened).toBe(expected(QUARANTINED).length);
  });

  it.skipIf(engine.absent)('a second harden finds nothing to do and writes no value', async () => {
    const before = await dump(mailer.test.db, { ownTables: false });
    const again = await mailer.run(['harden', '--json']);
    expect([again.code, again.json.changed]).toEqual([3, 0]);
    expect(await dump(mailer.test.db, { ownTables: false })).toEqual(before);
  });

  it.skipIf(engine.absent)('each quarantined row can be dealt with; then the check exits 0', async () => {
    const because = new Map(mailer.specials.map((one) => [one.locator, one.because]));
    const asPlaintext: string[] = [];
    const listed = (await mailer.run(['status', '--deep', '--json'])).json.listed as readonly Listed[];
    await withOperator(mailer, async (operator) => {
      for (const one of listed.filter(({ verdict }) => QUARANTINED.test(verdict))) {
        const remedy = remedyFor({ ...one, because: because.get(one.locator) ?? '' });
        await operator(remedy, one.locator);
        if (remedy === 'as plaintext') asPlaintext.push(one.locator);
      }
    });
    const { code, json } = await mailer.run(['status', '--check', '--deep', '--json']);
    expect([code, json.notHardened]).toEqual([0, 0]);
    // What was sealed as the plaintext that it is goes on looking sealed inside: a warning.
    const warned = ['user.smtp.password#62', ...asPlaintext.filter((one) => /token#9|looks-sealed/.test(one))];
    expect(lines(json.listed as readonly Listed[])).toEqual(warned.map((one) => `${one}: current (nested)`).sort());
    expect(await openUser(mailer, 68)).toBe(NEW_VALUE);
    expect(await openUser(mailer, 11)).toBe('hunter2!'); // sealed as the plaintext that it was
    expect((await mailer.run(['harden'])).code).toBe(0);
  });
});

describe.each(ENGINES)('the way back on $engine', (engine) => {
  let mailer: Mailer;
  beforeAll(async () => {
    if (!engine.absent) mailer = await makeMailer(engine);
  });
  afterAll(() => mailer?.drop());

  it.skipIf(engine.absent)(
    'soften restores the bytes of every row that harden changed, and no other row moves',
    async () => {
      const { db } = mailer.test;
      await mailer.run(['upgrade']);
      const before = await dump(db, { ownTables: false });
      await mailer.run(['harden']);
      const hardened = await dump(db, { ownTables: false });
      const touched = changed(before, hardened);
      expect(touched.length).toBeGreaterThan(50);
      const { code, json } = await mailer.run(['soften', '--yes', '--json']);
      expect(json).toMatchObject({ busy: 0, stopped: false });
      expect(code).toBe(3); // quarantined rows are still there
      const after = await dump(db, { ownTables: false });
      // Rows that were sealed before harden have no legacy bytes to go back to.
      const sealed = mailer.specials.filter(({ verdict }) => /^(current|stale)/.test(verdict)).length;
      const differing = changed(before, after);
      const mark = Buffer.from('chd1.').toString('hex');
      expect(differing.filter((line) => line.toLowerCase().includes(mark)).length).toBe(sealed);
      expect(differing).toHaveLength(sealed);
      const { json: status } = await mailer.run(['status', '--deep', '--json']);
      const kinds = (status.fields as readonly Counted[]).map(({ verdicts }) => [verdicts.current, verdicts.stale]);
      expect(kinds.every(([current, stale]) => current === 0 && stale === 0)).toBe(true);
    },
  );
});

// --- internal ---

interface Counted {
  readonly name: string;
  readonly rows: number;
  readonly verdicts: Readonly<Record<string, number>>;
}

/** Without opening nobody knows whether a value under a known key is intact, or a plain text of the declared scheme. */
function totals({ name, rows, verdicts }: Counted): Readonly<Record<string, unknown>> {
  const { empty, stale, legacy = 0, foreign = 0, unexpected = 0, current = 0, unreadable = 0 } = verdicts;
  return { name, rows, empty, stale, sealed: current + unreadable, other: legacy + foreign + unexpected };
}

async function openUser({ test, env }: Mailer, id: number): Promise<string | null> {
  const field = createCasehard({
    fields: sampleFields,
    keyring: createKeyring({ active: env.CASEHARD_ENC_KEY ?? '' }),
  }).field('user.smtp.password');
  const [row] = await test.db.kysely.selectFrom('users').selectAll().where('user_id', '=', id).execute();
  return field.openText(row?.smtp_password as string, { user_id: id });
}
