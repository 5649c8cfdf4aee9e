import { afterEach, describe, expect, it } from 'vitest';
import { parseHead, Trail } from '../../src/audit/trail.ts';
import { ENGINES } from '../engines.ts';
import { type Chain, makeChain, makeStateKey } from './chain.ts';

describe.each(ENGINES)('the audit trail on $engine', (engine) => {
  const run = it.skipIf(engine.absent);
  let chain: Chain;
  afterEach(() => chain?.drop());
  const wrong = (rows: number, seq: number, why: string) => ({ ok: false, rows, seq, why });

  run('holds as it was recorded, from the first row without a gap, and lists the newest first', async () => {
    chain = await makeChain(engine);
    expect(await chain.trail.verify()).toEqual({ ok: true, rows: 0, head: { seq: 0, mac: '' } });
    const before = Date.now();
    await chain.record(3);
    const verdict = await chain.trail.verify();
    const rows = await chain.trail.list(2);
    expect(rows.map(({ seq, reason }) => [seq, reason])).toEqual([
      [3, 'act 3'],
      [2, 'act 2'],
    ]);
    expect(verdict).toEqual({ ok: true, rows: 3, head: { seq: 3, mac: rows[0]?.mac } });
    expect(Math.abs((rows[0]?.at ?? 0) - before)).toBeLessThan(60_000); // the database's clock, in milliseconds
  });

  run('holds over texts of every kind: none is changed on its way, and long ones are cut by us', async () => {
    chain = await makeChain(engine);
    const texts = ['', ' trailing ', 'o\'brien -- \\ "%', 'söhne 🔑 \u{2028}', 'two\nlines\t', 'half \ud83d', 'a\0b'];
    for (const reason of [...texts, '🔑'.repeat(30_000)]) {
      await chain.trail.record({ actor: reason, act: 'set', subject: reason, reason, outcome: reason });
    }
    expect(await chain.trail.verify()).toMatchObject({ ok: true, rows: 8 });
    const kept = (await chain.trail.list(8)).map(({ reason }) => reason).reverse();
    expect(kept.slice(0, 5)).toEqual(texts.slice(0, 5));
    expect(kept[7]?.endsWith('…')).toBe(true);
  });

  run('a row in front of the first one is found', async () => {
    chain = await makeChain(engine);
    await chain.record(2);
    for (const seq of [0, -5]) {
      await chain.tamper(
        `insert into casehard_audit (seq, at, actor, act, subject, reason, outcome, mac) values (${seq}, 1, 'eve', 'set', '', '', '', 'x')`,
      );
      expect(await chain.trail.verify()).toEqual(wrong(0, seq, 'altered'));
      await chain.tamper(`delete from casehard_audit where seq = ${seq}`);
    }
    expect(await chain.trail.verify()).toMatchObject({ ok: true, rows: 2 });
  });

  run('an altered column of any row is found', async () => {
    chain = await makeChain(engine);
    await chain.record(5);
    const changes = [
      "actor = 'x'",
      "act = 'clear'",
      "subject = ''",
      "reason = 'x'",
      "outcome = 'failed'",
      'at = at + 1',
    ];
    for (const change of changes) {
      const [row] = (await chain.trail.list(3)).slice(-1);
      await chain.tamper(`update casehard_audit set ${change} where seq = 3`);
      expect(await chain.trail.verify(), change).toEqual(wrong(2, 3, 'altered'));
      const { actor = '', act = '', subject = '', reason = '', outcome = '', at = 0 } = row ?? {};
      await chain.tamper(
        `update casehard_audit set actor = '${actor}', act = '${act}', subject = '${subject}', reason = '${reason}', outcome = '${outcome}', at = ${at} where seq = 3`,
      );
      expect(await chain.trail.verify(), change).toMatchObject({ ok: true, rows: 5 });
    }
    await chain.tamper("update casehard_audit set mac = 'no tag' where seq = 1");
    expect(await chain.trail.verify()).toEqual(wrong(0, 1, 'altered'));
  });

  run('a row that was removed from the middle, or from the beginning, is found', async () => {
    chain = await makeChain(engine);
    await chain.record(5);
    await chain.tamper('delete from casehard_audit where seq = 3');
    expect(await chain.trail.verify()).toEqual(wrong(2, 3, 'missing'));
    // Closing the gap does not help: each tag is over its number and the tag before.
    await chain.tamper('update casehard_audit set seq = 3 where seq = 4');
    expect(await chain.trail.verify()).toEqual(wrong(2, 3, 'altered'));
    await chain.tamper('delete from casehard_audit where seq = 1');
    expect(await chain.trail.verify()).toEqual(wrong(0, 1, 'missing'));
  });

  run('two rows that changed places are found', async () => {
    chain = await makeChain(engine);
    await chain.record(4);
    await chain.tamper('update casehard_audit set seq = 99 where seq = 2');
    await chain.tamper('update casehard_audit set seq = 2 where seq = 3');
    await chain.tamper('update casehard_audit set seq = 3 where seq = 99');
    expect(await chain.trail.verify()).toEqual(wrong(1, 2, 'altered'));
  });

  run('an inserted row is found: with a tag of its own, with a copied one, and far behind', async () => {
    chain = await makeChain(engine);
    await chain.record(2);
    const insert = (seq: number, mac: string): string =>
      `insert into casehard_audit (seq, at, actor, act, subject, reason, outcome, mac) values (${seq}, 1, 'x', 'set', '', '', 'done', '${mac}')`;
    const [last] = await chain.trail.list(1);
    for (const mac of ['', 'A'.repeat(43), last?.mac ?? '']) {
      await chain.tamper(insert(3, mac));
      expect(await chain.trail.verify()).toEqual(wrong(2, 3, 'altered'));
      await chain.tamper('delete from casehard_audit where seq = 3');
    }
    await chain.tamper(insert(7, 'A'.repeat(43)));
    expect(await chain.trail.verify()).toEqual(wrong(2, 3, 'missing'));
  });

  run('a row that was forged under another key is found, and so is what was recorded on top of it', async () => {
    chain = await makeChain(engine);
    await chain.record(2);
    const forger = new Trail(chain.test.db, makeStateKey());
    await forger.record({ actor: 'system user root', act: 'reveal', subject: 's', reason: 'r', outcome: 'shown' });
    await chain.record(1);
    expect(await chain.trail.verify()).toEqual(wrong(2, 3, 'altered'));
    expect(await forger.verify()).toEqual(wrong(0, 1, 'altered'));
  });

  run('a removed end shows against a head that was exported before, and only against it', async () => {
    chain = await makeChain(engine);
    await chain.record(5);
    const exported = await chain.trail.verify();
    const head = exported.ok ? exported.head : { seq: 0, mac: '' };
    await chain.record(2);
    expect(await chain.trail.verify({ head })).toMatchObject({ ok: true, rows: 7 });
    await chain.tamper('delete from casehard_audit where seq > 3');
    expect(await chain.trail.verify()).toMatchObject({ ok: true, rows: 3 });
    expect(await chain.trail.verify({ head })).toEqual(wrong(3, 4, 'cut'));
    // Acts that were recorded since do not cover it.
    await chain.record(4);
    expect(await chain.trail.verify()).toMatchObject({ ok: true, rows: 7 });
    expect(await chain.trail.verify({ head })).toEqual(wrong(4, 5, 'cut'));
    await chain.tamper('delete from casehard_audit');
    expect(await chain.trail.verify({ head })).toEqual(wrong(0, 1, 'cut'));
  });

  run('several connections record at once: every act is there, and the chain holds', async () => {
    chain = await makeChain(engine);
    const others = [chain.test.connect(), chain.test.connect(), chain.test.connect()];
    try {
      const acts = others.flatMap((db, i) => {
        const trail = new Trail(db, chain.key);
        return Array.from({ length: 5 }, (_, n) =>
          trail.record({ actor: `process ${i}`, act: 'set', subject: `${n}`, reason: '', outcome: 'done' }),
        );
      });
      await Promise.all(acts);
    } finally {
      for (const db of others) await db.close();
    }
    expect(await chain.trail.verify()).toMatchObject({ ok: true, rows: 15 });
    const seen = (await chain.trail.list(100)).map(({ actor, subject }) => `${actor} ${subject}`);
    expect(new Set(seen).size).toBe(15);
  });

  run('a trail of several pages is read to its end, and says how far it is', async () => {
    chain = await makeChain(engine);
    await chain.record(2100);
    const heard: number[] = [];
    expect(await chain.trail.verify({ onRow: (rows) => heard.push(rows) })).toMatchObject({ ok: true, rows: 2100 });
    expect([heard[0], heard.at(-1), heard.length]).toEqual([1, 2100, 2100]);
    await chain.tamper("update casehard_audit set reason = 'x' where seq = 2050");
    expect(await chain.trail.verify()).toEqual(wrong(2049, 2050, 'altered'));
  });
});

describe('a head in a file', () => {
  it.each([
    ['{"head":{"seq":3,"mac":"m"}}\n', { seq: 3, mac: 'm' }],
    ['{"seq":1,"mac":"x"}\n{"head":{"seq":1,"mac":"x"}}\r\n\n', { seq: 1, mac: 'x' }],
    ['{"seq":1,"mac":"x"}', undefined],
    ['{"head":{"seq":-1,"mac":"x"}}', undefined],
    ['{"head":{"seq":"1","mac":"x"}}', undefined],
    ['{"head":{"seq":1}}', undefined],
    ['null', undefined],
    ['', undefined],
    ['no JSON', undefined],
  ])('%j', (text, head) => expect(parseHead(text)).toEqual(head));
});
