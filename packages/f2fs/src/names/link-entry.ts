// link: another name for an inode that has one.
//
// Source: kernel fs/namei.c (vfs_link), fs/f2fs/namei.c (f2fs_link).

import { EEXIST, ENOENT, EPERM, FsError } from '@f2fskit/errno';
import { InodeFlag } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { findDentry } from '../directory.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { Claim } from './claim.ts';
import { checkDirectory, checkName, checkNewEntry, checkProject } from './entry-rules.ts';
import { insertDentry, makeRoomInline, planInsertion } from './insert-dentry.ts';
import { nameInode } from './links.ts';

/** Throws EEXIST, ENOENT, EPERM for a directory and for what may not change, EXDEV, ENOKEY, ENOSPC. */
export function* linkEntry(writer: VolumeWriter, directory: F2fsInode, name: Uint8Array, inode: F2fsInode): Task<void> {
  checkName(name);
  if (inode.kind === 'directory') throw new FsError(EPERM, 'a directory has one name');
  const held = yield* writer.locks.lock([directory.ino, inode.ino]);
  try {
    yield* writer.operation(link(writer, directory, name, inode));
  } finally {
    held.unlock();
  }
}

function* link(writer: VolumeWriter, directory: F2fsInode, name: Uint8Array, inode: F2fsInode): Task<void> {
  const { store, directories } = writer;
  const { ino } = inode;
  checkDirectory(directory);
  if ((yield* findDentry(store, directory.raw, name, directories)) !== undefined) throw new FsError(EEXIST);
  checkNewEntry(writer, directory.raw, name);
  if ((inode.fields.flags & (InodeFlag.immutable | InodeFlag.append)) !== 0) throw new FsError(EPERM);
  if (inode.gone || inode.fields.links === 0) throw new FsError(ENOENT, 'the file has no name any more');
  checkProject(directory.raw, inode.raw);
  yield* makeRoomInline(writer, directory.ino, name);
  const insertion = yield* planInsertion(writer, directory.ino, name);
  const claim = yield* Claim.take(writer, insertion.blocks, insertion.nodes);
  try {
    yield* insertDentry(writer, insertion, claim, { name, ino, fileType: inode.fields.fileType });
    yield* nameInode(writer, ino, directory.ino, name, 1);
  } catch (error) {
    throw writer.abandon(error);
  }
}
