import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foreignProduct } from '../../src/schemes/foreign.ts';

/** So many bytes that look random and are the same in every run. */
const bytes = (count: number) => createHash('shake256', { outputLength: count }).update('foreign').digest();

/** Throw-away texts that the product itself made, unless the line says otherwise. */
const SAMPLES: readonly (readonly [product: string, origin: string, text: string])[] = [
  [
    'laravel',
    'node-laravel-encryptor 3.0.2',
    'eyJpdiI6Ill6ZzBNMlJrWVdOaFpqSXdZbVl3WVE9PSIsInZhbHVlIjoidGxXUHVUVzFLL041UFN5TFF2QVQ1SFRhSWJZOHlaQklMZzZRTi9kK1gvWT0iLCJtYWMiOiIxYmMzNjk3OWY3MmEzYWExYWY3NzkwZjBkMThhZGI0OTdhMDk3MDkxMWZjNmQ0ZWM3YWUzYjMwYmQyOTQwYzY4In0=',
  ],
  [
    'fernet',
    'python cryptography 48.0.0',
    'gAAAAABrBQdthdz48mp5di-ofG9iO4K2-uMPFMQ9BfMWyXVjMVq09R7LRcYGSmnQzrhXpZwogxByzGAQX-3j7qpHL3onWBfGkA==',
  ],
  [
    'fernet',
    'fernet/spec generate.json',
    'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
  ],
  [
    'iron',
    '@hapi/iron 7.0.1',
    'Fe26.2**5be6794476d4697478587d06da64e8ad86997e190596aaa69a6fddc4da8e47df*a7lLmi3dqAbSAAIntRQKIg*QH18kF1f4jujLbdrQNjzCw**cb1822fe7b736a14b2a11d004905f844d4e97f656fc5f438098e4b2f4a2f3cad*amo2BCECHWjRUgRT1wlBNHIN2OKK_2DPzxwkf97nShA',
  ],
  [
    'aspnet-data-protection',
    'the payload shown in "Authenticated encryption details" of the ASP.NET Core manual',
    'CfDJ8ICcgQwZZhlAlTZT-Kr_7ldXL0BMP3_MnczZMj6EF5kW7LofSqEYRR8tE3ooeWuGnPi3hPkmMfyxhgrxVmHPFFjTUW_PNlCFgggtP3NfsK2eGrKuE1eQyPV8lU5qiqoG70PKGWKEfBGyyHGdqlIZLltMHlTwVb6IkhLBS15SyXSg',
  ],
  [
    'openssl',
    'openssl enc -aes-256-cbc -pbkdf2 -a -A',
    'U2FsdGVkX1/uoxpPf3lZWsaInhmnlIS5LirZNcpYi/SnJYC0wWfnR+cyoSFOzkmX',
  ],
  [
    'ansible-vault',
    'the first lines of the example in the Ansible manual',
    '$ANSIBLE_VAULT;1.1;AES256\n62313365396662343061393464336163383764373764613633653634306231386433626436623361\n6134333665353966363534333632666535333761666131620a663537646436643839616531643561\n',
  ],
  [
    'ansible-vault',
    'as above, with a vault id',
    '$ANSIBLE_VAULT;1.2;AES256;prod\r\n62313365396662343061393464336163383764373764613633653634306231386433626436623361',
  ],
  [
    'jwe',
    'jose 6.2.18, dir',
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..ilaNfTEB-hTeO-Gj.FStuaohdwaBJJ44.XN_a-CUBTlDoTabfEgRS6Q',
  ],
  [
    'jwe',
    'jose 6.2.18, A256KW',
    'eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0.fPu0kswRFqZuwJyXeB0EdHxK1x-SIqMX8UrnHOLN7kEk4XF6AKiQwBihyzu4ZanWPjXmYlBH-pNNxfI9PuBxc_vSGBr3XSaK.Cd3izV9Qp76PQgvWsUagyg.0bjTU-UXTPgyu-eoyhPv-w.mMC5R9R8dAYDUWe_XmX-MDhpYQKHeEErHTMnYSwACQU',
  ],
  [
    'paseto',
    'paseto 4.0.1, v1',
    'v1.local.8eFLOXFWtiR8raW9z1FU0LiKW0k5ewCEhZ5pK7RtXkaONttPdD_f0FSF8PCRF7EIQJgPuE-wbzpFhOwZZJ6gY3LukrReQ4iTg6F2fEd_T3zz9yNWBmkYvlQRN6m5qLcUCZM8VFKr7oBh0PJ7xK4bF1aSfz_863lemN7Bs_azgjH3fPKkVztRRDr0INgzSSpWVA',
  ],
  [
    'paseto',
    'PASETO test vector 2-E-1',
    'v2.local.97TTOvgwIxNGvV80XKiGZg_kD3tsXM_-qB4dZGHOeN1cTkgQ4PnW8888l802W8d9AvEGnoNBY3BnqHORy8a5cC8aKpbA0En8XELw2yDk2f1sVODyfnDbi6rEGMY3pSfCbLWMM2oHJxvlEl2XbQ',
  ],
  [
    'paseto',
    'paseto 4.0.1, v3',
    'v3.local.8CrJnbURbN9mpfvJSQQEGOIVEQOVRVs0H9t_QeUV9z9GQU2f6lC8tI3burqgktdcSAXPmmKyCkw4wNC6Ox1xTl26KmC24CkB6aYue-gYz_hedVAB8MIxKttpqxNyooJOhoK0hv6kkLmQjF1Pptv_MU0nnY1bsAdzxj4q07ienePftWakJE7MVnQ7XaW3TlDgfg',
  ],
  [
    'paseto',
    'PASETO test vector 4-E-1',
    'v4.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAr68PS4AXe7If_ZgesdkUMvSwscFlAl1pk5HC0e8kApeaqMfGo_7OpBnwJOAbY9V7WU6abu74MmcUE8YWAiaArVI8XJ5hOb_4v9RmDkneN0S92dx0OW4pgy7omxgf3S8c3LlQg',
  ],
  [
    'ciphersweet',
    'ciphersweet-js 2.0.6',
    'fips:n3jxui3YxNnUHPBCp-AT__Qp4Uuc16qDo3Bzpu9JN_6q37Jz6iG08K5DYI1F7BNAXqG6EuuT-qXdcKt2FAFlbGL9uw_0Kj-5mebp2pj-DHQYCTlz3vpik7Ua1NFPw5PoYtOVqxYOiLSJiX8=',
  ],
  [
    'ciphersweet',
    'ciphersweet-js 2.0.6',
    'brng:xaXp0LvaF1r9GeskYksKGgB9ns1dxljFdKcAek_zYFgT-ynBGnDvQoxKpe-_i2gDDhD9uvuKD1W0BolBeHsry8csbw==',
  ],
  ['ciphersweet', 'ciphersweet-js 2.0.6', 'nacl:Yd5WiPypfg1Lc_qZHRL2veYFJIZLTzPNnR5KooyNxNpPNOAc_9BZDr_w4wtP5_mCPNmZ'],
  [
    'rails',
    'the Rails guide "Active Record Encryption"',
    '{"p":"n7J0/ol+a7DRMeaE","h":{"iv":"DXZMDWUKfp3bg/Yu","at":"X1/YjMHbHD4talgF9dt61A=="}}',
  ],
  [
    'defuse',
    'made here, in the layout of its docs/CryptoDetails.md',
    `def50200${bytes(32 + 16 + 11 + 32).toString('hex')}`,
  ],
  ['sops', 'README of getsops/sops', 'ENC[AES256_GCM,data:CwE4O1s=,iv:2k=,aad:o=,tag:w==]'],
  [
    'sops',
    "made here, as today's releases spell it",
    `ENC[AES256_GCM,data:B05fVImpohAyOFK3,iv:${bytes(32).toString('base64')},tag:${bytes(16).toString('base64')},type:str]`,
  ],
  ['hiera-eyaml', 'made here: base64 of PKCS7', `ENC[PKCS7,MIIBygYJKoZIhvcNAQcD${bytes(300).toString('base64')}]`],
  [
    'vault',
    'the transit page of the Vault manual',
    'vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==',
  ],
  ['cloak', '@47ng/cloak 1.2.0', 'v1.aesgcm256.450a26b9.b9lwTFgcD_In-FLJ.zmq3T34M7S87NByl0opGPiVBlFnmJgJAbhrO'],
  ['bcrypt', 'PHP 8.2 password_hash', '$2y$10$ViK49GrsgdwGtHbMVUc6F.UlQQ8AMW5IxM/.wsiKdPuevRukyK48O'],
  [
    'age',
    'age-encryption 0.3.1, armored',
    '-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBNZ2ExcG9iR3JrRmVwa0tH\naktoMzR3IDUKejE2d0NReTA1MFVtRTUyOWZYWmoyYm92ZGZYN0c0Y3R6Q0krQmVB\naDRhbwotLS0gcDhiUEpsZ2F5VnVFYjh2b3ZXK21VVnBwMm1IVUVFVktkdElFVkV4\nVzlzVQovEfdoMMAGsPcKWfPkrdXUb6sg+/Ud4dU0VuMwVmwpD9+61hbJ812qS+Lh\n-----END AGE ENCRYPTED FILE-----\n',
  ],
  [
    'pgp',
    'gpg 2.2.40 --armor --symmetric',
    '-----BEGIN PGP MESSAGE-----\n\njA0ECQMCq6hvhkEKIyr/0kABXYCql8IPzF0Hrg4UV5HPNU2tf76lWkePj7oAwlMe\nrhd2xFFBOFWEFRAdjH3E78c3+IA6MSUUjVHsfCBlT+aZ\n=5Yqe\n-----END PGP MESSAGE-----\n',
  ],
];

