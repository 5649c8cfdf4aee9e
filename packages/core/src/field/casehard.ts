import { CasehardError } from '../errors.ts';
import { createKeyring, type Keyring } from '../keyring/keyring.ts';
import { BINDING } from '../sealed/context.ts';
import { DEFAULT_MAX_SECRET } from '../sealed/length.ts';
import { type Attachment, type AttachOptions, attach, type Driver } from './attach.ts';
import type { FieldSpec, Fields } from './define-config.ts';
import { type Definition, define } from './definition.ts';
import { Field, type Shared } from './field.ts';

/** The row that a field's specification asks for. */
export type RowFor<S> = S extends FieldSpec<infer Row> ? Row : never;

export interface CasehardOptions<F extends Fields> {
  /** The declared fields, by logical name. */
  readonly fields: F;
  /** The keys; default: none, existing schemes go on and one warning says so. */
  readonly keyring?: Keyring;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Takes warnings: no key is configured, a column waits for its upgrade. Default `process.emitWarning`. */
  readonly warn?: (message: string) => void;
  /** The longest secret in bytes; default 65 534. */
  readonly maxSecret?: number;
}

/** The fields of one configuration with the keys of this process. */
export class Casehard<F extends Fields> {
  readonly #fields = new Map<string, Field<unknown>>();
  readonly #definitions = new Map<string, Definition>();
  readonly #shared: Shared;

  /** @internal Use `createCasehard`. */
  constructor(options: CasehardOptions<F>) {
    const keyring = options.keyring ?? createKeyring();
    const warn = options.warn ?? ((message) => process.emitWarning(message, { code: 'CASEHARD_NO_KEY' }));
    const maxSecret = options.maxSecret ?? DEFAULT_MAX_SECRET;
    if (!Number.isSafeInteger(maxSecret) || maxSecret < 1) throw new TypeError('"maxSecret" must be a number of bytes');
    this.#shared = {
      keyring,
      warn,
      maxSecret,
      now: options.now ?? Date.now,
      sealedMet: false,
    };
    const scopes = new Map<string, string>();
    for (const [name, spec] of Object.entries(options.fields)) {
      const definition = define(name, spec);
      for (const { scope, binding } of definition.contexts) {
        // Values that are bound to nothing open wherever that is accepted: one field may.
        refuseShared(scopes, binding === BINDING.none ? '(none)' : scope, name);
      }
      this.#definitions.set(name, definition);
      this.#fields.set(name, new Field(definition, this.#shared));
    }
    if (!keyring.active) {
      const previous = keyring.list().some(({ state }) => state === 'previous');
      const staged = keyring.list().some(({ state }) => state === 'staged');
      warn(
        previous && !staged
          ? `${keyring.setting} not configured: previous keys go on opening, and saving is refused`
          : `${keyring.setting} not configured: credentials are stored in the existing scheme, not hardened`,
      );
    }
  }

  get keyring(): Keyring {
    return this.#shared.keyring;
  }

  /** The field of this logical name; the compiler knows the names. Throws UNKNOWN_FIELD. */
  field<N extends keyof F & string>(name: N): Field<RowFor<F[N]>> {
    const field = this.#fields.get(name);
    if (!field) throw unknownField(name, [...this.#fields.keys()]);
    return field as Field<RowFor<F[N]>>;
  }

  /** The field's checked specification, for tools that work on databases. Throws UNKNOWN_FIELD. */
  definition(name: string): Definition {
    const definition = this.#definitions.get(name);
    if (!definition) throw unknownField(name, [...this.#definitions.keys()]);
    return definition;
  }

  /** All logical names, in the order of the configuration. */
  get names(): readonly string[] {
    return [...this.#fields.keys()];
  }

  /**
   * Ties this process to its database. Its keys are checked against the canaries there: with keys that do not belong
   * here, nothing is sealed or saved from then on, and the warning says why and what to do. Saving without a key is
   * refused where sealed values exist. The process is listed with its keys, so that a rotation can wait for it, until
   * `detach`.
   */
  attach(driver: Driver, options: AttachOptions = {}): Promise<Attachment> {
    return attach(this.#shared, driver, options);
  }
}

/** Makes the fields of a configuration usable. Throws CONFIG for a wrong declaration. */
export function createCasehard<const F extends Fields>(options: CasehardOptions<F>): Casehard<F> {
  return new Casehard(options);
}

// --- internal ---

/** Two fields with one scope could open each other's values. */
function refuseShared(scopes: Map<string, string>, scope: string, name: string): void {
  const other = scopes.get(scope);
  if (other !== undefined && other !== name) {
    throw new CasehardError('CONFIG', `fields ${other} and ${name} share the scope ${scope}`, {
      field: name,
      hint: 'give each its own: values of one would open in the other',
    });
  }
  scopes.set(scope, name);
}

function unknownField(name: string, names: readonly string[]): CasehardError {
  return new CasehardError('UNKNOWN_FIELD', `there is no field ${JSON.stringify(name)}`, {
    hint: `the configuration has ${names.join(', ') || 'no fields'}`,
  });
}
