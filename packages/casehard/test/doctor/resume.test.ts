import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '@casehard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRESS_FILE } from '../../src/doctor/progress-file.ts';
import { ENGINES } from '../engines.ts';
import { expectNoSecret, found, makePatient, PASSWORD, type Patient, type PatientOptions } from './patient.ts';

describe.each(ENGINES)('a doctor that was stopped, on $engine', (engine) => {
  let patient: Patient;
  beforeAll(async () => {
    if (engine.absent) return;
    patient = await makePatient(engine);
    for (let from = 10; from < 4510; from += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => `(${from + i}, 'no base64!')`);
      await patient.execute(`insert into users values ${rows}`);
    }
    await patient.harden();
  });
  afterAll(() => patient?.drop());

  const path = (): string => join(patient.folder, PROGRESS_FILE);
  const stopAfterOnePage = async (options: PatientOptions = {}) => {
    const controller = new AbortController();
    return patient.diagnose({
      ...options,
      keepProgress: true,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
  };
  const goOn = async (options: PatientOptions = {}) => {
    const rows: number[] = [];
    const diagnosis = await patient.diagnose({
      ...options,
      keepProgress: true,
      resume: true,
      onProgress: (field, count) => field === PASSWORD && rows.push(count),
    });
    return { diagnosis, rows };
  };

  it.skipIf(engine.absent)('goes on where it was, and says the same as one that was not stopped', async () => {
    const whole = await patient.diagnose();
    const stopped = await stopAfterOnePage();
    expect(stopped.values).toEqual({ looked: 2000, complete: false, stopped: true });
    expect(found(stopped, 'SCAN_STOPPED')).toMatchObject([
      {
        verdict: 'warning',
        evidence: '2000 values were looked at before the scan was stopped',
        fix: '`casehard doctor --resume` goes on where it stopped',
      },
    ]);
    expectNoSecret(readFileSync(path(), 'utf8'), [patient.key]);
    if (process.platform !== 'win32') expect(statSync(path()).mode & 0o777).toBe(0o600);
    const { diagnosis, rows } = await goOn();
    expect(rows).toEqual([4000, 4503]);
    expect(diagnosis).toEqual(whole);
    expect(existsSync(path())).toBe(false);
  });

  it.skipIf(engine.absent)('begins anew under other keys, after a day, and without --resume', async () => {
    const all = [2000, 4000, 4503];
    await stopAfterOnePage();
    expect((await goOn({ keys: { active: patient.key, staged: [generateKey('enc')] } })).rows).toEqual(all);
    await stopAfterOnePage({ now: () => Date.now() - 90_000_000 });
    expect((await goOn()).rows).toEqual(all);
    await stopAfterOnePage();
    const rows: number[] = [];
    await patient.diagnose({ keepProgress: true, onProgress: (field, n) => field === PASSWORD && rows.push(n) });
    expect(rows).toEqual(all);
  });

  it.skipIf(engine.absent)('writes no file unless it is asked to', async () => {
    const controller = new AbortController();
    const stopped = await patient.diagnose({ signal: controller.signal, onProgress: () => controller.abort() });
    expect(found(stopped, 'SCAN_STOPPED')[0]?.fix).toMatch(/^run `casehard doctor` again/);
    expect(existsSync(path())).toBe(false);
  });
});
