import type { CasehardError } from '../errors.ts';
import type { Content } from '../schemes/scheme.ts';
import { sealedLength } from '../sealed/length.ts';
import { isWhole, looksSealed } from '../sealed/open.ts';
import { sealContent } from '../sealed/seal.ts';
import { sealPage } from '../sealed/seal-page.ts';
import { Secret } from '../secret.ts';
import type { Definition } from './definition.ts';
import { type Plan, planSeal, tryPlan } from './plan.ts';
import { asText, isStrict, type Read, readMany, readStored, type Shared, type Stored } from './read.ts';
import { cannotOpen, doesNotFit, keyMissing, looksLikeSealed, noScheme, notWellFormed } from './refusal.ts';
import type { Verdict } from './verdict.ts';

export type { Shared, Stored } from './read.ts';

export interface SealOptions {
  /** The value stored so far, if known: a sealed one is never replaced by a legacy one. */
  readonly stored?: Stored;
}

/** Row-bound fields need their row; for others it may be left out. */
export type RowArguments<Row, Options> = undefined extends Row
  ? [row?: Row, options?: Options]
  : [row: Row, options?: Options];

/** What hardening or softening one value comes to. `write` is what to store instead, where something is. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly write?: Content;
  /** The bucket did not fit the column, the smallest form does. */
  readonly tight?: boolean;
}

/** A stored value and its row. */
export interface Item<Row> {
  readonly stored: Stored;
  readonly row: Row;
}

/**
 * One declared place where credentials live. `seal` on save, `open` on read; both are synchronous. Get it from
 * `createCasehard(…).field(name)`.
 */
export class Field<Row> {
  readonly #definition: Definition;
  readonly #shared: Shared;
  #warned = false;

  /** @internal */
  constructor(definition: Definition, shared: Shared) {
    this.#definition = definition;
    this.#shared = shared;
  }

  /** The logical name. */
  get name(): string {
    return this.#definition.name;
  }

