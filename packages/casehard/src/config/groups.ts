import {
  type CasehardConfig,
  CasehardError,
  type Check,
  DESTINATION_ROLES,
  type FieldSpec,
  type Group,
  type Neighbour,
  type NeighbourPlace,
} from '@casehard/core';

/** Where a neighbour is kept, physically. */
export type NeighbourAt =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'setting'; readonly where: Readonly<Record<string, string | number>> }
  | { readonly kind: 'pointer'; readonly pointer: string }
  | { readonly kind: 'constant'; readonly value: string };

export interface SettingsNeighbour {
  readonly role: string;
  readonly label: string;
  readonly at: NeighbourAt;
  /** It says where the credential goes: if it changes, the credential must be typed again. */
  readonly destination: boolean;
}

/** A credential on a page. */
export interface SettingsEntry {
  readonly field: string;
  readonly label: string;
  readonly spec: FieldSpec<never>;
  readonly neighbours: readonly SettingsNeighbour[];
  readonly check?: Check;
}

export interface SettingsPage {
  /** Its part of the path. */
  readonly slug: string;
  readonly label: string;
  readonly entries: readonly SettingsEntry[];
}

/**
 * The settings pages of a configuration, in its order: those of `groups`, then the other fields by their own `group`.
 * Every field is on one page. Throws CONFIG, naming the group and the fix.
 */
export function settingsPages(config: CasehardConfig): readonly SettingsPage[] {
  type Draft = Omit<SettingsEntry, 'neighbours'> & { neighbours: readonly SettingsNeighbour[] };
  const pages = new Map<string, { label: string; entries: Draft[] }>();
  const put = (label: string, entry: Draft): void => {
    const key = label.trim().toLowerCase();
    const page = pages.get(key) ?? { label: label.trim(), entries: [] };
    page.entries.push(entry);
    pages.set(key, page);
  };
  const grouped = new Set<string>();
  for (const group of config.groups ?? []) {
    refuseCredentials(config, group);
    const spec = config.fields[group?.secret];
    if (!spec)
      throw wrong(
        group,
        'there is no such field',
        `\`secret\` must be one of ${Object.keys(config.fields).join(', ')}`,
      );
    if (grouped.has(group.secret)) throw wrong(group, 'the field is in two groups', 'take it out of one');
    if (typeof group.label !== 'string' || group.label.trim() === '')
      throw wrong(group, '`label` is missing', "write label: 'Email Settings'");
    grouped.add(group.secret);
    put(group.label, entryOf(group, spec));
  }
  for (const [field, spec] of Object.entries(config.fields)) {
    if (grouped.has(field)) continue;
    put(spec.group ?? OTHER, { field, label: spec.label ?? field, spec, neighbours: [] });
  }
  markShared([...pages.values()].flatMap(({ entries }) => entries));
  const slugs = new Set<string>();
  return [...pages.values()].map(({ label, entries }) => ({ slug: slugOf(label, slugs), label, entries }));
}

// --- internal ---

const OTHER = 'Other credentials';
const TLS = ['starttls', 'tls', 'none'];

const LABELS: Readonly<Record<string, string>> = {
  host: 'Server',
  port: 'Port',
  user: 'User',
  tls: 'TLS',
  protocol: 'Protocol',
  url: 'URL',
  tokenUrl: 'Token URL',
  clientId: 'Client id',
  scope: 'Scope',
};

function entryOf(group: Group, spec: FieldSpec<never>): SettingsEntry {
  const neighbours = Object.entries(group.neighbours ?? {}).map(([role, neighbour]) =>
    neighbourOf(group, spec, role, neighbour),
  );
  const has = (role: string): boolean => neighbours.some((each) => each.role === role);
  const needed = NEEDED[group.check?.kind ?? ''] ?? [];
  const missing = needed.find((role) => !has(role));
  if (missing !== undefined)
    throw wrong(
      group,
      `the check needs the neighbour ${missing}`,
      `add ${missing} to \`neighbours\`, or take \`check\` away`,
    );
  return {
    field: group.secret,
    label: spec.label ?? group.secret,
    spec,
    neighbours,
    ...(group.check ? { check: group.check } : {}),
  };
}

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  smtp: ['host'],
  imap: ['host', 'user'],
  pop3: ['host', 'user'],
  mailbox: ['host', 'user'],
  'oauth-client': ['tokenUrl', 'clientId'],
  'oauth-refresh': ['tokenUrl', 'clientId'],
  http: ['url'],
};

function neighbourOf(group: Group, spec: FieldSpec<never>, role: string, neighbour: Neighbour): SettingsNeighbour {
  if (!/^[A-Za-z][\w-]{0,63}$/.test(role))
    throw wrong(group, `${JSON.stringify(role)} is no name of a neighbour`, 'use letters, digits, dash and underscore');
  const labelled = typeof neighbour === 'object' && neighbour !== null && 'at' in neighbour;
  const place = labelled ? neighbour.at : neighbour;
  const label = (labelled ? neighbour.label : undefined) ?? LABELS[role] ?? role;
  return {
    role,
    label,
    at: placeOf(group, spec, role, place),
    destination: (DESTINATION_ROLES as readonly string[]).includes(role),
  };
}

