import type { Certificate } from './certificates.ts';
import type { Answer, Script } from './scripted.ts';

export const MAIL_KINDS = ['smtp', 'imap', 'pop3'] as const;
export type MailKind = (typeof MAIL_KINDS)[number];

export interface Behaviour {
  /** Offers STARTTLS (the default), or has had it stripped. */
  readonly starttls?: boolean;
  /** The answer to the login, without tag; default: success. */
  readonly login?: string;
  /** Says yes to STARTTLS and stays plain. */
  readonly staysPlain?: boolean;
  /** Written right behind the answer to STARTTLS, in the same packet. */
  readonly injected?: string;
  /** Offers logins only on encrypted connections. */
  readonly loginNeedsTls?: boolean;
  readonly certificate?: Certificate;
  readonly implicitTls?: boolean;
}

/** A script that speaks just enough of a protocol, so that tests say only where it goes wrong. */
export function speak(kind: MailKind, behaviour: Behaviour = {}): Script {
  const { certificate, implicitTls } = behaviour;
  return {
    greeting: GREETINGS[kind],
    answer: SPEAKERS[kind](behaviour),
    ...(certificate === undefined ? {} : { certificate }),
    ...(implicitTls === undefined ? {} : { implicitTls }),
  };
}

export const GREETINGS: Readonly<Record<MailKind, string>> = {
  smtp: '220 test ESMTP\r\n',
  imap: '* OK test ready\r\n',
  pop3: '+OK test ready\r\n',
};

/** A refused login, before the server's text. */
export const WRONG: Readonly<Record<MailKind, string>> = {
  smtp: '535 5.7.8',
  imap: 'NO [AUTHENTICATIONFAILED]',
  pop3: '-ERR [AUTH]',
};

// --- internal ---

type Speaker = (behaviour: Behaviour) => (line: string, isSecure: boolean) => Answer;

const SPEAKERS: Readonly<Record<MailKind, Speaker>> = { smtp: speakSmtp, imap: speakImap, pop3: speakPop3 };

function upgrade(
  { starttls = true, certificate, staysPlain = false, injected = '' }: Behaviour,
  yes: string,
  no: string,
): Answer {
  if (staysPlain) return yes;
  return starttls && certificate ? { upgradeAfter: yes + injected } : no;
}

function speakSmtp(behaviour: Behaviour): ReturnType<Speaker> {
  const { starttls = true, login = '235 2.7.0 ok', loginNeedsTls = false } = behaviour;
  return (line, isSecure) => {
    const verb = line.split(' ')[0];
    if (verb === 'EHLO') {
      const auth = loginNeedsTls && !isSecure ? '' : '250-AUTH PLAIN LOGIN\r\n';
      return `250-test\r\n${starttls && !isSecure ? '250-STARTTLS\r\n' : ''}${auth}250 8BITMIME\r\n`;
    }
    if (verb === 'STARTTLS') return upgrade(behaviour, '220 go\r\n', '502 5.5.1 what?\r\n');
    if (verb === 'AUTH') return `${login}\r\n`;
    return verb === 'QUIT' ? '221 bye\r\n' : '500 5.5.1 what?\r\n';
  };
}

function speakImap(behaviour: Behaviour): ReturnType<Speaker> {
  const { starttls = true, login = 'OK in', loginNeedsTls = false } = behaviour;
  let pending = '';
  return (line, isSecure) => {
    const [tag = '', verb = ''] = line.split(' ');
    if (verb === 'CAPABILITY') {
      const auth = loginNeedsTls && !isSecure ? 'LOGINDISABLED' : 'AUTH=PLAIN';
      return `* CAPABILITY IMAP4rev1 ${starttls && !isSecure ? 'STARTTLS ' : ''}${auth}\r\n${tag} OK done\r\n`;
    }
    if (verb === 'STARTTLS') return upgrade(behaviour, `${tag} OK go\r\n`, `${tag} BAD what?\r\n`);
    if (verb === 'AUTHENTICATE') {
      pending = tag;
      return '+ \r\n';
    }
    if (verb === '') return `${pending} ${login}\r\n`;
    return verb === 'LOGOUT' ? `* BYE bye\r\n${tag} OK bye\r\n` : `${tag} OK done\r\n`;
  };
}

function speakPop3(behaviour: Behaviour): ReturnType<Speaker> {
  const { starttls = true, login = '+OK in', loginNeedsTls = false } = behaviour;
  return (line, isSecure) => {
    const verb = line.split(' ')[0];
    const allowsLogin = isSecure || !loginNeedsTls;
    if (verb === 'CAPA') {
      return `+OK\r\n${allowsLogin ? 'USER\r\n' : ''}${starttls && !isSecure ? 'STLS\r\n' : ''}.\r\n`;
    }
    if (verb === 'STLS') return upgrade(behaviour, '+OK go\r\n', '-ERR what?\r\n');
    if (verb === 'PASS') return `${login}\r\n`;
    return verb === 'USER' && !allowsLogin ? '-ERR not here\r\n' : '+OK\r\n';
  };
}
