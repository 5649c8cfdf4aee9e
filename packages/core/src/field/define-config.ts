import type { Scheme, SchemeName } from '../schemes/scheme.ts';
import type { ConsoleSettings, Group } from './group.ts';
import type { LinkSettings } from './link-settings.ts';

/**
 * How a row-key column is turned into text for the binding; see docs/format.md, "Context pieces". `char` is for PostgreSQL's
 * char(n), whose padding drivers hand over and which is no part of the value.
 */
export type RowKeyType = 'int' | 'uuid' | 'text' | 'char' | 'binary';

/** Row-key columns in key order, each with its type: `{ user_id: 'int' }`. */
export type RowKeys = Readonly<Record<string, RowKeyType>>;

/** What a value is bound to: its field, or its field and its row. */
export type Binding = 'row' | 'field';

/** One accepted context. The first of a field's contexts seals; a value that opens under a later one is `stale`. */
export interface ContextSpec {
  /** The scope; the field's logical name unless the field was renamed. */
  readonly scope?: string;
  readonly bind: Binding | 'none';
}

/** What every kind of field can say about itself. */
export interface FieldOptions {
  /** The scheme that legacy values are stored in. Left out: no legacy value is accepted (as `strict`). */
  readonly was?: Scheme | SchemeName;
  /** Bound to the row (the default where a row key is declared) or to the field alone. */
  readonly bind?: Binding;
  /** Accepted contexts, the current one first; overrides `bind`. For renamed fields and changed bindings. */
  readonly contexts?: readonly ContextSpec[];
  /** The column's width. Written by `casehard init` and `upgrade`; the library refuses what does not fit. */
  readonly max?: { readonly chars?: number; readonly bytes?: number };
  /** No legacy value is accepted any more, in or out. */
  readonly strict?: boolean;
  /** Legacy values are accepted until this date (ISO 8601), afterwards the field is strict. */
  readonly legacyUntil?: string;
  /** How the column's bytes spell non-ASCII legacy text, for columns that are not UTF-8. */
  readonly encoding?: 'utf-8' | 'latin1';
  /** Says that nobody looks a row up by this column, so that an index on it does not stop the upgrade. */
  readonly notLookedUp?: boolean;
  /** The page of the console this field belongs to. */
  readonly group?: string;
  /** The field's name for people. */
  readonly label?: string;
}

/** A field as configuration holds it; made by `column`, `setting` or `path`. `Row` exists for the compiler only. */
export interface FieldSpec<Row = unknown> extends FieldOptions {
  readonly kind: 'column' | 'setting' | 'path';
  readonly table: string;
  readonly column: string;
  /** Constant conditions that a row meets to belong to this field. */
  readonly where?: Readonly<Record<string, string | number>>;
  readonly row?: RowKeys;
  /** For `path`: the JSON pointer (RFC 6901) of the value inside the column's document, and the document's format. */
  readonly pointer?: string;
  readonly in?: 'json' | 'php-serialize';
  readonly rowShape?: (row: Row) => void;
}

type KeyValue<T extends RowKeyType> = T extends 'int'
  ? number | bigint | string
  : T extends 'binary'
    ? Uint8Array | string
    : string;

/** The row object that `seal` and `open` take: one property for each row-key column. */
export type RowOf<K extends RowKeys> = { readonly [C in keyof K]: KeyValue<K[C]> };

/** The row that `seal` and `open` ask for: none is needed where values are bound to the field alone. */
type BoundRow<K extends RowKeys, B extends Binding> = B extends 'field' ? RowOf<K> | undefined : RowOf<K>;

/** A column of a table with a row key: one credential a row. */
export function column<const K extends RowKeys, const B extends Binding = 'row'>(
  table: string,
  name: string,
  options: FieldOptions & {
    readonly row: K;
    readonly bind?: B;
    readonly where?: Readonly<Record<string, string | number>>;
  },
): FieldSpec<BoundRow<K, B>> {
  return { kind: 'column', table, column: name, ...options };
}

/** A row of a name/value table, found by `where`; the table needs no primary key. Bound to the field. */
export function setting(
  table: string,
  options: FieldOptions & { readonly where: Readonly<Record<string, string | number>>; readonly value: string },
): FieldSpec<undefined> {
  const { value, ...rest } = options;
  return { kind: 'setting', table, column: value, ...rest };
}

/** A value inside a JSON or PHP-serialized document, at a JSON pointer (RFC 6901) such as `/client_secret`. */
export function path<const K extends RowKeys, const B extends Binding = 'row'>(
  table: string,
  columnName: string,
  pointer: string,
  options: FieldOptions & {
    readonly row: K;
    readonly in: 'json' | 'php-serialize';
    readonly bind?: B;
    readonly where?: Readonly<Record<string, string | number>>;
  },
): FieldSpec<BoundRow<K, B>> {
  return { kind: 'path', table, column: columnName, pointer, ...options };
}

export type Fields = Readonly<Record<string, FieldSpec<never>>>;

/** Where keys are looked for; all are optional. The environment, `…_FILE` and `$CREDENTIALS_DIRECTORY` always count. */
export interface KeySettings {
  /** A `.env` file, relative to the configuration; default: `.env` beside it, if there. `false`: none. */
  readonly envFile?: string | false;
  /** A PHP file with `define('…', '…');` lines: parsed, never executed. */
  readonly php?: string;
  /** Days during which nothing may have been opened with a key before it is withdrawn; default 7. */
  readonly quietDays?: number;
}

/** A Kysely dialect, by the smallest shape we call, so that core needs no Kysely. */
export interface DialectLike {
  createAdapter(): object;
  createDriver(): object;
  createIntrospector(db: never): object;
  createQueryCompiler(): object;
}

export type DatabaseSetting =
  | string
  | { readonly dialect: DialectLike; readonly engine: 'sqlite' | 'postgres' | 'mysql' };

/** What an application and the command both read: casehard.config.ts. */
export interface CasehardConfig<F extends Fields = Fields> {
  /** `postgres://`, `mysql://` or `sqlite:` URL (a relative path counts from the configuration), or a Kysely dialect. */
  readonly database?: DatabaseSetting | undefined;
  readonly fields: F;
  readonly keys?: KeySettings;
  /** Says that every program that reads these fields can open sealed values. `harden` waits for it. */
  readonly adopted?: boolean;
  /** The settings pages of the console. A field that is in none is on the page that its own `group` names. */
  readonly groups?: readonly Group<NoInfer<keyof F & string>>[];
  readonly console?: ConsoleSettings;
  /** Links in mails; see @casehard/core/links. */
  readonly links?: LinkSettings;
}

/** Returns its argument; gives casehard.config.ts its types. Mistakes are reported by `createCasehard` and the command. */
export function defineConfig<const F extends Fields, L extends LinkSettings | undefined = undefined>(
  config: Omit<CasehardConfig<F>, 'links'> & { readonly links?: L },
): CasehardConfig<F> & { readonly links: L } {
  return config as CasehardConfig<F> & { readonly links: L };
}
