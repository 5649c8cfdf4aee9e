import { makeCertificates } from '../checks/certificates.ts';
import { type Mailer, type Minted, type Recipient, startMailer } from './mailer.ts';
import { headerOf, openPostOffice, type PostOffice, type Received } from './post-office.ts';
import { type Reader, readerTrusting } from './reader.ts';

export const [ANN, BEN, CLEO] = [
  { id: 99_000_123, address: 'ann@example.com', encoding: 'quoted-printable' },
  { id: 99_000_124, address: 'ben@example.com', encoding: 'base64' },
  { id: 99_000_125, address: 'cleo@example.com', encoding: 'quoted-printable' },
] as const satisfies Recipient[];
export const RECIPIENTS = [ANN, BEN, CLEO];

/** A campaign that was sent, with every mail in its mailbox. */
export interface Campaign {
  readonly mailer: Mailer;
  /** Asks the mailer's server, whose certificate it trusts. */
  readonly ask: Reader;
  /** The links that the mailer made. */
  minted(recipient: Recipient): Minted;
  /** The mail as it came out of the mailbox. */
  received(recipient: Recipient): Received;
  /** The links in the HTML and the header of that mail: what a recipient clicks. */
  found(recipient: Recipient): Minted;
  close(): Promise<void>;
}

/** Makes certificates for the test file that calls this at its top; what it returns sends the campaign. */
export function prepareCampaign(): () => Promise<Campaign> {
  const certificates = makeCertificates();
  return async () => {
    const addresses = RECIPIENTS.map(({ address }) => address);
    const office: PostOffice = await openPostOffice(addresses, certificates);
    const mailer = await startMailer(certificates.good, RECIPIENTS);
    const minted = new Map<Recipient, Minted>();
    const received = new Map<Recipient, Received>();
    for (const recipient of RECIPIENTS) {
      minted.set(recipient, await mailer.send(office.transport, recipient));
      received.set(recipient, await office.fetch(recipient.address));
    }
    return {
      mailer,
      ask: readerTrusting(certificates.ca),
      minted: (recipient) => got(minted.get(recipient)),
      received: (recipient) => got(received.get(recipient)),
      found: (recipient) => linksIn(got(received.get(recipient))),
      close: async () => {
        await mailer.close();
        await office.close();
      },
    };
  };
}

export function got<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing is there');
  return value;
}

// --- internal ---

function linksIn(mail: Received): Minted {
  const header = headerOf(mail).fields.join('\n');
  const [stored, carried, unsubscribe] = [...mail.html.matchAll(/href="([^"]*)"/g)].map(([, link]) => link);
  return {
    open: got(/src="([^"]*)"/.exec(mail.html)?.[1]),
    stored: got(stored),
    carried: got(carried),
    unsubscribe: got(unsubscribe),
    button: got(/^List-Unsubscribe: <([^>]*)>/m.exec(header)?.[1]),
  };
}
