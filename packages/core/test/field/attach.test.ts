import { afterEach, describe, expect, test, vi } from 'vitest';
import { CasehardError } from '../../src/errors.ts';
import { type Driver, HEARTBEAT_MS, type ProcessReport } from '../../src/field/attach.ts';
import { createCasehard } from '../../src/field/casehard.ts';
import { column } from '../../src/field/define-config.ts';
import { generateKey } from '../../src/keyring/key.ts';
import { createTrackingKeyring, type TrackingKeyring } from '../../src/keyring/tracking-keyring.ts';
import { createLinks } from '../../src/links/links.ts';
import { VERSION } from '../../src/version.ts';
import { keyringOf, type Names, sealingKey } from '../make.ts';

const row = { id: 42 };
const ACTIVE: Names = { active: 'counting', previous: ['second'] };
const [active, previous] = [sealingKey('counting').kid, sealingKey('second').kid];

function make(names: Names = ACTIVE) {
  const warnings: string[] = [];
  const fields = { f: column('users', 'pw', { row: { id: 'int' }, was: 'base64' }) };
  const hard = createCasehard({ fields, keyring: keyringOf(names), warn: (message) => warnings.push(message) });
  return { hard, field: hard.field('f'), warnings };
}
const old = make({ active: 'second' }).field.seal('hunter2', row);

/** A driver that keeps what it is told. */
function makeDriver(rest: Partial<Driver> = {}) {
  const reports: ProcessReport[] = [];
  const left: string[] = [];
  const driver: Driver = {
    holdsSealedValues: async () => false,
    report: async (report) => {
      reports.push(report);
    },
    leave: async (id) => {
      left.push(id);
    },
    ...rest,
  };
  return { driver, reports, left };
}
const finding = (code: CasehardError['code']) => new CasehardError(code, `the keys: ${code}`, { hint: 'do this' });
const found = (...codes: readonly CasehardError['code'][]) =>
  makeDriver({ checkKeys: async () => codes.map(finding) }).driver;

afterEach(() => {
  vi.useRealTimers();
});

describe('what attach finds wrong with the keys', () => {
  test.each(['KEY_NOT_KNOWN_HERE', 'KEY_IN_WRONG_SETTING'] as const)(
    '%s stops everything that seals; what opens goes on opening',
    async (code) => {
      const { hard, field, warnings } = make();
      expect(field.reseal(old, row)).toMatch(/^chd1\./);
      const { problems } = await hard.attach(found(code));
      const refusal = expect.objectContaining({ code, message: `the keys: ${code}`, hint: 'do this' });
      expect(problems).toEqual([refusal]);
      expect(warnings).toEqual([`the keys: ${code}; do this`]);
      expect(() => field.seal('new', row)).toThrow(refusal);
      expect(() => field.sealBytes(Uint8Array.of(1), row)).toThrow(refusal);
      expect(() => field.reseal(old, row)).toThrow(refusal);
      expect(field.openText(old, row)).toBe('hunter2');
      expect(field.verdict(old, row).kind).toBe('stale');
    },
  );

  test('hardening is stopped too, and softening goes on: it seals nothing', async () => {
    const { hard, field } = make();
    await hard.attach(found('KEY_NOT_KNOWN_HERE'));
    const refusal = expect.objectContaining({ code: 'KEY_NOT_KNOWN_HERE' });
    expect(() => field.harden('aHVudGVyMg==', row)).toThrow(refusal);
    expect(() => field.hardenMany([{ stored: old, row }])).toThrow(refusal);
    expect(field.soften(old, row)).toMatchObject({ write: 'aHVudGVyMg==' });
  });

  test.each(['PREVIOUS_KEY_MISSING', 'KEY_WITHDRAWN'] as const)('%s only warns', async (code) => {
    const { hard, field, warnings } = make();
    const { problems } = await hard.attach(found(code));
    expect(problems).toEqual([expect.objectContaining({ code })]);
    expect(warnings).toEqual([`the keys: ${code}; do this`]);
    expect(field.seal('new', row)).toMatch(/^chd1\./);
    expect(field.reseal(old, row)).toMatch(/^chd1\./);
  });

  test('the one that stops counts, wherever it stands among them; and all of them are said', async () => {
    const { hard, field, warnings } = make();
    await hard.attach(found('PREVIOUS_KEY_MISSING', 'KEY_NOT_KNOWN_HERE'));
    expect(warnings).toHaveLength(2);
    expect(() => field.seal('new', row)).toThrow(expect.objectContaining({ code: 'KEY_NOT_KNOWN_HERE' }));
  });

  test('without a key, a database that holds sealed values stops saving in the existing scheme', async () => {
    const { hard, field } = make({});
    expect(field.seal('x', row)).toBe('eA==');
    await hard.attach(makeDriver({ holdsSealedValues: async () => true }).driver);
    expect(() => field.seal('x', row)).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
  });

  test('is asked with the tracking keys, where they are given', async () => {
    const tracking = createTrackingKeyring({ active: generateKey('trk') });
    const checkKeys = vi.fn(async () => []);
    const { hard } = make();
    await hard.attach(makeDriver({ checkKeys }).driver, { tracking });
    expect(checkKeys).toHaveBeenCalledExactlyOnceWith(hard.keyring, tracking);
  });
});

