/* Loaded into a child by NODE_OPTIONS=--import: writes the peak of its resident memory, in KiB, to PEAK_LOG at exit.
   Plain JavaScript: what strips types would be counted too, with some 45 MB. */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const log = process.env.PEAK_LOG;
if (isMainThread && log) process.on('exit', () => writeFileSync(log, String(process.resourceUsage().maxRSS)));
