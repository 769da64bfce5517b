// chattr: the flags of an inode, and its project.
//
// Source: spec 6.5, 6.6, 7.4; kernel fs/f2fs/file.c (f2fs_setflags_common, f2fs_ioc_setproject).

import { EINVAL, ENOENT, ENOTEMPTY, EOPNOTSUPP, EOVERFLOW, EPERM, FsError } from '@f2fskit/errno';
import {
  ExtraAttributes,
  Feature,
  hasFeature,
  INODE_ADDRESSES_OFFSET,
  InodeFlag,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { changeInode } from '../change-inode.ts';
import { forgetExtent, prepareFlagChange } from '../compression/set-compressed.ts';
import { canCompress, writeContext } from '../compression-policy.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { isEmptyDirectory } from './change-dentry.ts';

/** What chattr can set or clear on any file. */
const SETTABLE = InodeFlag.sync | InodeFlag.immutable | InodeFlag.append | InodeFlag.noDump | InodeFlag.noAtime;
/** And on directories. */
const OF_DIRECTORIES = InodeFlag.dirSync | InodeFlag.projectInherit | InodeFlag.casefold;
/** And on regular files and directories. */
const COMPRESSION = InodeFlag.compress | InodeFlag.noCompress;

/**
 * Sets the flags of an inode to `flags`; those that nobody can set stay. Throws EOPNOTSUPP where volume or file cannot have
 * one, ENOTEMPTY where names would compare in another way, EINVAL for two that exclude each other, and for a file with
 * contents that would be compressed, or not, from now on.
 */
export function* setFlags(writer: VolumeWriter, inode: F2fsInode, flags: number): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    const { mask, changed } = yield* checkFlags(writer, inode, flags);
    const recoded = inode.kind === 'file' && (changed & InodeFlag.compress) !== 0;
    if (recoded) yield* prepareFlagChange(writer, inode, (flags & InodeFlag.compress) !== 0);
    yield* writer.operation(
      changeInode(writer, inode, (view) => {
        RawInode.flags.set(view, 0, ((inode.fields.flags & ~mask) | (flags & mask)) >>> 0);
        if ((changed & flags & InodeFlag.compress) !== 0) writeContext(view, writer.compression.context);
        if (recoded) forgetExtent(view);
      }),
    );
    if (!recoded) return;
    // Recovery would find slots where they are not.
    writer.checkpointFirst.add(inode.ino);
    yield* inode.resetPages();
  } finally {
    held.unlock();
  }
}

/** Which flags can be set, and which of them are others than before. Throws as {@link setFlags}. */
function* checkFlags(writer: VolumeWriter, inode: F2fsInode, flags: number): Task<{ mask: number; changed: number }> {
  const { superblock } = writer.store;
  const directory = inode.kind === 'directory';
  const compressible = directory || inode.kind === 'file';
  const mask = SETTABLE | (directory ? OF_DIRECTORIES : 0) | (compressible ? COMPRESSION : 0);
  const old = inode.fields.flags;
  const changed = (flags ^ old) & mask;
  const set = changed & flags;
  if ((flags & ~old & ~mask & (OF_DIRECTORIES | COMPRESSION)) !== 0) {
    throw new FsError(EOPNOTSUPP, 'a directory alone can have this flag, or no file of this kind');
  }
  if ((flags & mask & COMPRESSION) === COMPRESSION) throw new FsError(EINVAL, 'compressed, and never compressed');
  if ((set & COMPRESSION) !== 0 && !canCompress(superblock)) throw new FsError(EOPNOTSUPP);
  if ((set & InodeFlag.projectInherit) !== 0 && !hasFeature(superblock, Feature.projectQuota)) {
    throw new FsError(EOPNOTSUPP);
  }
  if ((changed & InodeFlag.casefold) !== 0) {
    if (!hasFeature(superblock, Feature.casefold)) throw new FsError(EOPNOTSUPP);
    if (!(yield* isEmptyDirectory(writer, inode.raw))) throw new FsError(ENOTEMPTY);
  }
  return { mask, changed };
}

/** Throws EOPNOTSUPP where the volume has no projects, EOVERFLOW where the inode has no room for one, EPERM. */
export function* setProject(writer: VolumeWriter, inode: F2fsInode, projectId: number): Task<void> {
  if (!hasFeature(writer.store.superblock, Feature.projectQuota)) {
    if (projectId !== 0) throw new FsError(EOPNOTSUPP);
    return;
  }
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    if ((inode.fields.flags & (InodeFlag.immutable | InodeFlag.append)) !== 0) throw new FsError(EPERM);
    if (inode.fields.projectId === undefined) throw new FsError(EOVERFLOW);
    yield* writer.operation(
      changeInode(writer, inode, (view) => ExtraAttributes.projectId.set(view, INODE_ADDRESSES_OFFSET, projectId)),
    );
  } finally {
    held.unlock();
  }
}
