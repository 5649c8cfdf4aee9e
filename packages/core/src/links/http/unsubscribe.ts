import type { LinkResult } from '../links.ts';
import { namesReader } from '../reader.ts';
import { addressForm, button, page, plain } from './answer.ts';
import { type Answering, attempt } from './answering.ts';
import { type Believed, isBelieved } from './event.ts';
import { isOneClick, readForm } from './form.ts';
import { isAddress } from './mail-address.ts';
import type { AddressRequest } from './options.ts';

/** GET shows a page and changes nothing, whoever calls it; POST unsubscribes. */
export async function answerUnsubscribe(answering: Answering, request: Request): Promise<Response> {
  const { options, texts } = answering;
  if (request.method === 'GET' || request.method === 'HEAD') {
    const result = options.links.verify('unsubscribe', request.url);
    const shown = isBelieved(result)
      ? page(200, texts.lang, texts.unsubscribe, texts.unsubscribeText, button(texts.unsubscribeButton))
      : offer(answering, result);
    return request.method === 'GET' ? shown : new Response(null, { status: shown.status, headers: shown.headers });
  }
  if (request.method !== 'POST') return plain(405, 'method not allowed', { allow: 'GET, HEAD, POST' });
  const fields = await readForm(request);
  const oneClick = isOneClick(fields);
  const result = await believedOrNot(answering, options.links.verify('unsubscribe', request.url));
  if (result === 'failed') return later(answering, oneClick);
  if (isBelieved(result) && namesReader(result.claims)) return leave(answering, request, result, oneClick);
  const address = oneClick ? undefined : fields.get('address')?.trim();
  if (address !== undefined && options.onAddress) return takeAddress(answering, { address, why: whyOf(result) });
  if (isBelieved(result)) reportNobody(answering, request, result, oneClick);
  return oneClick ? plain(statusOf(result), 'this link does not work any more') : offer(answering, result);
}

// --- internal ---

/** Where the code stands last, mail programs take what follows the link for a part of it. */
const TAKEN_INTO_LINK = /[.,;:!?)\]}>"'*]+$/;

async function leave(answering: Answering, request: Request, result: Believed, oneClick: boolean): Promise<Response> {
  const { options, texts } = answering;
  // A one-click is posted by the server of a mail program, which need not say what it is, for a person who pressed a button.
  const more = oneClick ? { oneClick, prefetch: undefined } : { oneClick };
  const event = answering.eventOf('unsubscribe', request, result, more);
  const done = await attempt(answering, 'unsubscribe', () => options.onUnsubscribe(event), event);
  if (!done) return later(answering, oneClick);
  return oneClick ? plain(200, 'unsubscribed') : page(200, texts.lang, texts.done, texts.doneText);
}

/** An application might take "nobody" for everybody, and whoever pressed the button must not believe that it worked. */
function reportNobody({ eventOf, fail }: Answering, request: Request, result: Believed, oneClick: boolean): void {
  const error = new Error('an unsubscribe link names no recipient: nobody was unsubscribed');
  fail(error, 'unsubscribe', eventOf('unsubscribe', request, result, { oneClick }));
}

/** A legacy link unsubscribes with the right confirm code only; any other is as good as damaged. */
async function believedOrNot(answering: Answering, result: LinkResult): Promise<LinkResult | 'failed'> {
  if (result.kind !== 'legacy') return result;
  const { claims, confirm } = result;
  const isRight = async (code = '') => code !== '' && (await answering.options.confirmLegacy?.(claims, code)) === true;
  const compared = await attempt(answering, 'confirmLegacy', async () => {
    if (await isRight(confirm)) return true;
    const bare = confirm?.replace(TAKEN_INTO_LINK, '');
    return bare !== confirm && isRight(bare);
  });
  if (!compared) return 'failed';
  return compared.value ? result : { kind: 'invalid', reason: 'NO_TOKEN' };
}

/** The answer is the same for every address, known or not, also where the callback fails for one of them. */
async function takeAddress(answering: Answering, asked: AddressRequest): Promise<Response> {
  const { options, texts } = answering;
  if (isAddress(asked.address)) await attempt(answering, 'address', () => options.onAddress?.(asked));
  return page(200, texts.lang, texts.sent, texts.sentText);
}

function offer({ texts, options }: Answering, result: LinkResult): Response {
  if (!options.onAddress) return page(statusOf(result), texts.lang, texts.stale, texts.staleText);
  const form = addressForm(texts.byAddressLabel, texts.byAddressButton);
  return page(statusOf(result), texts.lang, texts.stale, `${texts.staleText} ${texts.byAddressText}`, form);
}

function later({ texts }: Answering, oneClick: boolean): Response {
  const retry = { 'retry-after': '120' };
  return oneClick
    ? plain(503, 'try again later', retry)
    : page(503, texts.lang, texts.later, texts.laterText, '', retry);
}

function statusOf(result: LinkResult): number {
  return whyOf(result) === 'damaged' ? 404 : 410;
}

function whyOf(result: LinkResult): AddressRequest['why'] {
  if (result.kind === 'expired') return 'expired';
  return result.kind === 'invalid' && result.reason === 'WITHDRAWN_KEY' ? 'withdrawn' : 'damaged';
}
