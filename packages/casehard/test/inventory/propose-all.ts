import type { Database } from '../../src/database/connect.ts';
import { type Proposal, proposeFields } from '../../src/inventory/propose.ts';

/** All proposals for a database. */
export async function propose(db: Database): Promise<readonly Proposal[]> {
  return (await proposeFields(db)).proposals;
}
