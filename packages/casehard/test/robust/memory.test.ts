import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generateKey } from '@casehard/core';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { casehard } from '../cli/command.ts';
import { ENGINES, temporaryFolder } from '../engines.ts';
import { fields } from './shop.ts';

const ROWS = 200_000;
const MEGABYTES = 200;

it(`harden of ${ROWS} rows stays under ${MEGABYTES} MB`, async () => {
  const test = await ENGINES[0]?.create();
  if (!test) throw new Error('there is no SQLite');
  const folder = temporaryFolder('memory');
  try {
    await sql`create table users (id int not null primary key, password varchar(300) not null)`.execute(test.db.kysely);
    await sql`
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
      insert into users select i, 'aHVudGVyMg==' from n`.execute(test.db.kysely);
    const config = { database: test.url, adopted: true, fields: { password: fields.password } };
    writeFileSync(join(folder, 'casehard.config.json'), JSON.stringify(config));
    const log = join(folder, 'peak');
    const env = {
      CASEHARD_ENC_KEY: generateKey('enc'),
      NODE_OPTIONS: `--import=${resolve(import.meta.dirname, 'peak-memory.mjs')}`,
      PEAK_LOG: log,
    };
    expect((await casehard(['upgrade'], { cwd: folder, env })).code).toBe(0);
    const { code, json } = await casehard(['harden', '--json'], { cwd: folder, env });
    expect([code, json.changed]).toEqual([0, ROWS]);
    expect(Number(readFileSync(log, 'utf8')) / 1024).toBeLessThan(MEGABYTES);
  } finally {
    await test.drop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