const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;

describe('another product is named', () => {
  it.each(SAMPLES)('%s, from %s', (product, _origin, text) => {
    expect(foreignProduct(text)).toBe(product);
    expect(foreignProduct(`${text}   `)).toBe(product);
    expect(foreignProduct(`${text}\0\0`)).toBe(product);
  });

  it.each([
    ['bcrypt', '$2y$10$ViK49GrsgdwGtHbMVUc6F.UlQQ8AMW5IxM'],
    ['argon2', '$argon2id$v=19$m=65536,t=4'],
    ['sops', 'ENC[AES256_GCM,data:Zm9v,iv:AAAA'],
    ['rails', '{"p":"QmFzZTY0IG9mIGEgY3V0IG9uZQ'],
    ['rails', '{"p":"Zm9v","h":{"k":{"p":"Zm9v","h":{"iv":"AA=="}}}}'],
  ])('%s, also where a narrow column has cut it or headers come in another order', (product, text) => {
    expect(foreignProduct(text)).toBe(product);
  });

  it.skipIf(!has('php', '-v'))('Laravel with AES-256-GCM and a short secret', () => {
    const code = `$key = random_bytes(32); $iv = random_bytes(12); $tag = "";
      $value = openssl_encrypt("hunter2", "aes-256-gcm", $key, 0, $iv, $tag);
      echo base64_encode(json_encode(["iv" => base64_encode($iv), "value" => $value, "mac" => "", "tag" => base64_encode($tag)]));`;
    expect(foreignProduct(execFileSync('php', ['-r', code], { encoding: 'utf8' }))).toBe('laravel');
  });

  it.skipIf(!has('php', '-v'))('from what PHP makes today: bcrypt and argon2', () => {
    const code =
      'foreach (password_algos() as $a) echo password_hash("x", $a, $a === "2y" ? ["cost" => 4] : []), "\\n";';
    const hashes = execFileSync('php', ['-r', code], { encoding: 'utf8' }).trim().split('\n');
    expect(hashes.length).toBeGreaterThan(0);
    for (const hash of hashes) expect(foreignProduct(hash)).toBe(hash.startsWith('$2y$') ? 'bcrypt' : 'argon2');
    for (const hash of hashes.filter((h) => h.startsWith('$2y$'))) {
      expect(foreignProduct(hash.replace('$2y$', '$2a$'))).toBe('bcrypt');
      expect(foreignProduct(hash.replace('$2y$', '$2b$'))).toBe('bcrypt');
    }
  });

  it.skipIf(!has('php', '-v'))('from what PHP makes in the way of Laravel, with slashes escaped or not', () => {
    // The steps of Illuminate\Encryption\Encrypter::encrypt.
    const code = `foreach ([0, JSON_UNESCAPED_SLASHES] as $flags) for ($i = 0; $i < 20; $i++) {
      $key = random_bytes(32); $iv = random_bytes(16);
      $value = openssl_encrypt(serialize("mailer-test"), "aes-256-cbc", $key, 0, $iv);
      $iv = base64_encode($iv); $mac = hash_hmac("sha256", $iv . $value, $key); $tag = "";
      echo base64_encode(json_encode(compact("iv", "value", "mac", "tag"), $flags)), "\\n"; }`;
    const texts = execFileSync('php', ['-r', code], { encoding: 'utf8' }).trim().split('\n');
    expect([texts.length, new Set(texts.map(foreignProduct))]).toEqual([40, new Set(['laravel'])]);
  });

  it.skipIf(!has('openssl', 'version'))(
    'from what openssl makes today, with and without line ends, block and stream',
    () => {
      for (const cipher of ['-aes-256-cbc', '-aes-256-ctr']) {
        for (const args of [['-a'], ['-a', '-A']]) {
          for (const input of ['x', 'mailer-test', 'x'.repeat(500)]) {
            const made = execFileSync('openssl', ['enc', cipher, '-pbkdf2', '-pass', 'pass:throw-away', ...args], {
              input,
            });
            expect(foreignProduct(made.toString())).toBe('openssl');
            expect(foreignProduct(made.toString().replaceAll('\n', '\r\n'))).toBe('openssl');
          }
        }
      }
    },
  );
});

