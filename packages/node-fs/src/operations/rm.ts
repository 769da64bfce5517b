// rm: a file, or a directory with everything in it. No symlink is followed on the way down, and no path is walked again:
// what lies below is removed from the directory that lists it.

import { Corruption, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { type DirectoryEntry, directoryEntries, type Inode, lookupInode, utf8Decode, type Vfs } from '@f2fskit/vfs';
import type { PathLike, RmOptions } from '../api.ts';
import { invalidType, SystemError } from '../argument-error.ts';
import { checkInteger, toBoolean, toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { shown, withPath } from '../edge.ts';

const EISDIR = 21;

/**
 * Throws ERR_FS_EISDIR for a directory without `recursive`, ENOENT without `force`. What was removed before an error stays
 * removed. `maxRetries` and `retryDelay` are taken and mean nothing: a volume is never busy.
 */
export function* rm({ vfs }: FsContext, path: PathLike, options: RmOptions = {}): Task<void> {
  const where = toPath(path);
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'of type object', options);
  const recursive = toBoolean(options.recursive ?? false, 'options.recursive');
  checkInteger(options.retryDelay ?? 100, 'options.retryDelay', 0, 2 ** 31 - 1);
  checkInteger(options.maxRetries ?? 0, 'options.maxRetries', 0, 2 ** 32 - 1);
  const force = toBoolean(options.force ?? false, 'options.force');
  let inode: Inode;
  try {
    inode = (yield* withPath('lstat', where, vfs.walk(where, { followLast: false }))).inode;
  } catch (error) {
    if (force && error instanceof FsError && error.code === 'ENOENT') return;
    throw error;
  }
  if (inode.kind !== 'directory') {
    yield* withPath('unlink', where, vfs.unlink(where));
    return;
  }
  if (!recursive) {
    throw new SystemError('ERR_FS_EISDIR', 'Path is a directory', {
      code: 'EISDIR',
      message: 'is a directory',
      path: shown(where),
      syscall: 'rm',
      errno: EISDIR,
    });
  }
  try {
    yield* withPath('rmdir', where, vfs.rmdir(where));
  } catch (error) {
    if (!(error instanceof FsError) || error.code !== 'ENOTEMPTY' || isDotDot(where)) throw error;
    yield* withPath('rm', where, emptyDirectory(vfs, inode));
    yield* withPath('rmdir', where, vfs.rmdir(where));
  }
}

/** Whether a path ends in `..`, which cannot be removed: nothing in it is then. */
function isDotDot(path: string | Uint8Array): boolean {
  return /(^|\/)\.\.\/*$/.test(typeof path === 'string' ? path : utf8Decode(path));
}

/** A directory whose entries are being removed. */
interface Level {
  directory: Inode;
  /** Still to be removed. */
  entries: DirectoryEntry[];
}

/** Removes everything in a directory, depth first, with one directory's names in memory for each level. */
function* emptyDirectory(vfs: Vfs, directory: Inode): Task<void> {
  const levels: Level[] = [{ directory, entries: yield* directoryEntries(directory) }];
  const above = new Set([directory.ino]);
  for (;;) {
    const level = levels[levels.length - 1]!;
    const entry = level.entries[level.entries.length - 1];
    if (entry === undefined) {
      levels.pop();
      above.delete(level.directory.ino);
      const parent = levels[levels.length - 1];
      if (parent === undefined) return;
      yield* ignoreAbsent(parent.directory.rmdir!(parent.entries.pop()!.name));
      continue;
    }
    const inode = yield* lookupInode(vfs.inodes, level.directory, entry.name);
    if (inode === undefined) level.entries.pop();
    else if (inode.kind === 'directory') {
      if (above.has(inode.ino)) {
        throw new Corruption('directoryLoop', { where: { ino: inode.ino }, detail: 'a directory lies below itself' });
      }
      above.add(inode.ino);
      levels.push({ directory: inode, entries: yield* directoryEntries(inode) });
    } else {
      level.entries.pop();
      yield* ignoreAbsent(level.directory.unlink!(entry.name));
    }
  }
}

/** What somebody else has removed meanwhile is gone as well. */
function* ignoreAbsent(removal: Task<void>): Task<void> {
  try {
    yield* removal;
  } catch (error) {
    if (!(error instanceof FsError) || error.code !== 'ENOENT') throw error;
  }
}
