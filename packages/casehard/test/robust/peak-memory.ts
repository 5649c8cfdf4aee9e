/* Loaded into a child by NODE_OPTIONS=--import: writes the peak of its resident memory, in KiB, to PEAK_LOG at exit. */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const log = process.env.PEAK_LOG;
if (isMainThread && log) process.on('exit', () => writeFileSync(log, String(process.resourceUsage().maxRSS)));
