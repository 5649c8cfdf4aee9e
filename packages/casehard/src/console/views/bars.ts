import { VERDICT_KINDS } from '@casehard/core';
import type { Tally } from '../../inventory/tally.ts';
import type { Point } from '../scan-history.ts';
import { type Html, html } from './html.ts';
import { number, type Shade, shadeOf, time } from './parts.ts';

export type Counts = Readonly<Record<Shade, number>>;

const SHADES: readonly { readonly shade: Shade; readonly word: string }[] = [
  { shade: 'hardened', word: 'hardened' },
  { shade: 'legacy', word: 'legacy' },
  { shade: 'stale', word: 'stale' },
  { shade: 'quarantined', word: 'quarantined' },
  { shade: 'unreadable', word: 'unreadable' },
  { shade: 'empty', word: 'empty' },
];

/** Values by shade, of one field or of all. */
export function countsOf(tallies: readonly Pick<Tally, 'verdicts'>[]): Counts {
  const counts: Record<Shade, number> = { hardened: 0, legacy: 0, stale: 0, quarantined: 0, unreadable: 0, empty: 0 };
  for (const { verdicts } of tallies) for (const kind of VERDICT_KINDS) counts[shadeOf(kind)] += verdicts[kind];
  return counts;
}

/** One stacked bar. Empty values have nothing to harden, so they are in the text and not in the bar. */
export function stackedBar(counts: Counts, name: string, big = false): Html {
  const shown = SHADES.filter(({ shade }) => shade !== 'empty' && counts[shade] > 0);
  const total = shown.reduce((sum, { shade }) => sum + counts[shade], 0);
  let at = 0;
  const parts = shown.map(({ shade }) => {
    // Never thinner than one part in a hundred: the one value that is left is the one that matters.
    const width = Math.max(10, (counts[shade] / total) * 1000);
    const part = html`<rect class="f-${shade}" x="${at.toFixed(1)}" y="0" width="${width.toFixed(1)}" height="10"></rect>`;
    at += width;
    return part;
  });
  return html`<svg class="${big ? 'bar big' : 'bar'}" viewBox="0 0 ${Math.max(at, 1000).toFixed(1)} 10" preserveAspectRatio="none" role="img" aria-label="${name}: ${inWords(counts)}"><rect class="f-none" width="100%" height="10"></rect>${parts}</svg>`;
}

export function legend(counts: Counts): Html {
  return html`<ul class="legend">${SHADES.map(
    ({ shade, word }) =>
      html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="f-${shade}" width="10" height="10"></rect></svg>${number(counts[shade])} ${word}</li>`,
  )}</ul>`;
}

/** How the number of values that are not hardened went, with the same figures as a table. */
export function historyChart(points: readonly Point[]): Html {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 2) return html`<p class="soft">The history begins with the second scan.</p>`;
  const most = Math.max(1, ...points.map(({ notHardened }) => notHardened));
  const span = Math.max(1, last.at - first.at);
  const line = points
    .map(
      ({ at, notHardened }) =>
        `${(((at - first.at) / span) * 1000).toFixed(1)},${(98 - (notHardened / most) * 94).toFixed(1)}`,
    )
    .join(' ');
  return html`<svg class="chart" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="Credentials not hardened: ${number(first.notHardened)} at first, ${number(last.notHardened)} now, ${number(most)} at most"><line class="axis" x1="0" y1="98" x2="1000" y2="98"></line><polyline class="line" points="${line}"></polyline></svg>
<details><summary>The figures</summary><div class="scroll" tabindex="0" role="region" aria-label="History"><table><thead><tr><th scope="col">Scan</th><th scope="col" class="num">Not hardened</th></tr></thead><tbody>${[
    ...points,
  ]
    .reverse()
    .map(
      ({ at, notHardened }) => html`<tr><td>${time(at)}</td><td class="num">${number(notHardened)}</td></tr>`,
    )}</tbody></table></div></details>`;
}

// --- internal ---

function inWords(counts: Counts): string {
  const words = SHADES.filter(({ shade }) => counts[shade] > 0).map(
    ({ shade, word }) => `${number(counts[shade])} ${word}`,
  );
  return words.join(', ') || 'no values';
}
