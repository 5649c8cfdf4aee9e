import { sql } from 'kysely';
import type { Catalogue, CheckInfo, ColumnInfo, IndexInfo, TableInfo } from './catalogue.ts';
import type { Database } from './connect.ts';

/** Reads PostgreSQL's catalogue: pg_catalog, because information_schema hides what the user does not own. */
export const postgresCatalogue: Catalogue = { list, describe };

// --- internal ---

async function list({ kysely }: Database, schema?: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_catalog.pg_class join pg_catalog.pg_namespace as n on n.oid = relnamespace
    where nspname = coalesce(${schema ?? null}::text, current_schema()) and relkind in ('r', 'p') and not relispartition
  `.execute(kysely);
  return rows.map((row) => row.name);
}

async function describe(db: Database, table: string): Promise<TableInfo | undefined> {
  const head = await tableRow(db, table);
  if (!head) return undefined;
  const indexes = await indexesOf(db, head.oid);
  const dependents = await dependentsOf(db, head.oid);
  const rows = await columnRows(db, head.oid);
  return {
    name: table.includes('.') ? `${head.schema}.${head.name}` : head.name,
    columns: rows.map((row) => column(row, dependents)),
    uniques: indexes.filter((index) => index.unique && index.full).map((index) => index.columns),
    primaryKey: indexes.find((index) => index.primary)?.columns ?? [],
    indexes: indexes.map(({ name, columns, reads, unique }): IndexInfo => {
      return { name, columns: [...new Set([...columns, ...reads])], unique };
    }),
    triggers: await triggersOf(db, head.oid),
    transactional: true,
    systemVersioned: false,
    views: await viewsOf(db, head.oid),
    checks: await checksOf(db, head.oid),
    ...(head.parent === null ? {} : { parent: head.parent }),
    ...(head.estimate < 0 ? {} : { rowEstimate: head.estimate }),
  };
}

interface TableRow {
  oid: string;
  schema: string;
  name: string;
  estimate: number;
  parent: string | null;
}

async function tableRow({ kysely }: Database, table: string): Promise<TableRow | undefined> {
  const [name = '', schema] = table.split('.', 2).reverse();
  const quoted =
    schema === undefined ? sql`quote_ident(${name})` : sql`quote_ident(${schema}) || '.' || quote_ident(${name})`;
  const { rows } = await sql<TableRow>`
    select c.oid::text as oid, n.nspname as schema, c.relname as name, c.reltuples::float8 as estimate,
      (select inhparent::regclass::text from pg_catalog.pg_inherits where inhrelid = c.oid limit 1) as parent
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${quoted}) and c.relkind in ('r', 'p')
  `.execute(kysely);
  return rows[0];
}

interface ColumnRow {
  number: number;
  name: string;
  type: string;
  base: string;
  typmod: number;
  domain: string | null;
  nullable: boolean;
  collation: string | null;
  comment: string | null;
  dflt: string | null;
  generated: boolean;
  encoding: string;
}

async function columnRows({ kysely }: Database, oid: string): Promise<ColumnRow[]> {
  // A domain may stand on a domain; the width is that of the first one that has any.
  const { rows } = await sql<ColumnRow>`
    with recursive base as (
      select a.attnum, t.oid, t.typname, t.typtype, t.typbasetype, a.atttypmod as typmod, t.typnotnull as nonnull
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = ${oid}::oid and a.attnum > 0 and not a.attisdropped
      union all
      select b.attnum, t.oid, t.typname, t.typtype, t.typbasetype,
        case when b.typmod >= 0 then b.typmod else d.typtypmod end, b.nonnull or t.typnotnull
      from base b join pg_catalog.pg_type d on d.oid = b.oid join pg_catalog.pg_type t on t.oid = d.typbasetype
      where b.typtype = 'd'
    )
    select a.attnum::int as number, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, b.typname as base,
      b.typmod::int as typmod, case when t.typtype = 'd' then format_type(t.oid, null) end as domain,
      not (a.attnotnull or b.nonnull) as nullable,
      case when a.attcollation <> t.typcollation or t.typtype = 'd' and a.attcollation <> 100
        then quote_ident(cn.nspname) || '.' || quote_ident(co.collname) end as collation,
      col_description(a.attrelid, a.attnum) as comment, pg_get_expr(f.adbin, f.adrelid) as dflt,
      a.attgenerated <> '' as generated,
      (select pg_encoding_to_char(encoding) from pg_catalog.pg_database where datname = current_database()) as encoding
    from pg_catalog.pg_attribute a
      join base b on b.attnum = a.attnum and b.typtype <> 'd'
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
      left join pg_catalog.pg_collation co on co.oid = a.attcollation
      left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
    where a.attrelid = ${oid}::oid order by a.attnum
  `.execute(kysely);
  return rows;
}

function column(row: ColumnRow, dependents: ReadonlyMap<number, readonly string[]>): ColumnInfo {
  const kind = KINDS[row.base] ?? 'other';
  const text = kind === 'char' || kind === 'varchar' || kind === 'text' || kind === 'json';
  return {
    name: row.name,
    type: row.type,
    kind,
    // The modifier of varchar(n) and char(n) is n + 4; -1 stands for no limit.
    ...((kind === 'char' || kind === 'varchar') && row.typmod >= 4 ? { maxChars: row.typmod - 4 } : {}),
    nullable: row.nullable,
    ...(text ? { charset: row.encoding } : {}),
    utf8: text && row.encoding === 'UTF8',
    ...(row.collation === null ? {} : { collation: row.collation }),
    ...(row.comment === null ? {} : { comment: row.comment }),
    ...(row.dflt === null || row.generated ? {} : { default: row.dflt }),
    generated: row.generated,
    onUpdate: false,
    invisible: false,
    ...(row.domain === null ? {} : { domain: row.domain }),
    dependents: dependents.get(row.number) ?? [],
  };
}

const KINDS: Readonly<Record<string, ColumnInfo['kind']>> = {
  bpchar: 'char',
  varchar: 'varchar',
  text: 'text',
  citext: 'text',
  bytea: 'bytes',
  json: 'json',
  jsonb: 'json',
  int2: 'int',
  int4: 'int',
  int8: 'int',
  uuid: 'uuid',
};

interface PostgresIndex extends IndexInfo {
  readonly primary: boolean;
  /** No predicate, no expression: it speaks of whole columns and all rows. */
  readonly full: boolean;
  /** Columns that an expression or a predicate reads. */
  readonly reads: readonly string[];
}

async function indexesOf({ kysely }: Database, oid: string): Promise<PostgresIndex[]> {
  const { rows } = await sql<PostgresIndex>`
    select c.relname as name, i.indisunique as unique, i.indisprimary as primary,
      i.indpred is null and i.indexprs is null and i.indisvalid as full,
      array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k(num, pos)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num
        where k.pos <= i.indnkeyatts order by k.pos) as columns,
      array(select distinct a.attname::text from pg_catalog.pg_depend d
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
          and d.refobjid = i.indrelid and d.refobjsubid > 0) as reads
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = ${oid}::oid order by i.indisprimary desc, c.relname
  `.execute(kysely);
  return rows;
}

async function triggersOf({ kysely }: Database, oid: string): Promise<string[]> {
  // Bit 16 of tgtype is UPDATE. Partitions and heirs are written through their parent, so theirs count.
  const { rows } = await sql<{ name: string }>`
    with recursive tree(oid) as (
      select ${oid}::oid union select inhrelid from pg_catalog.pg_inherits i join tree on tree.oid = i.inhparent
    )
    select distinct tgname::text as name from pg_catalog.pg_trigger join tree on tree.oid = tgrelid
      where not tgisinternal and tgenabled <> 'D' and (tgtype::int & 16) <> 0
    union
    select rulename::text from pg_catalog.pg_rewrite join tree on tree.oid = ev_class
      where ev_type = '2' and ev_enabled <> 'D'
    order by name
  `.execute(kysely);
  return rows.map((row) => row.name);
}

async function viewsOf({ kysely }: Database, oid: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct r.ev_class::regclass::text as name
    from pg_catalog.pg_depend d join pg_catalog.pg_rewrite r on r.oid = d.objid
      join pg_catalog.pg_class c on c.oid = r.ev_class
    where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid = ${oid}::oid and c.relkind in ('v', 'm')
    order by name
  `.execute(kysely);
  return rows.map((row) => row.name);
}