function placeOf(group: Group, spec: FieldSpec<never>, role: string, place: NeighbourPlace): NeighbourAt {
  if (typeof place === 'object' && place !== null && 'is' in place) {
    const value = String(place.is);
    if (role === 'tls' && !TLS.includes(value))
      throw wrong(group, 'neighbour tls is none that there is', 'write starttls, tls or none');
    return { kind: 'constant', value };
  }
  if (typeof place === 'object' && place !== null && 'where' in place) {
    if (spec.kind !== 'setting')
      throw wrong(group, `neighbour ${role} cannot be another row`, 'name a column of the same row');
    return { kind: 'setting', where: place.where };
  }
  if (typeof place !== 'string' || place === '')
    throw wrong(group, `neighbour ${role} has no place`, 'write a name, { where: … } or { is: … }');
  if (spec.kind === 'path' && place.startsWith('/')) return { kind: 'pointer', pointer: place };
  if (spec.kind !== 'setting') return { kind: 'column', column: place };
  const texts = Object.entries(spec.where ?? {}).filter(([, value]) => typeof value === 'string');
  const [only] = texts;
  if (texts.length !== 1 || !only)
    throw wrong(group, `neighbour ${role} could be several rows`, `write ${role}: { where: { … } }`);
  return { kind: 'setting', where: { ...spec.where, [only[0]]: place } };
}

/** A neighbour is shown: one that is a credential, or the document around one, must not be. */
function refuseCredentials(config: CasehardConfig, group: Group): void {
  const spec = config.fields[group?.secret];
  if (!spec) return;
  for (const [role, neighbour] of Object.entries(group.neighbours ?? {})) {
    const place = typeof neighbour === 'object' && neighbour !== null && 'at' in neighbour ? neighbour.at : neighbour;
    const at = placeOf(group, spec, role, place);
    const field = Object.entries(config.fields).find(([, other]) => isCredential(spec, at, other));
    if (field)
      throw wrong(
        group,
        `neighbour ${role} is the credential ${field[0]}`,
        'a neighbour is shown on the page: name another place',
      );
  }
}

function isCredential(spec: FieldSpec<never>, at: NeighbourAt, other: FieldSpec<never>): boolean {
  const same = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();
  if (!same(spec.table, other.table)) return false;
  switch (at.kind) {
    case 'constant':
      return false;
    case 'column':
      return same(at.column, other.column);
    case 'pointer':
      if (!same(spec.column, other.column)) return false;
      return (
        other.kind !== 'path' || inside(at.pointer, other.pointer ?? '') || inside(other.pointer ?? '', at.pointer)
      );
    case 'setting':
      if (!same(spec.column, other.column)) return false;
      // Rows that may be the same one: no condition parts them.
      return Object.entries(other.where ?? {}).every(
        ([column, value]) => at.where[column] === undefined || same(String(at.where[column]), String(value)),
      );
  }
}

function inside(pointer: string, other: string): boolean {
  return pointer === other || pointer.startsWith(`${other}/`);
}

/** A place that is a destination under one role of one group is a destination under every other. */
function markShared(
  entries: readonly { readonly spec: FieldSpec<never>; neighbours: readonly SettingsNeighbour[] }[],
): void {
  const all = entries.flatMap(({ spec, neighbours }) =>
    neighbours.map(({ at, destination }) => ({ spec, at, destination })),
  );
  for (const entry of entries) {
    entry.neighbours = entry.neighbours.map((neighbour) => {
      const shared = all.some(
        (other) => other.destination && isOnePlace(entry.spec, neighbour.at, other.spec, other.at),
      );
      return shared ? { ...neighbour, destination: true } : neighbour;
    });
  }
}

/** Whether two neighbours may be kept in one place of the database. */
export function isOnePlace(a: FieldSpec<never>, x: NeighbourAt, b: FieldSpec<never>, y: NeighbourAt): boolean {
  const same = (one: unknown, other: unknown): boolean =>
    String(one).trim().toLowerCase() === String(other).trim().toLowerCase();
  if (!same(a.table, b.table)) return false;
  if (x.kind === 'column' && y.kind === 'column') return same(x.column, y.column);
  if (!same(a.column, b.column)) return false;
  if (x.kind === 'pointer' && y.kind === 'pointer') return inside(x.pointer, y.pointer) || inside(y.pointer, x.pointer);
  if (x.kind !== 'setting' || y.kind !== 'setting') return false;
  // One row, unless a condition that both state parts them.
  return Object.keys(x.where).every(
    (column) => y.where[column] === undefined || same(x.where[column], y.where[column]),
  );
}

function slugOf(label: string, taken: Set<string>): string {
  const base =
    label
      .toLowerCase()
      .normalize('NFKD')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'page';
  let slug = base;
  for (let i = 2; taken.has(slug); i++) slug = `${base}-${i}`;
  taken.add(slug);
  return slug;
}

function wrong(group: Group, problem: string, hint: string): CasehardError {
  return new CasehardError('CONFIG', `group of ${group?.secret ?? 'no field'}: ${problem}`, { hint });
}
