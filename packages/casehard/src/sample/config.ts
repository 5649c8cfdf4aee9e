import { column, path, setting } from '@casehard/core';
import { printConfig } from '../inventory/print-config.ts';

/** The credentials of the sample, as its configuration declares them. */
export const sampleFields = {
  'system.smtp.password': setting('settings', {
    where: { name: 'smtp_password' },
    value: 'value',
    was: 'base64',
    group: 'Email settings',
    label: 'System SMTP password',
  }),
  'system.bounce.password': setting('settings', {
    where: { name: 'bounce_password' },
    value: 'value',
    was: 'base64',
    group: 'Bounce settings',
    label: 'System bounce password',
  }),
  'user.smtp.password': column('users', 'smtp_password', {
    row: { user_id: 'int' },
    was: 'base64',
    group: 'Email settings',
    label: 'SMTP password of a user',
  }),
  'user.api.token': column('users', 'api_token', {
    row: { user_id: 'int' },
    was: 'plaintext',
    group: 'API keys',
    label: 'API token of a user',
  }),
  'list.bounce.password': column('lists', 'bounce_password', {
    row: { list_id: 'int' },
    was: 'base64',
    group: 'Bounce settings',
    label: 'Bounce password of a list',
  }),
  'addon.api.key': path('addons', 'settings', '/apiKey', {
    row: { addon_id: 'text' },
    in: 'php-serialize',
    was: 'plaintext',
    group: 'API keys',
    label: 'API key of an add-on',
  }),
  'oauth.client.secret': path('oauth_clients', 'config', '/client_secret', {
    row: { client_id: 'text' },
    in: 'json',
    was: 'plaintext',
    group: 'OAuth clients',
    label: 'Secret of an OAuth client',
  }),
};

/** The text of casehard.config.ts for the sample. A URL with a password is left to the environment. */
export function printSampleConfig(options: { readonly database: string; readonly adopted: boolean }): string {
  return printConfig({ ...options, fields: Object.entries(sampleFields).map(([name, spec]) => ({ name, spec })) });
}