describe('an ordinary secret is not taken for a foreign one', () => {
  const jwe = SAMPLES.find(([product]) => product === 'jwe')?.[2] as string;
  it.each([
    ['an empty text', ''],
    ['a password', 'hunter2'],
    ['only the marker', 'eyJpdiI6'],
    ['a three-part JWT, jose 6.2.18', 'eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.jlxPjUlJycKSCfopedqEG8MleWb-v3gQxGEeDnYbqLU'],
    ['a JWT whose header names a content encryption', `${jwe.split('.')[0]}.eyJhIjoxfQ.jlxPjUlJycKSCfopedqEG8MleWb`],
    ['five parts whose header says nothing of encryption', `eyJhbGciOiJIUzI1NiJ9${jwe.slice(jwe.indexOf('.'))}`],
    ['five parts with a header that is no JSON', `eyJhbGciOiJ${jwe.slice(jwe.indexOf('.'))}`],
    [
      'five parts whose header has a number there',
      `${Buffer.from('{"enc":1}').toString('base64url')}${jwe.slice(jwe.indexOf('.'))}`,
    ],
    ['six parts', `${jwe}.x`],
    ['base64 of JSON with an iv alone', Buffer.from('{"iv":"AAAAAAAAAAAAAAAAAAAAAA==","a":1}').toString('base64')],
    ['base64 of JSON with a short iv', Buffer.from('{"iv":"x","value":"y","mac":"z"}').toString('base64')],
    ['a password like Fernet', 'gAAAAAmazing-password'],
    ['72 bytes like Fernet', `gAAAAA${'x'.repeat(90)}`],
    [
      'Fernet in other letters',
      'GAAAAABrBQdthdz48mp5di-ofG9iO4K2-uMPFMQ9BfMWyXVjMVq09R7LRcYGSmnQzrhXpZwogxByzGAQX-3j7qpHL3onWBfGkA==',
    ],
    ['Fernet with a space inside', `gAAAAA${'x'.repeat(50)} ${'x'.repeat(50)}`],
    ['a password like iron', 'Fe26.2*secret*stuff'],
    ['a password like ASP.NET', 'CfDJ8isMyPassword'],
    ['base64 that continues otherwise', `CfDJ8Q${'A'.repeat(100)}`],
    ['a password like openssl', 'U2FsdGVkX1'],
    ['Salted_- in base64', `U2FsdGVkX1A${'A'.repeat(40)}`],
    ['a password like Ansible', '$ANSIBLE_VAULT;forever'],
    ['a version number', 'v1.local.build'],
    [
      'a signed PASETO, paseto 4.0.1',
      'v4.public.eyJhIjoxLCJpYXQiOiIyMDI2LTExLTI0VDA0OjA2OjE5WiIsImV4cCI6IjIwMjYtMTEtMjRUMDU6MDY6MTlaIn0B-H4YTqag-duG16GDwBIWMpB5LfYJ36fHCmFNGfSprNBP1_QPluw15nFMLdaTcW8vYIBbOzEa4V8BwWOjcYkI',
    ],
    ['an unknown PASETO version', `v5.local.${'A'.repeat(100)}`],
    ['passwords like CipherSweet', 'nacl:salt'],
    ['short ones like CipherSweet', `fips:${'A'.repeat(100)}`],
    ['JSON with a p', '{"p":"hunter2"}'],
    ['JSON with p and h', '{"p":"hunter2","h":{"user":"x"}}'],
    ['a password like defuse', 'def50200'],
    ['upper-case hex like defuse', `def50200${'AB'.repeat(100)}`],
    ['a defuse key, not its ciphertext', `def00000${'ab'.repeat(68)}`],
    ['a password in brackets', 'ENC[hunter2]'],
    ['a password like Vault', 'vault:v1:hunter2'],
    ['Vault version zero', `vault:v0:${'A'.repeat(60)}`],
    ['a cloak key, not its ciphertext', 'k1.aesgcm256.2itF7YmMYIP4b9NNtKMhIx2axGi6aI50RcwGBiFq-VA='],
    ['a password like cloak', 'v1.aesgcm256.secret'],
    ['a password like bcrypt', '$2y$ and more'],
    ['less of bcrypt than its salt', '$2y$10$ViK49GrsgdwGtHbMV'],
    ['a password like argon2', '$argon2id$secret'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----'],
    ['a PGP public key', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n'],
    ['something armored that is not age', '-----BEGIN AGE ENCRYPTED FILE-----\nAAAA'],
    ['a password in front', `x${jwe}`],
  ])('%s', (_name, text) => {
    expect(foreignProduct(text)).toBeUndefined();
  });

  it('by its beginning: no marker followed by what a person types', () => {
    const marker = fc.constantFrom(...SAMPLES.map(([, , text]) => text.slice(0, 10)));
    const typed = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
    fc.assert(
      fc.property(marker, typed, (m, t) => {
        expect(foreignProduct(m + t)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('and a long one takes no longer than its length asks for', () => {
    const started = performance.now();
    for (const [, , text] of SAMPLES) {
      for (const filler of ['A', ' ', '=', '\n', 'A ', '{"iv":"', '*', '.']) {
        foreignProduct(text.slice(0, 40) + filler.repeat(50_000));
        foreignProduct(`${text}${filler.repeat(50_000)}!`);
      }
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
