// Prints the published vectors again, from the second implementation in packages/core/test: `npx node vectors/make.ts`.
// A published vector never changes: new ones may be added, and `git diff` must show nothing else.
import { writeFileSync } from 'node:fs';
import { keyFile } from '../packages/core/test/vectors/key.ts';
import { rejectFile } from '../packages/core/test/vectors/reject.ts';
import { sealedFile } from '../packages/core/test/vectors/sealed.ts';
import { tokenFile } from '../packages/core/test/vectors/token.ts';
import { verdictFile } from '../packages/core/test/vectors/verdict.ts';

/** The text of each file in this folder that is made. */
export function makeVectors(): Record<string, string> {
  return {
    'sealed.json': print(sealedFile()),
    'reject.json': print(rejectFile()),
    'verdict.json': print(verdictFile()),
    'key.json': print(keyFile()),
    'token.json': print(tokenFile()),
  };
}

/** ASCII only: a control character or an emoji must survive every editor. */
function print(file: object): string {
  const json = JSON.stringify(file, undefined, 2);
  return `${json.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(makeVectors())) writeFileSync(new URL(name, import.meta.url), text);
}
