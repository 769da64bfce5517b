// The flags of `open`: the words of node:fs, or the numbers of `constants`.

import type { FileAccess, OpenOptions } from '@f2fskit/vfs';
import { invalidValue } from './argument-error.ts';
import { checkInteger } from './arguments.ts';
import { constants } from './constants.ts';

const {
  O_APPEND,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
} = constants;

const WORDS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  sr: O_RDONLY | O_SYNC,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  'sr+': O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  'w+': O_TRUNC | O_CREAT | O_RDWR,
  'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  'xw+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  'a+': O_APPEND | O_CREAT | O_RDWR,
  'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'xa+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
  'sa+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
};

/** The number of the flags. Throws ERR_INVALID_ARG_VALUE for a word that does not exist. */
export function openFlags(flags: unknown): number {
  if (flags === undefined || flags === null) return O_RDONLY;
  if (typeof flags === 'number') return checkInteger(flags, 'flags', -(2 ** 31), 2 ** 31 - 1);
  const number = typeof flags === 'string' && Object.hasOwn(WORDS, flags) ? WORDS[flags] : undefined;
  if (number === undefined) throw invalidValue('flags', flags);
  return number;
}

/** Access by the two lowest bits. */
const ACCESS: readonly FileAccess[] = ['read', 'write', 'readWrite', 'none'];

/** What the flags ask of the vfs. Those that mean nothing here (O_NOCTTY, O_NONBLOCK, O_NOATIME) are passed over. */
export function openOptions(flags: number): OpenOptions {
  const has = (bits: number): boolean => (flags & bits) === bits;
  return {
    access: ACCESS[flags & 3]!,
    append: has(O_APPEND),
    sync: has(O_SYNC) ? 'all' : has(O_DSYNC) ? 'data' : 'later',
    direct: has(O_DIRECT),
    create: has(O_CREAT),
    exclusive: has(O_CREAT | O_EXCL),
    truncate: has(O_TRUNC),
    directory: has(O_DIRECTORY),
    followLast: !has(O_NOFOLLOW),
  };
}
