import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import type { Certificate } from './certificates.ts';

/** The clients of the provider. */
export const CLIENTS = {
  basic: { id: 'basic-client', secret: 'MARKED-basic-secret-91' },
  post: { id: 'post-client', secret: 'MARKED-post-secret-92' },
  wide: { id: 'wide:client%20', secret: 'MARKED: 100% + & = wide' },
} as const;

export interface OidcServer {
  readonly tokenUrl: string;
  /** A refresh token of the client `basic`, as if somebody had signed in. */
  issueRefreshToken(): Promise<string>;
  close(): Promise<void>;
}

/** oidc-provider on loopback, over HTTPS. */
export async function serveOidc({ cert, key }: Certificate): Promise<OidcServer> {
  const server = createServer({ cert, key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      client(CLIENTS.basic, 'client_secret_basic'),
      client(CLIENTS.post, 'client_secret_post'),
      client(CLIENTS.wide, 'client_secret_basic'),
    ],
    scopes: ['openid', 'offline_access', 'mail'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: true,
    cookies: { keys: ['test'] },
  });
  server.on('request', provider.callback());
  return {
    tokenUrl: `${issuer}/token`,
    issueRefreshToken: async () => {
      const grant = new provider.Grant({ accountId: 'someone', clientId: CLIENTS.basic.id });
      grant.addOIDCScope('openid offline_access');
      const token = new provider.RefreshToken({
        ...{ accountId: 'someone', client: await provider.Client.find(CLIENTS.basic.id), grantId: await grant.save() },
        ...{ scope: 'openid offline_access', gty: 'authorization_code' },
      });
      return token.save();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// --- internal ---

function client({ id, secret }: { readonly id: string; readonly secret: string }, method: string): object {
  return {
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
    redirect_uris: ['https://app.example/back'],
    scope: 'openid offline_access',
    token_endpoint_auth_method: method,
  };
}
