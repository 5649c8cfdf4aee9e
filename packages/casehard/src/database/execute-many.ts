import { CompiledQuery, type DatabaseConnection, type Kysely, type RawBuilder } from 'kysely';
import type { Tables } from './connect.ts';

/** Stands, in a statement for executeMany, for a parameter that differs from row to row. */
export const PER_ROW: unique symbol = Symbol('a parameter of the row');

/** A connection that can run one statement many times without a promise for each. */
export interface BulkConnection extends DatabaseConnection {
  executeMany<R>(text: string, parameters: readonly (readonly unknown[])[]): R[][];
}

/** Compiles a statement once and runs it for every row, each filling the PER_ROW parameters in order. */
export async function executeMany<R>(
  kysely: Kysely<Tables>,
  statement: RawBuilder<unknown>,
  rows: readonly (readonly unknown[])[],
): Promise<R[][]> {
  const compiled = statement.compile(kysely);
  const fill = filler(compiled.parameters);
  return kysely.getExecutor().provideConnection(async (connection) => {
    if (isBulk(connection)) return connection.executeMany<R>(compiled.sql, rows.map(fill));
    const results: R[][] = [];
    for (const row of rows) {
      results.push((await connection.executeQuery<R>(CompiledQuery.raw(compiled.sql, fill(row)))).rows);
    }
    return results;
  });
}

// --- internal ---

function isBulk(connection: DatabaseConnection): connection is BulkConnection {
  return 'executeMany' in connection;
}

function filler(parameters: readonly unknown[]): (row: readonly unknown[]) => unknown[] {
  return (row) => {
    let next = 0;
    return parameters.map((parameter) => (parameter === PER_ROW ? row[next++] : parameter));
  };
}
