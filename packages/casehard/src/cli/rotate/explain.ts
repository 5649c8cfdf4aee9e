import type { HeardProcess } from '../../keys/live.ts';
import { activateLines, deactivateLines, NAMES } from '../../keys/paste.ts';
import { liveProcesses, lostValues, type RotationFacts, type RotationStep } from '../../keys/rotation.ts';
import type { Unsettled } from '../../keys/settle.ts';
import { plural, table } from '../table.ts';

/** What a person is told about a step. */
export interface Explained {
  /** Sentences, then tables. */
  readonly lines: readonly string[];
  /** Lines of settings to paste, by the ids of keys. */
  readonly paste: readonly string[];
}

/** Says what the next step is, and what a person has to do for it. */
export function explain(facts: RotationFacts, step: RotationStep): Explained {
  switch (step.step) {
    case 'generate':
      return { lines: [], paste: [] }; // the command makes the key and says so
    case 'stage':
      return explainStage(facts, step);
    case 'activate':
      return facts.road === 'leave' ? explainDeactivate(facts, step) : explainActivate(facts, step);
    case 'settle':
      return { lines: explainUnsettled(facts, step.why), paste: [] };
    case 'reseal': {
      const under = step.values.map(({ kid, values }) => `${values} under ${kid}`).join(', ');
      const lines = [`${plural(step.total, 'value is', 'values are')} under older keys (${under}).`, ...blind(facts)];
      return { lines, paste: [] };
    }
    case 'soften':
      return {
        lines: [
          step.total > 0
            ? `${plural(step.total, 'value is', 'values are')} sealed.`
            : 'No value is under a key that is at hand.',
          ...(step.stuck > 0
            ? [
                `${plural(step.stuck, 'value looks', 'values look')} sealed and ${step.stuck === 1 ? 'opens' : 'open'} with no key at hand. While ${step.stuck === 1 ? 'it is' : 'they are'} there, a process without a key saves nothing: keep the keys where they are.`,
                '`casehard recover` names each: enter it anew with `casehard set`, or delete its row, then run this again.',
              ]
            : []),
          ...lostLines(lostValues(facts)),
        ],
        paste: [],
      };
    case 'withdraw':
      return explainWithdraw(facts, step);
    case 'done':
      return { lines: explainDone(facts, step), paste: [] };
  }
}

// --- internal ---

type Step<Name extends RotationStep['step']> = Extract<RotationStep, { readonly step: Name }>;

const DAY_MS = 86_400_000;

function explainStage({ kind, setting, road }: RotationFacts, step: Step<'stage'>): Explained {
  const { kid, early, missing, able } = step;
  const what = kind === 'enc' ? 'open values under' : 'verify links under';
  const head = `${plural(missing.length, 'live process', 'live processes')} cannot ${what} key ${kid} yet; ${able} can:`;
  const place = early ? NAMES[kind].previous : NAMES[kind].staged;
  return {
    lines: [
      ...(early ? [`Key ${kid} is active here already, and what is sealed with it cannot be read everywhere.`] : []),
      head,
      ...listed(missing),
      road === 'rotate' && !early
        ? `List key ${kid} in ${place} of each, restart it, then run this again.`
        : `Give each of them key ${kid} (${setting} or ${place}), restart it, then run this again.`,
    ],
    paste: [],
  };
}

function explainActivate(facts: RotationFacts, { kid, able, active }: Step<'activate'>): Explained {
  const nobody = `No live process is attached: see for yourself that every process has key ${kid} before you go on.`;
  const strangers = facts.heard.filter(({ silent, kids }) => silent <= facts.within && kids.length === 0).length;
  return {
    lines: [
      able === 0 ? nobody : `All live processes (${able}) can open key ${kid}; ${active} of them have it active.`,
      ...(facts.kind === 'trk' && strangers > 0
        ? [
            `${plural(strangers, 'live process has', 'live processes have')} no tracking key at all, and must answer no links.`,
          ]
        : []),
      'Make it active: paste these lines into the settings of every process, restart one after another, then run this again.',
    ],
    paste: activateLines(facts, kid),
  };
}

