import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@casehard/core/state';
import type { FieldLook } from './look.ts';

/** The file beside the configuration that a long look at values keeps, so that the next one can go on. */
export const PROGRESS_FILE = 'casehard.doctor.json';

/**
 * Where a look at values stands: counts and row keys, never content. A file and no row of ours: a doctor writes nothing
 * into the database, works on a replica and before the upgrade, and must not believe a database that says of itself that
 * most of it was looked at already.
 */
export class ProgressFile {
  readonly #path: string;
  readonly #about: string;
  #written = performance.now();

  /** `about` is what the counts depend on: database, keys and fields. Counts about anything else are not taken up. */
  constructor(folder: string, about: unknown) {
    this.#path = join(folder, PROGRESS_FILE);
    this.#about = sha256(Buffer.from(JSON.stringify(about))).toString('base64url');
  }

  /** What an earlier look has found, if it was about the same and is not older than a day. */
  read(now: number): readonly FieldLook[] | undefined {
    try {
      const kept: Kept = JSON.parse(readFileSync(this.#path, 'utf8'));
      const fits = kept.about === this.#about && now - kept.at < LONGEST_MS && now >= kept.at;
      return fits && Array.isArray(kept.looks) ? kept.looks : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps where the look stands, every few seconds. */
  keep(looks: readonly FieldLook[], now: number): void {
    if (performance.now() - this.#written < EVERY_MS) return;
    this.save(looks, now);
  }

  /** Keeps it now. Returns false where the folder cannot be written: then the next look begins anew. */
  save(looks: readonly FieldLook[], now: number): boolean {
    this.#written = performance.now();
    try {
      writeFileSync(this.#path, JSON.stringify({ about: this.#about, at: now, looks } satisfies Kept), { mode: 0o600 });
      return true;
    } catch {
      return false;
    }
  }

  /** Removes it: the look is complete. */
  remove(): void {
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // A folder that cannot be written: what is left there is too old tomorrow.
    }
  }
}

// --- internal ---

const EVERY_MS = 5000;
const LONGEST_MS = 86_400_000;

interface Kept {
  readonly about: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly looks: readonly FieldLook[];
}