/** Views, rules, policies, triggers, functions and generated columns: all of them stop ALTER COLUMN … TYPE. */
async function dependentsOf({ kysely }: Database, oid: string): Promise<Map<number, string[]>> {
  const { rows } = await sql<{ number: number; what: string }>`
    select distinct d.refobjsubid::int as number,
      case when c.relkind = 'v' then 'view ' || c.oid::regclass when c.relkind = 'm' then 'materialized view ' || c.oid::regclass
        else pg_describe_object(d.classid, d.objid, d.objsubid) end as what
    from pg_catalog.pg_depend d
      left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
      left join pg_catalog.pg_class c on c.oid = r.ev_class
      left join pg_catalog.pg_attrdef f on d.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = d.objid
    where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = ${oid}::oid and d.refobjsubid > 0
      and (d.classid in ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass,
          'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_publication_rel'::regclass)
        or f.adnum <> d.refobjsubid)
    order by 1, 2
  `.execute(kysely);
  return new Map([...Map.groupBy(rows, (row) => row.number)].map(([number, all]) => [number, all.map((r) => r.what)]));
}

async function checksOf({ kysely }: Database, oid: string): Promise<CheckInfo[]> {
  const { rows } = await sql<CheckInfo>`
    select conname::text as name, pg_get_expr(conbin, conrelid) as expression
    from pg_catalog.pg_constraint where contype = 'c' and conrelid = ${oid}::oid order by conname
  `.execute(kysely);
  return rows;
}
