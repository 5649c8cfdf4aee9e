import type { Facts } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';

/** Whether every column has room for what is stored in it, and the configuration knows how much. */
export function checkWidths({ plan, resolved, upgrades }: Facts): readonly Finding[] {
  if (!plan || !resolved) return [];
  const troubles: Trouble[] = [];
  for (const { id, table, column, why } of plan.steps) {
    if (column === undefined) continue;
    const widened = upgrades?.findLast(({ what }) => what === id);
    const named = { evidence: `${table}.${column}: ${why}`, fix: 'run `casehard upgrade`' };
    troubles.push(
      widened
        ? {
            ...named,
            code: 'COLUMN_SHRUNK',
            verdict: 'failed',
            evidence: `${named.evidence}; it was widened on ${widened.at.slice(0, 10)}`,
            cause:
              'a later change of the schema has made the column narrow again; a server that is not strict cuts values',
            fix: `${named.fix}; then take the width out of the migration of the application, and look for cut values below`,
          }
        : {
            ...named,
            code: 'COLUMN_NARROW',
            verdict: 'warning',
            cause:
              'sealed values are longer than passwords: as it is, saves stay in the existing scheme or are refused',
          },
    );
  }
  for (const { name, definition, max, engine } of resolved.fields) {
    const said = definition.spec.max?.chars;
    // SQLite enforces no width; there the configuration is what counts.
    if (engine === 'sqlite' || said === undefined || definition.spec.kind === 'path' || said === max.chars) continue;
    const narrower = max.chars !== undefined && max.chars < said;
    troubles.push({
      code: 'WIDTH_OUTDATED',
      verdict: narrower ? 'warning' : 'notice',
      evidence: `${name}: the configuration says ${said} characters, the column holds ${max.chars ?? 'any number'}`,
      cause: narrower
        ? 'the library goes by the configuration, and offers the column more than it holds'
        : 'the library goes by the configuration, and refuses what would fit',
      fix: `write ${max.chars === undefined ? 'no `max`' : `max: { chars: ${max.chars} }`} into the configuration${narrower ? ', or run `casehard upgrade`' : ''}`,
      field: name,
    });
  }
  const limited = plan.widths.size;
  return settle('database', troubles, {
    code: 'COLUMNS_WIDE',
    evidence:
      limited === 0 ? 'no column has a limit' : `${count(limited, 'field')} in columns with a limit, all wide enough`,
  });
}
