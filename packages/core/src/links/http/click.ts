import { webAddress } from '../destination.ts';
import { page, redirect } from './answer.ts';
import { type Answering, attempt } from './answering.ts';
import { isRecorded } from './event.ts';

/** Redirects to the destination inside the token, or looked up by id; an expired link too, unrecorded. Nothing else ever. */
export async function followClick(answering: Answering, request: Request): Promise<Response> {
  const { texts, options } = answering;
  const result = options.links.verify('click', request.url);
  if (result.kind === 'invalid') {
    return page(result.reason === 'WITHDRAWN_KEY' ? 410 : 404, texts.lang, texts.stale, texts.staleText);
  }
  const { claims } = result;
  const found = await attempt(answering, 'destination', () => claims.url ?? options.destination?.(claims));
  if (!found) return page(503, texts.lang, texts.later, texts.laterText, '', { 'retry-after': '60' });
  const destination = webAddress(found.value);
  if (destination === undefined) {
    if (found.value !== undefined)
      answering.fail(new Error('a destination is no http or https address'), 'destination');
    return page(404, texts.lang, texts.stale, texts.staleText);
  }
  if (isRecorded(result)) await answering.deliver(answering.eventOf('click', request, result, { destination }));
  return redirect(destination);
}
