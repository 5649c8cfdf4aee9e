import type { Engine } from '../database/connect.ts';
import { FOREIGN } from './foreign-values.ts';
import { type Cell, inPlaintext, type SpecialRow, special, textOfLength } from './special-row.ts';

/** OAuth clients: JSON with a client_secret among other things. */
export function specialClients(engine: Engine): readonly SpecialRow[] {
  return [
    client('google', 'an ordinary client', inPlaintext('GOCSPX-mailer-3kk2j1')),
    client('null-secret', 'null inside the document', [null, 'empty']),
    client('empty-secret', 'empty text inside the document', ['', 'empty']),
    client('one-byte', 'one byte', inPlaintext('s')),
    client('long-secret', '300 bytes', inPlaintext(textOfLength(300))),
    client('emoji', 'emoji', inPlaintext('secret-🔐-ключ')),
    client('quotes', 'quotes, backslashes, newlines and a control character', inPlaintext('a"b\\c/d\n\u0001\u2028"}')),
    client('looks-sealed', 'a plaintext that begins like a sealed value', [
      'CHD1.client-secret',
      'unreadable CASE_DAMAGED',
    ]),
    client('foreign', 'sealed by Fernet', [FOREIGN.fernet, 'foreign']),
    client('o\'brien & "söhne", #1', 'a row key with quotes, a comma and a hash sign', inPlaintext('row-key-Secret')),
    document(
      'escaped',
      'escapes that another printer would write differently',
      ESCAPED,
      engine === 'postgres' ? 'legacy plaintext' : 'unexpected SPELLING',
    ),
    document('absent', 'no client_secret in the document', '{"scopes":[]}', 'empty'),
    document('number', 'the secret is a number', '{"client_secret":12345678901234567890}', 'unexpected NOT_A_STRING'),
    document('object', 'the secret is an object', '{"client_secret":{"value":"x"}}', 'unexpected NOT_A_STRING'),
    document('list', 'a document that is a list', '[{"name":"not an object"}]', 'empty'),
    document('null-column', 'NULL in the column', null, 'empty'),
    ...(engine === 'postgres' ? [] : textOnly()),
  ];
}

/** A client whose secret lies among nested lists and numbers too big for JavaScript. */
export function client(id: string, because: string, [stored, verdict]: Cell): SpecialRow {
  return document(id, because, clientConfig(stored), verdict);
}

/** The JSON of a client. Made by hand, because JSON.stringify cannot print the numbers. */
export function clientConfig(secret: string | null): string {
  return (
    `{"project": 12345678901234567890, "scopes": ["mail.send", ["offline", {"max": 1e400}]], ` +
    `"client_secret": ${JSON.stringify(secret)}, "title": "Größe \u2713", "ratio": 1.10}`
  );
}

// --- internal ---

const ESCAPED = String.raw`{ "client_secret" : "\u0041\/b\u00e9\ud83d\udd11" , "n":1.0 }`;

/** What jsonb cannot hold. */
function textOnly(): readonly SpecialRow[] {
  const twice = '{"client_secret":"first-one","id":9007199254740993,"client_secret":"second-one"}';
  return [
    document('twice', 'the secret is there twice', twice, 'unexpected AMBIGUOUS'),
    document('damaged', 'JSON that was cut off', '{"client_secret":"cut', 'unexpected NOT_A_DOCUMENT'),
    document('php', 'PHP where JSON belongs', 'a:1:{s:13:"client_secret";s:1:"x";}', 'unexpected NOT_A_DOCUMENT'),
    document('empty-column', 'empty text in the column', '', 'empty'),
  ];
}

function document(id: string, because: string, config: string | null, verdict: string): SpecialRow {
  return {
    table: 'oauth_clients',
    values: [id, `Client ${id}`, config],
    specials: [special('oauth.client.secret', [id], because, verdict)],
  };
}
