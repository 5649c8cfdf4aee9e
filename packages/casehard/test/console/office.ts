import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadProject } from '../../src/config/load.ts';
import { type Console, type ConsoleOptions, createConsole } from '../../src/console/console.ts';
import { printSampleConfig } from '../../src/sample/config.ts';
import { createSample, type SampleSpecial } from '../../src/sample/create-sample.ts';
import { type TestDatabase, type TestEngine, temporaryFolder } from '../engines.ts';
import { Visitor } from './visitor.ts';

/** "Mailer" with a console over it, as an operator has it: a folder with a configuration, a database, keys. */
export interface Office {
  readonly test: TestDatabase;
  readonly folder: string;
  readonly specials: readonly SampleSpecial[];
  readonly console: Console;
  /** Warnings that the console gave. */
  readonly warnings: readonly string[];
  /** Somebody with a browser of their own. */
  visitor(address?: string): Visitor;
  /** Signs a new operator in, by the terminal's link. */
  operator(name?: string): Promise<Visitor>;
  /** Ends the console and starts it again, as a restarted server does. */
  restart(options?: Partial<ConsoleOptions>): Promise<void>;
  writeKeys(keys: Readonly<Record<string, string>>): void;
  drop(): Promise<void>;
}

export interface OfficeOptions {
  /** Written to .env; default: none. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly rows?: number;
  readonly adopted?: boolean;
  /** Changes the text of the configuration. */
  readonly configuration?: (text: string) => string;
  readonly console?: Partial<ConsoleOptions>;
  /** Without the sample: the test fills the database. */
  readonly empty?: (test: TestDatabase) => Promise<void>;
}

export const PASSWORD = 'correct horse battery';

export async function openOffice(engine: TestEngine, options: OfficeOptions = {}): Promise<Office> {
  const test = await engine.create();
  const folder = temporaryFolder('office');
  const made = options.empty ? await options.empty(test) : await createSample(test.db, { rows: options.rows ?? 20 });
  // The URL in full: a test database has no secret, and the environment is not the test's to change.
  const text = printSampleConfig({ database: 'sqlite:./x.db', adopted: options.adopted ?? true }).replace(
    /database: .*,\n/,
    () => `database: ${JSON.stringify(test.url)},\n`,
  );
  const path = join(folder, 'casehard.config.ts');
  writeFileSync(path, options.configuration ? options.configuration(text) : text);
  const writeKeys: Office['writeKeys'] = (keys) => {
    writeFileSync(
      join(folder, '.env'),
      Object.entries(keys)
        .map(([name, key]) => `${name}=${key}\n`)
        .join(''),
      { mode: 0o600 },
    );
  };
  if (options.keys) writeKeys(options.keys);
  const warnings: string[] = [];
  const start = async (more: Partial<ConsoleOptions> = {}): Promise<Console> => {
    const project = await loadProject(path, { env: {}, warn: () => {} });
    const listen = { host: '127.0.0.1', port: 8437 };
    return createConsole({
      project,
      env: {},
      listen,
      warn: (line) => warnings.push(line),
      ...options.console,
      ...more,
    });
  };
  let running = await start();
  const office: Office = {
    test,
    folder,
    specials: made?.specials ?? [],
    warnings,
    get console() {
      return running;
    },
    visitor: (address = '127.0.0.1') => new Visitor((request, from) => running.fetch(request, from), address),
    operator: async (name = 'ada') => {
      const visitor = office.visitor();
      const link = `/welcome/${running.issueWelcome()}`;
      await visitor.post(link, { name, password: PASSWORD, again: PASSWORD });
      return visitor;
    },
    restart: async (more) => {
      await running.close();
      running = await start(more);
    },
    writeKeys,
    drop: async () => {
      await running.close();
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return office;
}

/** Asks until something is so. */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 40,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error('it did not become so');
    await new Promise((done) => setTimeout(done, 100));
  }
}
