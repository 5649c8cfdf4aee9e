import { column, createCasehard, createKeyring, generateKey } from '@casehard/core';
import { keepMemorySmall } from '../packages/casehard/dist/cli/memory.js';
import { readPage } from '../packages/casehard/dist/database/cells.js';
import { openDatabase } from '../packages/casehard/dist/database/connect.js';
import { withSession } from '../packages/casehard/dist/database/session.js';
import { swapPage } from '../packages/casehard/dist/database/swap.js';
import { resolveFields } from '../packages/casehard/dist/inventory/resolve.js';
import { startPace } from '../packages/casehard/dist/jobs/pace.js';
import { planFor } from '../packages/casehard/dist/jobs/pending.js';
import { run } from '../packages/casehard/dist/jobs/run.js';
import { runUpgrade } from '../packages/casehard/dist/upgrade/run.js';

/**
 * One run over the table `credentials` of a database, in a process of its own: `harden` as the command does it, `constant`
 * (the same reading, locking, comparing, writing and reading back, of one constant text of the same length), or `row`
 * (SELECT, UPDATE and COMMIT for each row, as migrations with an ORM do). Prints its rate and peak memory as JSON.
 */

keepMemorySmall();
const [what, url] = process.argv.slice(2);
const keyring = createKeyring({ active: generateKey('enc') });
const fields = { credentials: column('credentials', 'secret', { row: { id: 'int' }, was: 'base64' }) };
const hard = createCasehard({ fields, keyring });
const db = openDatabase(url, { folder: '.' });
const { fields: resolved } = await resolveFields(db, hard, { keyring });
await runUpgrade(db, await planFor(db, resolved));
const field = hard.field('credentials');

const began = performance.now();
const rows = await { harden, constant, row }[what]();
const seconds = (performance.now() - began) / 1000;
await db.close();
console.log(JSON.stringify({ rate: rows / seconds, megabytes: Math.round(process.resourceUsage().maxRSS / 1024) }));

async function harden() {
  const project = { path: '', folder: '.', config: { fields, adopted: true }, keyring, hard };
  return (await run(project, db, { act: 'harden' })).changed;
}

/** A walk at the command's own pace; the next page is read before this one is written, as the command does. */
async function constant() {
  const { place } = resolved[0];
  const text = field.seal('correct horse battery', { id: 1 });
  const pace = startPace({});
  let written = 0;
  await withSession(db, async (session) => {
    const next = (after) => readPage(session, place, { limit: pace.limit(), ...(after ? { after } : {}) });
    let page = await next();
    while (page.length > 0) {
      const following = await next(page.at(-1).key);
      const changes = page.map(({ key, stored }) => ({ key, expected: stored, write: { kind: 'whole', value: text } }));
      const results = await swapPage(session, place, changes, () => {});
      written += results.filter((result) => result === 'swapped').length;
      await pace.wait(page.length);
      page = following;
    }
  });
  return written;
}

async function row() {
  const began = performance.now();
  let done = 0;
  for (let id = 1; id <= 5000 && performance.now() - began < 10_000; id++) {
    await db.kysely.transaction().execute(async (trx) => {
      const { secret } = await trx
        .selectFrom('credentials')
        .select('secret')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const sealed = field.seal(field.openText(String(secret), { id }), { id });
      await trx.updateTable('credentials').set({ secret: sealed }).where('id', '=', id).execute();
    });
    done++;
  }
  return done;
}
