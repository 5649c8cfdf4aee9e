import { describe, expect, it } from 'vitest';
import type { HeardProcess } from '../../src/keys/live.ts';
import { planRotation, valuesOf } from '../../src/keys/plan.ts';
import { share } from '../../src/keys/reseal.ts';
import { type RotationFacts, type RotationStep, rotationStep } from '../../src/keys/rotation.ts';

const SECOND = 1000;
const DAY = 86_400_000;
const OLD = 'aaaaaaaa';
const NEW = 'bbbbbbbb';

/** A fleet in which everybody has reported a second ago. */
const BASE: RotationFacts = {
  kind: 'enc',
  road: 'rotate',
  begin: false,
  setting: 'CASEHARD_ENC_KEY',
  keys: [],
  withdrawn: [],
  heard: [],
  within: 75 * SECOND,
  settle: 60 * SECOND,
  sealed: new Map(),
  opened: new Map(),
  oldestTransaction: undefined,
  transactionsVisible: true,
  values: new Map(),
  sealedLooking: 0,
  canaries: [],
  quiet: 7 * DAY,
};

const active = (kid: string) => ({ kid, state: 'active' as const });
const staged = (kid: string) => ({ kid, state: 'staged' as const });
const previous = (kid: string) => ({ kid, state: 'previous' as const });
const withdrawn = (kid: string) => ({ kid, state: 'withdrawn' as const });
const process = (
  id: string,
  activeKid: string | undefined,
  kids: readonly string[],
  silent = SECOND,
): HeardProcess => ({
  id,
  version: '0.1.0',
  host: `host:${id}`,
  activeKid,
  kids,
  silent,
});

interface Case {
  readonly name: string;
  readonly facts: Partial<RotationFacts>;
  /** What the step must at least say. */
  readonly step: { readonly step: RotationStep['step'] } & Readonly<Record<string, unknown>>;
}

