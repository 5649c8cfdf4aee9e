import { column, type Group, group, httpRequest, mailbox, oauthClient, path, setting, smtp } from '@casehard/core';
import { printConfig } from '../inventory/print-config.ts';

/** The credentials of the sample, as its configuration declares them. */
export const sampleFields = {
  'system.smtp.password': setting('settings', {
    where: { name: 'smtp_password' },
    value: 'value',
    was: 'base64',
    label: 'System SMTP password',
  }),
  'system.bounce.password': setting('settings', {
    where: { name: 'bounce_password' },
    value: 'value',
    was: 'base64',
    label: 'System bounce password',
  }),
  'user.smtp.password': column('users', 'smtp_password', {
    row: { user_id: 'int' },
    was: 'base64',
    label: 'SMTP password of a user',
  }),
  'user.api.token': column('users', 'api_token', {
    row: { user_id: 'int' },
    was: 'plaintext',
    label: 'API token of a user',
  }),
  'list.bounce.password': column('lists', 'bounce_password', {
    row: { list_id: 'int' },
    was: 'base64',
    label: 'Bounce password of a list',
  }),
  'addon.api.key': path('addons', 'settings', '/apiKey', {
    row: { addon_id: 'text' },
    in: 'php-serialize',
    was: 'plaintext',
    label: 'API key of an add-on',
  }),
  'oauth.client.secret': path('oauth_clients', 'config', '/client_secret', {
    row: { client_id: 'text' },
    in: 'json',
    was: 'plaintext',
    label: 'Secret of an OAuth client',
  }),
};

/** The settings pages of the sample: each credential with what stands beside it, and how it is tested. */
export const sampleGroups: readonly Group<keyof typeof sampleFields>[] = [
  group({
    label: 'Email Settings',
    secret: 'system.smtp.password',
    neighbours: { host: 'smtp_server', port: 'smtp_port', user: 'smtp_username', tls: 'smtp_tls' },
    check: smtp(),
  }),
  group({
    label: 'Email Settings',
    secret: 'user.smtp.password',
    neighbours: {
      name: { at: 'username', label: 'Name' },
      host: 'smtp_server',
      port: 'smtp_port',
      user: { at: 'smtp_username', label: 'SMTP user' },
    },
    check: smtp(),
  }),
  group({
    label: 'Bounce Settings',
    secret: 'system.bounce.password',
    neighbours: {
      protocol: 'bounce_protocol',
      host: 'bounce_server',
      port: 'bounce_port',
      user: 'bounce_username',
      tls: 'bounce_tls',
    },
    check: mailbox(),
  }),
  group({
    label: 'Bounce Settings',
    secret: 'list.bounce.password',
    neighbours: {
      name: { at: 'name', label: 'List' },
      host: 'bounce_server',
      user: 'bounce_username',
      protocol: { is: 'imap' },
      tls: { is: 'tls' },
    },
    check: mailbox(),
  }),
  group({
    label: 'API keys',
    secret: 'user.api.token',
    neighbours: { name: { at: 'username', label: 'Name' }, url: { is: 'https://api.example.com/v1/me' } },
    check: httpRequest(),
  }),
  group({
    label: 'API keys',
    secret: 'addon.api.key',
    neighbours: { url: { at: '/endpoint', label: 'Endpoint' } },
    check: httpRequest({ header: 'X-Api-Key' }),
  }),
  group({
    label: 'OAuth clients',
    secret: 'oauth.client.secret',
    neighbours: {
      name: { at: 'name', label: 'Name' },
      clientId: 'client_id',
      tokenUrl: { is: 'https://auth.example.com/token' },
    },
    check: oauthClient(),
  }),
];

/** The text of casehard.config.ts for the sample. A URL with a password is left to the environment. */
export function printSampleConfig(options: { readonly database: string; readonly adopted: boolean }): string {
  const fields = Object.entries(sampleFields).map(([name, spec]) => ({ name, spec }));
  return printConfig({ ...options, fields, groups: sampleGroups });
}
