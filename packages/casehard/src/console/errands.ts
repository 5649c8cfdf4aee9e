import type { Task } from './background/task.ts';
import { type Ended, Errand } from './errand.ts';
import type { Live } from './live.ts';

const DAY_MS = 86_400_000;

type Of<Kind extends Task['kind']> = Extract<Task, { readonly kind: Kind }>;

/** The work on keys that people ask for, and the doctor, who also comes by himself. */
export class Errands {
  readonly doctor: Errand<Of<'doctor'>>;
  readonly withdraw: Errand<Of<'withdraw'>>;
  readonly backup: Errand<Of<'backup'>>;
  readonly drill: Errand<Of<'drill'>>;
  readonly verify: Errand<Of<'verify'>>;
  readonly #now: () => number;
  #examined: Ended<Of<'doctor'>> | undefined;
  #again = false;
  #closed = false;

  constructor(options: { readonly live: Live; readonly now: () => number }) {
    this.#now = options.now;
    this.doctor = new Errand('the doctor', options);
    this.withdraw = new Errand('a withdrawal', { ...options, patient: true }); // it puts a canary back
    this.backup = new Errand('a backup', options);
    this.drill = new Errand('a drill', options);
    this.verify = new Errand('a check of the audit trail', options);
  }

  /** The last diagnosis that came to its end, whatever happened since. */
  get diagnosis(): Ended<Of<'doctor'>> | undefined {
    return this.#examined;
  }

  /**
   * Lets the doctor look, unless he is at work; then once more after that. `quick` opens no value: for databases where that
   * takes long, and only where nobody has had him look at everything within a day.
   */
  examine(by = '', quick = false): void {
    if (this.#closed) return;
    if (this.doctor.running) {
      this.#again = true;
      return;
    }
    const whole = this.#examined?.outcome?.values.complete ? this.#examined.at : undefined;
    if (quick && whole !== undefined && this.#now() - whole < DAY_MS) return;
    void this.doctor.start({ task: { kind: 'doctor', quick }, by }).then((ended) => {
      if (ended.outcome) this.#examined = ended;
      const again = this.#again;
      this.#again = false;
      if (again) this.examine(by, quick);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const all = [this.doctor, this.withdraw, this.backup, this.drill, this.verify];
    await Promise.all(all.map((errand) => errand.close()));
  }
}
