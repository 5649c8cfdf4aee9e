import { CasehardError } from '@casehard/core';
import { startTask } from './background/background.ts';
import type { Upgraded } from './background/task.ts';
import type { Live } from './live.ts';
import type { Deed } from './record.ts';
import type { Watch } from './watch.ts';

export type UpgradeState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly step: string; readonly did: string; readonly since: number }
  | { readonly kind: 'done'; readonly at: number; readonly result: Upgraded }
  | { readonly kind: 'failed'; readonly at: number; readonly error: CasehardError };

export interface UpgradeRunOptions {
  readonly live: Live;
  readonly watch: Watch;
  readonly now: () => number;
  /** Told how an upgrade ended, unless nothing was done, and by whom it was started. */
  readonly onEnd: (by: string, deed: Deed) => Promise<void>;
}

/** The upgrade that somebody runs from the console: one at a time, safe to run from elsewhere at once. */
export class UpgradeRun {
  readonly #live: Live;
  readonly #watch: Watch;
  readonly #now: () => number;
  readonly #onEnd: UpgradeRunOptions['onEnd'];
  #state: UpgradeState = { kind: 'idle' };

  constructor(options: UpgradeRunOptions) {
    this.#live = options.live;
    this.#watch = options.watch;
    this.#now = options.now;
    this.#onEnd = options.onEnd;
  }

  get state(): UpgradeState {
    return this.#state;
  }

  /** Starts it and returns; `state` says how it goes. Throws REFUSED while it runs. */
  start(by: string): void {
    if (this.#state.kind === 'running') {
      throw new CasehardError('REFUSED', 'the upgrade is running', { hint: 'wait for it' });
    }
    const since = this.#now();
    const made: string[] = [];
    this.#state = { kind: 'running', step: '', did: '', since };
    const running = startTask(
      { kind: 'upgrade' },
      {
        ...this.#live.where(),
        onProgress: (progress) => {
          if (progress.kind !== 'upgrade') return;
          if (progress.state === 'done') made.push(progress.step);
          this.#state = { kind: 'running', step: progress.step, did: progress.state, since };
        },
      },
    );
    running.done.then(
      (result) => this.#ended({ kind: 'done', at: this.#now(), result }, { by, made }),
      (error: CasehardError) => this.#ended({ kind: 'failed', at: this.#now(), error }, { by, made }),
    );
  }

  async #ended(
    state: Extract<UpgradeState, { kind: 'done' | 'failed' }>,
    { by, made }: { readonly by: string; readonly made: readonly string[] },
  ): Promise<void> {
    const how = state.kind === 'failed' ? `failed ${state.error.code}` : 'done';
    if (made.length > 0) {
      await this.#onEnd(by, { act: 'upgrade', subject: made.join(', '), outcome: `${how}: ${made.length} steps` });
    }
    // The page that shows the result must not say that the upgrade is pending.
    await this.#watch.lookNow();
    this.#state = state;
    void this.#watch.scanNow();
  }
}