describe('what an attached process reports', () => {
  test('who it is: ids of keys, the version, where it runs, and no key', async () => {
    const key = generateKey('trk');
    const tracking = createTrackingKeyring({ active: key });
    const { hard } = make({ ...ACTIVE, staged: ['third'], withdrawn: ['aaaaaaaa'] });
    const { driver, reports } = makeDriver();
    await hard.attach(driver, { tracking });
    expect(reports).toEqual([
      {
        id: expect.stringMatching(/^[\w-]{20,}$/),
        version: VERSION,
        host: expect.stringMatching(/:\d+$/),
        activeKid: active,
        kids: [active, sealingKey('third').kid, previous],
        trackingKid: tracking.active?.tkid,
        trackingKids: [tracking.active?.tkid],
        heartbeat: HEARTBEAT_MS,
        sealed: [],
        opened: [],
      },
    ]);
    expect(JSON.stringify(reports)).not.toContain(key.split('.')[3]);
  });

  test('the keys that it used since the last report, each once', async () => {
    const { hard, field } = make();
    const { driver, reports } = makeDriver();
    const { beat } = await hard.attach(driver);
    for (let i = 0; i < 3; i++) field.openText(field.seal('x', row), row);
    field.openText(old, row);
    await beat();
    await beat();
    for (const work of [() => field.reseal(old, row), () => field.hardenMany([{ stored: old, row }])]) {
      work();
      await beat();
    }
    expect(reports.map(({ sealed, opened }) => [sealed, opened])).toEqual([
      [[], []],
      [[active], [active, previous]],
      [[], []],
      [[active], [previous]],
      [[active], [previous]],
    ]);
    expect(new Set(reports.map(({ id }) => id)).size).toBe(1);
  });

  test('the tracking keys that links were made with and opened under; no longer once it is detached', async () => {
    const [older, newer] = [generateKey('trk'), generateKey('trk')];
    const links = (keyring: TrackingKeyring) =>
      createLinks({ keyring, baseUrl: 'https://example.com', purposes: { click: 'c' } });
    const before = createTrackingKeyring({ active: older });
    const sent = links(before).mint('click', { recipient: 1 });
    const tracking = createTrackingKeyring({ active: newer, previous: [older] });
    const [oldTkid, newTkid] = [before.active?.tkid, tracking.active?.tkid];
    const { hard } = make();
    const { driver, reports } = makeDriver();
    const { beat, detach } = await hard.attach(driver, { tracking });
    const mine = links(tracking);
    expect(mine.verify('click', sent).kind).toBe('valid');
    expect(mine.verify('click', `${sent.slice(0, -1)}!`).kind).toBe('invalid');
    await beat();
    mine.mintMany('click', [{ recipient: 1 }, { recipient: 2 }]);
    await beat();
    mine.verify('click', mine.mint('click', { recipient: 3 }));
    await detach();
    mine.verify('click', sent);
    expect(reports.map(({ sealed, opened }) => [sealed, opened])).toEqual([
      [[], []],
      [[], [oldTkid]],
      [[newTkid], []],
      [[newTkid, active], [newTkid]],
    ]);
    expect(tracking.uses.size).toBe(0);
  });

  test('nothing of a value that does not open, and nothing of what was used before it was attached', async () => {
    const { hard, field } = make();
    field.openText(old, row);
    const { driver, reports } = makeDriver();
    const { beat } = await hard.attach(driver);
    expect(() => field.openText(old, { id: 1 })).toThrow(expect.objectContaining({ code: 'CANNOT_OPEN' }));
    field.verdict(`${old.slice(0, -4)}AAAA`, row);
    await beat();
    expect(reports.map(({ opened }) => opened)).toEqual([[], []]);
  });

  test('a report that fails is tried again with the same uses, and warned of once', async () => {
    const { hard, field, warnings } = make();
    let away = false;
    const reports: ProcessReport[] = [];
    const { driver } = makeDriver({
      report: async (report) => {
        if (away) throw new CasehardError('DATABASE', 'the database is away');
        reports.push(report);
      },
    });
    const { beat } = await hard.attach(driver);
    away = true;
    field.seal('x', row);
    await beat();
    field.openText(old, row);
    await beat();
    expect(warnings).toEqual(['this process cannot be listed in the database: the database is away']);
    away = false;
    await beat();
    expect(reports.at(-1)).toMatchObject({ sealed: [active], opened: [previous] });
    await beat();
    expect(reports.at(-1)).toMatchObject({ sealed: [], opened: [] });
    away = true;
    await beat();
    expect(warnings).toHaveLength(2); // it worked in between: said again
  });

  test('a warning never quotes what a driver says: that may be a row', async () => {
    const { hard, warnings } = make();
    const report = async () => {
      throw new Error('duplicate key (hunter2)');
    };
    await hard.attach(makeDriver({ report }).driver);
    expect(warnings).toEqual(['this process cannot be listed in the database: an error of the driver']);
  });

  test('what is used while a report is under way is in the next one', async () => {
    const { hard, field } = make();
    const reports: ProcessReport[] = [];
    let late: (() => void) | undefined;
    const { driver } = makeDriver({
      report: async (report) => {
        reports.push(report);
        late?.();
      },
    });
    const { beat } = await hard.attach(driver);
    field.seal('x', row);
    late = () => field.openText(old, row);
    await beat();
    late = undefined;
    await beat();
    expect(reports.slice(1).map(({ sealed, opened }) => [sealed, opened])).toEqual([
      [[active], []],
      [[], [previous]],
    ]);
  });

  test('that is still on its way does not list a process that was detached meanwhile', async () => {
    const { hard } = make();
    const rows = new Set<string>();
    let arrive = Promise.resolve();
    const { driver } = makeDriver({
      report: async ({ id }) => {
        await arrive;
        rows.add(id);
      },
      leave: async (id) => {
        rows.delete(id);
      },
    });
    const { beat, detach } = await hard.attach(driver);
    expect(rows.size).toBe(1);
    const late = Promise.withResolvers<void>();
    arrive = late.promise;
    const [beating, detaching] = [beat(), detach()];
    late.resolve();
    await Promise.all([beating, detaching]);
    await beat();
    expect(rows.size).toBe(0);
  });

  test('looks again where the keys did not belong, and lets it save once they do', async () => {
    vi.useFakeTimers();
    let problems = [finding('KEY_NOT_KNOWN_HERE')];
    const { hard, field, warnings } = make();
    const { detach } = await hard.attach(makeDriver({ checkKeys: async () => problems }).driver);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(() => field.seal('x', row)).toThrow();
    problems = [];
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(field.openText(field.seal('x', row), row)).toBe('x');
    expect(warnings).toEqual([
      'the keys: KEY_NOT_KNOWN_HERE; do this',
      'the keys belong to this database by now: saving goes on',
    ]);
    await detach();
  });

  test('a look that could not see everything lifts no refusal, and finds one that the first look could not', async () => {
    vi.useFakeTimers();
    const { hard, field } = make();
    let problems = [finding('DATABASE')];
    const looks = vi.fn(async () => problems);
    const attachment = await hard.attach(makeDriver({ checkKeys: looks }).driver);
    const heartbeat = () => vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    expect(field.seal('x', row)).toMatch(/^chd1\./); // the application may make its tables only after this
    problems = [finding('KEY_NOT_KNOWN_HERE')];
    await heartbeat();
    expect(() => field.seal('x', row)).toThrow(expect.objectContaining({ code: 'KEY_NOT_KNOWN_HERE' }));
    expect(attachment.problems).toEqual(problems);
    problems = [finding('DATABASE'), finding('PREVIOUS_KEY_MISSING')];
    await heartbeat();
    expect(() => field.seal('x', row)).toThrow();
    problems = [finding('PREVIOUS_KEY_MISSING')];
    await heartbeat();
    expect(field.seal('x', row)).toMatch(/^chd1\./);
    const before = looks.mock.calls.length;
    for (let i = 0; i < 3; i++) await heartbeat();
    expect(looks).toHaveBeenCalledTimes(before); // settled: nothing is left open
    await attachment.detach();
  });

  test('one look at a time, none most of the time, and none after it was detached', async () => {
    vi.useFakeTimers();
    const { hard } = make();
    let atOnce = 0;
    let most = 0;
    const checkKeys = vi.fn(async () => {
      most = Math.max(most, ++atOnce);
      await new Promise((done) => setTimeout(done, 3 * HEARTBEAT_MS));
      atOnce--;
      return [finding('KEY_NOT_KNOWN_HERE')];
    });
    const attaching = hard.attach(makeDriver({ checkKeys }).driver);
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT_MS);
    const { detach } = await attaching;
    await vi.advanceTimersByTimeAsync(40 * HEARTBEAT_MS);
    expect([most, checkKeys.mock.calls.length]).toEqual([1, 2]);
    await detach();
    await vi.advanceTimersByTimeAsync(80 * HEARTBEAT_MS);
    expect([atOnce, checkKeys.mock.calls.length]).toEqual([0, 2]);
  });

  test('comes at every heartbeat, until it is detached', async () => {
    vi.useFakeTimers();
    const { hard } = make();
    const { driver, reports, left } = makeDriver();
    const { detach } = await hard.attach(driver);
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS * 3);
    expect(reports).toHaveLength(4);
    await detach();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS * 3);
    expect(reports).toHaveLength(5);
    expect(reports.at(-1)?.sealed).toEqual([active]); // what a last request may still be sealing
    expect(left).toEqual([reports[0]?.id]);
    const faster = makeDriver();
    await hard.attach(faster.driver, { heartbeat: 1000 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(faster.reports).toHaveLength(6);
  });
});

describe('detach', () => {
  test('reports what was used last, then strikes the process out, and counts no further', async () => {
    const { hard, field } = make();
    const order: string[] = [];
    const { driver } = makeDriver({
      report: async ({ sealed }) => {
        order.push(`report ${sealed.length}`);
      },
      leave: async () => {
        order.push('leave');
      },
    });
    const { detach } = await hard.attach(driver);
    field.seal('x', row);
    await detach();
    expect(order).toEqual(['report 0', 'report 1', 'leave']);
    expect(field.seal('y', row)).toMatch(/^chd1\./);
  });

  test('needs nothing of a driver that only says whether sealed values are there', async () => {
    const { hard, field } = make();
    const { problems, beat, detach } = await hard.attach({ holdsSealedValues: async () => true });
    expect(problems).toEqual([]);
    field.seal('x', row);
    await beat();
    await detach();
    expect(field.seal('y', row)).toMatch(/^chd1\./);
  });
});
