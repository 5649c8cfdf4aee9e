import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDotenv, scanDotenv } from '../../src/keyring/dotenv.ts';

describe('a .env text', () => {
  it.each([
    ['a plain line', 'A=b', { A: 'b' }],
    ['spaces around', '  A = b  ', { A: 'b' }],
    ['single quotes', "A='b c'", { A: 'b c' }],
    ['double quotes with escapes', String.raw`A="b\n\"c\""`, { A: 'b\n"c"' }],
    ['single quotes keep escapes', String.raw`A='b\n'`, { A: String.raw`b\n` }],
    ['back quotes', 'A=`b"c\'`', { A: 'b"c\'' }],
    ['export', 'export A=b', { A: 'b' }],
    ['a variable whose name begins with export', 'exported=b', { exported: 'b' }],
    ['CRLF', 'A=b\r\nB=c\r\n', { A: 'b', B: 'c' }],
    ['CRLF and quotes', 'A="b"\r\nB=\'c\'\r\n', { A: 'b', B: 'c' }],
    ['a BOM', '\uFEFFA=b', { A: 'b' }],
    ['comments', '# A=x\nA=b # c\n  # B=x\nB="c" # d', { A: 'b', B: 'c' }],
    ['a hash inside a value', 'A=b#c\nB="d # e"', { A: 'b#c', B: 'd # e' }],
    ['only a comment as value', 'A= # none', { A: '' }],
    ['an empty value', 'A=\nB=c', { A: '', B: 'c' }],
    ['base64 padding', 'A=YWJj+/==', { A: 'YWJj+/==' }],
    ['quotes over several lines', 'A="b\nc"\nB=d', { A: 'b\nc', B: 'd' }],
    ['a quote that never closes takes its line only', 'A="b\nB=c', { A: '"b', B: 'c' }],
    ['a quote closed inside a later line takes its line only', "A='b\nB=c\nC='d'", { A: "'b", B: 'c', C: 'd' }],
    ['lines that are no assignment', 'hello\n=x\n1A=b\nA=b', { A: 'b' }],
    ['the same value twice', 'A=b\nA="b"', { A: 'b' }],
    ['no expansion', 'A=$HOME', { A: '$HOME' }],
  ])('%s', (_name, text, expected) => {
    expect(Object.fromEntries(parseDotenv(text))).toEqual(expected);
  });

  it('with two values for one name is refused, naming both lines and no value', () => {
    expect(() => parseDotenv('A=one\n\nB=x\nA=two')).toThrow('A has different values in line 1 and line 4');
  });

  it('gives each assignment its line, also after a value of several lines', () => {
    const lines = scanDotenv('# c\nA="1\n2"\n\nB=3\r\nC=4').map(({ name, line }) => [name, line]);
    expect(lines).toEqual([
      ['A', 2],
      ['B', 5],
      ['C', 6],
    ]);
  });

  it('is read as Node reads it, where both understand it', () => {
    const text = 'A=1\nexport B = "x y"\nC=\'d\\n\'\n# c\nD="l1\nl2"\nE=YWJj/+==\n\nF=`q`\n';
    expect(Object.fromEntries(parseDotenv(text))).toEqual({ ...parseEnv(text) });
  });

  it('never crashes and never hangs', () => {
    const piece = fc.constantFrom('A', '=', '"', "'", '`', '\\', '\n', '\r', '#', ' ', 'export ', '\uFEFF', '$', 'x');
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void scanDotenv(pieces.join(''))));
    scanDotenv('A="'.repeat(2_000));
  });
});