  /** True where no legacy value is accepted, by `strict` or because `legacyUntil` has passed. */
  get strict(): boolean {
    return isStrict(this.#definition, this.#shared);
  }

  /**
   * Turns a credential into what is stored: sealed under the active key; without a key, in the field's legacy scheme.
   * null and '' mean "no credential" and stay as they are. What the text looks like is never asked.
   * Throws TOO_LONG, BAD_ROW, NOT_WELL_FORMED, and KEY_MISSING where falling back is not allowed.
   */
  seal(value: string | Secret, ...rest: RowArguments<Row, SealOptions>): string;
  seal(value: string | Secret | null | undefined, ...rest: RowArguments<Row, SealOptions>): string | null;
  seal(value: string | Secret | null | undefined, ...[row, options]: RowArguments<Row, SealOptions>): string | null {
    if (this.#shared.refusal) throw this.#shared.refusal; // clearing is a write too
    if (value === null || value === undefined) return null;
    const text = value instanceof Secret ? value.reveal() : value;
    if (typeof text !== 'string')
      throw new TypeError('"value" must be a string, a Secret or null; bytes go through sealBytes');
    return this.#save(text, row, options) as string;
  }

  /** The same for bytes. The result is text, except in a plaintext field without a key. */
  sealBytes(value: Uint8Array, ...[row, options]: RowArguments<Row, SealOptions>): Content {
    if (!(value instanceof Uint8Array)) throw new TypeError('"value" must be a Uint8Array');
    return this.#save(value, row, options);
  }

  /**
   * Returns the credential, whatever format it is stored in; null for NULL. Throws CANNOT_OPEN, with one message for
   * every cause; `reason`, for operators, tells the cause.
   */
  open(stored: Stored, ...[row]: RowArguments<Row, never>): Secret | null {
    const read = readStored(this.#definition, this.#shared, { stored, row, thorough: false });
    switch (read.kind) {
      case 'empty':
        return read.stored === null || read.stored === undefined ? null : new Secret('');
      case 'refused':
        throw cannotOpen(this.name, read.verdict);
      default:
        return new Secret(read.content);
    }
  }

  /** The credential as a plain string, for code that cannot take a Secret. */
  openText(stored: Stored, ...rest: RowArguments<Row, never>): string | null {
    return this.open(stored, ...rest)?.reveal() ?? null;
  }

  /** The exact verdict on a stored value. Never throws for what is stored; does throw BAD_ROW. */
  verdict(stored: Stored, ...[row]: RowArguments<Row, never>): Verdict {
    return verdictOf(this.#inspect(stored, row));
  }

  /** The verdicts on many values: what `verdict` gives for each, in less time. */
  verdictMany(items: readonly Item<Row>[]): readonly Verdict[] {
    return this.#inspectMany(items).map(verdictOf);
  }

  /** The value under the active key and current context: unchanged if it is so already. Throws as `open` and `seal` do. */
  reseal(stored: string, ...rest: RowArguments<Row, never>): string;
  reseal(stored: Stored, ...rest: RowArguments<Row, never>): Content | null;
  reseal(stored: Stored, ...[row]: RowArguments<Row, never>): Content | null {
    const read = this.#inspect(stored, row);
    if (read.kind === 'empty') return stored ?? null;
    if (read.kind === 'refused') throw cannotOpen(this.name, read.verdict);
    if (read.verdict.kind === 'current') return stored ?? null;
    return this.#sealed(read.content, row);
  }

  /**
   * The step of a bulk run for one value: what it is, and what to write instead, if anything. Legacy and stale values
   * get a sealed value; everything else is left alone. `asPlaintext` seals what would be quarantined as the ordinary
   * credential that it is, for the rare plaintext that looks sealed or foreign; a whole sealed value never. Never throws for what is stored.
   */
  harden(stored: Stored, row: Row, options: { readonly asPlaintext?: boolean } = {}): Outcome {
    const read = this.#inspect(stored, row);
    if (read.kind === 'refused' && options.asPlaintext === true && stored !== null && stored !== undefined) {
      // What the legacy scheme can decode is sealed decoded, so that the application reads what it always read.
      const content = this.#definition.scheme?.decode(stored) ?? stored;
      // A whole sealed value is none, whatever a person says: sealed again, it would be handed out as the password.
      if (isWhole(asText(stored)) || isWhole(asText(content))) return { verdict: read.verdict };
      const plan = this.#tryPlan(content, row);
      return plan ? outcome(read.verdict, plan, sealContent(plan.key, plan.context, plan)) : { verdict: read.verdict };
    }
    const content = contentToSeal(read);
    if (content === undefined) return { verdict: verdictOf(read) };
    const plan = this.#tryPlan(content, row);
    return plan ? outcome(verdictOf(read), plan, sealContent(plan.key, plan.context, plan)) : CANNOT_BE_SEALED;
  }

  /** The outcomes for many values: what `harden` gives for each, in less time. */
  hardenMany(items: readonly Item<Row>[]): readonly Outcome[] {
    const plans: Plan[] = [];
    const steps = this.#inspectMany(items).map((read, i) => {
      const content = contentToSeal(read);
      if (content === undefined) return { read };
      const plan = this.#tryPlan(content, items[i]?.row);
      if (plan) plans.push(plan);
      return { read, plan: plan ?? ('none' as const) };
    });
    const writes = plans[0] ? sealPage(plans[0].key, plans[0].context, plans) : [];
    let next = 0;
    return steps.map(({ read, plan }) => {
      if (plan === undefined) return { verdict: verdictOf(read) };
      return plan === 'none' ? CANNOT_BE_SEALED : outcome(verdictOf(read), plan, writes[next++] as string);
    });
  }

  /** The way back for one value: sealed values that open here get their legacy form; everything else is left alone. */
  soften(stored: Stored, row: Row): Outcome {
    const read = this.#inspect(stored, row);
    if (read.kind === 'empty') return { verdict: { kind: 'empty' } };
    if (read.kind !== 'sealed') return { verdict: read.verdict };
    const { scheme } = this.#definition;
    if (!scheme) throw noScheme(this.name);
    const write = scheme.encode(read.content);
    return this.#fitsLegacy(write)
      ? { verdict: read.verdict, write }
      : { verdict: { kind: 'unexpected', why: 'TOO_LONG' } };
  }

  /** Reads for a verdict, which also looks for foreign ciphertexts. */
  #inspect(stored: Stored, row: unknown): Read {
    return readStored(this.#definition, this.#shared, { stored, row, thorough: true });
  }

  #inspectMany(items: readonly Item<Row>[]): Read[] {
    const values = items.map(({ stored, row }) => ({ stored, row, thorough: true }));
    return readMany(this.#definition, this.#shared, values);
  }

  #save(content: Content, row: unknown, options: SealOptions | undefined): Content {
    if (this.#shared.refusal) throw this.#shared.refusal;
    if (content.length === 0) return '';
    if (typeof content === 'string' && !content.isWellFormed()) throw notWellFormed(this.name);
    const { keyring } = this.#shared;
    if (keyring.active && !this.#waitsForUpgrade(options?.stored)) return this.#sealed(content, row);
    if (!keyring.active) this.#refuseFallback(options?.stored);
    const scheme = this.#definition.scheme;
    if (!scheme) throw this.#keyMissing('it accepts sealed values only');
    if (looksSealed(asText(content))) {
      // Stored as it is, it would be taken for a damaged sealed value at the next read.
      throw looksLikeSealed(this.name, keyring.setting);
    }
    const write = scheme.encode(content);
    if (!this.#fitsLegacy(write)) throw doesNotFit(this.name, this.#definition.maxChars, asText(write).length);
    return write;
  }

  /**
   * The column holds no sealed value at all, however short: an upgrade is pending. Until it has run, saving goes on in
   * the existing scheme, and one warning says so. Never over a sealed value, and never in a strict field.
   */
  #waitsForUpgrade(stored: Stored): boolean {
    const { maxChars, scheme } = this.#definition;
    if (maxChars >= SHORTEST_SEALED || this.strict || !scheme || this.#holdsSealed(stored)) return false;
    if (!this.#warned) {
      this.#shared.warn(
        `${this.name}: its column holds ${maxChars} characters and no sealed value: stored in the existing scheme, not hardened, until \`casehard upgrade\` has run`,
      );
    }
    this.#warned = true;
    return true;
  }

  #refuseFallback(stored: Stored): void {
    const { keyring } = this.#shared;
    if (this.strict) throw this.#keyMissing('it accepts sealed values only');
    const states = keyring.list().map(({ state }) => state);
    // With staged keys, falling back is the purpose: that is the road in and out of a fleet.
    if (states.includes('staged')) return;
    if (states.includes('previous')) throw this.#keyMissing('previous keys are configured but no active one');
    if (this.#holdsSealed(stored)) {
      this.#shared.sealedMet = true;
      throw this.#keyMissing('the stored value is sealed');
    }
    if (this.#shared.sealedMet) throw this.#keyMissing('sealed values exist');
  }

  /** Sealed, or what an old process made of a sealed value: its legacy scheme over it. */
  #holdsSealed(stored: Stored): boolean {
    if (stored === null || stored === undefined) return false;
    const inner = this.#definition.scheme?.decode(stored);
    return looksSealed(asText(stored)) || (inner !== undefined && looksSealed(asText(inner)));
  }

  #sealed(content: Content, row: unknown): string {
    if (this.#shared.refusal) throw this.#shared.refusal;
    const plan = planSeal(this.#definition, this.#shared, content, row);
    this.#shared.uses?.sealed.add(plan.key.kid);
    return sealContent(plan.key, plan.context, plan);
  }

  /** Undefined: what the value is, there is no sealing it. Throws only where this process may seal nothing at all. */
  #tryPlan(content: Content, row: unknown): Plan | undefined {
    if (this.#shared.refusal) throw this.#shared.refusal;
    const plan = tryPlan(this.#definition, this.#shared, content, row);
    if (plan) this.#shared.uses?.sealed.add(plan.key.kid);
    return plan;
  }

  #fitsLegacy(write: Content): boolean {
    const { maxBytes, spec } = this.#definition;
    const maxChars = spec.max?.chars ?? Infinity;
    const chars = typeof write === 'string' ? [...write].length : write.length;
    return chars <= maxChars && Buffer.byteLength(write) <= maxBytes;
  }

  #keyMissing(because: string): CasehardError {
    return keyMissing(this.name, this.#shared.keyring.setting, because);
  }
}

// --- internal ---

const SHORTEST_SEALED = sealedLength(1);

const CANNOT_BE_SEALED: Outcome = { verdict: { kind: 'unexpected', why: 'TOO_LONG' } };

function verdictOf(read: Read): Verdict {
  return read.kind === 'empty' ? { kind: 'empty' } : read.verdict;
}

/** What hardening has to seal: the content of legacy and of stale values. */
function contentToSeal(read: Read): Content | undefined {
  if (read.kind === 'empty' || read.kind === 'refused' || read.verdict.kind === 'current') return undefined;
  return read.content;
}

function outcome(verdict: Verdict, { tight }: Plan, write: string): Outcome {
  return { verdict, write, tight };
}
