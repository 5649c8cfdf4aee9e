import { CasehardError } from '../errors.ts';
import { type DerivedKey, parseKey, SealingKey } from './key.ts';
import { checkKid } from './key-text.ts';

/** What each process's configuration says of a key. */
export type KeyState = 'active' | 'staged' | 'previous' | 'withdrawn';

/** A key text, or one with the place where it was found, for messages. */
export type KeyInput = string | { readonly text: string; readonly source: string };

export interface KeyringOptions {
  /** The key that seals. Left out: nothing is sealed, existing schemes go on. */
  readonly active?: KeyInput;
  /** Keys that still open. */
  readonly previous?: readonly KeyInput[];
  /** Keys that open but do not seal yet. */
  readonly staged?: readonly KeyInput[];
  /** Key ids whose values are refused even where the key is at hand. */
  readonly withdrawn?: readonly string[];
  /** The name of the setting that the operator uses for the active key, for messages. */
  readonly setting?: string;
}

/** The sealing keys of this process. Immutable; shows key ids and states, never a key. */
export class Keyring {
  /** The key that seals, if there is one. */
  readonly active: SealingKey | undefined;
  /** The setting to name in messages: CASEHARD_ENC_KEY unless the operator uses another. */
  readonly setting: string;
  readonly #keys = new Map<string, SealingKey>();
  readonly #states = new Map<string, KeyState>();

  /** @internal Use `createKeyring`. */
  constructor({ setting, entries }: Entries) {
    this.setting = setting;
    for (const { kid, key, state } of entries) {
      if (key) this.#keys.set(kid, key);
      this.#states.set(kid, state);
    }
    const active = entries.find(({ state }) => state === 'active');
    this.active = active?.key;
  }

  /** The key of this id, if it is configured. */
  find(kid: string): SealingKey | undefined {
    return this.#keys.get(kid);
  }

  isWithdrawn(kid: string): boolean {
    return this.#states.get(kid) === 'withdrawn';
  }

  /** What configuration says of a key id; `undefined` for one that is not configured. */
  stateOf(kid: string): KeyState | undefined {
    return this.#states.get(kid);
  }

  /** Key ids and states, the active one first. */
  list(): readonly { readonly kid: string; readonly state: KeyState }[] {
    return [...this.#states].map(([kid, state]) => ({ kid, state }));
  }

  toJSON(): unknown {
    return this.list();
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Keyring { ${this.list()
      .map(({ kid, state }) => `${kid}: ${state}`)
      .join(', ')} }`;
  }

  /**
   * The same keyring for a worker thread of this process, by `postMessage` or `workerData`: KeyObjects, which print
   * nothing. `receiveKeyring` takes it.
   */
  share(): SharedKeyring {
    const entries = [...this.#states].map(([kid, state]) => ({ kid, state, key: this.#keys.get(kid)?.share() }));
    return { setting: this.setting, entries };
  }
}

/** A keyring on its way to a worker thread. */
export interface SharedKeyring {
  readonly setting: string;
  readonly entries: readonly { readonly kid: string; readonly state: KeyState; readonly key: DerivedKey | undefined }[];
}

/** The keyring that another thread shared. */
export function receiveKeyring({ setting, entries }: SharedKeyring): Keyring {
  return new Keyring({
    setting,
    entries: entries.map(({ key, ...rest }) => ({ ...rest, key: key && new SealingKey(key) })),
  });
}

/** Makes a keyring from key texts. Throws KEY_FORMAT, KEY_CHECKSUM, KEY_IN_WRONG_SETTING or KEY_CONFLICT. */
export function createKeyring(options: KeyringOptions = {}): Keyring {
  const setting = options.setting ?? 'CASEHARD_ENC_KEY';
  const entries = new Map<string, Entry>();
  const masters = new Map<string, Uint8Array>();
  const add = (input: KeyInput, state: KeyState, name: string): void => {
    const [text, source] = typeof input === 'string' ? [input, name] : [input.text, input.source];
    const master = parseKey('enc', text, source);
    const key = new SealingKey(master);
    refuseTwin(key.kid, masters.get(key.kid), master);
    if (entries.has(key.kid)) {
      master.fill(0);
      return; // listed twice: the first state counts, active before staged before previous
    }
    masters.set(key.kid, master);
    entries.set(key.kid, { kid: key.kid, key, state });
  };
  try {
    if (options.active !== undefined) add(options.active, 'active', setting);
    for (const input of options.staged ?? []) add(input, 'staged', 'CASEHARD_STAGED_ENC_KEYS');
    for (const input of options.previous ?? []) add(input, 'previous', 'CASEHARD_PREVIOUS_ENC_KEYS');
  } finally {
    for (const master of masters.values()) master.fill(0);
  }
  for (const kid of options.withdrawn ?? []) {
    refuseWithdrawal(kid, entries.get(kid), setting);
    entries.set(kid, { kid, key: entries.get(kid)?.key, state: 'withdrawn' });
  }
  return new Keyring({ setting, entries: [...entries.values()] });
}

/** Throws KEY_CONFLICT where two different keys have one key id (docs/format.md, "Keys"). */
export function refuseTwin(kid: string, known: Uint8Array | undefined, master: Uint8Array): void {
  if (!known || Buffer.from(known).equals(master)) return;
  throw new CasehardError('KEY_CONFLICT', `two different keys have the key id ${kid}`, {
    kid,
    hint: 'replace one of them by a new key; values could not be told apart',
  });
}

// --- internal ---

interface Entry {
  readonly kid: string;
  /** Undefined for a withdrawn key that is not at hand. */
  readonly key: SealingKey | undefined;
  readonly state: KeyState;
}

interface Entries {
  readonly setting: string;
  readonly entries: readonly Entry[];
}

function refuseWithdrawal(kid: string, entry: Entry | undefined, setting: string): void {
  checkKid(kid);
  if (entry?.state !== 'active') return;
  throw new CasehardError('KEY_CONFLICT', `the active key ${kid} is also withdrawn`, {
    kid,
    hint: `take it out of CASEHARD_WITHDRAWN_KIDS, or put another key into ${setting}`,
  });
}
