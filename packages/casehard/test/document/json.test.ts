import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locate, splice } from '../../src/document/document.ts';
import { locateJson, printJsonString } from '../../src/document/json.ts';
import type { Located } from '../../src/document/lookup.ts';
import { PHP_ABSENT, php, WALK } from './real-php.ts';

function located(text: string, pointer: string): Located {
  const result = locateJson(text, pointer);
  if (result.found !== 'value') throw new Error(`found ${JSON.stringify(result)} at ${pointer} in ${text}`);
  return result.located;
}

/** A document, and its strings by pointer. */
interface Wild {
  readonly text: string;
  readonly strings: readonly (readonly [pointer: string, value: string])[];
}

/**
 * JSON with spacing, either escape style and big numbers, as no printer of ours would make it. The strings are known
 * from making it and not from JSON.parse, which in V8 13 and 14 can read an escaped key as a backslash (nodejs/node#63785).
 */
const WILD: fc.Arbitrary<Wild> = fc.letrec<{ node: Wild }>((tie) => {
  const space = fc.constantFrom('', ' ', '\n\t', '\r\n');
  const content = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('a/b', '~', '"', '\\', '\u2028', '😀', '', 'ä', '0', '1', '__proto__'),
  );
  const token = fc.tuple(content, fc.constantFrom('json' as const, 'php' as const));
  const inside = (key: string, { strings }: Wild): Wild['strings'] =>
    strings.map(([at, value]) => [`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}${at}`, value]);
  const bare = fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    token.map(([value, style]): Wild => ({ text: printJsonString(value, style), strings: [['', value]] })),
    fc
      .constantFrom('null', 'true', '12345678901234567890.10', '-0e-5', '1E300', '[]', '{ }')
      .map((text): Wild => ({ text, strings: [] })),
    fc.array(tie('node'), { minLength: 1, maxLength: 4 }).map((items): Wild => {
      const strings = items.flatMap((item, i) => inside(String(i), item));
      return { text: `[${items.map((item) => item.text).join()}]`, strings };
    }),
    fc
      .uniqueArray(fc.tuple(token, tie('node')), { minLength: 1, maxLength: 4, selector: ([[key]]) => key })
      .map((pairs): Wild => {
        const members = pairs.map(([[key, style], { text }]) => ` ${printJsonString(key, style)} :${text}`);
        return { text: `{${members.join()}}`, strings: pairs.flatMap(([[key], item]) => inside(key, item)) };
      }),
  );
  return {
    node: fc
      .tuple(space, bare, space)
      .map(([before, { text, strings }, after]) => ({ text: before + text + after, strings })),
  };
}).node;

