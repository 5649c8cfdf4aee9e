import { CasehardError, type LinkSettings } from '@casehard/core';
import { createLinks, type Links, type TrackingKeyring } from '@casehard/core/links';
import { findConfig } from '../../config/find.ts';
import { type LoadedProject, loadProject } from '../../config/load.ts';
import type { Invocation } from '../main.ts';

/** A project that makes links. */
export interface LinksProject {
  readonly project: LoadedProject;
  readonly settings: LinkSettings;
  readonly links: Links;
}

/** Reads the configuration with its `links`; opens no database. Throws CONFIG. */
export async function loadLinksProject({ folder, config, env }: Invocation): Promise<LinksProject> {
  // Sealing has nothing to do with links, so its warnings are left to the commands that seal.
  const project = await loadProject(findConfig(folder, config), { env, warn: () => {} });
  const { links } = project;
  const settings = project.config.links;
  if (!links || !settings) {
    throw new CasehardError('CONFIG', `${project.path}: \`links\` is missing`, {
      hint: "write links: { baseUrl: 'https://example.com', purposes: { click: 'link.php' } }; `casehard init --links URL --dry-run` shows a whole section",
    });
  }
  return { project, settings, links };
}

/** The same links under other keys. */
export function linksUnder(keyring: TrackingKeyring, settings: LinkSettings = NOWHERE): Links {
  return createLinks({ ...settings, keyring, warn: () => {} });
}

// --- internal ---

/** What a token says can be read without knowing where its link leads. */
const NOWHERE: LinkSettings = { baseUrl: 'https://localhost', purposes: {} };
