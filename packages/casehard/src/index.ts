/**
 * casehard hardens, in place, the credentials that an application keeps in its SQL database. Most people run the command;
 * this is the same work for programs. Everything of @casehard/core that a configuration needs is exported here too.
 */
export {
  base64,
  column,
  createCasehard,
  defineConfig,
  group,
  hex,
  httpRequest,
  imap,
  loadKeyring,
  mailbox,
  oauthClient,
  oauthRefresh,
  path,
  plaintext,
  pop3,
  setting,
  smtp,
} from '@casehard/core';
export { findConfig } from './config/find.ts';
export { type LoadOptions, loadProject, type Project } from './config/load.ts';
export { type Console, type ConsoleOptions, createConsole, type HostSignIn } from './console/console.ts';
export { type Database, type Engine, type OpenOptions, openDatabase } from './database/connect.ts';
export { type Diagnosis, type ExamineOptions, examine } from './doctor/examine.ts';
export type { Finding, FindingGroup, FoundAt, Severity } from './doctor/finding.ts';
export { createDriver } from './inventory/driver.ts';
export { type FieldStatus, type Listed, readStatus, type Status, type StatusOptions } from './inventory/status.ts';
export { type Pending, pendingUpgrade, planFor } from './jobs/pending.ts';
export { type RunOptions, type RunResult, run } from './jobs/run.ts';
export { setValue } from './jobs/set.ts';
export { runUpgrade, type UpgradeOptions, type UpgradeResult } from './upgrade/run.ts';
