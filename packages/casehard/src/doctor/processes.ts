import { HEARTBEAT_MS } from '@casehard/core';
import { VERSION } from '@casehard/core/state';
import type { ListedProcess } from '../database/processes.ts';
import { type Facts, valuesUnder } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';

/** What the processes say of themselves that have attached to this database. */
export function checkProcesses(facts: Facts): readonly Finding[] {
  const { processes, project, tracking, keysProblem } = facts;
  const { keyring } = project;
  if (!processes) return [];
  const live = processes.filter(({ silent }) => silent <= SILENT_MS);
  const troubles: Trouble[] = processes.filter(({ silent }) => silent > SILENT_MS).map(silentTrouble);
  for (const process of live) {
    if (isOlder(process.version, VERSION)) troubles.push(oldLibrary(process));
    if (keysProblem) continue;
    const { active } = keyring;
    if (active && !process.kids.includes(active.kid)) {
      troubles.push({
        code: 'PROCESS_CANNOT_OPEN',
        verdict: 'failed',
        evidence: `${process.host} opens ${process.kids.join(', ') || 'nothing'}, and not ${active.kid}, which seals here`,
        cause:
          'it was started before the key was configured, or has another configuration: it cannot read what is saved',
        fix: `give it the key ${active.kid}, at least in CASEHARD_STAGED_ENC_KEYS, and start it again`,
      });
    } else if (active && process.activeKid !== active.kid) {
      troubles.push({
        code: 'PROCESS_HAS_OTHER_KEY',
        verdict: 'warning',
        evidence: `${process.host} seals with ${process.activeKid ?? 'no key'}, this configuration with ${active.kid}`,
        cause: 'a rotation is under way, or this process was forgotten in it: what it saves is stale at once',
        fix: `configure ${active.kid} as its active key and start it again`,
      });
    }
    for (const { kid } of keyring.list().filter(({ state }) => state === 'previous')) {
      const values = valuesUnder(facts, kid);
      if (values > 0 && !process.kids.includes(kid)) troubles.push(lacksPrevious(process, kid, values));
    }
    if (tracking?.active && process.trackingKids.length > 0) troubles.push(...linksOf(process, tracking.active.tkid));
    for (const { kid } of keyring.list().filter(({ state }) => state === 'staged')) {
      if (!process.kids.includes(kid)) {
        troubles.push({
          code: 'PROCESS_LACKS_STAGED_KEY',
          verdict: 'warning',
          evidence: `${process.host} cannot open with the staged key ${kid}`,
          cause: 'it has not been started with the new configuration yet',
          fix: 'list the key in its CASEHARD_STAGED_ENC_KEYS and start it again, before the key becomes active anywhere',
        });
      }
    }
  }
  const actives = [...new Set(live.flatMap(({ activeKid }) => (activeKid === undefined ? [] : [activeKid])))];
  if (actives.length > 1) {
    troubles.push({
      code: 'TWO_ACTIVE_KEYS',
      verdict: 'warning',
      evidence: `live processes seal with ${actives.join(' and with ')}`,
      cause: 'a rotation is under way, or one of them has an old configuration',
      fix: 'finish the rotation: `casehard rotate` says which process is behind',
    });
  }
  return settle('processes', troubles, {
    code: 'PROCESSES_AGREE',
    evidence:
      live.length === 0 ? 'no process has attached itself' : `${count(live.length, 'live process', 'live processes')}`,
  });
}

// --- internal ---

/** Two reports missed. */
const SILENT_MS = 2 * HEARTBEAT_MS;

function silentTrouble({ host, silent, activeKid }: ListedProcess): Trouble {
  return {
    code: 'PROCESS_SILENT',
    verdict: 'notice',
    evidence: `${host}, last heard of ${count(Math.round(silent / 60_000), 'minute')} ago${activeKid ? `, seals with ${activeKid}` : ''}`,
    cause: 'it ended without taking leave, or it hangs, or cannot reach the database',
    fix: 'see whether it still runs; one that has ended is forgotten by itself',
  };
}

function lacksPrevious({ host }: ListedProcess, kid: string, values: number): Trouble {
  return {
    code: 'PROCESS_CANNOT_OPEN',
    verdict: 'failed',
    evidence: `${host} cannot open with ${kid}, and ${count(values, 'value is', 'values are')} still under it`,
    cause: 'the key was taken from it before everything was resealed: it cannot read these values',
    fix: `list ${kid} in its CASEHARD_PREVIOUS_ENC_KEYS and start it again; then \`casehard rotate\` reseals the values`,
    key: kid,
  };
}

function linksOf({ host, trackingKid, trackingKids }: ListedProcess, active: string): readonly Trouble[] {
  if (!trackingKids.includes(active)) {
    return [
      {
        code: 'PROCESS_CANNOT_VERIFY',
        verdict: 'failed',
        evidence: `${host} verifies links under ${trackingKids.join(', ')}, and not under ${active}, which makes them here`,
        cause: 'it has an older tracking key: links that are sent now do not work there, unsubscribing included',
        fix: `give it the tracking key ${active}, at least in CASEHARD_STAGED_TRACKING_KEYS, and start it again`,
        key: active,
      },
    ];
  }
  if (trackingKid === active || trackingKid === undefined) return [];
  return [
    {
      code: 'PROCESS_HAS_OTHER_TRACKING_KEY',
      verdict: 'warning',
      evidence: `${host} makes links under ${trackingKid}, this configuration under ${active}`,
      cause: 'a rotation of the tracking key is under way, or this process was forgotten in it',
      fix: `configure ${active} as its tracking key and start it again: \`casehard rotate --tracking\` says who is behind`,
      key: active,
    },
  ];
}

function oldLibrary({ host, version }: ListedProcess): Trouble {
  return {
    code: 'PROCESS_HAS_OLD_LIBRARY',
    verdict: 'warning',
    evidence: `${host} runs @casehard/core ${version}, this is ${VERSION}`,
    cause: 'it was started before the update, or has not been updated',
    fix: 'update it and start it again',
  };
}

function isOlder(one: string, than: string): boolean {
  const [a, b] = [one, than].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (let i = 0; i < 3; i++) {
    const [x, y] = [a?.[i] ?? 0, b?.[i] ?? 0];
    if (x !== y) return x < y;
  }
  return false;
}
