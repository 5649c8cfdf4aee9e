import type { Task } from './background/task.ts';
import { type Ended, Errand } from './errand.ts';
import type { Live } from './live.ts';

type Of<Kind extends Task['kind']> = Extract<Task, { readonly kind: Kind }>;

/** The work on keys that people ask for, and the doctor, who also comes by himself. */
export class Errands {
  readonly doctor: Errand<Of<'doctor'>>;
  readonly withdraw: Errand<Of<'withdraw'>>;
  readonly backup: Errand<Of<'backup'>>;
  readonly drill: Errand<Of<'drill'>>;
  readonly verify: Errand<Of<'verify'>>;
  #examined: Ended<Of<'doctor'>> | undefined;
  #again = false;
  #closed = false;

  constructor(options: { readonly live: Live; readonly now: () => number }) {
    this.doctor = new Errand('the doctor', options);
    this.withdraw = new Errand('a withdrawal', options);
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
   * takes long, and only until he has looked at everything once because somebody asked.
   */
  examine(by = '', quick = false): void {
    if (this.#closed) return;
    if (this.doctor.running) {
      this.#again = true;
      return;
    }
    if (quick && this.#examined?.outcome?.values.complete) return;
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
