import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../engines.ts';
import { type Mailer, makeMailer } from './mailer.ts';

/** A value as its shape: keys and types, of a list its first entry. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

const VERDICTS = {
  current: 'number',
  empty: 'number',
  legacy: 'number',
  stale: 'number',
  foreign: 'number',
  unexpected: 'number',
  unreadable: 'number',
};
const STEP = { id: 'string', why: 'string', cost: 'string', costNote: 'string', sql: ['string'] };
const WALKED = {
  name: 'string',
  rows: 'number',
  changed: 'number',
  kept: 'number',
  quarantined: 'number',
  busy: 'number',
  refused: 'number',
  nested: 'number',
  tight: 'number',
  total: 'number',
  stopped: 'boolean',
};
const RUN = {
  command: 'string',
  ok: 'boolean',
  exit: 'number',
  dryRun: 'boolean',
  changed: 'number',
  quarantined: 'number',
  busy: 'number',
  refused: 'number',
  stopped: 'boolean',
  fields: [WALKED],
};
const UPGRADE = { command: 'string', ok: 'boolean', exit: 'number', dryRun: 'boolean', problems: [] };

describe('with --json, every command prints one object of a shape that programs may rely on', () => {
  let mailer: Mailer;
  beforeAll(async () => {
    const [sqlite] = ENGINES;
    if (!sqlite) throw new Error('no SQLite');
    mailer = await makeMailer(sqlite, { rows: 2 });
  });
  afterAll(() => mailer.drop());

  it.each([
    [['init', '--config', 'init.config.ts'], 0, { file: 'string' }],
    [['status', '--deep'], 0, { deep: 'boolean' }],
    [['upgrade', '--dry-run'], 3, { ...UPGRADE, steps: [STEP], done: [] }],
    [['upgrade'], 0, { ...UPGRADE, steps: [STEP], done: ['string'] }],
    [['harden', '--dry-run'], 3, { ...RUN, residue: 'null' }],
    [['harden'], 3, { ...RUN, residue: { where: 'string', commands: ['string'] } }],
    [['soften', '--dry-run'], 3, { ...RUN, residue: 'null' }],
    [
      ['set', 'user.smtp.password#1'],
      0,
      { command: 'string', ok: 'boolean', exit: 'number', locator: 'string', stored: 'string' },
    ],
    [
      ['set', 'user.smtp.password#999999'],
      1,
      {
        command: 'string',
        ok: 'boolean',
        exit: 'number',
        error: { code: 'string', message: 'string', hint: 'string' },
      },
    ],
  ] as const)('%j', async (args, exit, shape) => {
    const { code, stdout, json } = await mailer.run([...args, '--json'], { input: 'a new value' });
    expect([code, json.exit, json.command, json.ok]).toEqual([exit, exit, args[0], exit !== 1]);
    expect(stdout.endsWith('}\n')).toBe(true);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(shapeOf(json)).toMatchObject(shape);
    if (!('file' in shape) && !('deep' in shape))
      expect(Object.keys(shapeOf(json) as object).sort()).toEqual(Object.keys(shape).sort());
  });

  it('status tells counts, kids, widths and what accepts legacy, field by field', async () => {
    const { json } = await mailer.run(['status', '--deep', '--json']);
    expect(shapeOf(json)).toEqual({
      command: 'string',
      ok: 'boolean',
      exit: 'number',
      database: 'string',
      keys: [{ kid: 'string', state: 'string' }],
      deep: 'boolean',
      notHardened: 'number',
      upgradePending: [],
      fields: [
        {
          name: 'string',
          rows: 'number',
          verdicts: VERDICTS,
          nested: 'number',
          kids: { [/^chkey1\.enc\.(\w+)/.exec(mailer.env.CASEHARD_ENC_KEY ?? '')?.[1] ?? '']: 'number' },
          width: 'null', // SQLite has none; elsewhere { declared, needed }
          accepts: 'string',
          notHardened: 'number',
        },
      ],
      listed: [{ locator: 'string', verdict: 'string', kind: 'string' }],
      problems: [],
      backup: { kid: 'string', proven: 'boolean' },
      unproven: ['string'],
    });
  });
});
