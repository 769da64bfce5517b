// chmod, chown, utimes and their l- and f- forms.

import { EROFS, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { AttributeChanges, Inode, Timestamp } from '@f2fskit/vfs';
import type { PathLike, TimeLike } from '../api.ts';
import { invalidType } from '../argument-error.ts';
import { checkInteger, toMode, toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath } from '../edge.ts';
import { openFile } from './read.ts';

const ID_MAX = 2 ** 32 - 1;

function* change(inode: Inode, changes: AttributeChanges): Task<void> {
  if (inode.setAttributes === undefined) throw new FsError(EROFS);
  yield* inode.setAttributes(changes);
}

function* byPath(
  { vfs }: FsContext,
  syscall: string,
  path: PathLike,
  changes: AttributeChanges,
  followLast = true,
): Task<void> {
  const where = toPath(path);
  yield* withPath(syscall, where, vfs.setAttributes(where, changes, { followLast }));
}

function* byDescriptor(context: FsContext, syscall: string, fd: number, changes: AttributeChanges): Task<void> {
  yield* withPath(syscall, undefined, change(openFile(context, fd, syscall).inode, changes));
}

export function* chmod(context: FsContext, path: PathLike, mode: number | string): Task<void> {
  toPath(path);
  yield* byPath(context, 'chmod', path, { mode: toMode(mode) });
}

export function* fchmod(context: FsContext, fd: number, mode: number | string): Task<void> {
  yield* byDescriptor(context, 'fchmod', fd, { mode: toMode(mode) });
}

export function* chown(context: FsContext, path: PathLike, uid: number, gid: number): Task<void> {
  toPath(path);
  yield* byPath(context, 'chown', path, toOwner(uid, gid));
}

/** Does not follow a symlink at the end. */
export function* lchown(context: FsContext, path: PathLike, uid: number, gid: number): Task<void> {
  toPath(path);
  yield* byPath(context, 'lchown', path, toOwner(uid, gid), false);
}

export function* fchown(context: FsContext, fd: number, uid: number, gid: number): Task<void> {
  yield* byDescriptor(context, 'fchown', fd, toOwner(uid, gid));
}

export function* utimes(context: FsContext, path: PathLike, atime: TimeLike, mtime: TimeLike): Task<void> {
  toPath(path);
  yield* byPath(context, 'utime', path, toTimes(context, atime, mtime));
}

/** Does not follow a symlink at the end. */
export function* lutimes(context: FsContext, path: PathLike, atime: TimeLike, mtime: TimeLike): Task<void> {
  toPath(path);
  yield* byPath(context, 'lutime', path, toTimes(context, atime, mtime), false);
}

export function* futimes(context: FsContext, fd: number, atime: TimeLike, mtime: TimeLike): Task<void> {
  yield* byDescriptor(context, 'futime', fd, toTimes(context, atime, mtime));
}

/** -1 leaves an id as it is. Called with -1 for both, chown still takes set-ID bits away, as on Linux. */
function toOwner(uid: number, gid: number): AttributeChanges {
  checkInteger(uid, 'uid', -1, ID_MAX);
  checkInteger(gid, 'gid', -1, ID_MAX);
  const kept = (id: number): boolean => id === -1 || id === ID_MAX;
  return { dropPowers: true, ...(kept(uid) ? {} : { uid }), ...(kept(gid) ? {} : { gid }) };
}

function toTimes({ vfs }: FsContext, atime: TimeLike, mtime: TimeLike): AttributeChanges {
  const now = (): Timestamp => vfs.filesystem.now?.() ?? { seconds: 0, nanoseconds: 0 };
  return { atime: toTimestamp('atime', atime, now), mtime: toTimestamp('mtime', mtime, now) };
}

/** Seconds as a number or as text, or a Date. A negative number is now, as in Node; as text it is taken at its word. */
function toTimestamp(name: string, time: TimeLike, now: () => Timestamp): Timestamp {
  if (typeof time === 'number' && time < 0) return now();
  let seconds: number;
  if (time instanceof Date) seconds = time.getTime() / 1000;
  else if (typeof time === 'string' && time.trim() !== '' && Number.isFinite(Number(time))) seconds = Number(time);
  else if (typeof time === 'number' && Number.isFinite(time)) seconds = time;
  else throw invalidType(name, 'an instance of Date or a finite number of seconds', time);
  const whole = Math.floor(seconds);
  // As libuv: microseconds.
  return { seconds: whole, nanoseconds: Math.floor((seconds - whole) * 1_000_000) * 1000 };
}
