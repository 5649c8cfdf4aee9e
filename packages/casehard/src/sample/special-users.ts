import { FOREIGN, PUBLISHED_SEALED } from './foreign-values.ts';
import {
  base64Text,
  type Cell,
  inBase64,
  inOrder,
  inPlaintext,
  type SpecialRow,
  special,
  textOfLength,
} from './special-row.ts';

/** Users 1 to 28: one oddity each. */
export function specialUsers(): readonly SpecialRow[] {
  return [
    user(1, 'an ordinary user', {}),
    user(2, 'NULL', { password: [null, 'empty'], token: [null, 'empty'] }),
    user(3, 'empty text', { password: ['', 'empty'], token: ['', 'empty'] }),
    user(4, 'one byte', { password: inBase64('x'), token: inPlaintext('x') }),
    user(5, 'as long as the columns hold', {
      password: inBase64(textOfLength(186)),
      token: inPlaintext(textOfLength(40)),
    }),
    user(6, 'emoji and other scripts', {
      password: inBase64('пароль-🔑-ключ'),
      token: inPlaintext('tok-🔑-ключ-日本'),
    }),
    user(7, 'latin1 bytes, which are not UTF-8', { password: inBase64(Buffer.from('pässwörd', 'latin1')) }),
    user(8, 'quotes, backslashes and newlines', {
      password: inBase64('it\'s "quoted" \\ back\r\nnext line\ttab'),
      token: inPlaintext('a\'b"c\\d`e\n;--%_'),
    }),
    user(9, 'a plaintext that begins like a sealed value', {
      token: ['chd1.my-own-token-0001', 'unreadable MALFORMED'],
    }),
    user(10, 'a plaintext that happens to be base64', { token: inPlaintext(base64Text('correct horse battery')) }),
    user(11, 'plain text in a base64 column', { password: ['hunter2!', 'unexpected NOT_LEGACY'] }),
    user(12, 'base64 without its padding', { password: ['aHVudGVyMg', 'unexpected NOT_LEGACY'] }),
    user(13, 'base64 with stray bits at its end', { password: ['aHVudGVyMh==', 'unexpected NOT_LEGACY'] }),
    user(14, 'base64 with a line end', { password: ['aHVudGVyMg==\n', 'unexpected NOT_LEGACY'] }),
    user(15, 'sealed by Laravel', { password: [FOREIGN.laravel, 'foreign'] }),
    user(16, 'sealed by Fernet', { password: [FOREIGN.fernet, 'foreign'] }),
    user(17, 'a bcrypt hash', { password: [FOREIGN.bcrypt, 'foreign'] }),
    user(18, 'sealed by openssl', { password: [FOREIGN.openssl, 'foreign'] }),
    user(19, 'a bcrypt hash inside base64', { password: [base64Text(FOREIGN.bcrypt), 'foreign'] }),
    user(20, 'base64 whose content looks sealed', {
      password: [base64Text(PUBLISHED_SEALED), 'unexpected LOOKS_SEALED'],
    }),
    user(21, 'a soft-deleted user', { deleted: true }),
    user(22, 'a soft-deleted user whose value must be quarantined', {
      password: ['not base64 at all', 'unexpected NOT_LEGACY'],
      deleted: true,
    }),
    user(23, 'a JWT, an ordinary token', { token: inPlaintext('eyJhbGciOiJub25lIn0.eyJzdWIiOjF9.c2ln') }),
    user(24, 'spaces around, a byte order mark and a combining accent', {
      password: inBase64('\ufeff  re\u0301sume\u0301  '),
    }),
    user(25, 'a NUL in the middle', { password: inBase64('before\0after') }),
    user(26, 'a token of hex digits', { token: inPlaintext('da39a3ee5e6b4b0d3255bfef95601890afd80709') }),
    user(27, 'base64 of base64', { password: inBase64(base64Text('twice')) }),
    user(28, 'a password that ends in what would be padding', { password: inBase64('x\u0080\0\0') }),
  ];
}

/** A row of users with everything that does not matter filled in. */
export function user(
  id: number,
  because: string,
  cells: { readonly password?: Cell; readonly token?: Cell; readonly deleted?: boolean },
): SpecialRow {
  const password = cells.password ?? inBase64(`Mailer-${id}-Pa55!`);
  const token = cells.token ?? inPlaintext(`mk_live_${id}_${textOfLength(20)}`);
  return {
    table: 'users',
    values: inOrder('users', {
      user_id: id,
      username: `special${id}`,
      email: `special${id}@example.com`,
      smtp_server: 'smtp.example.com',
      smtp_port: 587,
      smtp_username: `special${id}`,
      smtp_password: password[0],
      api_token: token[0],
      deleted: cells.deleted === true ? 1 : 0,
      created_at: '2019-05-01 08:00:00',
      updated_at: '2021-11-30 23:59:59',
    }),
    specials: [
      special('user.smtp.password', [String(id)], because, password[1]),
      special('user.api.token', [String(id)], because, token[1]),
    ],
  };
}
