// Finding, and where asked for making, what `open` opens. The order of the checks is that of open(2):
//
//   1. the way to the last component
//   2. with `create`: a slash behind the last component is EISDIR, whatever is there
//   3. the last component; an absent one is made where that is asked for; a symlink is followed, its target made likewise
//   4. what is there: EEXIST for `exclusive`, EISDIR for `create`, ENOTDIR for `directory`, ELOOP for a symlink not followed
//   5. what may be done with it: EISDIR, EROFS, EPERM for append-only files; ENXIO for what leads nowhere
//   6. `truncate`
//
// Source: kernel fs/namei.c (do_open, may_open, lookup_open), open(2).

import { EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM, EROFS, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { FileFlag, type Filesystem, type Inode } from './inode.ts';
import type { InodeCache } from './inode-cache.ts';
import { newFile, type Ownership } from './new-file.ts';
import type { FileMode } from './open-file.ts';
import { type PathLike, PathWalk } from './path.ts';

/** What `open` does with what it finds. */
export interface OpenOptions extends FileMode {
  /** Make a regular file where nothing is. */
  create?: boolean;
  /** With `create`: EEXIST where something is, a symlink included. */
  exclusive?: boolean;
  /** Cut an existing regular file to nothing. */
  truncate?: boolean;
  /** ENOTDIR for anything but a directory. */
  directory?: boolean;
  /** Follow a symlink that is the last component; default true. With false such a symlink is ELOOP. */
  followLast?: boolean;
  /** Permissions of a file that is made, before the umask; default 0o666. */
  mode?: number;
}

export interface Found {
  inode: Inode;
  created: boolean;
}

/** The inode that `open` is about; nobody holds it yet. Nothing is made or cut when it throws. */
export function* findToOpen(
  filesystem: Filesystem,
  inodes: InodeCache,
  ownership: Ownership,
  path: PathLike,
  options: OpenOptions,
): Task<Found> {
  const { create = false, exclusive = false, followLast = true } = options;
  const walk = new PathWalk(filesystem, inodes, path);
  if (!create) {
    yield* walk.toEnd(followLast);
    return { inode: walk.inode, created: false };
  }
  if (options.directory === true) throw walk.fail(EINVAL);
  const follow = followLast && !exclusive;
  yield* walk.toParent();
  for (;;) {
    if (walk.last.kind !== 'name') throw walk.fail(exclusive ? EEXIST : EISDIR);
    if (walk.endsInSlash) throw walk.fail(EISDIR);
    const inode = yield* walk.lookupLast();
    if (inode === undefined) {
      if (filesystem.writable !== true) throw walk.fail(EROFS);
      const made = yield* make(walk, inodes, ownership, options);
      if (made !== undefined) return { inode: made, created: true };
    } else if (inode.kind === 'symlink' && follow) yield* walk.followLast(inode);
    else {
      if (exclusive) throw walk.fail(EEXIST);
      if (inode.kind === 'directory') throw walk.fail(EISDIR);
      return { inode, created: false };
    }
  }
}

/** `undefined` when somebody else was faster, or the file is gone again: the name is to be looked up anew. */
function* make(
  walk: PathWalk,
  inodes: InodeCache,
  ownership: Ownership,
  { mode = 0o666, exclusive = false }: OpenOptions,
): Task<Inode | undefined> {
  const directory = walk.inode;
  if (directory.create === undefined) throw walk.fail(EROFS);
  try {
    const file = yield* newFile(directory, ownership, mode & 0o7777);
    const inode = yield* directory.create(walk.last.name, file);
    if (inode.gone === true) return undefined;
    inodes.add(inode);
    return inode;
  } catch (error) {
    if (error instanceof FsError && error.code === 'EEXIST' && !exclusive) return undefined;
    throw error;
  }
}

/** Throws what speaks against opening what was found. */
export function checkOpen({ writable }: Filesystem, { inode, created }: Found, options: OpenOptions): void {
  const { access = 'read', append = false, truncate = false, directory = false } = options;
  const { kind } = inode;
  if (inode.gone === true) throw new FsError(ENOENT);
  if (directory && kind !== 'directory') throw new FsError(ENOTDIR);
  if (created) return;
  const writes = access === 'write' || access === 'readWrite' || access === 'none' || truncate;
  if (kind === 'symlink') throw new FsError(ELOOP);
  if (kind === 'directory' && writes) throw new FsError(EISDIR);
  if (kind !== 'file' && kind !== 'directory') throw new FsError(ENXIO, `a ${kind} of a volume leads nowhere`);
  if (writes && writable !== true) throw new FsError(EROFS);
  if (!writes) return;
  const flags = inode.flags();
  if ((flags & FileFlag.immutable) !== 0) throw new FsError(EPERM);
  if ((flags & FileFlag.appendOnly) !== 0 && (!append || truncate)) throw new FsError(EPERM);
}
