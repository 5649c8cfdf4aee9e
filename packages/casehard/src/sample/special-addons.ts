import { FOREIGN } from './foreign-values.ts';
import { type PhpValue, printPhp } from './php-text.ts';
import { type Cell, inPlaintext, type SpecialRow, special, textOfLength } from './special-row.ts';

/** Add-ons: PHP-serialized settings with an apiKey among other things. */
export function specialAddons(): readonly SpecialRow[] {
  return [
    addon('geo-lookup', 'an ordinary add-on', inPlaintext('geo-4f1c-77aa-Key')),
    addon('null-key', 'NULL inside the document', [null, 'empty']),
    addon('empty-key', 'empty text inside the document', ['', 'empty']),
    addon('one-byte', 'one byte', inPlaintext('k')),
    addon('long-key', '300 bytes', inPlaintext(textOfLength(300))),
    addon('emoji-stats', 'emoji, whose bytes PHP counts', inPlaintext('ключ-🔑-日本語')),
    addon('quotes', 'quotes, newlines and what looks like PHP syntax', inPlaintext('a"b\'c\\d\n";}s:3:"x";i:0;')),
    addon('looks-sealed', 'a plaintext that begins like a sealed value', ['chd1.addon', 'unreadable TRUNCATED']),
    addon('foreign', 'sealed by openssl', [FOREIGN.openssl, 'foreign']),
    document('no-key', 'no apiKey in the document', printPhp({ enabled: true, regions: ['eu', 'us'] }), 'empty'),
    document('number', 'the key is a number', printPhp({ apiKey: 42, enabled: true }), 'unexpected NOT_A_STRING'),
    document('array', 'the key is an array', printPhp({ apiKey: ['a', 'b'] }), 'unexpected NOT_A_STRING'),
    document(
      'twice',
      'the key is there twice',
      'a:2:{s:6:"apiKey";s:3:"one";s:6:"apiKey";s:3:"two";}',
      'unexpected AMBIGUOUS',
    ),
    document('damaged', 'a wrong byte length', 'a:1:{s:6:"apiKey";s:5:"fünf!";}', 'unexpected NOT_A_DOCUMENT'),
    document('cut-off', 'cut by a narrow column', 'a:2:{s:6:"apiKey";s:20:"abcdefgh', 'unexpected NOT_A_DOCUMENT'),
    document('json', 'JSON where PHP belongs', '{"apiKey":"not-php"}', 'unexpected NOT_A_DOCUMENT'),
    document(
      'object',
      'a PHP object',
      'O:8:"stdClass":2:{s:6:"apiKey";s:10:"obj-Key-01";s:1:"n";d:0.1;}',
      'legacy plaintext',
    ),
    document('null-column', 'NULL in the column', null, 'empty'),
    document('empty-column', 'empty text in the column', '', 'empty'),
  ];
}

/** An add-on whose key lies among nested arrays and multi-byte text. */
export function addon(id: string, because: string, [stored, verdict]: Cell): SpecialRow {
  const text = printPhp({
    label: `Zusatz »${id}« ✓`,
    limits: { perHour: 1000, ratio: 0.5, bursts: [1, 2, { weekend: true }] },
    apiKey: stored,
    // A careless search would find this one.
    note: 'old dump: s:6:"apiKey";s:5:"wrong";',
    regions: ['eu-west', 'Zürich'],
  } satisfies PhpValue);
  return document(id, because, text, verdict);
}

// --- internal ---

function document(id: string, because: string, settings: string | null, verdict: string): SpecialRow {
  return { table: 'addons', values: [id, 1, settings], specials: [special('addon.api.key', [id], because, verdict)] };
}
