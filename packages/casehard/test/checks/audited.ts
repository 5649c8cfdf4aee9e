import { inspect } from 'node:util';
import { Secret } from '@casehard/core';
import { expect } from 'vitest';
import { type CheckPolicy, type CheckRequest, type CheckResult, runCheck } from '../../src/checks/check.ts';

/** The password of every account in these tests; long enough to be found anywhere. */
export const PASSWORD = 'MARKED-secret "pa\\ss" ü 7f3a';

/** What hostile servers write; none of it may come through. */
export const HOSTILE = '<script>alert(1)</script>\u001b[31mMARKED-server-text';

/** Runs a check and looks at everything that it returns for secrets and for what a server wrote. */
export async function audited(
  request: CheckRequest,
  secret: string,
  policy: Partial<CheckPolicy> = {},
): Promise<CheckResult> {
  const result = await runCheck(request, new Secret(secret), { privateAddresses: true, timeoutMs: 8000, ...policy });
  const shown = [JSON.stringify(result), inspect(result, { depth: 9, showHidden: true }), result.says];
  for (const text of shown) {
    for (const form of formsOf(secret)) expect(text).not.toContain(form);
    expect(text).not.toMatch(/MARKED|<script|\\u001b|\p{Cc}(?<!\n)/u);
  }
  expect(result.says).toMatch(/^[a-z][^.\r\n]{10,160}$/i);
  if (result.reply !== undefined) expect(result.reply).toMatch(/^[-A-Za-z0-9 .[\]/_]{2,32}$/);
  expect(result.ok).toBe(result.code === 'OK');
  if (result.address !== undefined) expect(result.address).toMatch(/^(\[[0-9a-f:.]+\]|[0-9.]+):\d+$/);
  return result;
}

// --- internal ---

/** The ways in which a credential is spelled on the wire. */
function formsOf(secret: string): readonly string[] {
  const plain = [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
  ];
  return plain.filter((form) => form.length >= 6);
}
