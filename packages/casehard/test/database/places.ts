import type { CompiledQuery, KyselyPlugin, RootOperationNode } from 'kysely';
import type { Cell } from '../../src/database/cells.ts';
import { readPage } from '../../src/database/cells.ts';
import type { KeyColumn, Place, RowKey } from '../../src/database/place.ts';
import type { Session } from '../../src/database/session.ts';
import type { Change } from '../../src/database/swap.ts';

/** A place with a text value, for tests; a key column is an integer unless its type is given. */
export function place(
  table: string,
  column: string,
  keys: Record<string, KeyColumn['type']>,
  more?: Partial<Place>,
): Place {
  const columns = Object.entries(keys).map(([name, type]): KeyColumn => ({ column: name, type }));
  return { table, column, where: {}, keys: columns, storage: 'text', ...more };
}

/** Every cell of a place, page by page. */
export async function readAll(session: Session, from: Place, limit = 2): Promise<readonly Cell[]> {
  const all: Cell[] = [];
  for (let after: RowKey | undefined; ; after = all.at(-1)?.key) {
    const page = await readPage(session, from, after ? { after, limit } : { limit });
    all.push(...page);
    if (page.length < limit || from.keys.length === 0) return all;
    if (all.length > 10_000) throw new Error('the pages do not end');
  }
}

/** A change of a cell to a whole new value. */
export function whole(cell: Cell, value: string | Uint8Array): Change {
  return { key: cell.key, expected: cell.stored ?? '', write: { kind: 'whole', value } };
}

/** A change of the first occurrence of a piece of a cell's text. */
export function splice(cell: Cell, piece: string, value: string): Change {
  const text = cell.stored as string;
  const start = text.indexOf(piece);
  return { key: cell.key, expected: text, write: { kind: 'splice', start, end: start + piece.length, value } };
}

export const accept = (): void => {};

/** The statements that some work executes, with their parameters. */
export async function statementsOf(
  session: Session,
  work: (session: Session) => Promise<unknown>,
): Promise<readonly CompiledQuery[]> {
  const statements: RootOperationNode[] = [];
  const watch: KyselyPlugin = {
    transformQuery({ node }) {
      statements.push(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  await work({ ...session, kysely: session.kysely.withPlugin(watch) });
  return statements.map((node) => session.kysely.getExecutor().compileQuery(node, { queryId: 'watched' }));
}
