import { TAG_BYTES } from '../crypto/hmac.ts';
import { macOf, type SealingKey } from '../keyring/key.ts';
import { type Context, rowRoom, writeRow } from './context.ts';
import { IV_BYTES } from './frame.ts';

/**
 * Begins the message of the MAC, A || IV || C, in the room of the key: writes A and returns where IV belongs. There is
 * space behind C for the tag. Used by seal and open alike.
 */
export function beginMessage(
  key: SealingKey,
  context: Context,
  row: readonly string[],
  flags: number,
  n: number,
): number {
  if (row.length !== context.rowKeys) throw new TypeError('"row" must have one piece for each row-key column');
  const front = context.front(key, flags, n);
  const room = macOf(key).room(front.length + rowRoom(row) + IV_BYTES + 16 * n + TAG_BYTES);
  return writeRow(room, front.copy(room), row);
}
