import { createCasehard, createKeyring, generateKey, type Keyring } from '@casehard/core';
import { sampleFields } from './config.ts';
import { addon } from './special-addons.ts';
import { client } from './special-clients.ts';
import { list } from './special-lists.ts';
import { base64Text, type SpecialRow } from './special-row.ts';
import { user } from './special-users.ts';

/**
 * Rows that show the verdicts on sealed values: users from 61, list 61, and a few add-ons and clients. `previous` has
 * the key active that `keyring` lists as previous; without it nothing is stale.
 */
export function sealedRows(keyring: Keyring, previous?: Keyring): readonly SpecialRow[] {
  const hard = sealer(keyring);
  const stranger = sealer(createKeyring({ active: generateKey('enc') }));
  const old = previous && sealer(previous);
  const password = (id: number): string => hard.field('user.smtp.password').seal(`Sealed-${id}-Pa55!`, { user_id: id });
  const current = (id: number, because: string): SpecialRow =>
    user(id, because, { password: [password(id), 'current'] });
  const unreadable = (id: number, because: string, stored: string, why: string): SpecialRow =>
    user(id, because, { password: [stored, `unreadable ${why}`] });

  const moved = password(63);
  const addonKey = hard.field('addon.api.key');
  const secret = hard.field('oauth.client.secret');
  const fieldBound = createCasehard({
    fields: { 'user.smtp.password': { ...sampleFields['user.smtp.password'], bind: 'field' } },
    keyring,
  });
  return [
    current(61, 'sealed under the active key'),
    user(62, 'a sealed value was sealed again', {
      // As long as varchar(255) holds: the inner value is cut, but its marker is there.
      password: [hard.field('user.smtp.password').seal(password(62).slice(0, 60), { user_id: 62 }), 'current (nested)'],
    }),
    user(63, 'its value was copied to user 64', { password: [moved, 'current'] }),
    unreadable(64, 'the value of user 63', moved, 'MAC'),
    unreadable(65, 'swapped with user 66', password(66), 'MAC'),
    unreadable(66, 'swapped with user 65', password(65), 'MAC'),
    unreadable(67, 'the value of another field', hard.field('user.api.token').seal('a-token', { user_id: 67 }), 'MAC'),
    unreadable(68, 'one bit was changed', flipped(password(68)), 'MAC'),
    unreadable(69, 'cut at 100 characters', password(69).slice(0, 100), 'TRUNCATED'),
    unreadable(70, 'turned into lower case', password(70).toLowerCase(), 'CASE_DAMAGED'),
    unreadable(71, 'a character too many', `${password(71)}A`, 'MALFORMED'),
    unreadable(72, 'a later version of the format', password(72).replace('chd1.', 'chd2.'), 'UNKNOWN_VERSION'),
    unreadable(
      73,
      'a key that nobody has',
      stranger.field('user.smtp.password').seal('x', { user_id: 73 }),
      'UNKNOWN_KEY',
    ),
    unreadable(
      74,
      'bound to the field alone',
      fieldBound.field('user.smtp.password').seal('x', { user_id: 74 }),
      'CONTEXT_POLICY',
    ),
    user(75, 'base64 over a sealed value, from an old process', {
      password: [base64Text(password(75)), 'unexpected LOOKS_SEALED'],
    }),
    user(76, 'a soft-deleted user', { password: [password(76), 'current'], deleted: true }),
    user(77, 'padded with spaces', { password: [`${password(77)}  `, 'current'] }),
    ...(old
      ? [
          user(78, 'sealed under a previous key', {
            password: [old.field('user.smtp.password').seal('Old-Pa55!', { user_id: 78 }), 'stale key'],
          }),
          addon('sealed-stale', 'sealed under a previous key', [
            old.field('addon.api.key').seal('old-Key', { addon_id: 'sealed-stale' }),
            'stale key',
          ]),
        ]
      : []),
    list(61, 'cut at the width of its column', [
      hard.field('list.bounce.password').seal('Bounce-61', { list_id: 61 }).slice(0, 100),
      'unreadable TRUNCATED',
    ]),
    addon('sealed', 'sealed under the active key', [addonKey.seal('ключ-1', { addon_id: 'sealed' }), 'current']),
    addon('sealed-moved', 'the value of another add-on', [
      addonKey.seal('x', { addon_id: 'sealed' }),
      'unreadable MAC',
    ]),
    client('sealed', 'sealed under the active key', [secret.seal('Sealed-Secret', { client_id: 'sealed' }), 'current']),
    client('sealed-moved', 'the value of another client', [
      secret.seal('x', { client_id: 'sealed' }),
      'unreadable MAC',
    ]),
  ];
}

// --- internal ---

function sealer(keyring: Keyring) {
  return createCasehard({ fields: sampleFields, keyring });
}

/** The same text with one bit of the ciphertext inverted. */
function flipped(sealed: string): string {
  const at = 60;
  const raw = Buffer.from(sealed.slice(14), 'base64url');
  raw[at] = (raw[at] ?? 0) ^ 1;
  return sealed.slice(0, 14) + raw.toString('base64url');
}
