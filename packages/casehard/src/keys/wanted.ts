import { createKeyring, type Keyring } from '@casehard/core';
import { createTrackingKeyring } from '@casehard/core/links';
import type { LoadedProject } from '../config/load.ts';
import { describeTable } from '../database/catalogue.ts';
import type { Database } from '../database/connect.ts';
import { readCanaries, readTrackingCanaries } from '../database/evidence.ts';
import { sampleCells } from '../database/sample-cells.ts';
import { withSession } from '../database/session.ts';
import { opensCanary } from '../inventory/canary.ts';
import { opensTrackingCanary } from '../inventory/driver.ts';
import { countKids } from '../inventory/known-keys.ts';
import { resolveFields } from '../inventory/resolve.ts';
import { readValue, verdictOf } from '../inventory/value.ts';

/** What a key opens here. */
export interface Proof {
  readonly opens: 'canary' | 'value' | 'nothing';
}

/** The keys that a database was hardened under, by id, and how to tell whether bytes are one of them. */
export interface WantedKeys {
  /** Of sealing keys (8 characters) and of tracking keys (4). */
  readonly kids: ReadonlySet<string>;
  /** Those that this configuration lacks; where it lacks none: all of them. */
  readonly lookedFor: readonly string[];
  /** Sealed values by key id. */
  readonly values: ReadonlyMap<string, number>;
  isConfigured(kid: string): boolean;
  prove(kid: string, master: Uint8Array): Promise<Proof>;
}

/** The keys of a database: those of its canaries, and those that values name. Reads only. */
export async function wantedKeys(project: LoadedProject, db: Database): Promise<WantedKeys> {
  const { keyring, tracking, hard } = project;
  const { fields } = await resolveFields(db, hard, { keyring });
  const hasCanaries = (await describeTable(db, 'casehard_keys')) !== undefined;
  const canaries = hasCanaries ? [...(await readCanaries(db)), ...(await readTrackingCanaries(db))] : [];
  const { kids: values } = await withSession(db, (session) => countKids(session, fields, { exact: true }));
  const kids = new Set([...canaries.map(({ kid }) => kid), ...values.keys()]);
  const isConfigured = (kid: string): boolean =>
    (keyring.find(kid) !== undefined && !keyring.isWithdrawn(kid)) ||
    (tracking.find(kid) !== undefined && !tracking.isWithdrawn(kid));
  const missing = [...kids].filter((kid) => !isConfigured(kid));
  const opensValue = async (kid: string, own: Keyring): Promise<boolean> => {
    const there = await resolveFields(db, hard, { keyring: own });
    return withSession(db, async (session) => {
      for (const field of there.fields) {
        const inDocument = field.document !== undefined;
        for (const cell of await sampleCells(session, field.place, { kid, limit: 5, inDocument })) {
          const verdict = verdictOf(field, readValue(field, cell));
          if ((verdict.kind === 'current' || verdict.kind === 'stale') && verdict.kid === kid) return true;
        }
      }
      return false;
    });
  };
  return {
    kids,
    lookedFor: missing.length > 0 ? missing : [...kids],
    values,
    isConfigured,
    async prove(kid, master) {
      const canary = canaries.find((one) => one.kid === kid);
      const active = Buffer.from(master).toString('hex');
      if (kid.length === 4) {
        return {
          opens: canary && opensTrackingCanary(createTrackingKeyring({ active }), canary) ? 'canary' : 'nothing',
        };
      }
      const own = createKeyring({ active });
      if (canary && opensCanary(own, canary)) return { opens: 'canary' };
      return { opens: (await opensValue(kid, own)) ? 'value' : 'nothing' };
    },
  };
}