const CASES: readonly Case[] = [
  { name: 'no key at all: the first roll-out makes one', facts: {}, step: { step: 'generate', replaces: undefined } },
  {
    name: 'one key, nothing under way: done, and no key is made',
    facts: { keys: [active(OLD)], values: new Map([[OLD, 3]]) },
    step: { step: 'done', kid: OLD, values: 3 },
  },
  {
    name: 'one key, and a person asks for a new one',
    facts: { keys: [active(OLD)], begin: true },
    step: { step: 'generate', replaces: OLD },
  },
  {
    name: 'staged here: processes that cannot open it are named',
    facts: { keys: [active(OLD), staged(NEW)], heard: [process('1', OLD, [OLD]), process('2', OLD, [OLD, NEW])] },
    step: { step: 'stage', kid: NEW, early: false, able: 1, missing: [process('1', OLD, [OLD])] },
  },
  {
    name: 'a process that is gone is not waited for',
    facts: { keys: [active(OLD), staged(NEW)], heard: [process('1', OLD, [OLD], 76 * SECOND)] },
    step: { step: 'activate', kid: NEW, able: 0 },
  },
  {
    name: 'staged everywhere: it can be made active, and asking for another key changes nothing',
    facts: {
      begin: true,
      keys: [active(OLD), staged(NEW)],
      heard: [process('1', NEW, [NEW, OLD]), process('2', OLD, [OLD, NEW])],
    },
    step: { step: 'activate', kid: NEW, able: 2, active: 1 },
  },
  {
    name: 'staged everywhere in a first roll-out, with no active key anywhere',
    facts: { keys: [staged(NEW)], heard: [process('1', undefined, [NEW])] },
    step: { step: 'activate', kid: NEW, able: 1, active: 0 },
  },
  {
    name: 'active here too early: the process that cannot open it comes first',
    facts: { keys: [active(NEW), previous(OLD)], heard: [process('1', OLD, [OLD])], values: new Map([[OLD, 3]]) },
    step: { step: 'stage', kid: NEW, early: true, missing: [process('1', OLD, [OLD])] },
  },
  {
    name: 'a replica that still seals under the old key keeps the rotation in settle, by its name',
    facts: {
      keys: [active(NEW), previous(OLD)],
      heard: [process('1', NEW, [NEW, OLD]), process('2', OLD, [OLD, NEW])],
      values: new Map([[OLD, 3]]),
    },
    step: { step: 'settle', why: { because: 'processes', processes: [process('2', OLD, [OLD, NEW])] } },
  },
  {
    name: 'a replica with an old key keeps even a finished rotation in settle',
    facts: { keys: [active(NEW)], heard: [process('2', OLD, [OLD, NEW])] },
    step: { step: 'settle', why: { because: 'processes', processes: [process('2', OLD, [OLD, NEW])] } },
  },
  {
    name: 'a process that went silent with the old key counts until two heartbeats have passed',
    facts: {
      keys: [active(NEW), previous(OLD)],
      within: 20 * SECOND,
      heard: [process('1', OLD, [OLD, NEW], 25 * SECOND)],
      values: new Map([[OLD, 3]]),
    },
    step: { step: 'settle', why: { because: 'time', wait: 35 * SECOND } },
  },
  {
    name: 'a process that has left, and sealed under the old key a moment ago, counts too',
    facts: { keys: [active(NEW), previous(OLD)], sealed: new Map([[OLD, 59 * SECOND]]), values: new Map([[OLD, 3]]) },
    step: { step: 'settle', why: { because: 'time', wait: SECOND } },
  },
  {
    name: 'a transaction from before is waited for',
    facts: {
      keys: [active(NEW), previous(OLD)],
      sealed: new Map([[OLD, 90 * SECOND]]),
      oldestTransaction: 91 * SECOND,
      values: new Map([[OLD, 3]]),
    },
    step: { step: 'settle', why: { because: 'transaction', open: 91 * SECOND } },
  },
  {
    name: 'a transaction that a process may have begun after its last report is waited for',
    facts: {
      keys: [active(NEW), previous(OLD)],
      heard: [process('1', OLD, [OLD, NEW], 80 * SECOND)],
      oldestTransaction: 50 * SECOND,
      values: new Map([[OLD, 3]]),
    },
    step: { step: 'settle', why: { because: 'transaction', open: 50 * SECOND } },
  },
  {
    name: 'on the road out, a canary that would ask for a key that is at hand is taken away first',
    facts: { road: 'leave', keys: [staged(OLD)], canaries: [OLD] },
    step: { step: 'soften', total: 0, stuck: 0 },
  },
  {
    name: 'on the road out, values that nobody can open are not passed over: without a key, nothing could be saved',
    facts: { road: 'leave', keys: [staged(OLD)], values: new Map([[NEW, 1]]), sealedLooking: 2 },
    step: { step: 'soften', total: 0, stuck: 2 },
  },
  {
    name: 'a transaction that began after the old key came to rest is not',
    facts: {
      keys: [active(NEW), previous(OLD)],
      sealed: new Map([
        [OLD, 90 * SECOND],
        [NEW, 0],
      ]),
      oldestTransaction: 89 * SECOND,
      values: new Map([
        [OLD, 3],
        [NEW, 1],
      ]),
    },
    step: { step: 'reseal', kid: NEW, values: [{ kid: OLD, values: 3 }], total: 3 },
  },
  {
    name: 'values under two older keys are resealed together; those under lost keys are not counted',
    facts: {
      keys: [active(NEW), previous(OLD), previous('cccccccc'), withdrawn('dddddddd')],
      values: new Map([
        [OLD, 3],
        ['cccccccc', 4],
        ['dddddddd', 5],
      ]),
    },
    step: { step: 'reseal', total: 7 },
  },
  {
    name: 'nothing under the old key: it can be withdrawn once it has been quiet for long enough',
    facts: {
      keys: [active(NEW), previous(OLD)],
      canaries: [OLD, NEW],
      opened: new Map([[OLD, 5 * DAY]]),
      values: new Map([[NEW, 3]]),
    },
    step: { step: 'withdraw', kid: NEW, keys: [{ kid: OLD, wait: 2 * DAY }] },
  },
  {
    name: 'that a canary is missing is no sign that a key was withdrawn: there may never have been one',
    facts: { keys: [active(NEW), previous(OLD)], canaries: [NEW], opened: new Map([[OLD, 8 * DAY]]) },
    step: { step: 'withdraw', keys: [{ kid: OLD, wait: 0 }] },
  },
  {
    name: 'a key that never had a canary is as quiet as any other before it goes',
    facts: { keys: [active(NEW), previous(OLD)], canaries: [NEW], opened: new Map([[OLD, 6 * DAY]]) },
    step: { step: 'withdraw', keys: [{ kid: OLD, wait: DAY }] },
  },
  {
    name: 'withdrawn in the configuration: done, with what is lost told apart',
    facts: {
      keys: [active(NEW), withdrawn(OLD)],
      values: new Map([
        [NEW, 3],
        [OLD, 2],
      ]),
    },
    step: { step: 'done', kid: NEW, values: 3, lost: [{ kid: OLD, values: 2 }] },
  },
  {
    name: 'a process that seals nothing is told of at the end',
    facts: { keys: [active(NEW)], heard: [process('1', undefined, [NEW])] },
    step: { step: 'done', idle: [process('1', undefined, [NEW])] },
  },
  {
    name: 'tracking: a process without tracking keys makes no links and is not waited for',
    facts: {
      kind: 'trk',
      keys: [active('00aa'), staged('00bb')],
      heard: [process('1', undefined, []), process('2', '00aa', ['00aa', '00bb'])],
    },
    step: { step: 'activate', kid: '00bb', able: 1 },
  },
  {
    name: 'tracking: previous keys stay, and nothing is resealed or waited out',
    facts: { kind: 'trk', keys: [active('00bb'), previous('00aa')], heard: [process('2', '00bb', ['00aa', '00bb'])] },
    step: { step: 'done', kid: '00bb', kept: ['00aa'] },
  },
  {
    name: 'tracking: a process that mints under the old key is waited for',
    facts: { kind: 'trk', keys: [active('00bb'), previous('00aa')], heard: [process('2', '00aa', ['00aa', '00bb'])] },
    step: { step: 'settle', why: { because: 'processes', processes: [process('2', '00aa', ['00aa', '00bb'])] } },
  },
  {
    name: 'leaving: the active key goes to the staged ones',
    facts: { road: 'leave', keys: [active(OLD)], heard: [process('1', OLD, [OLD])], values: new Map([[OLD, 3]]) },
    step: { step: 'activate', kid: OLD, able: 1, active: 1 },
  },
  {
    name: 'leaving: whoever still seals is waited for',
    facts: { road: 'leave', keys: [staged(OLD)], heard: [process('1', OLD, [OLD])], values: new Map([[OLD, 3]]) },
    step: { step: 'settle', why: { because: 'processes', processes: [process('1', OLD, [OLD])] } },
  },
  {
    name: 'leaving: two heartbeats after the last sealing, everything is softened',
    facts: {
      road: 'leave',
      keys: [staged(OLD), previous('cccccccc')],
      heard: [process('1', undefined, [OLD])],
      sealed: new Map([[OLD, 61 * SECOND]]),
      values: new Map([
        [OLD, 3],
        ['cccccccc', 1],
      ]),
    },
    step: { step: 'soften', total: 4 },
  },
  {
    name: 'leaving: nothing sealed is left',
    facts: { road: 'leave', keys: [staged(OLD)], heard: [process('1', undefined, [OLD])] },
    step: { step: 'done', kid: undefined, lost: [] },
  },
];

