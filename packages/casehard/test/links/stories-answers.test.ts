import { generateKey } from '@casehard/core';
import { describe, expect, it } from 'vitest';
import { type Answered, DAY, type Failure, keyIdOf, ONE_CLICK, openDesk, tokenOf } from './desk.ts';

const READER = { campaign: 789, recipient: 7, list: 5 };

it('the open image answers byte for byte the same, whatever its token', async () => {
  let time = Date.parse('2026-01-01');
  const [stolen, active] = [generateKey('trk'), generateKey('trk')];
  const desk = openDesk({ active, withdrawn: [keyIdOf(stolen)], now: () => time });
  const tooOld = desk.links.url('open', READER);
  time += 91 * DAY;
  const valid = desk.links.url('open', READER);
  const withdrawn = openDesk({ active: stolen, now: () => time }).links.url('open', READER);
  const unknown = openDesk({ now: () => time }).links.url('open', READER);
  const click = desk.links.url('click', READER).replace('link.php', 'open.php');
  const invented = ['?t=invented', '?t=', '', '?M=7&N=789&F=H', '?M=x'].map(
    (query) => `https://example.com/open.php${query}`,
  );
  const answers: unknown[] = [];
  for (const link of [valid, tooOld, withdrawn, unknown, click, ...invented]) {
    const { status, headers, bytes } = await desk.ask(link);
    answers.push({ status, headers: [...headers], bytes: Buffer.from(bytes).toString('hex') });
  }
  expect(answers).toEqual(answers.map(() => answers[0]));
  expect(answers[0]).toMatchObject({ status: 200, bytes: expect.stringMatching(/^474946383961/) });
  expect(desk.events.map(({ claims, legacy }) => [claims, legacy])).toEqual([
    [READER, false],
    [{ recipient: 7, campaign: 789 }, true],
  ]);
});

describe('every answer there is', () => {
  it('is not stored, not indexed, says nothing to where it leads, and sets no cookie', async () => {
    for (const { headers, status } of (await everyAnswer()).answers) {
      const named = ['cache-control', 'referrer-policy', 'x-robots-tag', 'x-content-type-options', 'set-cookie'];
      expect([status, ...named.map((name) => headers.get(name))]).toEqual([
        ...[status, 'no-store', 'no-referrer', 'noindex, nofollow', 'nosniff', null],
      ]);
    }
  });

  it('is without the token, and so is what onError hears', async () => {
    const { answers, tokens, errors } = await everyAnswer();
    expect(errors.length).toBeGreaterThan(5);
    const told = errors.map(([error, place, event]) => {
      const { message, stack } = error as Error;
      return JSON.stringify({ message, stack, place, event });
    });
    const answered = answers.map(({ headers, body }) => JSON.stringify([...headers, body]));
    for (const token of tokens) {
      // Its random part is known by the id of an event; neither the whole nor what follows on it is shown.
      for (const secret of [token, token.slice(26)]) {
        expect(secret.length).toBeGreaterThan(20);
        for (const text of [...told, ...answered]) expect(text).not.toContain(secret);
      }
    }
  });
});

// --- internal ---

interface Everything {
  readonly answers: readonly Answered[];
  readonly errors: readonly Failure[];
  readonly tokens: readonly string[];
}

/** Asks all that can be asked of two deployments: one that works, and one where every callback fails. */
async function everyAnswer(): Promise<Everything> {
  const [active, stolen] = [generateKey('trk'), generateKey('trk')];
  const before = openDesk({ active, now: () => Date.now() - 400 * DAY });
  const robbed = openDesk({ active: stolen });
  const setup = { active, withdrawn: [keyIdOf(stolen)], lifetimes: { unsubscribe: 60 } };
  const fails = () => raise(new Error('broken'));
  const all = { onEvent: fails, onUnsubscribe: fails, destination: fails, confirmLegacy: fails, onAddress: fails };
  const [works, broken] = [openDesk(setup), openDesk({ ...setup, ...all })];
  const answers: Answered[] = [];
  const tokens = new Set<string>();
  for (const desk of [works, broken]) {
    for (const purpose of ['open', 'click', 'unsubscribe'] as const) {
      const claims = purpose === 'click' ? [{ link: 42 }, { link: 43 }, { url: 'https://shop.example/' }] : [{}];
      const made = [desk, before, robbed].flatMap(({ links }) =>
        claims.map((more) => links.url(purpose, { ...READER, ...more })),
      );
      const [first = ''] = made;
      for (const link of made) tokens.add(tokenOf(link));
      const legacy = `${first.replace(/\?.*/, '')}?M=7&C=a1b2c3&L=5&N=789`;
      for (const link of [...made, `${first}A`, `${first}).`, legacy, first.replace('?', '?x=')]) {
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) answers.push(await desk.ask(link, { method }));
        for (const fields of [
          ONE_CLICK,
          { confirm: 'yes' },
          { address: 'ann@example.com' },
          { address: 'no address' },
        ]) {
          answers.push(await desk.post(link, fields));
        }
      }
    }
  }
  expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 302, 404, 405, 410, 503]);
  return { answers, tokens: [...tokens], errors: broken.errors };
}

function raise(error: Error): never {
  throw error;
}
