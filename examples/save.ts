// What an application does with a credential: seal on save, open on read. `npm run tour` runs this in .casehard-tour,
// which has the database and the key; in an application of your own the fields come from casehard.config.ts.
import { DatabaseSync } from 'node:sqlite';
import { base64, column, createCasehard, loadKeyring } from '@casehard/core';

const hard = createCasehard({
  keyring: loadKeyring(),
  fields: {
    'user.smtp.password': column('users', 'smtp_password', { row: { user_id: 'int' }, was: base64() }),
  },
});
const password = hard.field('user.smtp.password');
const db = new DatabaseSync('mailer.db');
const user = db
  .prepare('select user_id, smtp_password from users where user_id > 100 and length(smtp_password) > 0')
  .get();
if (!user) throw new Error('run `npm run tour`, which makes the sample');
const row = { user_id: Number(user.user_id) };

// A value from before the key: the same call reads it.
const before = String(user.smtp_password);
show('stored before', before);

// Save.
const update = db.prepare('update users set smtp_password = ? where user_id = ?');
update.run(password.seal('a new password', row), row.user_id);

// Read.
const saved = db.prepare('select smtp_password from users where user_id = ?').get(row.user_id);
const stored = String(saved?.smtp_password);
show('stored now', stored);
console.log(`opens to the saved text: ${password.openText(stored, row) === 'a new password'}`);
db.close();

function show(title: string, value: string): void {
  console.log(`user ${row.user_id}, ${title}: ${password.verdict(value, row).kind}, ${value.length} characters`);
}