describe('the step of a rotation follows from the facts alone', () => {
  it.each(CASES)('$name', ({ facts, step }) => {
    expect(rotationStep({ ...BASE, ...facts })).toMatchObject(step);
  });
});

describe('the plan', () => {
  it('shows the whole road before it is begun, with the values that will be moved', () => {
    const facts = { ...BASE, keys: [active(OLD)], values: new Map([[OLD, 12]]) };
    expect(planRotation(facts).steps).toEqual([
      { name: 'generate', when: 'now' },
      ...['stage', 'activate', 'settle', 'reseal', 'withdraw', 'done'].map((name) => ({ name, when: 'later' })),
    ]);
    expect(valuesOf(facts)).toEqual({ total: 12, toMove: 12 });
  });

  it('shows a rotation in the middle of its road, with the values that are still to be moved', () => {
    const facts = {
      ...BASE,
      keys: [active(NEW), previous(OLD)],
      values: new Map([
        [OLD, 5],
        [NEW, 7],
      ]),
    };
    expect(planRotation(facts).steps.map(({ when }) => when)).toEqual([
      'done',
      'done',
      'done',
      'done',
      'now',
      'later',
      'later',
    ]);
    expect(valuesOf(facts)).toEqual({ total: 12, toMove: 5 });
  });

  it('has no reseal for tracking keys, and ends in soften for those who leave', () => {
    expect(planRotation({ ...BASE, kind: 'trk' }).steps.map(({ name }) => name)).not.toContain('reseal');
    expect(planRotation({ ...BASE, road: 'leave', keys: [active(OLD)] }).steps.map(({ name }) => name)).toEqual([
      'activate',
      'settle',
      'soften',
      'done',
    ]);
  });
});

describe('workers', () => {
  it('part the fields by table, the largest first, so that two never want the same row', () => {
    const fields = [
      { name: 'a', table: 't1', weight: 10 },
      { name: 'b', table: 'T1', weight: 10 },
      { name: 'c', table: 't2', weight: 15 },
      { name: 'd', table: 't3', weight: 4 },
    ];
    expect(share(fields, 2)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(share(fields, 9)).toHaveLength(3);
    expect(share([], 2)).toEqual([]);
  });
});
