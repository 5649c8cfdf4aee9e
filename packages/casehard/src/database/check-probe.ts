import { type RawBuilder, sql } from 'kysely';
import type { ColumnInfo, TableInfo } from './catalogue.ts';
import type { Database } from './connect.ts';

/**
 * Names the CHECK constraints that would refuse a text of this shape in a column. The database itself evaluates each
 * condition on the sample; nothing is written. A condition that reads other columns counts only if a short value
 * passes it with the others NULL; one that cannot be evaluated this way is passed over.
 */
export async function checksRefusing(
  db: Database,
  table: TableInfo,
  column: ColumnInfo,
  sample: string,
): Promise<readonly string[]> {
  const refusing: string[] = [];
  for (const { name, expression } of table.checks) {
    if (!expression.toLowerCase().includes(column.name.toLowerCase())) continue;
    const holds = (value: string, others: readonly ColumnInfo[]) => evaluate(db, expression, column, value, others);
    const alone = await holds(sample, []);
    if (alone === false) refusing.push(name);
    if (alone !== undefined) continue;
    const others = table.columns.filter((c) => c.name !== column.name);
    const refused = (await holds(sample, others)) === false;
    if (refused && ((await holds('x', others)) === true || (await holds('', others)) === true)) refusing.push(name);
  }
  return refusing;
}

// --- internal ---

/** True, also for NULL, which a CHECK lets pass; undefined: it cannot be evaluated. */
async function evaluate(
  db: Database,
  expression: string,
  column: ColumnInfo,
  value: string,
  others: readonly ColumnInfo[],
): Promise<boolean | undefined> {
  const columns = [
    sql`${typed(db, column, value)} as ${sql.id(column.name)}`,
    ...others.map((other) => sql`${typed(db, other, null)} as ${sql.id(other.name)}`),
  ];
  // The condition is the catalogue's own text; it cannot be bound.
  const query = sql<{ ok: unknown }>`
    select case when (${sql.raw(expression)}) then 1 when not (${sql.raw(expression)}) then 0 end as ok
    from (select ${sql.join(columns)}) as casehard_probe`;
  try {
    const { rows } = await apart(db, (kysely) => query.execute(kysely));
    return rows[0]?.ok === undefined ? undefined : rows[0].ok === null || Number(rows[0].ok) === 1;
  } catch {
    return undefined;
  }
}

function typed(db: Database, column: ColumnInfo, value: string | null): RawBuilder<unknown> {
  if (db.engine === 'postgres') {
    // Without its width: a cast to varchar(40) would cut the sample.
    const type = value === null || column.kind === 'bytes' ? column.type : 'text';
    return value === null ? sql`null::${sql.raw(type)}` : sql`cast(${value}::text as ${sql.raw(type)})`;
  }
  if (db.engine === 'mysql' && value !== null && column.charset !== undefined && column.collation !== undefined) {
    return sql`convert(${value} using ${sql.raw(column.charset)}) collate ${sql.raw(column.collation)}`;
  }
  return value === null ? sql`null` : sql`${value}`;
}

/**
 * On PostgreSQL a condition may call functions that write, so it is evaluated in a transaction that may not; inside one of
 * ours it cannot be told so any more. There, one failed statement would be the end of the whole transaction.
 */
async function apart<T>(db: Database, work: (kysely: Database['kysely']) => Promise<T>): Promise<T> {
  if (db.engine !== 'postgres') return work(db.kysely);
  if (!db.kysely.isTransaction) return db.kysely.transaction().setAccessMode('read only').execute(work);
  await sql`savepoint casehard_probe`.execute(db.kysely);
  try {
    return await work(db.kysely);
  } catch (error) {
    await sql`rollback to savepoint casehard_probe`.execute(db.kysely);
    throw error;
  }
}
