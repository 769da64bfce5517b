// chattr: the flags of an inode, and its project.
//
// Source: spec 6.5, 6.6, 7.4; kernel fs/f2fs/file.c (f2fs_setflags_common, f2fs_ioc_setproject).

import { EINVAL, ENOENT, ENOTEMPTY, EOPNOTSUPP, EOVERFLOW, EPERM, FsError } from '@f2fskit/errno';
import {
  CompressAlgorithm,
  ExtraAttributes,
  extraFieldExists,
  Feature,
  hasFeature,
  INODE_ADDRESSES_OFFSET,
  InodeFlag,
  LOG_CLUSTER_SIZE_MIN,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { changeInode } from '../change-inode.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { isEmptyDirectory } from './change-dentry.ts';

/** What chattr can set or clear on any file. */
const SETTABLE = InodeFlag.sync | InodeFlag.immutable | InodeFlag.append | InodeFlag.noDump | InodeFlag.noAtime;
/** And on directories. */
const OF_DIRECTORIES =
  InodeFlag.dirSync | InodeFlag.projectInherit | InodeFlag.casefold | InodeFlag.compress | InodeFlag.noCompress;
const COMPRESSION = InodeFlag.compress | InodeFlag.noCompress;

/**
 * Sets the flags of an inode to `flags`; those that nobody can set stay. Throws EOPNOTSUPP where volume or file cannot have
 * one, ENOTEMPTY where names would compare in another way, EINVAL for two that exclude each other.
 */
export function* setFlags(writer: VolumeWriter, inode: F2fsInode, flags: number): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    yield* writer.operation(changeFlags(writer, inode, flags));
  } finally {
    held.unlock();
  }
}

function* changeFlags(writer: VolumeWriter, inode: F2fsInode, flags: number): Task<void> {
  const { superblock } = writer.store;
  const directory = inode.kind === 'directory';
  const old = inode.fields.flags;
  const mask = SETTABLE | (directory ? OF_DIRECTORIES : 0);
  const changed = (flags ^ old) & mask;
  const set = changed & flags;
  if (!directory && (flags & ~old & OF_DIRECTORIES) !== 0) {
    throw new FsError(EOPNOTSUPP, 'a directory alone can have this flag, or it cannot be set here yet');
  }
  if ((set & COMPRESSION) !== 0 && !hasFeature(superblock, Feature.compression)) throw new FsError(EOPNOTSUPP);
  if ((flags & mask & COMPRESSION) === COMPRESSION) throw new FsError(EINVAL);
  if ((set & InodeFlag.projectInherit) !== 0 && !hasFeature(superblock, Feature.projectQuota)) {
    throw new FsError(EOPNOTSUPP);
  }
  if ((changed & InodeFlag.casefold) !== 0) {
    if (!hasFeature(superblock, Feature.casefold)) throw new FsError(EOPNOTSUPP);
    if (!(yield* isEmptyDirectory(writer, inode.raw))) throw new FsError(ENOTEMPTY);
  }
  yield* changeInode(writer, inode, (view) => {
    RawInode.flags.set(view, 0, (old ^ changed) >>> 0);
    if ((set & InodeFlag.compress) !== 0) setCompression(view);
  });
}

/** What new files would take over: LZ4 in clusters of four blocks, as Linux without mount options. */
function setCompression(view: DataView): void {
  const at = INODE_ADDRESSES_OFFSET;
  if (!extraFieldExists(ExtraAttributes.size.get(view, at), ExtraAttributes.compressFlag)) return;
  ExtraAttributes.compressAlgorithm.set(view, at, CompressAlgorithm.lz4);
  ExtraAttributes.logClusterSize.set(view, at, LOG_CLUSTER_SIZE_MIN);
  ExtraAttributes.compressFlag.set(view, at, 0);
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
