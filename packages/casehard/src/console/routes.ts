import { accountPage, changePassword, codeOff, codeOn, codePage } from './pages/account.ts';
import { accountsPage, changeAccount, invite } from './pages/accounts.ts';
import { auditHead, auditPage, verifyNow } from './pages/audit.ts';
import { backupPage, drillNow, makeBackupNow } from './pages/backup.ts';
import { diagnosisPage } from './pages/diagnosis.ts';
import { doctorPage, examineNow } from './pages/doctor.ts';
import { clear, entryPage, save, test } from './pages/entry.ts';
import { jobEvents, upgradeEvents } from './pages/events.ts';
import { controlJob, jobPage, jobsPage, resumeJob, startJob } from './pages/jobs.ts';
import { generateKeys, keysPage, lookUpKeys } from './pages/keys.ts';
import { overview, startScan } from './pages/overview.ts';
import { quarantinePage, sealAsItIs } from './pages/quarantine.ts';
import { recoveryCsv, recoveryPage } from './pages/recovery.ts';
import { generateForRotation, refreshRotation, rotationPage, withdrawNow } from './pages/rotation.ts';
import { listPage, settingsPage } from './pages/settings.ts';
import { signIn, signInPage, signOut } from './pages/sign-in.ts';
import { runUpgradeNow, upgradeLater, upgradePage } from './pages/upgrade.ts';
import { acceptInvitation, invitationPage, welcome, welcomePage } from './pages/welcome.ts';
import type { Route } from './request.ts';

/** Every page and every button, with who may: the guard goes by this table and by nothing else. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', who: 'viewer', handle: overview },
  { method: 'POST', path: '/scan', who: 'operator', handle: startScan },

  { method: 'GET', path: '/settings/:page', who: 'viewer', handle: settingsPage },
  { method: 'GET', path: '/settings/:page/:field', who: 'viewer', handle: listPage },
  { method: 'GET', path: '/entry/:locator', who: 'viewer', handle: entryPage },
  { method: 'POST', path: '/entry/:locator', who: 'operator', handle: save },
  { method: 'POST', path: '/entry/:locator/test', who: 'operator', handle: test },
  { method: 'POST', path: '/entry/:locator/clear', who: 'operator', handle: clear },

  { method: 'GET', path: '/jobs', who: 'viewer', handle: jobsPage },
  { method: 'POST', path: '/jobs/harden', who: 'operator', handle: (ctx) => startJob(ctx, 'harden') },
  { method: 'POST', path: '/jobs/soften', who: 'operator', confirm: true, handle: (ctx) => startJob(ctx, 'soften') },
  { method: 'GET', path: '/jobs/:id', who: 'viewer', handle: jobPage },
  { method: 'GET', path: '/jobs/:id/events', who: 'viewer', handle: jobEvents },
  { method: 'POST', path: '/jobs/:id/control', who: 'operator', handle: controlJob },
  { method: 'POST', path: '/jobs/:id/resume', who: 'operator', handle: (ctx) => resumeJob(ctx, 'harden') },
  {
    method: 'POST',
    path: '/jobs/:id/resume-soften',
    who: 'operator',
    confirm: true,
    handle: (ctx) => resumeJob(ctx, 'soften'),
  },

  { method: 'GET', path: '/quarantine', who: 'viewer', handle: quarantinePage },
  { method: 'POST', path: '/quarantine/seal', who: 'operator', handle: sealAsItIs },

  { method: 'GET', path: '/keys', who: 'viewer', handle: keysPage },
  { method: 'POST', path: '/keys/generate', who: 'operator', handle: generateKeys },
  { method: 'POST', path: '/keys/look-up', who: 'operator', handle: lookUpKeys },
  { method: 'GET', path: '/keys/rotation', who: 'viewer', handle: (ctx) => rotationPage(ctx, 'enc') },
  { method: 'GET', path: '/keys/rotation/tracking', who: 'viewer', handle: (ctx) => rotationPage(ctx, 'trk') },
  { method: 'POST', path: '/keys/rotation/generate', who: 'operator', handle: generateForRotation },
  { method: 'POST', path: '/keys/rotation/refresh', who: 'operator', handle: refreshRotation },
  { method: 'POST', path: '/keys/withdraw', who: 'operator', confirm: true, handle: withdrawNow },
  { method: 'GET', path: '/keys/backup', who: 'viewer', handle: backupPage },
  { method: 'POST', path: '/keys/backup', who: 'operator', confirm: true, handle: makeBackupNow },
  { method: 'POST', path: '/keys/drill', who: 'operator', upload: true, handle: drillNow },
  { method: 'GET', path: '/diagnosis', who: 'viewer', handle: diagnosisPage },

  { method: 'GET', path: '/recovery', who: 'viewer', handle: recoveryPage },
  { method: 'POST', path: '/recovery/csv', who: 'operator', handle: recoveryCsv },
  { method: 'GET', path: '/doctor', who: 'viewer', handle: doctorPage },
  { method: 'POST', path: '/doctor', who: 'operator', handle: examineNow },
  { method: 'GET', path: '/audit', who: 'operator', handle: auditPage },
  { method: 'POST', path: '/audit/verify', who: 'operator', handle: verifyNow },
  { method: 'GET', path: '/audit/head', who: 'operator', handle: auditHead },

  { method: 'GET', path: '/upgrade', who: 'viewer', handle: upgradePage },
  { method: 'GET', path: '/upgrade/events', who: 'viewer', handle: upgradeEvents },
  { method: 'POST', path: '/upgrade', who: 'operator', handle: runUpgradeNow },
  { method: 'POST', path: '/upgrade/later', who: 'operator', handle: upgradeLater },
];

/** The pages of our own accounts; absent where the application signs people in. */
export const ACCOUNT_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/sign-in', who: 'anyone', handle: (ctx) => signInPage(ctx) },
  { method: 'POST', path: '/sign-in', who: 'anyone', handle: signIn },
  { method: 'POST', path: '/sign-out', who: 'viewer', handle: signOut },
  { method: 'GET', path: '/welcome/:token', who: 'anyone', handle: (ctx) => welcomePage(ctx) },
  { method: 'POST', path: '/welcome/:token', who: 'anyone', handle: welcome },
  { method: 'GET', path: '/invitation/:token', who: 'anyone', handle: (ctx) => invitationPage(ctx) },
  { method: 'POST', path: '/invitation/:token', who: 'anyone', handle: acceptInvitation },

  { method: 'GET', path: '/account', who: 'viewer', handle: accountPage },
  { method: 'POST', path: '/account/password', who: 'viewer', confirm: true, handle: changePassword },
  { method: 'GET', path: '/account/code', who: 'viewer', handle: (ctx) => codePage(ctx) },
  { method: 'POST', path: '/account/code', who: 'viewer', confirm: true, handle: codeOn },
  { method: 'POST', path: '/account/code/off', who: 'viewer', confirm: true, handle: codeOff },
  { method: 'GET', path: '/accounts', who: 'operator', handle: accountsPage },
  { method: 'POST', path: '/accounts/invite', who: 'operator', confirm: true, handle: invite },
  { method: 'POST', path: '/accounts/change', who: 'operator', confirm: true, handle: changeAccount },
];
