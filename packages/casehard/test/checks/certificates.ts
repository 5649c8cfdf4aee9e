import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { temporaryFolder } from '../engines.ts';

/** A certificate and its key, as files and as text. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** The authority that signed the others; trusted by handing it to a policy. */
  readonly ca: string;
  /** For localhost and 127.0.0.1. */
  readonly good: Certificate;
  readonly expired: Certificate;
  /** For other.example. */
  readonly otherName: Certificate;
}

/** Certificates made anew for one test file, which calls this at its top; keys are never committed. */
export function makeCertificates(): Certificates {
  const folder = temporaryFolder('certificates');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const ca = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  openssl('req', '-x509', ...NEW_KEY, '-keyout', caKey, '-out', ca, '-subj', '/CN=casehard test', '-days', '2');
  const make = (name: string, hosts: string, days: string): Certificate => {
    const [keyFile, request, extensions, certFile] = ['key', 'csr', 'ext', 'pem'].map((end) =>
      join(folder, `${name}.${end}`),
    ) as [string, string, string, string];
    writeFileSync(extensions, `subjectAltName=${hosts}\n`);
    openssl('req', ...NEW_KEY, '-keyout', keyFile, '-out', request, '-subj', '/CN=test');
    const signing = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions, '-days', days];
    openssl('x509', '-req', '-in', request, ...signing, '-out', certFile);
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  };
  return {
    ca: readFileSync(ca, 'utf8'),
    good: make('good', 'DNS:localhost,IP:127.0.0.1', '2'),
    expired: make('expired', 'DNS:localhost,IP:127.0.0.1', '-1'),
    otherName: make('other', 'DNS:other.example', '2'),
  };
}

// --- internal ---

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
