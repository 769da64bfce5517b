// unlink and rmdir.
//
// Source: kernel fs/namei.c (may_delete), fs/f2fs/namei.c (f2fs_unlink, f2fs_rmdir).

import { EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { isEmptyDirectory, removeDentry } from './change-dentry.ts';
import { checkOldEntry } from './entry-rules.ts';
import { addLinks, checkLinks, dropLink, freeNameless, isDirectory } from './links.ts';
import { withEntries } from './locked-entries.ts';

/**
 * Removes a name: of a directory (`what` 'directory'; it must be empty), or of anything else. Throws ENOENT, EISDIR,
 * ENOTDIR, ENOTEMPTY, EPERM, Corruption, EIO.
 */
export function* removeEntry(
  writer: VolumeWriter,
  directory: F2fsInode,
  name: Uint8Array,
  what: 'directory' | 'file',
): Task<void> {
  const removed = yield* withEntries(writer, [{ directory, name }], function* ([entry]) {
    if (entry === undefined) throw new FsError(ENOENT);
    const inode = yield* writer.store.readInode(entry.ino);
    checkOldEntry(directory.raw, inode);
    const removesDirectory = isDirectory(inode);
    if (what === 'file' && removesDirectory) throw new FsError(EISDIR);
    if (what === 'directory') {
      if (!removesDirectory) throw new FsError(ENOTDIR);
      if (!(yield* isEmptyDirectory(writer, inode))) throw new FsError(ENOTEMPTY);
    }
    checkLinks(inode);
    // Recovery would find it under this name: with other names that it does not know, or full of entries.
    if (removesDirectory || inode.fields.links > 1) writer.checkpointFirst.add(directory.ino);
    try {
      yield* removeDentry(writer, directory.ino, entry);
      if (removesDirectory) yield* addLinks(writer, directory.ino, -1);
      yield* dropLink(writer, entry.ino);
      return entry.ino;
    } catch (error) {
      throw writer.abandon(error);
    }
  });
  yield* freeNameless(writer, removed);
}
