import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Check, FieldSpec, Group, Neighbour, NeighbourPlace, SchemeName } from '@casehard/core';

export interface ConfigText {
  /** A URL; one that holds a password is never written. */
  readonly database: string;
  readonly adopted?: boolean;
  readonly fields: readonly { readonly name: string; readonly spec: FieldSpec<never>; readonly because?: string }[];
  /** The settings pages of the console. */
  readonly groups?: readonly Group[];
  /** Links in mails, with the addresses and legacy shapes of the mailer that casehard began in. */
  readonly links?: {
    readonly baseUrl: string;
    /** Milliseconds since 1970; legacy links are accepted for a year from then. Default `Date.now`. */
    readonly now?: () => number;
  };
}

/** The text of a configuration file. Deterministic; holds no password. */
export function printConfig({ database, adopted = false, fields, groups = [], links }: ConfigText): string {
  const specs = fields.map(({ spec }) => spec);
  const used = [
    'defineConfig',
    ...specs.map(({ kind }) => kind),
    ...specs.flatMap(schemeName),
    ...groups.flatMap(groupNames),
  ];
  const names = [...new Set(used)].sort();
  const url = hasSecret(database)
    ? '  // The URL has a password, which belongs into the environment, not into a file.\n  database: process.env.DATABASE_URL,\n'
    : `  database: process.env.DATABASE_URL ?? ${quote(database)},\n`;
  return `import { ${names.join(', ')} } from '@casehard/core';
${links ? "import { mailerShapes } from '@casehard/core/links';\n" : ''}
export default defineConfig({
${url}  // Set to true once every program that reads these fields opens them with @casehard/core; harden waits for it.
  adopted: ${adopted},
  fields: {
${fields.map(printField).join('')}  },
${groups.length === 0 ? '' : `  // The settings pages of \`casehard console\`: what stands beside each credential, and how it is tested.\n  groups: [\n${groups.map(printGroup).join('')}  ],\n`}${links ? printLinks(links) : ''}});
`;
}

/** The name for a new configuration file in a folder: `.mts` where a plain `.ts` would not be an ES module. */
export function configFileName(folder: string): 'casehard.config.ts' | 'casehard.config.mts' {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const file = join(at, 'package.json');
    if (existsSync(file)) return isModule(file) ? 'casehard.config.ts' : 'casehard.config.mts';
    if (dirname(at) === at) return 'casehard.config.mts';
  }
}

// --- internal ---

function isModule(file: string): boolean {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown }).type === 'module';
  } catch {
    return false;
  }
}

/** Whether a URL has a password, or anything else that may be one. */
function hasSecret(database: string): boolean {
  if (/^(?:sqlite|file):[^?@]*$/i.test(database)) return false;
  try {
    const url = new URL(database);
    return (
      url.password !== '' || [...url.searchParams.keys()].some((key) => /pass|pwd|secret|token|key|auth/i.test(key))
    );
  } catch {
    return true;
  }
}

function schemeName({ was }: FieldSpec<never>): SchemeName[] {
  return was === undefined ? [] : [typeof was === 'string' ? was : was.name];
}

function printField({ name, spec, because }: ConfigText['fields'][number]): string {
  const options = [
    ...(spec.where === undefined ? [] : [`where: ${printRecord(spec.where)}`]),
    ...(spec.kind === 'setting' ? [`value: ${quote(spec.column)}`] : []),
    ...(spec.row === undefined ? [] : [`row: ${printRecord(spec.row)}`]),
    ...(spec.in === undefined ? [] : [`in: ${quote(spec.in)}`]),
    ...schemeName(spec).map((was) => `was: ${was}()`),
    ...(spec.max === undefined ? [] : [`max: ${printRecord(spec.max)}`]),
    ...(spec.group === undefined ? [] : [`group: ${quote(spec.group)}`]),
    ...(spec.label === undefined ? [] : [`label: ${quote(spec.label)}`]),
  ];
  const place = [
    quote(spec.table),
    ...(spec.kind === 'setting' ? [] : [quote(spec.column)]),
    ...(spec.kind === 'path' ? [quote(spec.pointer ?? '')] : []),
  ];
  const comment = because === undefined ? '' : `    // ${oneLine(because)}\n`;
  const body = options.map((option) => `      ${option},\n`).join('');
  return `${comment}    ${quote(name)}: ${spec.kind}(${place.join(', ')}, {\n${body}    }),\n`;
}

