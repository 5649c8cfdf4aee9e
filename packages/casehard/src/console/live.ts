import { type Casehard, createCasehard, type Fields, type Keyring, loadKeyring } from '@casehard/core';
import { type SettingsPage, settingsPages } from '../config/groups.ts';
import type { Project } from '../config/load.ts';

/** The configuration that the console works with, and the keys as they were last looked up. */
export class Live {
  readonly pages: readonly SettingsPage[];
  readonly #env: Readonly<Record<string, string | undefined>>;
  #project: Project;

  constructor(project: Project, env: Readonly<Record<string, string | undefined>>) {
    this.#project = project;
    this.#env = env;
    this.pages = settingsPages(project.config);
  }

  get project(): Project {
    return this.#project;
  }
  get keyring(): Keyring {
    return this.#project.keyring;
  }
  get hard(): Casehard<Fields> {
    return this.#project.hard;
  }

  /** What the background needs to work on the same database under the same keys. */
  where(): { readonly configPath: string; readonly keyring: Keyring } {
    return { configPath: this.#project.path, keyring: this.#project.keyring };
  }

  /** Looks the keys up again, in the files and the environment of this process. Throws one of the KEY_ codes. */
  lookUpKeys(): Keyring {
    const { folder, config } = this.#project;
    const keyring = loadKeyring({ env: this.#env, folder, ...(config.keys ? { settings: config.keys } : {}) });
    const hard = createCasehard({ fields: config.fields, keyring, warn: () => {} });
    this.#project = { ...this.#project, keyring, hard };
    return keyring;
  }
}
