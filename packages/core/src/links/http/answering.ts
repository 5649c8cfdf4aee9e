import { within } from './deliver.ts';
import type { Believed, LinkEvent } from './event.ts';
import type { ErrorPlace, LinkHandlersOptions } from './options.ts';
import type { LinkTexts } from './texts.ts';

/** What the answers to one deployment's links have in common. */
export interface Answering {
  readonly options: LinkHandlersOptions;
  readonly texts: LinkTexts;
  readonly fail: (error: unknown, place: ErrorPlace, event?: LinkEvent) => void;
  readonly eventOf: (
    kind: LinkEvent['kind'],
    request: Request,
    result: Believed,
    more?: Partial<LinkEvent>,
  ) => LinkEvent;
  /** Resolves when the event is handed over or has been waited for long enough; never rejects. */
  readonly deliver: (event: LinkEvent) => Promise<void>;
}

/** Runs a callback of the application for at most 5 s. What it throws goes to `onError`, and gives `undefined`. */
export async function attempt<T>(
  { fail }: Answering,
  place: ErrorPlace,
  work: () => T | Promise<T>,
  event?: LinkEvent,
): Promise<{ readonly value: T } | undefined> {
  let pending: T | Promise<T>;
  try {
    pending = work();
  } catch (error) {
    fail(error, place, event);
    return undefined;
  }
  if (!isPromise(pending)) return { value: pending }; // nothing to wait for
  let done: { readonly value: T } | undefined;
  const working = Promise.resolve(pending).then(
    (value) => {
      done = { value };
    },
    (error: unknown) => fail(error, place, event),
  );
  if ((await within(CALLBACK_MS, working)) === 'late') fail(new Error(`${place} took over 5 s`), place, event);
  return done;
}

// --- internal ---

const CALLBACK_MS = 5_000;

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
