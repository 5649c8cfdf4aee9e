import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locate, printToken, splice } from '../../src/document/document.ts';
import { locatePhp, printPhpString } from '../../src/document/php.ts';
import { PHP_ABSENT, php, WALK } from './real-php.ts';

const value = (v: string, text: string, token = printPhpString(v)) => {
  const start = text.indexOf(token);
  return { found: 'value', located: { value: v, start, end: start + token.length, exact: true, style: undefined } };
};

describe('a string in a PHP-serialized text', () => {
  it.each([
    ['a:1:{s:1:"a";s:1:"x";}', '/a', 'x'],
    ['s:1:"x";', '', 'x'],
    ['a:2:{i:0;a:1:{i:-7;s:1:"x";}i:1;N;}', '/0/-7', 'x'],
    ['a:1:{s:1:"0";s:1:"x";}', '/0', 'x'],
    ['a:1:{s:3:"a/b";s:1:"x";}', '/a~1b', 'x'],
    ['a:2:{s:1:"k";s:13:"";s:1:"a";s:1";s:1:"a";s:1:"x";}', '/a', 'x'],
    ['O:8:"stdClass":1:{s:1:"a";s:1:"x";}', '/a', 'x'],
    ['O:1:"A":2:{s:4:"\0A\0b";i:1;s:4:"\0A\0a";s:1:"x";}', '/a', 'x'],
    ['O:1:"A":1:{s:4:"\0*\0a";s:1:"x";}', '/a', 'x'],
    ['a:1:{s:2:"ä";s:6:"pä€";}', '/ä', 'pä€'],
    ['a:2:{s:1:"b";s:4:"😀";s:1:"a";s:1:"x";}', '/a', 'x'],
    [
      'a:9:{i:0;b:1;i:1;i:-5;i:2;d:0.5;i:3;d:-1.0E+25;i:4;d:NAN;i:5;d:-INF;i:6;R:1;i:7;r:1;s:1:"a";s:1:"x";}',
      '/a',
      'x',
    ],
    ['a:2:{i:0;C:1:"C":5:{a:1:{}s:1:"a";s:1:"x";}', '/a', 'x'],
    ['a:2:{i:0;E:3:"E:A";s:1:"a";s:1:"x";}', '/a', 'x'],
    ['a:1:{s:1:"a";s:0:"";}', '/a', ''],
  ])('in %j at %j is found', (text, pointer, expected) => {
    expect(locatePhp(text, pointer)).toEqual(value(expected, text));
  });

  it('with lengths in latin1 bytes is found only when told so', () => {
    const text = 'a:1:{s:1:"ü";s:4:"pä€x";}';
    expect(locatePhp(text, '/ü', { encoding: 'latin1' })).toEqual(value('pä€x', text, 's:4:"pä€x";'));
    expect(locatePhp(text, '/ü')).toEqual({ found: 'problem', why: 'NOT_SERIALIZED' });
    expect(printPhpString('pä', { encoding: 'latin1' })).toBe('s:2:"pä";');
    expect(locate(text, { in: 'php-serialize', pointer: '/ü', encoding: 'latin1' }).found).toBe('value');
  });

  it('whose length has a leading zero is found, and is not exact', () => {
    expect(locatePhp('s:01:"x";', '')).toMatchObject({ located: { value: 'x', exact: false } });
  });

  it.each([
    ['a:0:{}', '/a'],
    ['N;', '/a'],
    ['N;', ''],
    ['a:1:{s:1:"a";N;}', '/a'],
    ['a:1:{s:1:"a";N;}', '/a/b'],
    ['a:1:{i:0;s:1:"x";}', '/00'],
    ['a:1:{i:0;a:1:{s:1:"a";s:1:"x";}}', '/a'],
  ])('in %j at %j is absent', (text, pointer) => {
    expect(locatePhp(text, pointer)).toEqual({ found: 'nothing' });
  });

  it.each([
    ['a:1:{s:1:"a";i:1;}', '/a', 'NOT_A_STRING'],
    ['a:1:{s:1:"a";b:0;}', '/a', 'NOT_A_STRING'],
    ['a:1:{s:1:"a";a:0:{}}', '/a', 'NOT_A_STRING'],
    ['a:1:{s:1:"a";s:1:"x";}', '', 'NOT_A_STRING'],
    ['a:1:{s:1:"a";s:1:"x";}', '/a/b', 'NOT_A_STRING'],
    ['a:2:{i:0;s:1:"x";s:1:"a";R:2;}', '/a', 'NOT_A_STRING'],
    ['a:1:{s:1:"a";E:3:"E:A";}', '/a', 'NOT_A_STRING'],
    ['C:1:"C":1:{x}', '/a', 'NOT_A_STRING'],
    ['a:2:{s:1:"a";s:1:"x";s:1:"a";s:1:"y";}', '/a', 'AMBIGUOUS'],
    ['a:2:{i:7;s:1:"x";s:1:"7";s:1:"y";}', '/7', 'AMBIGUOUS'],
    ['a:2:{s:1:"a";a:0:{}s:1:"a";a:1:{s:1:"b";s:1:"x";}}', '/a/b', 'AMBIGUOUS'],
    ['O:1:"A":2:{s:1:"a";s:1:"x";s:4:"\0A\0a";s:1:"y";}', '/a', 'AMBIGUOUS'],
    ...[
      '',
      'x',
      's:1:"x"',
      's:2:"x";',
      's:0:"x";',
      's:1:"ä";',
      's:3:"😀";',
      's:5:"😀";',
      's:-1:"x";',
      's:1:"x";x',
      ' s:1:"x";',
      's:1:"x";\n',
      'a:1:{}',
      'a:0:{',
      'a:0:{};',
      'a:2:{i:0;N;}',
      'a:1:{i:0;N;i:1;N;}',
      'a:1:{N;N;}',
      'a:1:{d:0.5;N;}',
      'a:99999999999999999999:{}',
      's:99999999999999999999:"x";',
      'b:2;',
      'i:;',
      'i:1.5;',
      'd:;',
      'N',
      'O:1:"AB":0:{}',
      'O:1:"A":1:{}',
      'C:1:"C":2:{x}',
      'E:3:"E:A"',
      'S:1:"\\41";',
      'a:1:{E:3:"E:A";N;}',
      's:1:"\uFFFD";',
      'a:1:{i:0;i:1}',
    ].map((t) => [t, '/a', 'NOT_SERIALIZED']),
  ])('in %j at %j is a problem: %s', (text, pointer, why) => {
    expect(locatePhp(text, pointer)).toEqual({ found: 'problem', why });
  });

  it('is found in a document nested 100 000 deep', () => {
    const text = `${'a:1:{i:0;'.repeat(1e5)}s:1:"x";${'}'.repeat(1e5)}`;
    expect(locatePhp(text, '/0'.repeat(1e5))).toEqual(value('x', text));
    expect(locatePhp(text, '/a')).toEqual({ found: 'nothing' });
  });

  it('crashes on no input', () => {
    const piece = fc.constantFrom(
      'a:1:{',
      'a:0:{',
      '}',
      's:1:"a";',
      'i:0;',
      'N;',
      'O:1:"A":1:{',
      's:2:"',
      '";',
      'ä',
      '\0',
      ':',
      ';',
      '"',
      '9',
      'C:1:"C":1:{',
    );
    const text = fc.oneof(
      fc.array(piece).map((p) => p.join('')),
      fc.string({ unit: 'binary' }),
    );
    const pointer = fc.constantFrom('', '/a', '/0', '/a/0');
    fc.assert(
      fc.property(text, pointer, (t, p) => void locate(t, { in: 'php-serialize', pointer: p })),
      { numRuns: 3_000 },
    );
  });
});

