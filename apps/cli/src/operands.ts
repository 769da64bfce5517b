// Command lines of the form SRC… DEST, and owners in numbers.

import { InvalidArgumentError } from 'commander';
import { UsageError } from './errors.ts';

/** All operands but the last, and the last. */
export function splitOperands(operands: readonly string[]): { sources: readonly string[]; dest: string } {
  const dest = operands.at(-1);
  if (dest === undefined || operands.length < 2) throw new UsageError(`what is '${dest}' to become? DEST is missing`);
  return { sources: operands.slice(0, -1), dest };
}

export interface Owner {
  uid: number;
  gid: number;
}

/** The largest number means "leave it" to the system calls. */
const ID_MAX = 2 ** 32 - 2;

/** UID:GID. Throws what makes a run end with the exit code of wrong usage. */
export function parseOwner(text: string): Owner {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (uid === undefined || Number(uid) > ID_MAX || Number(gid) > ID_MAX) {
    throw new InvalidArgumentError('An owner is two numbers, UID:GID.');
  }
  return { uid: Number(uid), gid: Number(gid) };
}
