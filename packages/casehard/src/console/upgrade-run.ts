import { CasehardError } from '@casehard/core';
import { startTask } from './background/background.ts';
import type { Upgraded } from './background/task.ts';
import type { Live } from './live.ts';
import type { Watch } from './watch.ts';

export type UpgradeState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly step: string; readonly did: string; readonly since: number }
  | { readonly kind: 'done'; readonly at: number; readonly result: Upgraded }
  | { readonly kind: 'failed'; readonly at: number; readonly error: CasehardError };

/** The upgrade that somebody runs from the console: one at a time, safe to run from elsewhere at once. */
export class UpgradeRun {
  readonly #live: Live;
  readonly #watch: Watch;
  readonly #now: () => number;
  #state: UpgradeState = { kind: 'idle' };

  constructor(options: { readonly live: Live; readonly watch: Watch; readonly now: () => number }) {
    this.#live = options.live;
    this.#watch = options.watch;
    this.#now = options.now;
  }

  get state(): UpgradeState {
    return this.#state;
  }

  /** Starts it and returns; `state` says how it goes. Throws REFUSED while it runs. */
  start(): void {
    if (this.#state.kind === 'running') {
      throw new CasehardError('REFUSED', 'the upgrade is running', { hint: 'wait for it' });
    }
    const since = this.#now();
    this.#state = { kind: 'running', step: '', did: '', since };
    const running = startTask(
      { kind: 'upgrade' },
      {
        ...this.#live.where(),
        onProgress: (progress) => {
          if (progress.kind === 'upgrade')
            this.#state = { kind: 'running', step: progress.step, did: progress.state, since };
        },
      },
    );
    running.done.then(
      (result) => this.#ended({ kind: 'done', at: this.#now(), result }),
      (error: CasehardError) => this.#ended({ kind: 'failed', at: this.#now(), error }),
    );
  }

  async #ended(state: UpgradeState): Promise<void> {
    // The page that shows the result must not say that the upgrade is pending.
    await this.#watch.lookNow();
    this.#state = state;
    void this.#watch.scanNow();
  }
}
