import { CasehardError } from '../errors.ts';
import { checkTkid } from './key-text.ts';
import type { KeyUses } from './key-uses.ts';
import { type KeyInput, type KeyState, refuseTwin } from './keyring.ts';
import { type DerivedTrackingKey, parseTrackingKey, TrackingKey } from './tracking-key.ts';

/** Key texts by what they are used for. */
export interface TrackingKeyringOptions {
  /** The key that makes tokens. Left out: links keep their legacy shape. */
  readonly active?: KeyInput;
  /** Keys whose links still work: for their purpose's lifetime, unsubscribe for ever. */
  readonly previous?: readonly KeyInput[];
  /** Keys that verify and do not mint yet: for rolling a new one out. */
  readonly staged?: readonly KeyInput[];
  /** Key ids (4 hex digits) of compromised keys: nothing that their links say is believed, whether the key is at hand or not. */
  readonly withdrawn?: readonly string[];
  /** The name of the setting that the operator uses for the active key, for messages. */
  readonly setting?: string;
}

/** The tracking keys of this process, which do not change; shows key ids and states, never a key. */
export class TrackingKeyring {
  /** The key that mints, if there is one. */
  readonly active: TrackingKey | undefined;
  /** The setting to name in messages. */
  readonly setting: string;
  /** @internal Where attached processes gather which keys are used: the withdrawal of an old one waits for that. */
  readonly uses = new Set<KeyUses>();
  readonly #keys = new Map<string, TrackingKey>();
  readonly #states = new Map<string, KeyState>();

  /** @internal Use `createTrackingKeyring`. */
  constructor(setting: string, entries: Iterable<Entry>) {
    this.setting = setting;
    for (const { tkid, key, state } of entries) {
      if (key) this.#keys.set(tkid, key);
      if (state === 'active') this.active = key;
      this.#states.set(tkid, state);
    }
  }

  /** The key of this id, if it is configured. */
  find(tkid: string): TrackingKey | undefined {
    return this.#keys.get(tkid);
  }

  /** Whether nothing that its links say is believed. */
  isWithdrawn(tkid: string): boolean {
    return this.#states.get(tkid) === 'withdrawn';
  }

  /** Whether one of these keys would have this id as a sealing key: two keys were pasted in each other's place. */
  sealsAs(kid: string): boolean {
    return [...this.#keys.values()].some((key) => key.kidAsSealing === kid);
  }

  /** Key ids and states, the active one first. */
  list(): readonly { readonly tkid: string; readonly state: KeyState }[] {
    return [...this.#states].map(([tkid, state]) => ({ tkid, state }));
  }

  /** @internal A token was made under this key. */
  minted(tkid: string): void {
    for (const { sealed } of this.uses) sealed.add(tkid);
  }

  /** @internal A token was opened under this key. */
  opened(tkid: string): void {
    for (const { opened } of this.uses) opened.add(tkid);
  }

  toJSON(): unknown {
    return this.list();
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `TrackingKeyring { ${this.list()
      .map(({ tkid, state }) => `${tkid}: ${state}`)
      .join(', ')} }`;
  }

  /** The same keyring for a worker thread of this process; `receiveTrackingKeyring` takes it. */
  share(): SharedTrackingKeyring {
    const entries = [...this.#states].map(([tkid, state]) => ({ tkid, state, key: this.#keys.get(tkid)?.share() }));
    return { setting: this.setting, entries };
  }
}

/** A tracking keyring on its way to a worker thread. */
export interface SharedTrackingKeyring {
  readonly setting: string;
  readonly entries: readonly {
    readonly tkid: string;
    readonly state: KeyState;
    readonly key: DerivedTrackingKey | undefined;
  }[];
}

/** The tracking keyring that another thread shared. */
export function receiveTrackingKeyring({ setting, entries }: SharedTrackingKeyring): TrackingKeyring {
  return new TrackingKeyring(
    setting,
    entries.map(({ key, ...rest }) => ({ ...rest, key: key && new TrackingKey(key) })),
  );
}

/** Makes a keyring from key texts. Throws KEY_FORMAT, KEY_CHECKSUM, KEY_IN_WRONG_SETTING or KEY_CONFLICT. */
export function createTrackingKeyring(options: TrackingKeyringOptions = {}): TrackingKeyring {
  const setting = options.setting ?? 'CASEHARD_TRACKING_KEY';
  const entries = new Map<string, Entry>();
  const masters = new Map<string, Uint8Array>();
  const add = (input: KeyInput, state: KeyState, name: string): void => {
    const [text, source] = typeof input === 'string' ? [input, name] : [input.text, input.source];
    const { key, master } = parseTrackingKey(text, source);
    refuseTwin(key.tkid, masters.get(key.tkid), master);
    // Listed twice: the first state counts, active before staged before previous.
    if (entries.has(key.tkid)) master.fill(0);
    else {
      masters.set(key.tkid, master);
      entries.set(key.tkid, { tkid: key.tkid, key, state });
    }
  };
  try {
    if (options.active !== undefined) add(options.active, 'active', setting);
    for (const input of options.staged ?? []) add(input, 'staged', 'CASEHARD_STAGED_TRACKING_KEYS');
    for (const input of options.previous ?? []) add(input, 'previous', 'CASEHARD_PREVIOUS_TRACKING_KEYS');
  } finally {
    for (const master of masters.values()) master.fill(0);
  }
  for (const tkid of options.withdrawn ?? []) {
    refuseWithdrawal(checkTkid(tkid), entries.get(tkid), setting);
    entries.set(tkid, { tkid, key: entries.get(tkid)?.key, state: 'withdrawn' });
  }
  return new TrackingKeyring(setting, entries.values());
}

// --- internal ---

interface Entry {
  readonly tkid: string;
  /** Undefined for a withdrawn key that is not at hand. */
  readonly key: TrackingKey | undefined;
  readonly state: KeyState;
}

function refuseWithdrawal(tkid: string, entry: Entry | undefined, setting: string): void {
  if (entry?.state !== 'active') return;
  throw new CasehardError('KEY_CONFLICT', `the active tracking key ${tkid} is also withdrawn`, {
    kid: tkid,
    hint: `take it out of CASEHARD_WITHDRAWN_KIDS, or put another key into ${setting}`,
  });
}