const CHECKS = {
  smtp: 'smtp',
  imap: 'imap',
  pop3: 'pop3',
  mailbox: 'mailbox',
  'oauth-client': 'oauthClient',
  'oauth-refresh': 'oauthRefresh',
  http: 'httpRequest',
} as const;

function groupNames({ check }: Group): string[] {
  return ['group', ...(check ? [CHECKS[check.kind]] : [])];
}

function printGroup({ label, secret, neighbours = {}, check }: Group): string {
  const beside = Object.entries(neighbours).map(
    ([role, neighbour]) => `        ${printKey(role)}: ${printNeighbour(neighbour)},\n`,
  );
  const lines = [
    `      label: ${quote(label)},\n`,
    `      secret: ${quote(secret)},\n`,
    ...(beside.length > 0 ? [`      neighbours: {\n${beside.join('')}      },\n`] : []),
    ...(check ? [`      check: ${printCheck(check)},\n`] : []),
  ];
  return `    group({\n${lines.join('')}    }),\n`;
}

function printNeighbour(neighbour: Neighbour): string {
  if (typeof neighbour === 'string' || !('at' in neighbour)) return printPlace(neighbour);
  const label = neighbour.label === undefined ? '' : `, label: ${quote(neighbour.label)}`;
  return `{ at: ${printPlace(neighbour.at)}${label} }`;
}

function printPlace(place: NeighbourPlace): string {
  if (typeof place === 'string') return quote(place);
  if ('where' in place) return `{ where: ${printRecord(place.where)} }`;
  return `{ is: ${typeof place.is === 'number' ? place.is : quote(place.is)} }`;
}

/** The call that makes a check, without what is its default. */
function printCheck(check: Check): string {
  const options = [
    ...(check.certificate === 'any' ? [`certificate: 'any'`] : []),
    ...('auth' in check && check.auth === 'post' ? [`auth: 'post'`] : []),
    ...('scope' in check && check.scope !== undefined ? [`scope: ${quote(check.scope)}`] : []),
    ...(check.kind === 'http' && check.header !== 'Authorization' ? [`header: ${quote(check.header)}`] : []),
    ...(check.kind === 'http' && check.bearer !== (check.header.toLowerCase() === 'authorization')
      ? [`bearer: ${check.bearer}`]
      : []),
  ];
  return `${CHECKS[check.kind]}(${options.length === 0 ? '' : `{ ${options.join(', ')} }`})`;
}

function printLinks({ baseUrl, now = Date.now }: NonNullable<ConfigText['links']>): string {
  const until = new Date(now());
  until.setUTCFullYear(until.getUTCFullYear() + 1);
  return `  // Links in mails. They show no numbers as soon as CASEHARD_TRACKING_KEY is configured.
  links: {
    baseUrl: ${quote(baseUrl)},
    // Where the application answers, below baseUrl. There is also confirm, view and preferences.
    purposes: { open: 'open.php', click: 'link.php', unsubscribe: 'unsubscribe.php' },
    // Links that were sent before, accepted to the end of this day. Without a key, new ones are written like these.
    legacy: { until: '${until.toISOString().slice(0, 10)}', shapes: mailerShapes() },
  },
`;
}

function printRecord(record: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(record).map(
    ([key, value]) => `${printKey(key)}: ${typeof value === 'number' ? value : quote(value)}`,
  );
  return `{ ${pairs.join(', ')} }`;
}

function printKey(key: string): string {
  if (key === '__proto__') return "['__proto__']"; // the bare name would set the prototype
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

function quote(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replace(/[\p{Cc}\p{Cs}\u2028\u2029\ufeff]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `'${escaped}'`;
}

/** Names of tables may hold line ends, and a comment must not. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
