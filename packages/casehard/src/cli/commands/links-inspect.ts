import { CasehardError, type LinkSettings, loadKeyrings } from '@casehard/core';
import { createTrackingKeyring, type Purpose, type TrackingKeyring } from '@casehard/core/links';
import { findConfig } from '../../config/find.ts';
import { loadProject } from '../../config/load.ts';
import { EXIT, type Exit } from '../exit.ts';
import { age } from '../links/age.ts';
import { oneLine, showClaims } from '../links/claims.ts';
import { type Explanation, explain } from '../links/explain.ts';
import { linksGroup } from '../links/group.ts';
import { purpose } from '../links/options.ts';
import { linksUnder } from '../links/project.ts';
import { type ReadLink, readLink } from '../links/read.ts';
import type { AddCommand, Invocation } from '../main.ts';
import type { Output } from '../output.ts';
import { isInteractive, readSecret } from '../prompt.ts';

/** `casehard links inspect`: what a link says, and whether it is believed. Shows neither its token nor a key. */
export const linksInspect: AddCommand = (program, action) => {
  const command = linksGroup(program)
    .command('inspect')
    .argument('[link]', 'a URL, or a token alone; left out: from stdin')
    .description('say what a link in a mail says, and whether and why it is believed')
    .option('--purpose <purpose>', 'read it as a link for this (default: what it says it is for)', purpose)
    .option('--ask-key', 'ask for the tracking key, instead of using the configured ones')
    .allowExcessArguments();
  action(command, async (invocation, options, [given]) => {
    // Refused here and not by commander, which would print them: one of them may be a key.
    if (command.args.length > 1) {
      throw new CasehardError('USAGE', 'inspect reads one link', { hint: 'give one argument; a key never is one' });
    }
    const { tracking, settings } = await configured(invocation);
    const asks = options.askKey === true;
    if (asks && given === undefined && !isInteractive()) {
      throw new CasehardError('USAGE', 'the link and the key cannot both come from stdin', {
        hint: 'give the link as an argument; a key never is one',
      });
    }
    const link = given ?? (await readSecret('Link'));
    if (link.trim() === '') throw new CasehardError('USAGE', 'there is no link', { hint: 'give a URL or a token' });
    const keyring = asks ? await askKey(tracking) : tracking;
    const read = readLink(linksUnder(keyring, settings), link, options.purpose as Purpose | undefined);
    const now = Date.now();
    const tkids = keyring.list().map(({ tkid }) => tkid);
    const until = settings?.legacy?.until;
    const explanation = explain(read, { now, setting: keyring.setting, tkids, asked: asks, until });
    return tell(invocation.output, { read, explanation, now, state: stateOf(read, tracking, asks ? tkids : []) });
  });
};

// --- internal ---

/** Keys and settings of the configuration; where there is none, the keys of the environment alone. */
async function configured({
  folder,
  config,
  env,
}: Invocation): Promise<{ readonly tracking: TrackingKeyring; readonly settings: LinkSettings | undefined }> {
  const path = findOrNone(folder, config);
  if (path === undefined) return { tracking: loadKeyrings({ env, folder }).tracking, settings: undefined };
  const project = await loadProject(path, { env, warn: () => {} });
  return { tracking: project.tracking, settings: project.config.links };
}

function findOrNone(folder: string, named: string | undefined): string | undefined {
  try {
    return findConfig(folder, named);
  } catch (error) {
    if (named === undefined) return undefined;
    throw error;
  }
}

/** The key given by a person, alone; one whose id is withdrawn here stays withdrawn. */
async function askKey(tracking: TrackingKeyring): Promise<TrackingKeyring> {
  const text = await readSecret('Tracking key');
  const given = createTrackingKeyring({ previous: [{ text, source: 'the key given' }] });
  const [tkid] = given.list().map((key) => key.tkid);
  if (tkid === undefined || !tracking.isWithdrawn(tkid)) return given;
  return createTrackingKeyring({ previous: [{ text, source: 'the key given' }], withdrawn: [tkid] });
}

function stateOf({ header }: ReadLink, tracking: TrackingKeyring, asked: readonly string[]): string {
  const state = tracking.list().find(({ tkid }) => tkid === header?.tkid)?.state ?? 'not configured';
  return header && asked.includes(header.tkid) ? `${state}, given` : state;
}

interface Told {
  readonly read: ReadLink;
  readonly explanation: Explanation;
  readonly now: number;
  readonly state: string;
}

function tell(output: Output, { read, explanation, now, state }: Told): Exit {
  const { purpose: chosen, header, result } = read;
  const claims = 'claims' in result ? showClaims(result.claims) : {};
  const issued = 'issuedAt' in result ? result.issuedAt : undefined;
  const withConfirmCode = result.kind === 'legacy' && result.confirm !== undefined;
  const exit = result.kind === 'valid' || result.kind === 'legacy' ? EXIT.done : EXIT.failed;
  output.line(`purpose  ${chosen ?? 'unknown'}`);
  if (header) output.line(`key      ${header.tkid} (${state})`);
  for (const [name, value] of Object.entries(claims)) output.line(`claim    ${name} ${oneLine(String(value))}`);
  if (withConfirmCode) output.line('claim    with confirm code');
  if (issued) output.line(`issued   ${issued.toISOString()}, ${age(issued, now)}`);
  output.line(`verdict  ${result.kind}${result.kind === 'invalid' ? ` ${result.reason}` : ''}`);
  output.line(`why      ${explanation.why}`);
  if (explanation.fix !== undefined) output.line(`fix      ${explanation.fix}`);
  output.result({
    ok: exit === EXIT.done,
    exit,
    purpose: chosen ?? null,
    key: header ? { tkid: header.tkid, state } : null,
    claims,
    withConfirmCode,
    issuedAt: issued?.toISOString() ?? null,
    age: issued ? age(issued, now) : null,
    verdict: result.kind,
    reason: result.kind === 'invalid' ? result.reason : null,
    why: explanation.why,
    fix: explanation.fix ?? null,
  });
  return exit;
}
