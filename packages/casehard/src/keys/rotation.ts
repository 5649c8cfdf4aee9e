import type { KeyKind, KeyState } from '@casehard/core';
import type { HeardProcess } from './live.ts';
import { type SettleFacts, type Unsettled, unsettled } from './settle.ts';

/** Everything that says where a rotation stands. A rotation has no state of its own. */
export interface RotationFacts extends SettleFacts {
  readonly kind: KeyKind;
  /** `leave`: back to the existing scheme, the same road the other way. */
  readonly road: 'rotate' | 'leave';
  /** A person asks for a new key. While a rotation is under way, that one goes on. */
  readonly begin: boolean;
  /** The setting that the operator uses for the active key. */
  readonly setting: string;
  /** The keys of this kind in this process's configuration. */
  readonly keys: readonly { readonly kid: string; readonly state: KeyState }[];
  /** All key ids that the configuration lists as withdrawn, of both kinds: they share a setting. */
  readonly withdrawn: readonly string[];
  /** Sealed values by key id; none for tracking keys. */
  readonly values: ReadonlyMap<string, number>;
  /** Whatever looks sealed, damaged values among them. */
  readonly sealedLooking: number;
  /** Keys that have a canary. */
  readonly canaries: readonly string[];
  /** Milliseconds since a key was last reported to have opened something. */
  readonly opened: ReadonlyMap<string, number>;
  /** So many milliseconds nothing may have been opened with a key before it is withdrawn. */
  readonly quiet: number;
  /** Whether the transactions of others can be seen at all. */
  readonly transactionsVisible: boolean;
}

/** Values under a key. */
export interface ValuesUnder {
  readonly kid: string;
  readonly values: number;
}

/** A previous key on its way out. */
export interface Retiring {
  readonly kid: string;
  /** Milliseconds until it has been quiet for long enough; 0: it can be withdrawn. */
  readonly wait: number;
}

/** The one thing that comes next, with everything that a person needs for it. */
export type RotationStep =
  /** Make a key. `replaces`: the key that is active now; undefined: the first roll-out. */
  | { readonly step: 'generate'; readonly replaces: string | undefined }
  /** Wait until every live process can open it. `early`: it seals here already. */
  | {
      readonly step: 'stage';
      readonly kid: string;
      readonly early: boolean;
      readonly missing: readonly HeardProcess[];
      readonly able: number;
    }
  /** Make it active everywhere; on the road out: make the active one staged everywhere. */
  | { readonly step: 'activate'; readonly kid: string; readonly able: number; readonly active: number }
  /** Wait until no process seals under an old key. */
  | { readonly step: 'settle'; readonly kid: string | undefined; readonly why: Unsettled }
  /** Put the values under older keys under the new one. */
  | { readonly step: 'reseal'; readonly kid: string; readonly values: readonly ValuesUnder[]; readonly total: number }
  /** On the road out: back to the existing scheme. `stuck`: values that look sealed and open with no key at hand. */
  | { readonly step: 'soften'; readonly total: number; readonly stuck: number }
  /** Withdraw the older keys. */
  | { readonly step: 'withdraw'; readonly kid: string; readonly keys: readonly Retiring[] }
  /** Nothing is left to do. `kept`: previous tracking keys, which stay for the links in old mails. */
  | {
      readonly step: 'done';
      readonly kid: string | undefined;
      readonly values: number;
      readonly kept: readonly string[];
      /** Live processes that can open the key and have none active: what they save is not sealed. */
      readonly idle: readonly HeardProcess[];
      /** Values under keys that are not at hand: `casehard recover` and `casehard set` are for those. */
      readonly lost: readonly ValuesUnder[];
    };

/** The step that follows from the facts. Pure: the same facts give the same step. */
export function rotationStep(facts: RotationFacts): RotationStep {
  return facts.road === 'leave' ? leavingStep(facts) : rotatingStep(facts);
}

/** The live processes among those that have been heard of; of tracking keys, only those that have any. */
export function liveProcesses({ heard, within, kind }: RotationFacts): readonly HeardProcess[] {
  // A process that makes no links is attached without tracking keys, and needs no new one.
  return heard.filter(({ silent, kids }) => silent <= within && (kind === 'enc' || kids.length > 0));
}

