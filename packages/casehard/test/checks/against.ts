import type { CheckPolicy, CheckResult, TlsMode } from '../../src/checks/check.ts';
import { audited, PASSWORD } from './audited.ts';
import { type Behaviour, type MailKind, speak } from './dialects.ts';
import { type Script, type ScriptedServer, serveScript } from './scripted.ts';

/** A server that `closeServers` closes. */
export async function serve(script: Script): Promise<ScriptedServer> {
  const server = await serveScript(script);
  servers.push(server);
  return server;
}

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.close()));
}

/** What came of a login, and the server that saw it. */
interface Outcome {
  readonly result: CheckResult;
  readonly server: ScriptedServer;
}

/** A login at a scripted server. */
export async function run(
  script: Script,
  kind: MailKind,
  tls: TlsMode,
  policy: Partial<CheckPolicy> = {},
): Promise<Outcome> {
  const server = await serve(script);
  const request = { kind, host: '127.0.0.1', port: server.port, user: 'user', tls };
  return { result: await audited(request, PASSWORD, policy), server };
}

/** A login at a server that speaks its protocol, but for what the behaviour says. */
export function against(
  kind: MailKind,
  behaviour: Behaviour,
  tls: TlsMode,
  policy?: Partial<CheckPolicy>,
): Promise<Outcome> {
  return run(speak(kind, behaviour), kind, tls, policy);
}

// --- internal ---

const servers: ScriptedServer[] = [];
