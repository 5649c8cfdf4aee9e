import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCell, readPage } from '../../src/database/cells.ts';
import { openDatabase } from '../../src/database/connect.ts';
import { withSession } from '../../src/database/session.ts';
import { swapPage } from '../../src/database/swap.ts';
import { ENGINES, type TestDatabase, temporaryFolder } from '../engines.ts';
import { accept, place, readAll, splice, whole } from './places.ts';

const SEALED = `chd1.h2zivffe.${'A'.repeat(154)}`;
const LATIN1 = Buffer.from('pässwörd', 'latin1');

describe('only SQLite', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    const sqlite = ENGINES.find(({ engine }) => engine === 'sqlite');
    if (sqlite) test = await sqlite.create();
  });
  afterAll(() => test?.drop());
  const run = (statement: string) => sql.raw(statement).execute(test.db.kysely);
  const kinds = async (table: string) =>
    (await run(`select typeof(pw) as kind from ${table}`)).rows.map((row) => (row as { kind: string }).kind);

  it('a text that is not UTF-8 is handed over as its bytes, and can be put back', async () => {
    await run('create table bytes (id integer primary key, pw text)');
    await run(
      `insert into bytes values (1, cast(x'${LATIN1.toString('hex')}' as text)), (2, 'p\uFFFDss'), (3, 'plain')`,
    );
    await withSession(test.db, async (session) => {
      const where = place('bytes', 'pw', { id: 'int' });
      const cells = await readAll(session, where, 9);
      expect(cells.map(({ stored }) => (typeof stored === 'string' ? stored : Buffer.from(stored ?? [])))).toEqual([
        LATIN1,
        'p\uFFFDss',
        'plain',
      ]);
      const [first] = await readCell(session, where, ['1']);
      expect(Buffer.from(first?.stored as Uint8Array)).toEqual(LATIN1);

      const other = Buffer.from('pässwörD', 'latin1');
      const wrong = [
        whole({ key: ['1'], stored: other }, SEALED),
        whole({ key: ['2'], stored: 'p\uFFFD\uFFFDss' }, SEALED),
      ];
      expect(await swapPage(session, where, wrong, accept)).toEqual(['changed', 'changed']);
      const decoded = [whole({ key: ['1'], stored: 'p\uFFFDssw\uFFFDrd' }, SEALED)];
      expect(await swapPage(session, where, decoded, accept)).toEqual(['changed']);
      expect(
        await swapPage(
          session,
          where,
          cells.map((cell) => whole(cell, SEALED)),
          accept,
        ),
      ).toEqual(['swapped', 'swapped', 'swapped']);
      const back = (await readAll(session, where, 9)).map((cell, i) => whole(cell, cells[i]?.stored ?? ''));
      expect(await swapPage(session, where, back, accept)).toEqual(['swapped', 'swapped', 'swapped']);
      const { rows } = await sql<{ hex: string }>`select hex(pw) as hex from bytes where id = 1`.execute(
        session.kysely,
      );
      expect(rows[0]?.hex).toBe(LATIN1.toString('hex').toUpperCase());
    });
    expect(await kinds('bytes')).toEqual(['text', 'text', 'text']);
  });

  it('NUL characters survive reading, writing and splicing', async () => {
    await run('create table nul (id integer primary key, pw text)');
    await withSession(test.db, async (session) => {
      await sql`insert into nul values (1, ${'\0a\0\u{1F511}b\0'}), (2, ${'\0'})`.execute(session.kysely);
      const where = place('nul', 'pw', { id: 'int' });
      const [one, two] = await readAll(session, where);
      if (!one || !two) throw new Error('two rows are needed');
      expect([one.stored, two.stored]).toEqual(['\0a\0\u{1F511}b\0', '\0']);
      expect(await swapPage(session, where, [splice(one, 'b', 'c\0'), whole(two, 'x\0y')], accept)).toEqual([
        'swapped',
        'swapped',
      ]);
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['\0a\0\u{1F511}c\0\0', 'x\0y']);
    });
  });

  it('a number is a text like any other; one that would change its spelling is refused', async () => {
    await run('create table numbers (id integer primary key, pw integer)');
    await run("insert into numbers values (1, 12345678901234567), (2, 'text')");
    await withSession(test.db, async (session) => {
      const where = place('numbers', 'pw', { id: 'int' });
      const cells = await readAll(session, where);
      expect(cells.map((cell) => cell.stored)).toEqual(['12345678901234567', 'text']);
      expect(
        await swapPage(
          session,
          where,
          cells.map((cell) => whole(cell, SEALED)),
          accept,
        ),
      ).toEqual(['swapped', 'swapped']);
      const kind = await sql`select distinct typeof(pw) as kind from numbers`.execute(session.kysely);
      expect(kind.rows).toEqual([{ kind: 'text' }]);
      const zeros = { key: ['1'], expected: SEALED, write: { kind: 'whole', value: '007' } } as const;
      await expect(swapPage(session, where, [zeros], accept)).rejects.toMatchObject({ code: 'REFUSED' });
      const back = { ...zeros, write: { kind: 'whole', value: '12345678901234567' } } as const;
      expect(await swapPage(session, where, [back], accept)).toEqual(['swapped']);
    });
  });

  it('a UTF-16 file works like any other', async () => {
    const folder = temporaryFolder('utf16');
    const file = new DatabaseSync(join(folder, 'utf16.db'));
    file.exec("pragma encoding = 'UTF-16'; create table u (id text primary key not null, pw text)");
    file.prepare('insert into u values (?, ?)').run('ä\u{1F511}', '\u{1F511}pä\0ss\uFFFD');
    file.close();
    const db = openDatabase(`sqlite:${join(folder, 'utf16.db')}`, { folder });
    try {
      await withSession(db, async (session) => {
        expect(session.encoding).toBe('utf-16le');
        const where = place('u', 'pw', { id: 'text' });
        const cells = await readAll(session, where);
        expect(cells).toEqual([{ key: ['ä\u{1F511}'], stored: '\u{1F511}pä\0ss\uFFFD' }]);
        expect(
          await swapPage(
            session,
            where,
            cells.map((cell) => splice(cell, 'ä\0', '\u{1F600}')),
            accept,
          ),
        ).toEqual(['swapped']);
        expect((await readAll(session, where))[0]?.stored).toBe('\u{1F511}p\u{1F600}ss\uFFFD');
      });
    } finally {
      await db.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('a text key that is no text is an error, not a row passed over', async () => {
    await run('create table badkeys (id text not null primary key, pw text)');
    await run(`insert into badkeys values (cast(x'${LATIN1.toString('hex')}' as text), 'a')`);
    await withSession(test.db, async (session) => {
      const read = readPage(session, place('badkeys', 'pw', { id: 'text' }), { limit: 5 });
      await expect(read).rejects.toMatchObject({ code: 'BAD_ROW', message: 'row key id: it is not well-formed text' });
    });
  });

  it('a read-only file is named as such', async () => {
    const folder = temporaryFolder('readonly');
    const path = join(folder, 'ro.db');
    const file = new DatabaseSync(path);
    file.exec("create table ro (id integer primary key, pw text); insert into ro values (1, 'one')");
    file.close();
    const db = openDatabase(`sqlite:${path}`, { folder });
    try {
      await withSession(db, async (session) => {
        await sql`pragma query_only = on`.execute(session.kysely);
        const where = place('ro', 'pw', { id: 'int' });
        const changes = (await readAll(session, where)).map((cell) => whole(cell, SEALED));
        await expect(swapPage(session, where, changes, accept)).rejects.toMatchObject({
          code: 'READ_ONLY',
          message: 'database: it is read-only here (8)',
        });
      });
    } finally {
      await db.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('a column named rowid does not stand for the row', async () => {
    await run('create table shadow (rowid text, value text)');
    await run("insert into shadow values ('same', 'one'), ('same', 'two')");
    await withSession(test.db, async (session) => {
      const where = place('shadow', 'value', {});
      expect(await swapPage(session, where, [whole({ key: [], stored: 'two' }, SEALED)], accept)).toEqual(['swapped']);
      expect((await readAll(session, where)).map((cell) => cell.stored)).toEqual(['one', SEALED]);
    });
  });

  it('a dead transaction does not keep the connection busy', async () => {
    await run('create table after (id integer primary key, pw text)');
    await run("insert into after values (1, 'one')");
    const where = place('after', 'pw', { id: 'int' });
    const failed = withSession(test.db, async (session) => {
      const changes = (await readAll(session, where)).map((cell) => whole(cell, SEALED));
      return swapPage(session, where, changes, () => {
        throw new Error('does not open');
      });
    });
    await expect(failed).rejects.toThrow('does not open');
    await withSession(test.db, async (session) => expect((await readAll(session, where))[0]?.stored).toBe('one'));
  });
});
