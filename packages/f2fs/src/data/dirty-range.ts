// Changing bytes where they lie in the cache: the fault of a store to a shared mapping, for who has the inode.
// Source: buffered I/O spec 9.7; kernel fs/f2fs/file.c (f2fs_vm_page_mkwrite).

import { EFAULT, FsError } from '@f2fskit/errno';
import { dirtyRange, type Mutator } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { dropCapabilityOfContents } from '../names/capability.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { FolioWrites } from './folio-writes.ts';
import { convertInline } from './inline-file.ts';
import { noteContentChange } from './pending-attributes.ts';
import { checkContents } from './write-file.ts';

/**
 * Calls `mutate` with the bytes [position, position + length) of the file, a page or a part of one at a time: what it changes is
 * written with the file. Throws EFAULT for bytes behind the end, EPERM, ENOSPC, ENOKEY, EOPNOTSUPP, EIO.
 */
export function* dirtyFileRange(
  writer: VolumeWriter,
  inode: F2fsInode,
  position: number,
  length: number,
  mutate: Mutator,
): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    checkContents(inode);
    const end = position + length;
    if (position < 0 || length < 0 || end > inode.size) throw new FsError(EFAULT, 'bytes that the file has not');
    if (length === 0) return;
    yield* dropCapabilityOfContents(writer, inode);
    if (hasInlineData(inode.raw)) yield* convertInline(writer, inode);
    noteContentChange(writer, inode, inode.size);
    yield* dirtyRange(inode.pages(), position, length, mutate, new FolioWrites(writer, inode, position, end));
  } finally {
    held.unlock();
  }
}
