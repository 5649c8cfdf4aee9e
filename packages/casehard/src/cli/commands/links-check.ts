import { EXIT } from '../exit.ts';
import { checkHere } from '../links/check-here.ts';
import { keysAlone } from '../links/check-keys.ts';
import { checkWeb, skipped } from '../links/check-web.ts';
import { linksGroup } from '../links/group.ts';
import { loadLinksProject } from '../links/project.ts';
import type { AddCommand } from '../main.ts';
import { plural, table } from '../table.ts';

/** `casehard links check`: whether the links of the next campaign will work. Changes nothing. */
export const linksCheck: AddCommand = (program, action) => {
  const command = linksGroup(program)
    .command('check')
    .description('test before a campaign: every key, the addresses, and that the web server has the keys')
    .option('--offline', 'do not ask the web server');
  action(command, async (invocation, options) => {
    const { output, env, signal } = invocation;
    const { project, settings, links } = await loadLinksProject(invocation);
    const keys = keysAlone(project, settings, env);
    const here = checkHere(links, settings, { keys, now: Date.now() });
    const web =
      options.offline === true
        ? [skipped('--offline')]
        : await checkWeb(links, keys, { signal, onAsk: output.progress });
    output.progress(undefined);
    const lines = [...here, ...web];
    for (const line of table(
      ['result', 'check', 'what'],
      lines.map(({ name, outcome, says, fix }) => [outcome, name, fix === undefined ? says : `${says}; ${fix}`]),
    )) {
      output.line(line);
    }
    const failed = lines.filter(({ outcome }) => outcome === 'failed').length;
    const exit = failed > 0 ? EXIT.failed : EXIT.done;
    output.line();
    output.line(failed > 0 ? `${plural(failed, 'check')} failed.` : 'Nothing failed.');
    output.result({ ok: failed === 0, exit, checks: lines });
    return exit;
  });
};
