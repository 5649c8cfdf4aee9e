import {
  type Casehard,
  createCasehard,
  type Fields,
  type Keyring,
  loadKeyrings,
  type TrackingKeyring,
} from '@casehard/core';
import { createTrackingKeyring } from '@casehard/core/links';
import { type SettingsPage, settingsPages } from '../config/groups.ts';
import type { LoadedProject, Project } from '../config/load.ts';
import type { Where } from './background/background.ts';

/** A configuration; without tracking keys, links in mails are not looked at. */
export type ConsoleProject = Project & Partial<Pick<LoadedProject, 'tracking' | 'links'>>;

/** The configuration that the console works with, and the keys as they were last looked up. */
export class Live {
  readonly pages: readonly SettingsPage[];
  readonly #env: Readonly<Record<string, string | undefined>>;
  #project: LoadedProject;

  constructor(project: ConsoleProject, env: Readonly<Record<string, string | undefined>>) {
    const { config, keyring } = project;
    // Of its own: the application that the console is mounted in may have attached the one of its project.
    const hard = createCasehard({ fields: config.fields, keyring, warn: () => {} });
    this.#project = { links: undefined, ...project, hard, tracking: project.tracking ?? createTrackingKeyring() };
    this.#env = env;
    this.pages = settingsPages(project.config);
  }

  get project(): LoadedProject {
    return this.#project;
  }
  get keyring(): Keyring {
    return this.#project.keyring;
  }
  get tracking(): TrackingKeyring {
    return this.#project.tracking;
  }
  get hard(): Casehard<Fields> {
    return this.#project.hard;
  }

  /** What the background needs to work on the same database under the same keys. */
  where(): Where {
    const { path, keyring, tracking } = this.#project;
    return { configPath: path, keyring, tracking, env: this.#env };
  }

  /** Looks the keys up again, in the files and the environment of this process. Throws one of the KEY_ codes. */
  lookUpKeys(): Keyring {
    const { config } = this.#project;
    const { keyring, tracking } = loadKeyrings(this.#sources());
    const hard = createCasehard({ fields: config.fields, keyring, warn: () => {} });
    this.#project = { ...this.#project, keyring, tracking, hard };
    return keyring;
  }

  #sources(): Parameters<typeof loadKeyrings>[0] {
    const { folder, config } = this.#project;
    return { env: this.#env, folder, ...(config.keys ? { settings: config.keys } : {}) };
  }
}
