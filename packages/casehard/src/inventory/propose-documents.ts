import type { ColumnInfo, TableInfo } from '../database/catalogue.ts';
import type { SampleRow } from '../database/sample-values.ts';
import { type DocumentFormat, locate } from '../document/document.ts';
import { listKeys } from '../document/keys.ts';
import { chooseRowKey } from './choose-row-key.ts';
import { classifyName } from './classify-name.ts';
import { classifyValues } from './classify-values.ts';
import type { Candidate, Found, LeftAlone } from './propose.ts';

/** Proposes the places inside JSON or PHP-serialized documents whose keys look like credentials. */
export function proposePaths(table: TableInfo, column: ColumnInfo, rows: readonly SampleRow[]): Found {
  const texts = rows.map((row) => row[column.name] ?? '').filter((text) => text.trim() !== '');
  const format = FORMATS.find((each) => texts.filter((text) => listKeys(text, each)).length > texts.length / 2);
  if (format === undefined || (format === 'php-serialize' && column.kind === 'json'))
    return { candidates: [], leftAlone: [] };
  const candidates: Candidate[] = [];
  const leftAlone: LeftAlone[] = [];
  const leave = (because: string): unknown => leftAlone.push({ table: table.name, column: column.name, because });
  const key = chooseRowKey(table);
  for (const { pointer, names, inList } of pointersOf(texts, format)) {
    const byName = classifyName(names.at(-1) ?? '');
    if (byName.kind !== 'credential') continue;
    const place = `${pointer} is ${byName.because}`;
    if (inList) leave(`${place}, but inside a list: a field names one fixed place`);
    else if (key.kind === 'none') leave(`${place}, but ${key.because}`);
    else {
      const values = classifyValues(
        texts.map((text) => valueAt(text, format, pointer)),
        byName.secret,
      );
      if (values.kind === 'not') leave(`${pointer}: ${values.because}`);
      else {
        candidates.push({
          inside: names,
          spec: {
            kind: 'path',
            table: table.name,
            column: column.name,
            pointer,
            in: format,
            row: key.row,
            was: values.was,
          },
          because: `${byName.because}, inside ${format === 'json' ? 'JSON' : 'PHP-serialized text'}; ${values.because}; ${key.because}`,
          confidence: values.confidence,
        });
      }
    }
  }
  return { candidates, leftAlone };
}

// --- internal ---

const FORMATS: readonly DocumentFormat[] = ['json', 'php-serialize'];
/** A document whose keys are data (a map by name) would give a field for each of them. */
const MAX_POINTERS = 20;
const PLAIN_NAME = /^[A-Za-z_][\w.:-]{0,63}$/;

interface Place {
  readonly pointer: string;
  readonly names: readonly string[];
  readonly inList: boolean;
}

/** The places whose last name looks like a credential, each once, in the order of their pointers. */
function pointersOf(texts: readonly string[], format: DocumentFormat): readonly Place[] {
  const places = new Map<string, Place>();
  for (const text of texts) {
    for (const { names, inList } of listKeys(text, format) ?? []) {
      if (classifyName(names.at(-1) ?? '').kind !== 'credential') continue;
      const shown = inList ? names.map((name) => (/^\d+$/.test(name) ? '*' : name)) : names;
      // Keys with other characters may be data themselves, and data is never shown.
      if (!shown.every((name) => name === '*' || (PLAIN_NAME.test(name) && !looksDrawn(name)))) continue;
      const pointer = shown.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
      places.set(pointer, { pointer, names: shown, inList });
    }
  }
  return [...places.values()].sort((a, b) => (a.pointer < b.pointer ? -1 : 1)).slice(0, MAX_POINTERS);
}

/** Long and with digits in it: a map may have tokens for its keys. */
function looksDrawn(name: string): boolean {
  return /\d/.test(name) && name.replace(/[^A-Za-z0-9]/g, '').length > 16;
}

function valueAt(text: string, format: DocumentFormat, pointer: string): string | null {
  const lookup = locate(text, { in: format, pointer });
  return lookup.found === 'value' ? lookup.located.value : null;
}
