import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePhpDefines, scanPhpDefines } from '../../src/keyring/php-config.ts';

const PHP = spawnSync('php', ['-v']).status === 0;
if (!PHP && process.env.CASEHARD_REQUIRE_SERVERS === '1') throw new Error('php is required and absent');

/** The constants that PHP itself defines when it runs the text. */
function php(text: string): unknown {
  const run = 'ob_start(); eval("?>" . stream_get_contents(STDIN)); ob_end_clean();';
  const print = 'echo json_encode((object) (get_defined_constants(true)["user"] ?? []));';
  return JSON.parse(
    execFileSync('php', ['-d', 'short_open_tag=1', '-d', 'error_reporting=0', '-r', run + print], {
      input: text,
      encoding: 'utf8',
    }),
  );
}

const TEXTS: readonly (readonly [string, string, Record<string, string>])[] = [
  ['both quotes', `<?php define('A', 'b'); define("C", "d");`, { A: 'b', C: 'd' }],
  ['any case, any space', `<?PHP\n  DEFINE ( 'A'\n,\t'b' ) ;`, { A: 'b' }],
  ['a constant', `<?php const A = 'b'; const /*x*/ C = "d" ;`, { A: 'b', C: 'd' }],
  ['a third argument', `<?php define('A', 'b', false);`, { A: 'b' }],
  ['a trailing comma', `<?php define('A', 'b',);`, { A: 'b' }],
  ['the global namespace', `<?php \\define('A', 'b');`, { A: 'b' }],
  ['escapes in single quotes', String.raw`<?php define('A', 'it\'s \\ \n');`, { A: String.raw`it's \ \n` }],
  ['escapes in double quotes', String.raw`<?php define("A", "\x41\101\u{42}\t\$x\"\q\\");`, { A: 'AAB\t$x"\\q\\' }],
  ['a dollar that is no variable', `<?php define('A', "a$ $1");`, { A: 'a$ $1' }],
  [
    'comments',
    `<?php // define('A','x');\n# define('A','x');\n/* define('A',\n'x'); */ define(/*1*/'A'/*2*/,'b'#3\n);`,
    { A: 'b' },
  ],
  ['a comment that ends with the program', `<?php // x ?> define('A','x'); <?php define('A','b');`, { A: 'b' }],
  [
    'text outside of the program',
    `define('A','x');\n<?php define('B','b'); ?>\ndefine('C','x');\n<?= 1 ?><? define('D','d');`,
    { B: 'b', D: 'd' },
  ],
  ['a heredoc', `<?php $x = <<<EOT\n  define('A','x');\n  EOTA\n  EOT; define('A', 'b');`, { A: 'b' }],
  ['a nowdoc', `<?php $x = <<<'EOT'\ndefine('A','x');\nEOT\n; define('A', 'b');`, { A: 'b' }],
  ['an empty heredoc', `<?php $x = <<<"E"\nE . ''; define('A', 'b');`, { A: 'b' }],
  ['a define inside a string', `<?php $x = "define('A','x');"; $y = 'define("A","x");'; define('A','b');`, { A: 'b' }],
  [
    'quotes inside braces inside quotes',
    `<?php $a=['k'=>1]; $x = "{$a["define('A','x');"]} \${a}"; define('A','b');`,
    { A: 'b' },
  ],
  ['an attribute', `<?php #[X("define('A','x');")] function f() {} define('A','b');`, { A: 'b' }],
  ['the first of two', `<?php define('A','b'); @define('A','c');`, { A: 'b' }],
  [
    'if not yet defined',
    `<?php if (!defined('A')) { define('A', 'b'); } defined('A') or define('A', 'c');`,
    { A: 'b' },
  ],
  [
    'a method of that name',
    `<?php class K { static function define($a, $b) {} } K::define('A','x'); (new K)->define('A','x'); define('A','b');`,
    { A: 'b' },
  ],
  ['CRLF', `<?php\r\n// c\r\ndefine('A', 'b');\r\n$x = <<<E\r\nq'\r\nE;\r\ndefine('C', 'd');\r\n`, { A: 'b', C: 'd' }],
  ['the end of the compiler', `<?php define('A','b'); __halt_compiler(); define('C','d');`, { A: 'b' }],
  ['text that is not ASCII', `<?php define('A', 'ä€🔑'); $größe = 1; define('C', "ß");`, { A: 'ä€🔑', C: 'ß' }],
  ['no program at all', `define('A', 'b');`, {}],
];

describe('a PHP configuration', () => {
  it.each(TEXTS)('%s', (_name, text, expected) => {
    expect(Object.fromEntries(parsePhpDefines(text))).toEqual(expected);
  });

  it.skipIf(!PHP).each(TEXTS)('%s, as PHP itself reads it', (_name, text, expected) => {
    expect(php(text)).toEqual(expected);
  });

  it.each([
    `getenv('A')`,
    `'a' . 'b'`,
    `"a$b"`,
    `"a{$b}"`,
    `"a$\{b}"`,
    `"\\xff"`,
    `<<<E\nx\nE`,
    'OTHER',
    'null',
    '`ls`',
    `'never closed`,
    `"never closed`,
  ])('computes %s, which is not a literal', (value) => {
    expect(scanPhpDefines(`<?php\n\ndefine('A', ${value});`)).toEqual([{ name: 'A', value: undefined, line: 3 }]);
    expect(parsePhpDefines(`<?php define('A', ${value});`).size).toBe(0);
  });

  it.skipIf(!PHP)('gives every string as PHP prints and reads it', () => {
    const strings = fc.sample(
      fc.string({ unit: 'grapheme', maxLength: 12 }).filter((s) => s.isWellFormed()),
      200,
    );
    const input = JSON.stringify(strings);
    const script =
      'echo "<?php\\n"; foreach (json_decode(stream_get_contents(STDIN)) as $i => $s) ' +
      'echo "define(\'S$i\', ", str_contains($s, "\\0") ? "\'\'" : var_export($s, true), ");\\n";';
    const text = execFileSync('php', ['-r', script], { input, encoding: 'utf8' });
    const expected = strings.map((s, i) => [`S${i}`, s.includes('\0') ? '' : s]);
    expect([...parsePhpDefines(text)]).toEqual(expected);
  });

  it('never crashes and never hangs', () => {
    const piece = fc.constantFrom(
      '<?php ',
      '?>',
      'define',
      '(',
      ')',
      "'A'",
      '"',
      "'",
      ',',
      '\\',
      '{$',
      '}',
      '/*',
      '*/',
      '//',
      '#',
      '<<<E\n',
      '\nE',
      '`',
      '$',
      '\n',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void scanPhpDefines(`<?php ${pieces.join('')}`)),
    );
    scanPhpDefines(`<?php ${'"{$a['.repeat(5_000)}`);
    scanPhpDefines(`<?php ${'/*'.repeat(50_000)}`);
    scanPhpDefines(`<?php ${'<<<E\n'.repeat(3_000)}`);
  });
});

it.each([
  ['named arguments', `<?php define(constant_name: 'A', value: 'x');`],
  ['a name in brackets', `<?php define(('A'), 'x');`],
  ['a computed constant', `<?php const A = 'x' . 'y';`],
])('%s: the name is seen, the value is not guessed', (_what, text) => {
  expect(scanPhpDefines(text)).toEqual([{ name: 'A', value: undefined, line: 1 }]);
});
