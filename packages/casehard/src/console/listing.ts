import type { Attachment, Casehard, Fields } from '@casehard/core';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { guarded } from '../database/driver-error.ts';
import { reportProcess, strikeProcess } from '../database/processes.ts';
import type { Live } from './live.ts';

/**
 * The console among the processes: it seals what people save, so a rotation waits for it, and no key is withdrawn below
 * it. Whose the database is, the pages ask at every save; here that is not asked.
 */
export class Listing {
  readonly #db: Database;
  readonly #live: Live;
  readonly #heartbeat: number | undefined;
  readonly #isStrange: () => boolean;
  #listed: { readonly hard: Casehard<Fields>; readonly attachment: Attachment } | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: {
    readonly db: Database;
    readonly live: Live;
    readonly heartbeat?: number | undefined;
    /** Whether the keys were found not to belong to this database. */
    readonly isStrange: () => boolean;
  }) {
    this.#isStrange = options.isStrange;
    this.#db = options.db;
    this.#live = options.live;
    this.#heartbeat = options.heartbeat;
  }

  /** Reports now, with the keys as they were last looked up. */
  update(): Promise<void> {
    return this.#inTurn(async () => {
      const { hard } = this.#live;
      if (this.#closed) return;
      if (this.#listed?.hard === hard) return this.#listed.attachment.beat();
      await this.#leave();
      const attachment = await hard.attach(
        {
          holdsSealedValues: async () => false, // the look in the background counts, and pages refuse by it
          report: async (report) => {
            if (!(await this.#hasTable())) return;
            // Under keys that do not belong here the pages save nothing, whatever the keyring says.
            const sealed = this.#isStrange() ? [] : report.sealed;
            await reportProcess(this.#db, { ...report, sealed, host: `${report.host} console` });
          },
          leave: async (id) => {
            if (await this.#hasTable()) await strikeProcess(this.#db, id);
          },
        },
        this.#heartbeat === undefined ? {} : { heartbeat: this.#heartbeat },
      );
      this.#listed = { hard, attachment };
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#inTurn(() => this.#leave());
  }

  async #leave(): Promise<void> {
    const left = this.#listed;
    this.#listed = undefined;
    try {
      await left?.attachment.detach();
    } catch {
      // A database that is away: the row is as old as the last report, and soon counts for nobody.
    }
  }

  /** Before the upgrade there is nowhere to be listed. */
  async #hasTable(): Promise<boolean> {
    return (await guarded(() => describeTable(this.#db, 'casehard_processes'))) !== undefined;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
