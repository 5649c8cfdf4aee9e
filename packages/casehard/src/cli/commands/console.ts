import { findConfig } from '../../config/find.ts';
import { loadProject } from '../../config/load.ts';
import { guarded } from '../../database/driver-error.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { port } from '../options.ts';

const PORT = 8437;

/** `casehard console`: the operator's pages over a configured database, until it is stopped. */
export const consoleCommand: AddCommand = (program, action) => {
  const command = program
    .command('console')
    .description('open the admin console: upgrade, harden, settings, quarantine')
    .option('--port <number>', 'the port to listen on', port, PORT)
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--public-url <url>', 'the https URL under which a proxy offers it')
    .option('--trust-proxy', 'believe the last entry of X-Forwarded-For, which the proxy sets')
    .option('--insecure-http', 'allow plain HTTP on an address that other machines reach')
    .option('--new-link', 'print a one-time link that makes one more operator');
  action(command, (invocation, options) => {
    const { output, config, folder, env, signal } = invocation;
    const listen = { host: String(options.host), port: Number(options.port) };
    const insecure = options.insecureHttp === true ? { insecureHttp: true } : {};
    return guarded(async () => {
      // Loaded here, so that no other command pays for a web server and two mail clients.
      const [{ createConsole }, { checkListening, serve }] = await Promise.all([
        import('../../console/console.ts'),
        import('../../console/serve.ts'),
      ]);
      const project = await loadProject(findConfig(folder, config), { env, warn: output.note });
      const named = options.publicUrl ?? project.config.console?.publicUrl;
      const publicUrl = typeof named === 'string' ? { publicUrl: named } : {};
      checkListening({ ...listen, ...publicUrl, ...insecure });
      const admin = await createConsole({ project, env, listen, ...publicUrl, warn: output.note });
      try {
        const served = await serve(admin, {
          ...listen,
          ...publicUrl,
          ...insecure,
          ...(options.trustProxy === true ? { trustProxy: true } : {}),
        });
        admin.listensAt({ host: listen.host, port: served.port });
        if (admin.stateKeyMade) {
          output.note(`Made ${admin.stateKeyMade}: it authenticates the console's accounts. Keep it with the keys.`);
        }
        const link = options.newLink === true || (await admin.operators()) === 0 ? admin.issueWelcome() : undefined;
        const open = link === undefined ? served.url : `${served.url}/welcome/${link}`;
        output.line(
          link === undefined
            ? `The console: ${open}`
            : `Open this link once, within half an hour, to make an operator's account:\n\n  ${open}\n`,
        );
        output.note('Ctrl-C stops it; jobs go on at the next start.');
        output.result({ ok: true, exit: EXIT.done, url: served.url, link: link === undefined ? null : open });
        await aborted(signal);
        await served.close();
        return EXIT.done;
      } finally {
        await admin.close();
      }
    });
  });
};

// --- internal ---

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