/** Values under keys that are not at hand. */
export function lostValues(facts: RotationFacts): readonly ValuesUnder[] {
  const known = facts.keys.filter(({ state }) => state !== 'withdrawn').map((key) => key.kid);
  return [...facts.values.keys()].filter((kid) => !known.includes(kid)).flatMap((kid) => under(facts, kid));
}

// --- internal ---

function rotatingStep(facts: RotationFacts): RotationStep {
  const inState = (state: KeyState): readonly string[] =>
    facts.keys.filter((key) => key.state === state).map(({ kid }) => kid);
  const [active] = inState('active');
  const [staged] = inState('staged');
  const kid = staged ?? active;
  const live = liveProcesses(facts);
  if (kid === undefined) return { step: 'generate', replaces: undefined };
  const missing = live.filter(({ kids }) => !kids.includes(kid));
  const able = live.length - missing.length;
  if (missing.length > 0) return { step: 'stage', kid, early: kid !== staged, missing, able };
  if (kid === staged) {
    return { step: 'activate', kid, able, active: live.filter(({ activeKid }) => activeKid === kid).length };
  }

  const previous = inState('previous');
  const why = unsettled((other) => other !== kid, facts);
  const holding = why?.because === 'processes';
  // Time counts only where values are to be resealed or a key is to be withdrawn.
  if (why && (holding || (facts.kind === 'enc' && previous.length > 0))) return { step: 'settle', kid, why };
  if (facts.kind === 'enc') {
    const values = previous.flatMap((old) => under(facts, old));
    if (values.length > 0) return { step: 'reseal', kid, values, total: sum(values) };
    if (previous.length > 0) return { step: 'withdraw', kid, keys: previous.map((old) => retiring(facts, old)) };
  }
  if (facts.begin) return { step: 'generate', replaces: kid };
  return done(facts, kid, facts.kind === 'trk' ? previous : []);
}

function leavingStep(facts: RotationFacts): RotationStep {
  const active = facts.keys.find(({ state }) => state === 'active');
  const live = liveProcesses(facts);
  if (active) {
    const able = live.filter(({ kids }) => kids.includes(active.kid)).length;
    const left = live.filter(({ activeKid }) => activeKid === undefined).length;
    return { step: 'activate', kid: active.kid, able, active: live.length - left };
  }
  const why = unsettled(() => true, facts);
  if (why) return { step: 'settle', kid: undefined, why };
  const total = sum(facts.keys.filter(({ state }) => state !== 'withdrawn').flatMap(({ kid }) => under(facts, kid)));
  const stuck = Math.max(0, facts.sealedLooking - total);
  // Values that look sealed, and canaries, would go on asking every process for a key: the road is not at its end.
  return total > 0 || stuck > 0 || facts.canaries.length > 0
    ? { step: 'soften', total, stuck }
    : done(facts, undefined, []);
}

function done(facts: RotationFacts, kid: string | undefined, kept: readonly string[]): RotationStep {
  const idle = kid === undefined ? [] : liveProcesses(facts).filter(({ activeKid }) => activeKid === undefined);
  return {
    step: 'done',
    kid,
    values: (kid === undefined ? 0 : facts.values.get(kid)) ?? 0,
    kept,
    idle,
    lost: lostValues(facts),
  };
}

function under({ values }: RotationFacts, kid: string): readonly ValuesUnder[] {
  const count = values.get(kid) ?? 0;
  return count > 0 ? [{ kid, values: count }] : [];
}

/** Whether it has been withdrawn already, no row can say: that no canary is there may have other reasons. */
function retiring({ opened, quiet }: RotationFacts, kid: string): Retiring {
  return { kid, wait: Math.max(0, quiet - (opened.get(kid) ?? Number.POSITIVE_INFINITY)) };
}

function sum(values: readonly ValuesUnder[]): number {
  return values.reduce((total, { values: count }) => total + count, 0);
}
