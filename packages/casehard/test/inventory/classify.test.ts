import { describe, expect, it } from 'vitest';
import { classifyName } from '../../src/inventory/classify-name.ts';
import { classifyValues } from '../../src/inventory/classify-values.ts';
import { fieldName } from '../../src/inventory/field-name.ts';
import { FOREIGN } from '../../src/sample/foreign-values.ts';

describe('a name', () => {
  it.each(
    (
      'password passwd pwd smtp_password smtpPassword SMTP_PASS smtppass dbpass passphrase secret client_secret clientSecret token ' +
      'apiToken api_key apiKey APIKey apikey x-api-key private_key access_token refreshToken aws_secret_access_key credentials ' +
      'bearer webhook_secret userpassword Passwort encryption_key pass1 password2'
    ).split(' '),
  )('promises a credential: %s', (name) => {
    expect(classifyName(name).kind).toBe('credential');
  });

  it.each(
    (
      'password_hash passwordHash password_digest password_salt token_type token_expires_at api_key_id has_password use_token ' +
      'password_changed_at public_token reset_token csrf_token remember_token secret_name last_token client_secret_url'
    ).split(' '),
  )('speaks about a credential, or of one that is looked up: %s', (name) => {
    expect(classifyName(name).kind).toBe('about');
  });

  it.each(
    'key name compass bypass passenger passport keyboard monkey secretary tokenizer primary_key foreign_key public_key sort_key email username'.split(
      ' ',
    ),
  )('promises nothing: %s', (name) => {
    expect(classifyName(name).kind).toBe('ordinary');
  });
});

describe('values', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  it('that are empty, sealed or absent leave the scheme a guess', () => {
    const none = { kind: 'credential', was: 'plaintext', confidence: 'unsure' };
    expect(classifyValues([null, '', '   '], 'password')).toMatchObject({
      ...none,
      because: 'no values to look at; was is a guess',
    });
    expect(classifyValues(['chd1.cut'], 'password')).toMatchObject({
      ...none,
      because: 'its values are sealed already; was is a guess',
    });
  });

  it('of other products are named as such', () => {
    expect(classifyValues([FOREIGN.bcrypt], 'key')).toEqual({
      kind: 'not',
      because: 'hash, left alone: 1 of 1 sampled values are password hashes',
    });
    expect(classifyValues([FOREIGN.laravel, FOREIGN.laravel], 'key')).toEqual({
      kind: 'not',
      because: '2 of 2 sampled values are sealed by another product; open them with it first',
    });
  });

  it('that are a mixture are said to be one', () => {
    const words = ['one!', 'two!', 'three!', 'four!'];
    expect(classifyValues([...words.map(base64), 'plain!'], 'password')).toEqual({
      kind: 'credential',
      was: 'base64',
      confidence: 'likely',
      because: '4 of 5 sampled values are base64 of text; the other 1 will be listed one by one by status',
    });
    expect(classifyValues([base64('one!'), ...words], 'password')).toMatchObject({
      was: 'plaintext',
      confidence: 'unsure',
    });
  });
});

describe('a field name', () => {
  it.each([
    ['users', 'smtp_password', 'column', 'user.smtp.password'],
    ['users', 'userPassword', 'column', 'user.password'],
    ['oauth_clients', 'client_secret', 'path', 'oauth.client.secret'],
    ['settings', 'smtp_password', 'setting', 'system.smtp.password'],
    ['wp_options', 'mail_pass', 'setting', 'wp.system.mail.pass'],
    ['companies', 'pwd', 'column', 'company.pwd'],
    ['addresses', 'pwd', 'column', 'address.pwd'],
    ['status', 'pwd', 'column', 'status.pwd'],
    ['tokens', 'token', 'column', 'token.token'],
    ['日本', '秘密', 'column', 'field'],
    ['Größen', 'Paßwort', 'column', 'groen.pawort'],
  ] as const)('of %s and %s, a %s, is %s', (table, inside, kind, name) => {
    expect(fieldName(table, [inside], kind)).toBe(name);
  });
});
