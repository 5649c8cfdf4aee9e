import type { Walked } from '../jobs/walk.ts';
import type { Output } from './output.ts';

const WIDTH = 24;

/** Draws a bar with rate and time left, a few times a second. */
export function drawProgress(output: Output): (field: string, walked: Walked) => void {
  let began = performance.now();
  let current = '';
  let drawn = 0;
  return (field, walked) => {
    const now = performance.now();
    if (field !== current) {
      current = field;
      began = now;
      drawn = 0;
    }
    if (now - drawn < 200) return;
    drawn = now;
    const seconds = Math.max((now - began) / 1000, 0.001);
    const rate = Math.round(walked.rows / seconds);
    const total = walked.total;
    const left = total === undefined || rate === 0 ? '' : `  ${duration(Math.max(0, total - walked.rows) / rate)} left`;
    output.progress(`${field}  ${bar(total, walked.rows)}${walked.rows} rows  ${rate}/s${left}`);
  };
}

// --- internal ---

function bar(total: number | undefined, done: number): string {
  if (total === undefined || total === 0) return '';
  const filled = Math.min(WIDTH, Math.round((done / total) * WIDTH));
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] `;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
