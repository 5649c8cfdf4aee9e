import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { ImapFlow } from 'imapflow';
import { createTransport, type Transporter } from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import type { Certificates } from '../checks/certificates.ts';
import { startDovecot } from '../checks/dovecot.ts';

/** A mail as it lies in its mailbox. */
export interface Received {
  /** As IMAP gives it, every byte a character. */
  readonly source: string;
  /** The parts, decoded by the IMAP client. */
  readonly text: string;
  readonly html: string;
}

/** The way of a mail: nodemailer, an SMTP server, Dovecot's delivery agent, a mailbox, IMAP. */
export interface PostOffice {
  readonly transport: Transporter;
  /** The only mail in a mailbox. */
  fetch(user: string): Promise<Received>;
  close(): Promise<void>;
}

export async function openPostOffice(users: readonly string[], { ca, good }: Certificates): Promise<PostOffice> {
  const dovecot = await startDovecot(Object.fromEntries(users.map((user) => [user, PASSWORD])), good);
  const smtp = new SMTPServer({
    ...{ cert: good.cert, key: good.key, authOptional: true, logger: false, closeTimeout: 1 },
    onData: (stream, { envelope }, done) => {
      buffer(stream)
        .then((message) => {
          for (const { address } of envelope.rcptTo) dovecot.deliver(address, message);
        })
        .then(() => done(), done);
    },
  });
  const listener = smtp.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    transport: createTransport({ host: '127.0.0.1', port, requireTLS: true, tls: { ca } }),
    fetch: async (user) => {
      const auth = { user, pass: PASSWORD };
      const imap = new ImapFlow({
        ...{ host: '127.0.0.1', port: dovecot.ports.imaps, secure: true, auth, tls: { ca }, logger: false },
      });
      await imap.connect();
      try {
        const { exists } = await imap.mailboxOpen('INBOX');
        if (exists !== 1) throw new Error(`${exists} mails for ${user}`);
        const message = await imap.fetchOne('1', { source: true });
        if (message === false || message.source === undefined) throw new Error('a mail without a source');
        const part = async (number: string): Promise<string> => {
          const { content } = await imap.download('1', number);
          return content ? text(content) : '';
        };
        return { source: message.source.toString('latin1'), text: await part('1'), html: await part('2') };
      } finally {
        await imap.logout();
      }
    },
    close: async () => {
      await new Promise<void>((resolve) => smtp.close(resolve));
      await dovecot.close();
    },
  };
}

/** The lines of its header as they stand, and its fields unfolded. */
export function headerOf({ source }: Received): {
  readonly lines: readonly string[];
  readonly fields: readonly string[];
} {
  const header = source.slice(0, source.indexOf('\r\n\r\n'));
  return { lines: header.split('\r\n'), fields: header.replace(/\r\n(?=[ \t])/g, '').split('\r\n') };
}

// --- internal ---

const PASSWORD = 'a mailbox password';