describe.skipIf(PHP_ABSENT)('beside PHP itself', () => {
  type Case = { text: string; strings: [string, string][] };

  it('every string of every array is found and replaced without touching another byte', () => {
    const text = fc.string({ unit: 'grapheme' });
    const leaf = fc.oneof(text, fc.constant(null), fc.integer(), fc.double(), fc.boolean());
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('node')),
        fc.dictionary(text, tie('node'), { noNullPrototype: true }),
      ),
    })).node;
    const documents = fc.sample(tree, 300);
    const cases = php(
      `${WALK} $out = []; foreach ($in as $v) { $all = []; walk($v, "", $all); $out[] = ["text" => serialize($v), "strings" => $all]; }`,
      documents,
    ) as Case[];
    const written: { text: string; old: string; pointer: string; value: string }[] = [];
    for (const each of cases) {
      for (const [pointer, old] of each.strings) {
        const found = locatePhp(each.text, pointer);
        if (found.found !== 'value') throw new Error(`${pointer} in ${each.text}: ${JSON.stringify(found)}`);
        expect([found.located.value, found.located.exact]).toEqual([old, true]);
        const [replacement = ''] = fc.sample(fc.string({ unit: 'grapheme', maxLength: 300 }), 1);
        const changed = splice(each.text, found.located, printToken(replacement, 'php-serialize'));
        const now = locatePhp(changed, pointer);
        expect(now).toMatchObject({ found: 'value', located: { value: replacement, start: found.located.start } });
        if (now.found === 'value') expect(splice(changed, now.located, printPhpString(old))).toBe(each.text);
        written.push({ text: changed, old: each.text, pointer, value: replacement });
      }
    }
    expect(written.length).toBeGreaterThan(100);
    const verdicts = php(
      `${WALK} $out = []; foreach ($in as $w) {
         $old = []; walk(unserialize($w["old"]), "", $old); $new = []; walk(unserialize($w["text"]), "", $new);
         foreach ($old as &$pair) if ($pair[0] === $w["pointer"]) $pair[1] = $w["value"];
         $out[] = $old === $new && serialize(unserialize($w["text"])) === $w["text"];
       }`,
      written,
    ) as boolean[];
    expect(verdicts.filter((ok) => !ok)).toEqual([]);
  });

  it('objects, enums, references and self-made formats are read', () => {
    const text = php(
      `class P { private $secret = "inner"; protected $token = "gen"; public $name = "n"; }
       class Q extends P { private $own = "q"; public $self; function __construct() { $this->self = $this; } }
       class S { function __serialize(): array { return ["pw" => "x", 5 => "y"]; } }
       enum Suit: string { case Hearts = "H"; }
       $shared = "same"; $o = new Q;
       $out = serialize(["o" => $o, "again" => $o, "s" => new S, "e" => Suit::Hearts, "r1" => &$shared, "r2" => &$shared,
         "list" => new SplObjectStorage, "f" => [0.1, -0.0, 1e100, INF, NAN, PHP_INT_MIN], "last" => "found"])`,
      null,
    ) as string;
    const at = (pointer: string) => {
      const found = locatePhp(text, pointer);
      return found.found === 'value' ? found.located.value : 'why' in found ? found.why : found.found;
    };
    expect(['/o/secret', '/o/token', '/o/name', '/o/own', '/s/pw', '/s/5', '/r1', '/last'].map(at)).toEqual([
      'inner',
      'gen',
      'n',
      'q',
      'x',
      'y',
      'same',
      'found',
    ]);
    expect(['/r2', '/again', '/o/self', '/e', '/f/0', '/absent'].map(at)).toEqual([
      'NOT_A_STRING',
      'NOT_A_STRING',
      'NOT_A_STRING',
      'NOT_A_STRING',
      'NOT_A_STRING',
      'nothing',
    ]);
  });

  it('latin1 texts are read by their own lengths', () => {
    const bytes = php('$out = bin2hex(serialize(["k\\xfc" => "p\\xe4ss", "a" => "x"]))', null) as string;
    const text = Buffer.from(bytes, 'hex').toString('latin1');
    const found = locatePhp(text, '/kü', { encoding: 'latin1' });
    expect(found).toMatchObject({ found: 'value', located: { value: 'päss', exact: true } });
  });

  it('what PHP refuses is refused, what PHP accepts and means the same is read', () => {
    const piece = fc.constantFrom(
      'a:1:{',
      'a:2:{',
      'a:0:{}',
      '}',
      's:1:"a";',
      's:2:"ä";',
      'i:0;',
      'i:-1;',
      'N;',
      'b:1;',
      'd:0.5;',
      'd:1.E3;',
      's:1:"',
      '";',
      'i:+1;',
    );
    const texts = fc.sample(
      fc.array(piece, { minLength: 1, maxLength: 7 }).map((p) => p.join('')),
      4_000,
    );
    const accepted = php(
      '$out = array_map(fn($t) => $t === "b:0;" || @unserialize($t) !== false, $in)',
      texts,
    ) as boolean[];
    const differ = texts.filter((t, i) => {
      const ours = locatePhp(t, '/zzz');
      return (ours.found !== 'problem' || ours.why !== 'NOT_SERIALIZED') !== accepted[i];
    });
    // PHP 8.2 ignores what trails a value; for us the whole text must parse.
    const trailing = differ.filter((t) => locatePhp(t, '/zzz').found === 'problem');
    expect(differ.filter((t) => !trailing.includes(t))).toEqual([]);
    const again = php(
      '$out = array_map(fn($t) => strlen($t) > strlen(serialize(unserialize($t))), $in)',
      trailing,
    ) as boolean[];
    expect(again.filter((longer) => !longer)).toEqual([]);
  });
});
