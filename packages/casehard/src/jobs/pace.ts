/** Page sizes and pauses of a walk. */
export interface Pace {
  /** Rows of the next page. */
  limit(): number;
  /** Called after each page; waits where a rate is asked for, and calls `onWait` from time to time meanwhile. */
  wait(rows: number, options?: { readonly signal?: AbortSignal; readonly onWait?: () => Promise<void> }): Promise<void>;
}

const TARGET_MS = 50;
const FIRST = 500;
const SMALLEST = 50;
const LARGEST = 2000;
/** A page of many rows at a low rate waits for minutes. */
const SLICE_MS = 5000;

/** A page's transaction should take about 50 ms: long enough to be cheap, short enough that a save hardly waits. */
export function startPace(options: { readonly batch?: number; readonly rate?: number }): Pace {
  let limit =
    options.batch ?? (options.rate === undefined ? FIRST : Math.max(1, Math.min(FIRST, Math.ceil(options.rate / 4))));
  const largest = options.rate === undefined ? LARGEST : limit;
  const began = performance.now();
  let pageBegan = began;
  let done = 0;
  return {
    limit: () => {
      pageBegan = performance.now();
      return limit;
    },
    async wait(rows, { signal, onWait } = {}) {
      done += rows;
      const took = performance.now() - pageBegan;
      if (options.batch === undefined && rows === limit) {
        const wanted = (limit * TARGET_MS) / Math.max(took, 1);
        limit = Math.round(Math.min(largest, Math.max(Math.min(SMALLEST, largest), (limit + wanted) / 2)));
      }
      if (options.rate === undefined) return;
      const { rate } = options;
      for (;;) {
        const early = (done / rate) * 1000 - (performance.now() - began);
        if (early <= 0 || signal?.aborted) return;
        await pause(Math.min(early, SLICE_MS), signal);
        if (early > SLICE_MS) await onWait?.();
      }
    },
  };
}

// --- internal ---

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((done) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      done();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish);
  });
}
