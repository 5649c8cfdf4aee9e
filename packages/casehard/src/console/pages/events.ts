import type { Ctx } from '../request.ts';
import { headersFor } from '../views/answer.ts';
import { extentOf, textsOf } from '../views/job.ts';
import { runningText } from './upgrade.ts';

interface News {
  /** By the name of their place in the page. */
  readonly texts: Readonly<Record<string, string>>;
  readonly done?: number;
  readonly total?: number;
  /** The page should be loaded again. */
  readonly ended: boolean;
}

/** The live figures of a job, as server-sent events. */
export function jobEvents(ctx: Ctx): Response {
  return stream(ctx, async () => {
    const job = await ctx.parts.jobs.find(ctx.params.id ?? '');
    if (!job) return { texts: {}, ended: true };
    return {
      texts: textsOf(ctx, job),
      done: job.rows,
      total: extentOf(ctx, job).total,
      ended: job.state !== 'running',
    };
  });
}

/** The step that an upgrade is at. */
export function upgradeEvents(ctx: Ctx): Response {
  return stream(ctx, async () => {
    const { state } = ctx.parts.upgrade;
    return { texts: state.kind === 'running' ? { state: runningText(state) } : {}, ended: state.kind !== 'running' };
  });
}

// --- internal ---

const EVERY_MS = 500;
/** A browser asks again by itself; a stream that nobody reads any more ends here at the latest. */
const LONGEST_MS = 10 * 60_000;

function stream(ctx: Ctx, news: () => Promise<News>): Response {
  const encoder = new TextEncoder();
  const until = Date.now() + LONGEST_MS;
  let timer: NodeJS.Timeout | undefined;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const tick = async (): Promise<void> => {
        try {
          // Signing out, and what is done to an account, ends its streams too.
          const { who } = await ctx.parts.auth.identify(ctx.request, ctx.token);
          const found = who ? await news() : { texts: {}, ended: true };
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(found)}\n\n`));
          if (found.ended || Date.now() > until) return controller.close();
          timer = setTimeout(() => void tick(), EVERY_MS);
        } catch {
          // The reader has gone, or the database has: the browser asks again.
          try {
            controller.close();
          } catch {}
        }
      };
      await tick();
    },
    cancel() {
      clearTimeout(timer);
    },
  });
  return new Response(body, {
    headers: { ...headersFor(ctx), 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
  });
}
