import { HEARTBEAT_MS } from '@casehard/core';
import { VERSION } from '@casehard/core/state';
import type { ListedProcess } from '../database/processes.ts';
import type { Facts } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';

/** What the processes say of themselves that have attached to this database. */
export function checkProcesses({ processes, project: { keyring }, keysProblem }: Facts): readonly Finding[] {
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
