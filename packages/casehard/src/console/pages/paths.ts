import { parseLocator } from '@casehard/core';
import type { Ctx } from '../request.ts';

/** The page of one credential; undefined where its field is in no group. */
export function entryPath({ parts }: Ctx, locator: string): string | undefined {
  const parsed = parseLocator(locator);
  const known = parsed && parts.live.pages.some(({ entries }) => entries.some(({ field }) => field === parsed.field));
  return known ? `/entry/${encodeURIComponent(locator)}` : undefined;
}
