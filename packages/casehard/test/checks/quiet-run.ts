/* A process of its own: runs the checks it reads from stdin, with the secret it reads there too, and prints the codes. */
import { text } from 'node:stream/consumers';
import { Secret } from '@casehard/core';
import { type CheckRequest, runCheck } from '../../src/checks/check.ts';

const { secret, requests, ca } = JSON.parse(await text(process.stdin)) as {
  readonly secret: string;
  readonly requests: readonly CheckRequest[];
  readonly ca: string;
};
const policy = { privateAddresses: true, ca, timeoutMs: 1500 };
const results = await Promise.all(requests.map((request) => runCheck(request, new Secret(secret), policy)));
console.log(results.map(({ code }) => code).join(' '));
console.log(results);