function explainDeactivate(facts: RotationFacts, { kid, active }: Step<'activate'>): Explained {
  return {
    lines: [
      `Key ${kid} is active here; ${sealing(active)}.`,
      'Let it open and not seal any more: paste these lines into the settings of every process, restart one after another, then run this again.',
    ],
    paste: deactivateLines(facts, kid),
  };
}

function explainUnsettled(facts: RotationFacts, why: Unsettled): readonly string[] {
  switch (why.because) {
    case 'processes':
      return [
        facts.road === 'leave'
          ? `${sealing(why.processes.length)}:`
          : `${countOf(why.processes.length)} an older key active:`,
        ...listed(why.processes),
        `Change the settings of each as before, restart it, then run this again${waitHint()}.`,
        ...blind(facts),
      ];
    case 'time':
      return [
        `No live process has an older key active. In ${Math.ceil(why.wait / 1000)} s that is certain: run this again then${waitHint()}.`,
        ...blind(facts),
      ];
    case 'transaction':
      return [
        `A transaction has been open in this database for ${Math.ceil(why.open / 1000)} s, since before the older keys came to rest.`,
        `What it has written cannot be seen: wait for its end, then run this again${waitHint()}.`,
      ];
  }
}

function explainWithdraw(facts: RotationFacts, { kid, keys }: Step<'withdraw'>): Explained {
  return {
    lines: [
      `No value is under an older key that is configured: new ones are under ${kid}.`,
      ...keys.map(({ kid: old, wait }) => {
        const when =
          wait === 0
            ? 'now'
            : `in ${plural(Math.ceil(wait / DAY_MS), 'day')} at the earliest, once nothing was opened with it for ${facts.quiet / DAY_MS}`;
        return `Withdraw key ${old} ${when}: casehard keys withdraw ${old}`;
      }),
      'Where that is done already, paste the lines that it printed; run again, it prints them once more.',
      ...blind(facts),
      ...lostLines(lostValues(facts)),
    ],
    paste: [],
  };
}

function explainDone(facts: RotationFacts, { kid, values, kept, idle, lost }: Step<'done'>): readonly string[] {
  const processes = liveProcesses(facts);
  const live = processes.length;
  const active = processes.filter(({ activeKid }) => activeKid === kid).length;
  if (facts.road === 'leave') {
    return ['No value is sealed any more, and no live process seals. The keys can be taken out of the settings.'];
  }
  return [
    facts.kind === 'enc'
      ? `Key ${kid} is active, ${plural(values, 'value is', 'values are')} under it, and none is under another key that is configured.`
      : `Tracking key ${kid} is active here, and in ${active} of ${plural(live, 'live process', 'live processes')} that ${live === 1 ? 'has' : 'have'} tracking keys.`,
    ...(kept.length > 0
      ? [
          `Keep ${kept.join(', ')} in ${NAMES.trk.previous}: unsubscribe links in old mails need them for ever. Withdraw one only if it has leaked.`,
        ]
      : []),
    ...(idle.length > 0 && facts.kind === 'enc'
      ? [`${countOf(idle.length)} no key active: what they save stays in the existing scheme.`, ...listed(idle)]
      : []),
    ...lostLines(lost),
  ];
}

function blind({ transactionsVisible }: RotationFacts): readonly string[] {
  if (transactionsVisible) return [];
  return [
    'This database user may not see the transactions of others: make sure yourself that none has been open for long.',
  ];
}

function lostLines(lost: Step<'done'>['lost']): readonly string[] {
  if (lost.length === 0) return [];
  const under = lost.map(({ kid, values }) => `${values} under ${kid}`).join(', ');
  return [
    `Values under keys that are not at hand: ${under}. They stay as they are; \`casehard status --deep\` names each.`,
  ];
}

function listed(processes: readonly HeardProcess[]): readonly string[] {
  const rows = processes.map(({ host, version, activeKid, kids, id }) => [
    host,
    version,
    activeKid ?? 'none',
    kids.filter((kid) => kid !== activeKid).join(' ') || '-',
    id,
  ]);
  return table(['host', 'version', 'active', 'opens also', 'process'], rows).map((line) => `  ${line}`);
}

function sealing(count: number): string {
  return count === 1 ? '1 live process seals what it saves' : `${count} live processes seal what they save`;
}

function countOf(count: number): string {
  return count === 1 ? '1 live process has' : `${count} live processes have`;
}

function waitHint(): string {
  return ', or with --wait';
}