describe('a string in JSON', () => {
  it.each([
    ['{"a":"x"}', '/a', 'x'],
    [' { "b" : [ 1 , { "c" : "x" } ] } ', '/b/1/c', 'x'],
    ['{"a/b":{"m~n":"x"}}', '/a~1b/m~0n', 'x'],
    ['{"~1":"x"}', '/~01', 'x'],
    ['{"":{"":"x"}}', '//', 'x'],
    ['"x"', '', 'x'],
    ['{"\\u0061":"x"}', '/a', 'x'],
    ['{"a":"\\"}{][,\\\\"}', '/a', '"}{][,\\'],
    ['{"big":12345678901234567890,"a":"x","d":1,"d":2}', '/a', 'x'],
    ['{"__proto__":{"a":"x"}}', '/__proto__/a', 'x'],
    ['{"a":""}', '/a', ''],
  ])('in %s at %j is found', (text, pointer, value) => {
    const found = located(text, pointer);
    expect(found.value).toBe(value);
    expect(JSON.parse(text.slice(found.start, found.end))).toBe(value);
  });

  it.each([
    ['{}', '/a'],
    ['{"a":null}', '/a'],
    ['{"a":null}', '/a/b'],
    ['null', '/a'],
    ['null', ''],
    ['["x"]', '/1'],
    ['["x"]', '/00'],
    ['["x"]', '/-'],
    ['["x"]', '/+0'],
    ['["x"]', '/length'],
    ['{"A":"x"}', '/a'],
    ['[]', '/a'],
  ])('in %s at %j is absent', (text, pointer) => {
    expect(locateJson(text, pointer)).toEqual({ found: 'nothing' });
  });

  it.each([
    ['{"a":1}', '/a', 'NOT_A_STRING'],
    ['{"a":{}}', '/a', 'NOT_A_STRING'],
    ['{"a":["x"]}', '/a', 'NOT_A_STRING'],
    ['{"a":false}', '/a', 'NOT_A_STRING'],
    ['{"a":"{}"}', '/a/b', 'NOT_A_STRING'],
    ['{}', '', 'NOT_A_STRING'],
    ['{"a":"x","a":"y"}', '/a', 'AMBIGUOUS'],
    ['{"a":{},"\\u0061":{"b":"x"}}', '/a/b', 'AMBIGUOUS'],
    ['{"a":null,"a":"x"}', '/a', 'AMBIGUOUS'],
    ...[
      '',
      ' ',
      '{',
      "{'a':'x'}",
      '{"a":"x",}',
      '{"a":"x"} x',
      '\uFEFF{"a":"x"}',
      '{"a":"\n"}',
      '{"a":"\\x41"}',
      '{a:"x"}',
      '{"a":"x"//\n}',
      '{"a":01}',
      '{"a":NaN}',
      '["a" "b"]',
      '\u00A0{}',
      '{"a":"x',
    ].map((t) => [t, '/a', 'NOT_JSON']),
  ])('in %j at %j is a problem: %s', (text, pointer, why) => {
    expect(locateJson(text, pointer)).toEqual({ found: 'problem', why });
  });

  it.each(['json', 'php-serialize'] as const)('is absent from an empty %s column', (format) => {
    expect(locate('', { in: format, pointer: '/a' })).toEqual({ found: 'nothing' });
  });

  it('is not looked for at a malformed pointer', () => {
    expect(() => locateJson('{}', 'a')).toThrow('the pointer "a" does not begin with /');
    expect(() => locateJson('{}', '/a~2')).toThrow('the pointer "/a~2" has a ~ that is neither ~0 nor ~1');
  });

  it('is found in a document nested 100 000 deep, beside and on the path', () => {
    const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`;
    expect(located(`{"b":${deep},"a":"x"}`, '/a').value).toBe('x');
    expect(located(`${'['.repeat(1e3)}"x"${']'.repeat(1e3)}`, '/0'.repeat(1e3)).value).toBe('x');
  });

  it.each([
    ['"x"', 'json'],
    ['"a/ä"', 'json'],
    ['"a\\/\\u00e4\\ud83d\\ude00"', 'php'],
    ['"\\u0007\\b\\n"', 'json'],
    ['"a\\/ä"', undefined],
    ['"\\u00E4"', undefined],
    ['"\\u0061"', undefined],
    ['"\\u000a"', undefined],
  ])('spelled %s has the style %s', (token, style) => {
    const found = located(`{"a":${token}}`, '/a');
    expect([found.style, found.exact]).toEqual([style, style !== undefined]);
    if (style) expect(printJsonString(found.value, found.style)).toBe(token);
  });

  it('is replaced without touching another byte, wherever it stands and whatever it becomes', () => {
    let replaced = 0;
    const style = fc.constantFrom('json' as const, 'php' as const);
    fc.assert(
      fc.property(WILD, fc.string({ unit: 'binary' }), style, ({ text, strings }, value, style) => {
        for (const [pointer, expected] of strings) {
          const old = located(text, pointer);
          expect([old.value, old.exact]).toEqual([expected, true]);
          const changed = splice(text, old, printJsonString(value, style));
          expect(changed.startsWith(text.slice(0, old.start)) && changed.endsWith(text.slice(old.end))).toBe(true);
          const now = located(changed, pointer);
          expect([now.value, now.start]).toEqual([value, old.start]);
          expect(splice(changed, now, printJsonString(old.value, old.style))).toBe(text);
          for (const [other, same] of strings) if (other !== pointer) expect(located(changed, other).value).toBe(same);
          replaced++;
        }
      }),
      { numRuns: 300 },
    );
    expect(replaced).toBeGreaterThan(100);
  });

  it('crashes on no input', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', 'a', 'null', '1', ' ', '"a"', '"a":');
    const text = fc.oneof(
      fc.array(piece).map((p) => p.join('')),
      fc.string({ unit: 'binary' }),
      WILD.map((wild) => wild.text),
    );
    const pointer = fc.constantFrom('', '/', '/a', '/0', '/a/0/a');
    fc.assert(
      fc.property(text, pointer, (t, p) => void locate(t, { in: 'json', pointer: p })),
      { numRuns: 2_000 },
    );
  });

  it.skipIf(PHP_ABSENT)('is found where PHP finds it, before and after', () => {
    const documents = fc.sample(WILD, 300).flatMap((wild) => [
      wild,
      ...wild.strings.map(([pointer], at) => ({
        text: splice(wild.text, located(wild.text, pointer), printJsonString('new/ä"')),
        strings: wild.strings.map(([p, value], i) => [p, i === at ? 'new/ä"' : value] as const),
      })),
    ]);
    const walked = php(
      `${WALK} $out = []; foreach ($in as $text) { $all = []; walk(json_decode($text, true, 9999, JSON_THROW_ON_ERROR), "", $all); $out[] = $all; }`,
      documents.map((wild) => wild.text),
    );
    expect(walked).toEqual(documents.map((wild) => wild.strings));
  });

  it.skipIf(PHP_ABSENT)('is spelled as PHP spells it', () => {
    const values = fc.sample(
      fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
      300,
    );
    values.push('\0\x1f\x7f\x80\u2028\u2029\uFEFF/\\"\'<>&😀');
    expect(php('$out = array_map("json_encode", $in)', values)).toEqual(values.map((v) => printJsonString(v, 'php')));
  });
});
