import { CasehardError } from '../errors.ts';
import { schemeOf } from '../schemes/legacy.ts';
import type { Scheme } from '../schemes/scheme.ts';
import { BINDING, Context } from '../sealed/context.ts';
import type { ContextSpec, FieldSpec } from './define-config.ts';

/** A field's specification, checked once and ready for use. */
export interface Definition {
  readonly name: string;
  readonly spec: FieldSpec<never>;
  readonly scheme: Scheme | undefined;
  /** The current one first. */
  readonly contexts: readonly Context[];
  readonly maxChars: number;
  readonly maxBytes: number;
  /** In milliseconds since 1970; from then on the field is strict. -Infinity: strict, Infinity: never. */
  readonly strictFrom: number;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const MAX_ROW_KEYS = 16;
// biome-ignore format: a list
const OPTIONS: ReadonlySet<string> = new Set([
  'kind', 'table', 'column', 'where', 'row', 'pointer', 'in', 'rowShape', 'was', 'bind', 'contexts', 'max', 'strict', 'legacyUntil',
  'encoding', 'notLookedUp', 'group', 'label',
]);

/** Checks a field's specification. Throws CONFIG with the field's name, the problem and the fix. */
export function define(name: string, spec: FieldSpec<never>): Definition {
  const wrong = (problem: string, hint: string): never => {
    throw new CasehardError('CONFIG', `field ${name}: ${problem}`, { field: name, hint });
  };
  if (!NAME.test(name))
    wrong('the name has other characters than letters, digits, dot, dash and underscore', 'rename it');
  if (typeof spec?.table !== 'string' || typeof spec.column !== 'string' || spec.table === '' || spec.column === '') {
    wrong('table or column is missing', 'declare it with column(…), setting(…) or path(…)');
  }
  const unknown = Object.keys(spec).find((option) => !OPTIONS.has(option));
  if (unknown !== undefined) wrong(`unknown option ${JSON.stringify(unknown)}`, `known are ${[...OPTIONS].join(', ')}`);
  const rowKeys = Object.entries(spec.row ?? {});
  if (spec.kind !== 'setting' && rowKeys.length === 0) wrong('no row key', "add row: { id: 'int' }");
  if (rowKeys.length > MAX_ROW_KEYS) wrong('more than 16 row-key columns', 'name fewer');
  for (const [column, type] of rowKeys) {
    if (!['int', 'uuid', 'text', 'char', 'binary'].includes(type)) {
      wrong(`row key ${column} has no known type`, 'use int, uuid, text, char or binary');
    }
  }
  if (spec.kind === 'path' && (spec.in === undefined || spec.pointer === undefined || !/^(\/|$)/.test(spec.pointer))) {
    wrong('a path needs `in` and a JSON pointer', "write path(table, column, '/key', { in: 'json', … })");
  }
  const isOpen = Object.keys(spec.where ?? {}).length === 0;
  if (spec.kind === 'setting' && isOpen) wrong('a setting needs `where`', "write where: { name: 'smtp_password' }");
  if (spec.strict !== undefined && typeof spec.strict !== 'boolean') {
    wrong('`strict` is neither true nor false', 'write strict: true, without quotes');
  }
  for (const width of [spec.max?.chars, spec.max?.bytes]) {
    if (width !== undefined && !(Number.isSafeInteger(width) && width > 0)) {
      wrong('`max` is not a number of characters and bytes', 'write max: { chars: 255 }, or run `casehard upgrade`');
    }
  }
  return {
    name,
    spec,
    scheme: legacyScheme(spec, wrong),
    contexts: contextsOf(name, spec, rowKeys.length, wrong),
    maxChars: Math.min(spec.max?.chars ?? Infinity, spec.max?.bytes ?? Infinity),
    maxBytes: spec.max?.bytes ?? Infinity,
    strictFrom: strictFrom(spec, wrong),
  };
}

// --- internal ---

type Wrong = (problem: string, hint: string) => never;

function legacyScheme(spec: FieldSpec<never>, wrong: Wrong): Scheme | undefined {
  if (spec.was === undefined) return undefined;
  try {
    return schemeOf(spec.was);
  } catch {
    return wrong('`was` names no scheme', 'use plaintext(), base64() or hex()');
  }
}

function contextsOf(name: string, spec: FieldSpec<never>, rowKeys: number, wrong: Wrong): readonly Context[] {
  const bind = spec.bind ?? (rowKeys > 0 ? 'row' : 'field');
  const specs: readonly ContextSpec[] = spec.contexts ?? [{ bind }];
  if (specs.length === 0) wrong('`contexts` is empty', 'leave it out, or name the current context first');
  return specs.map((context) => {
    // A typing error must not end as a value that is bound to nothing.
    if (!Object.hasOwn(BINDING, context.bind ?? '')) {
      return wrong('`bind` is neither row nor field nor none', "write bind: 'row' or bind: 'field'");
    }
    if (context.bind === 'row' && rowKeys === 0)
      return wrong('bound to the row, but no row key is declared', 'declare `row`');
    try {
      return new Context(BINDING[context.bind], context.scope ?? name, rowKeys);
    } catch {
      return wrong(
        'a context is wrong',
        "use { bind: 'row' | 'field' | 'none', scope } with a scope of 1 to 1024 bytes",
      );
    }
  });
}

/** A date that exists: Date.parse makes 3 March of 31 February. */
function isDay(text: string): boolean {
  const day = /^(\d{4}-\d{2}-\d{2})(?:T|$)/.exec(text)?.[1];
  const time = day === undefined ? Number.NaN : Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day ?? '');
}

function strictFrom(spec: FieldSpec<never>, wrong: Wrong): number {
  if (spec.strict === true || spec.was === undefined) return -Infinity;
  if (spec.legacyUntil === undefined) return Infinity;
  // Date.parse alone takes 01/02/2027, which is two different days.
  const date = isDay(spec.legacyUntil) ? Date.parse(spec.legacyUntil) : Number.NaN;
  return Number.isNaN(date) ? wrong('`legacyUntil` is no date', 'write it as 2027-01-31') : date;
}
