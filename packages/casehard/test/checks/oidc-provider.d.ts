/* The little of oidc-provider that the tests use; the package has no types of its own. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  interface Saved {
    save(): Promise<string>;
  }

  export default class Provider {
    constructor(issuer: string, configuration: object);
    readonly Client: { find(id: string): Promise<object> };
    readonly Grant: new (
      options: object,
    ) => Saved & { addOIDCScope(scope: string): void };
    readonly RefreshToken: new (
      options: object,
    ) => Saved;
    callback(): RequestListener;
  }
}
