/**
 * Measures several subjects side by side: short slices in turn, in a new order every round, so that whatever else the
 * machine does falls on all of them alike. A median over rounds, and ratios taken within a round, stay usable then.
 */
export interface Subject {
  readonly name: string;
  /** Does the work so many times. A promise is awaited inside the slice. */
  run(times: number): void | Promise<void>;
}

export interface Spread {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
}

export interface Measured {
  readonly name: string;
  /** Microseconds for one operation. */
  readonly micros: Spread;
  /** This subject's time divided by the first subject's, within each round. */
  readonly ratio: Spread;
}

export interface MeasureOptions {
  readonly rounds: number;
  /** Length of a slice in milliseconds. */
  readonly slice: number;
}

/** Measures all subjects; the first one is what the ratios refer to. */
export async function measure(subjects: readonly Subject[], options: MeasureOptions): Promise<Measured[]> {
  const times = new Map<Subject, number>();
  for (const subject of subjects) times.set(subject, await timesPerSlice(subject, options.slice));
  const samples = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const subject of shuffled(subjects)) {
      samples.get(subject)?.push(await slice(subject, times.get(subject) ?? 1));
    }
  }
  const base = samples.get(subjects[0] as Subject) ?? [];
  return subjects.map((subject) => {
    const own = samples.get(subject) ?? [];
    return {
      name: subject.name,
      micros: spread(own),
      ratio: spread(own.map((micros, round) => micros / (base[round] ?? Number.NaN))),
    };
  });
}

/** The same in a new order. */
export function shuffled<T>(items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

// --- internal ---

const WARM_UP_MS = 60;

/** Warms a subject up and says how often it runs in a slice. */
async function timesPerSlice(subject: Subject, sliceMs: number): Promise<number> {
  let times = 1;
  let micros = Number.POSITIVE_INFINITY;
  const end = performance.now() + WARM_UP_MS;
  while (performance.now() < end) {
    micros = Math.min(micros, await slice(subject, times));
    times = Math.max(1, Math.round((sliceMs * 1000) / micros));
  }
  return times;
}

/** Microseconds for one operation. */
async function slice(subject: Subject, times: number): Promise<number> {
  const start = process.hrtime.bigint();
  const pending = subject.run(times);
  if (pending) await pending;
  return Number(process.hrtime.bigint() - start) / 1000 / times;
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}
