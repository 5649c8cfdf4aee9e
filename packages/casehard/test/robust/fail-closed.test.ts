import { column, createCasehard, createKeyring, generateKey, isQuarantined } from '@casehard/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FOREIGN } from '../../src/sample/foreign-values.ts';
import { ENGINES } from '../engines.ts';
import { makeWork, type Work } from '../jobs/project.ts';

const FIELDS = {
  base64: column('base64_values', 'secret', { row: { id: 'int' }, was: 'base64' }),
  plain: column('plain_values', 'secret', { row: { id: 'int' }, was: 'plaintext' }),
};
type Name = keyof typeof FIELDS;
const NAMES: readonly Name[] = ['base64', 'plain'];
const RUNS = 20;
const ROWS = 40;

const keys = {
  active: generateKey('enc'),
  previous: generateKey('enc'),
  unknown: generateKey('enc'),
  withdrawn: generateKey('enc'),
};
type Key = keyof typeof keys;
const keyring = createKeyring({
  active: keys.active,
  previous: [keys.previous, keys.withdrawn],
  withdrawn: [keys.withdrawn.split('.')[2] ?? ''],
});
const ours = createCasehard({ fields: FIELDS, keyring });
const sealers = Object.fromEntries(
  Object.entries(keys).map(([name, active]) => [
    name,
    createCasehard({ fields: FIELDS, keyring: createKeyring({ active }) }),
  ]),
);
/** Values that open in the row that they were made for. */
const GOOD = new Set<string>();
const sealedBy = (key: Key, name: Name, content: string, id: number): string =>
  sealers[key]?.field(name).seal(content, { id }) ?? '';
const goodFor = (key: Key, sealed: string): string => {
  if (key === 'active' || key === 'previous') GOOD.add(sealed);
  return sealed;
};

