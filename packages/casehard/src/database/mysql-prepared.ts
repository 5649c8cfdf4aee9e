import type { MysqlPool } from 'kysely';
import type { Pool, PoolConnection } from 'mysql2';

/**
 * Kysely's MySQL driver interpolates parameters into the text of the statement, where process lists, slow logs and
 * error messages keep them. This pool sends every statement that has parameters as a prepared one instead.
 */
export function preparedPool(pool: Pool): MysqlPool {
  return {
    getConnection(done) {
      pool.getConnection((error, connection) => {
        if (error) done(error, undefined as never);
        else done(null, prepared(connection));
      });
    },
    end: (done) => pool.end(done),
  };
}

// --- internal ---

type KyselyConnection = Parameters<Parameters<MysqlPool['getConnection']>[0]>[1];

function prepared(connection: PoolConnection): KyselyConnection {
  const wrapped = wrapped_.get(connection);
  if (wrapped) return wrapped;
  const made = {
    config: connection.config,
    threadId: connection.threadId,
    query(text: string, parameters: unknown[], done?: (error: unknown, result: unknown) => void) {
      if (done === undefined || !Array.isArray(parameters) || parameters.length === 0) {
        return connection.query(text, parameters as never, done as never);
      }
      return connection.execute(text, parameters as never, done as never);
    },
    release: () => connection.release(),
    destroy: () => connection.destroy(),
  } as unknown as KyselyConnection;
  wrapped_.set(connection, made);
  return made;
}

// Kysely keys its own bookkeeping on the connection object, so one connection keeps one wrapper.
const wrapped_ = new WeakMap<PoolConnection, KyselyConnection>();
