import { SealingKey } from '../src/keyring/key.ts';
import { createKeyring, type KeyringOptions } from '../src/keyring/keyring.ts';
import { BINDING, Context } from '../src/sealed/context.ts';
import type { Keys } from '../src/sealed/open.ts';
import type { ReferenceContext } from './reference.ts';
import { type MasterName, masterOf } from './vectors/masters.ts';

/** A published test key as text. */
export function keyTextOf(name: MasterName): string {
  return masterOf(name).toString('base64url');
}

/** A published test key as src holds it. */
export function sealingKey(name: MasterName): SealingKey {
  return new SealingKey(masterOf(name));
}

export type Names = {
  readonly active?: MasterName;
  readonly previous?: readonly MasterName[];
  readonly staged?: readonly MasterName[];
  readonly withdrawn?: readonly string[];
};

/** A keyring of published test keys. */
export function keyringOf(names: Names, rest: Partial<KeyringOptions> = {}) {
  return createKeyring({
    ...(names.active === undefined ? {} : { active: keyTextOf(names.active) }),
    previous: (names.previous ?? []).map(keyTextOf),
    staged: (names.staged ?? []).map(keyTextOf),
    withdrawn: names.withdrawn ?? [],
    ...rest,
  });
}

/** The smallest thing that opening asks for keys. */
export function keysOf(names: readonly MasterName[], withdrawn: readonly string[] = []): Keys {
  const keys = new Map(names.map((name) => sealingKey(name)).map((key) => [key.kid, key]));
  return { find: (kid) => keys.get(kid), isWithdrawn: (kid) => withdrawn.includes(kid) };
}

/** A context of the second implementation as src has it. */
export function contextIn(context: ReferenceContext): Context {
  return new Context(BINDING[context.binding], context.scope || 'unused', context.row.length);
}
