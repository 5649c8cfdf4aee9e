import { CasehardError } from '../errors.ts';
import type { SealingKey } from '../keyring/key.ts';
import type { Content } from '../schemes/scheme.ts';
import type { Context } from '../sealed/context.ts';
import { fit, sealedLength, tightBlocks } from '../sealed/length.ts';
import type { Sealable } from '../sealed/seal.ts';
import type { Definition } from './definition.ts';
import type { Shared } from './read.ts';
import { doesNotFit, keyMissing, notWellFormed, tooLong } from './refusal.ts';
import { rowPieces } from './row-key.ts';

/** Everything that sealing one value takes, decided and checked: the sealing itself cannot fail any more. */
export interface Plan extends Sealable {
  readonly key: SealingKey;
  readonly context: Context;
  /** The bucket does not fit the column, the smallest form does. */
  readonly tight: boolean;
}

/** Plans the sealing of content. Throws KEY_MISSING, NOT_WELL_FORMED, TOO_LONG or BAD_ROW. */
export function planSeal(definition: Definition, shared: Shared, content: Content, row: unknown): Plan {
  const { contexts, maxChars, name, spec } = definition;
  const { keyring, maxSecret } = shared;
  const key = keyring.active;
  if (!key) throw keyMissing(name, keyring.setting, 'nothing can be sealed');
  const context = contexts[0];
  if (!context) throw new TypeError('"contexts" is empty');
  if (typeof content === 'string' && !content.isWellFormed()) throw notWellFormed(name);
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  if (bytes > maxSecret) throw tooLong(name, `has ${bytes} bytes, a secret may have ${maxSecret}`);
  const fitting = fit(bytes, maxChars);
  if (!fitting) throw doesNotFit(name, maxChars, sealedLength(tightBlocks(bytes)));
  const pieces = context.rowKeys > 0 ? rowPieces(name, spec.row ?? {}, row) : [];
  return { key, context, row: pieces, content, n: fitting.n, tight: fitting.padding === 'tight' };
}

/** The same, but `undefined` where the content itself cannot be sealed here. Throws KEY_MISSING or BAD_ROW. */
export function tryPlan(definition: Definition, shared: Shared, content: Content, row: unknown): Plan | undefined {
  try {
    return planSeal(definition, shared, content, row);
  } catch (error) {
    if (error instanceof CasehardError && (error.code === 'TOO_LONG' || error.code === 'NOT_WELL_FORMED')) {
      return undefined;
    }
    throw error;
  }
}
