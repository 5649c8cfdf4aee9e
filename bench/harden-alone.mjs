import { column, createCasehard, createKeyring, generateKey } from '@casehard/core';
import { keepMemorySmall } from '../packages/casehard/dist/cli/memory.js';
import { openDatabase } from '../packages/casehard/dist/database/connect.js';
import { resolveFields } from '../packages/casehard/dist/inventory/resolve.js';
import { planFor } from '../packages/casehard/dist/jobs/pending.js';
import { run } from '../packages/casehard/dist/jobs/run.js';
import { runUpgrade } from '../packages/casehard/dist/upgrade/run.js';

/** Hardens the table `alone` of a database as the command does, and prints its rate and this process's peak memory. */

keepMemorySmall();
const url = process.argv[2];
const keyring = createKeyring({ active: generateKey('enc') });
const fields = { alone: column('alone', 'secret', { row: { id: 'int' }, was: 'base64' }) };
const hard = createCasehard({ fields, keyring });
const db = openDatabase(url, { folder: '.' });
const { fields: resolved } = await resolveFields(db, hard, { keyring });
await runUpgrade(db, await planFor(db, resolved));
const began = performance.now();
const project = { path: '', folder: '.', config: { fields, adopted: true }, keyring, hard };
const { changed } = await run(project, db, { act: 'harden' });
const seconds = (performance.now() - began) / 1000;
await db.close();
console.log(
  JSON.stringify({ rate: Math.round(changed / seconds), megabytes: Math.round(process.resourceUsage().maxRSS / 1024) }),
);