/** What a row may hold, whoever wrote it; made for its field and its row. */
type Recipe = (name: Name, id: number) => string;

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((one) => !one.includes('\0'));
const key = fc.constantFrom<Key>('active', 'previous', 'unknown', 'withdrawn');
const recipe: fc.Arbitrary<Recipe> = fc.oneof(
  {
    weight: 4,
    arbitrary: text.map(
      (content): Recipe =>
        (name) =>
          name === 'base64' ? base64(content) : content,
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(key, text).map(
      ([by, content]): Recipe =>
        (name, id) =>
          goodFor(by, sealedBy(by, name, content, id)),
    ),
  },
  fc.tuple(key, text).map(
    ([by, content]): Recipe =>
      (name, id) =>
        sealedBy(by, name, content, id + 1),
  ),
  fc.tuple(key, text).map(
    ([by, content]): Recipe =>
      (name, id) =>
        sealedBy(by, name === 'plain' ? 'base64' : 'plain', content, id),
  ),
  {
    weight: 4,
    arbitrary: fc.tuple(key, text, fc.nat(), fc.constantFrom(...damages())).map(
      ([by, content, at, damage]): Recipe =>
        (name, id) =>
          damage(sealedBy(by, name, content, id), at),
    ),
  },
  fc.tuple(key, key).map(
    ([by, inner]): Recipe =>
      (name, id) =>
        goodFor(by, sealedBy(by, name, sealedBy(inner, name, 'nested', id), id)),
  ),
  key.map(
    (by): Recipe =>
      (name, id) =>
        base64(sealedBy(by, name, 'saved over', id)),
  ),
  fc.constantFrom(...Object.values(FOREIGN)).map(
    (value): Recipe =>
      () =>
        value,
  ),
  text.map(
    (junk): Recipe =>
      () =>
        junk,
  ),
  text.map(
    (junk): Recipe =>
      () =>
        `chd1.${junk}`,
  ),
);

describe.each(ENGINES)('whatever a table on $engine holds', (engine) => {
  let work: Work;
  beforeAll(async () => {
    if (engine.absent) return;
    const tables = NAMES.map((name) => `create table ${name}_values (id integer not null primary key, secret text)`);
    work = await makeWork(engine, tables);
    await work.upgrade(FIELDS);
  });
  afterAll(() => work?.drop());

  const fill = async (recipes: readonly Recipe[]): Promise<void> => {
    for (const name of NAMES) {
      await work.execute(`delete from ${name}_values`);
      const rows = recipes.map((make, i) => sql`(${i + 1}, ${make(name, i + 1)})`);
      await sql`insert into ${sql.table(`${name}_values`)} values ${sql.join(rows)}`.execute(work.test.db.kysely);
    }
  };
  const stored = async (): Promise<readonly Row[]> => {
    const rows = NAMES.map(async (name) => {
      const { rows } = await sql<{ id: number | bigint; secret: string }>`
        select id, secret from ${sql.table(`${name}_values`)} order by id`.execute(work.test.db.kysely);
      return rows.map(({ id, secret }): Row => ({ name, id: Number(id), secret }));
    });
    return (await Promise.all(rows)).flat();
  };

  it.skipIf(engine.absent)(
    'harden changes no value that does not open, and no content; twice is once; soften goes back',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(recipe, { minLength: ROWS, maxLength: ROWS }), async (recipes) => {
          await fill(recipes);
          const before = await stored();
          const { changed, quarantined } = await work.run(FIELDS, { batch: 7 }, keyring);
          const hardened = await stored();
          before.forEach((row, i) => {
            if (isLost(row)) expect(hardened[i]).toEqual(row);
            const [old, now] = [contentOf(row), contentOf(hardened[i] as Row)];
            if (old === undefined || isQuarantined(verdictOf(row))) expect(hardened[i]).toEqual(row);
            else expect([now, verdictOf(hardened[i] as Row).kind]).toEqual([old, 'current']);
          });
          expect(changed).toBe(before.filter((row) => ['legacy', 'stale'].includes(verdictOf(row).kind)).length);
          expect(quarantined).toBe(before.filter((row) => isQuarantined(verdictOf(row))).length);

          expect(await work.run(FIELDS, {}, keyring)).toMatchObject({ changed: 0, quarantined });
          expect(await stored()).toEqual(hardened);

          await work.run(FIELDS, { act: 'soften', batch: 7 }, keyring);
          const softened = await stored();
          before.forEach((row, i) => {
            const { kind } = verdictOf(row);
            // What was sealed before has no legacy bytes to go back to.
            if (kind === 'legacy' || isQuarantined(verdictOf(row))) expect(softened[i]).toEqual(row);
          });
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
    },
    120_000,
  );
});

// --- internal ---

interface Row {
  readonly name: Name;
  readonly id: number;
  readonly secret: string;
}

const verdictOf = ({ name, id, secret }: Row) => ours.field(name).verdict(secret, { id });

/** What an application reads, in hex, because base64 may hold bytes that are no text; undefined: an error. */
function contentOf({ name, id, secret }: Row): string | undefined {
  try {
    return Buffer.from(ours.field(name).open(secret, { id })?.revealBytes() ?? []).toString('hex');
  } catch {
    return undefined;
  }
}

function base64(content: string): string {
  return Buffer.from(content).toString('base64');
}

/** Whether a value looks sealed and no key opens it here: known from how it was made, whatever the library says. */
function isLost({ secret }: Row): boolean {
  if (!/^chd[0-9]{1,3}\./i.test(secret)) return false;
  return !GOOD.has(secret);
}

/** What happens to stored values in the field: cut, case-folded, pasted, edited. */
function damages(): readonly ((sealed: string, at: number) => string)[] {
  const other = (character: string | undefined): string => (character === 'A' ? 'B' : 'A');
  return [
    (sealed, at) => sealed.slice(0, 1 + (at % (sealed.length - 1))),
    (sealed, at) => sealed.slice(0, at % sealed.length) + sealed.slice((at % sealed.length) + 1),
    (sealed, at) => {
      const i = at % sealed.length;
      return sealed.slice(0, i) + other(sealed[i]) + sealed.slice(i + 1);
    },
    (sealed) => sealed.toLowerCase(),
    (sealed) => sealed.toUpperCase(),
    (sealed) => `${sealed}${sealed}`,
    (sealed) => ` ${sealed}`,
    (sealed) => `${sealed}\n`,
    (sealed) => `"${sealed}"`,
  ];
}
