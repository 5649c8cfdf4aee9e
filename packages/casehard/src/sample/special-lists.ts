import type { SampleValue } from '../database/sample-schema.ts';
import { FOREIGN } from './foreign-values.ts';
import { base64Text, type Cell, inBase64, inOrder, type SpecialRow, special, textOfLength } from './special-row.ts';

/** Lists 1 to 11; their bounce_password, varchar(100), cannot hold any sealed value. */
export function specialLists(): readonly SpecialRow[] {
  return [
    list(1, 'an ordinary list', inBase64('Bounce-Box-1')),
    list(2, 'NULL', [null, 'empty']),
    list(3, 'empty text', ['', 'empty']),
    list(4, 'one byte', inBase64('#')),
    list(5, 'as long as the column holds', inBase64(textOfLength(75))),
    list(6, 'emoji', inBase64('📬 bounce ünïcode')),
    list(7, 'latin1 bytes, which are not UTF-8', inBase64(Buffer.from('Straße', 'latin1'))),
    list(8, 'quotes and newlines', inBase64('say "hi"\n\'bye\'')),
    list(9, 'plain text in a base64 column', ['bounce me!', 'unexpected NOT_LEGACY']),
    list(10, 'sealed by Fernet', [FOREIGN.fernet, 'foreign']),
    list(11, 'base64 whose content looks sealed', [base64Text('chd1.was-cut-off'), 'unexpected LOOKS_SEALED']),
  ];
}

/** Settings: no row key, ordinary neighbours, and each credential twice. */
export function specialSettings(): readonly SpecialRow[] {
  const long = inBase64(textOfLength(300));
  return [
    setting('site_name', 'Mailer\'s 📧 "demo"'),
    setting('smtp_server', 'smtp.example.com'),
    setting('smtp_port', '587'),
    setting('smtp_username', 'system'),
    setting('smtp_tls', 'starttls'),
    setting('smtp_password', ...long, 'system.smtp.password', '300 bytes, and the row is there twice'),
    setting('bounce_server', 'imap.example.com'),
    setting('bounce_username', 'bounces'),
    setting('bounce_protocol', 'imap'),
    setting('bounce_port', '993'),
    setting('bounce_tls', 'tls'),
    setting('bounce_password', ...inBase64('Bounce-First'), 'system.bounce.password', 'two rows of one name differ'),
    setting('footer_html', '<p>You get this mail because…</p>\n'),
    setting('smtp_password', ...long, 'system.smtp.password', '300 bytes, and the row is there twice'),
    setting('bounce_password', ...inBase64('Bounce-Second'), 'system.bounce.password', 'two rows of one name differ'),
    setting('last_cron', null),
    setting('theme', ''),
  ];
}

/** A row of lists with everything that does not matter filled in. */
export function list(id: number, because: string, [stored, verdict]: Cell): SpecialRow {
  const row: Record<string, SampleValue> = {
    list_id: id,
    name: `Special list ${id}`,
    owner: 1,
    bounce_server: 'imap.example.com',
    bounce_username: `bounce+${id}`,
    bounce_password: stored,
  };
  return {
    table: 'lists',
    values: inOrder('lists', row),
    specials: [special('list.bounce.password', [String(id)], because, verdict)],
  };
}

// --- internal ---

function setting(name: string, value: string | null, verdict?: string, field?: string, because = ''): SpecialRow {
  return {
    table: 'settings',
    values: [name, value],
    specials: field === undefined || verdict === undefined ? [] : [special(field, [], because, verdict)],
  };
}
