import { type Facts, sealedValues } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';

/** What configuration says: keys, who can read the files that hold them, and whether every reader is ready. */
export function checkConfiguration(facts: Facts): readonly Finding[] {
  return [...keysConfigured(facts), ...filesPrivate(facts), ...adopted(facts)];
}

// --- internal ---

function keysConfigured(facts: Facts): readonly Finding[] {
  const { keysProblem } = facts;
  const { keyring } = facts.project;
  if (keysProblem) {
    const trouble: Trouble = {
      code: keysProblem.code,
      verdict: 'failed',
      evidence: keysProblem.message,
      cause: 'the keys cannot be read, so no process that is configured like this starts',
      fix: keysProblem.hint ?? 'correct the setting that the message names',
    };
    return settle('configuration', [trouble], undefined);
  }
  const list = keyring.list();
  const states = list.map(({ kid, state }) => `${kid} (${state})`).join(', ');
  const troubles: Trouble[] = [];
  if (list.length === 0) {
    // With sealed values the key is missing, and a new one is the last thing to make: checkKeysOf says so.
    if (sealedValues(facts) > 0) return [];
    troubles.push({
      code: 'NO_KEY',
      verdict: 'warning',
      evidence: `${keyring.setting} not configured`,
      cause: 'no key is configured: credentials are stored in the existing scheme, not hardened',
      fix: 'make keys with `casehard keys generate` and configure them',
    });
  } else if (!keyring.active) {
    const staged = list.some(({ state }) => state === 'staged');
    troubles.push({
      code: 'NO_ACTIVE_KEY',
      verdict: staged ? 'notice' : 'warning',
      evidence: states,
      cause: staged
        ? 'a key is being rolled out, or casehard is being left: saves still use the existing scheme'
        : 'what is sealed opens, and saving is refused',
      fix: `when every process can open with it, move the key into ${keyring.setting}`,
    });
  }
  return settle('configuration', troubles, { code: 'KEYS_CONFIGURED', evidence: states });
}

/** Group permissions are the operator's own affair: the web server's group has to read a PHP configuration. */
const EVERYONE = 0o006;

function filesPrivate({ files }: Facts): readonly Finding[] {
  const troubles = files.flatMap(({ path, mode }): Trouble[] => {
    if (mode === undefined || (mode & EVERYONE) === 0) return [];
    return [
      {
        code: 'FILE_READABLE_BY_EVERYONE',
        verdict: 'warning',
        evidence: `${path} has mode ${mode.toString(8).padStart(4, '0')}`,
        cause:
          (mode & 0o004) === 0
            ? 'every user and every program of this computer can write their own keys into it'
            : 'every user and every program of this computer can read the keys or passwords in it',
        fix: `chmod o-rwx ${path}`,
      },
    ];
  });
  const windows = files.some(({ mode }) => mode === undefined);
  return settle('configuration', troubles, {
    code: 'FILES_PRIVATE',
    evidence: windows
      ? 'who may read the files with keys is not looked at on this system'
      : files.length === 0
        ? 'no keys are read from files'
        : `${count(files.length, 'file')} with keys, none readable by everyone`,
  });
}

function adopted(facts: Facts): readonly Finding[] {
  if (facts.kids === undefined) return [];
  const sealed = sealedValues(facts);
  const said = facts.project.config.adopted === true;
  const troubles: Trouble[] =
    sealed === 0 || said
      ? []
      : [
          {
            code: 'NOT_ADOPTED',
            verdict: 'warning',
            evidence: `${count(sealed, 'sealed value')}, and the configuration does not say \`adopted: true\``,
            cause: 'a program that reads these fields without casehard takes sealed values for passwords',
            fix: 'when every program that reads these fields uses casehard, write `adopted: true` into the configuration',
          },
        ];
  return settle('configuration', troubles, {
    code: 'ADOPTED',
    evidence: said ? 'every reader opens sealed values, says the configuration' : 'nothing is sealed yet',
  });
}
