// truncate(2). Getting shorter: the rest of the last block becomes zeros in memory, the size changes, the pages behind it go,
// then the slots. So a later extension shows zeros and nothing of the old contents.
//
// Source: buffered I/O spec 9.1, 9.2; kernel fs/f2fs/file.c (f2fs_setattr, f2fs_truncate).

import { EPERM, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, InodeFlag } from '@f2fskit/f2fs-format';
import { truncateMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { prepareCut } from '../clusters/cut-cluster.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { dropCapabilityOfContents } from '../names/capability.ts';
import { truncateBlocks } from '../names/free-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { convertInline, truncateInlineData } from './inline-file.ts';
import { noteContentChange, settleInode } from './pending-attributes.ts';
import { checkContents, checkNotAtomic, checkSize } from './write-file.ts';
import { zeroRange, zeroTail } from './zero-range.ts';

/** Gives the file `size` bytes. Throws EPERM, EFBIG, ENOSPC, ENOKEY, EOPNOTSUPP, EIO. */
export function* truncateFile(writer: VolumeWriter, inode: F2fsInode, size: number): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    checkContents(inode);
    checkNotAtomic(inode);
    if ((inode.fields.flags & InodeFlag.append) !== 0) throw new FsError(EPERM);
    checkSize(inode, size);
    yield* dropCapabilityOfContents(writer, inode);
    if (hasInlineData(inode.raw) && size > inode.fields.inlineArea.size) yield* convertInline(writer, inode);
    if (size > inode.size) {
      yield* zeroTail(writer, inode);
      noteContentChange(writer, inode, size);
      return;
    }
    const inline = hasInlineData(inode.raw);
    const { compressed } = inode.fields;
    const firstBlock = compressed && !inline ? yield* prepareCut(inode, size) : Math.ceil(size / BLOCK_SIZE);
    if (!inline && size < inode.size && firstBlock === Math.ceil(size / BLOCK_SIZE)) {
      // What lies behind the new end in its block.
      yield* zeroRange(writer, inode, size, firstBlock * BLOCK_SIZE);
    }
    // The size that it had stays in the node until the blocks go: so it has to get there.
    if (inode.pending !== undefined) yield* writer.operation(settleInode(writer, inode));
    noteContentChange(writer, inode, size);
    inode.shrinking = true;
    yield* truncateMapping(inode.pages().mapping, size);
    yield* writer.operation(inline ? cutInline(writer, inode, size) : cut(writer, inode, firstBlock));
  } finally {
    inode.shrinking = false;
    held.unlock();
  }
}

function* cutInline(writer: VolumeWriter, inode: F2fsInode, size: number): Task<void> {
  // One operation: no checkpoint sees only half of it.
  inode.shrinking = false;
  yield* truncateInlineData(writer, inode, size);
  yield* settleInode(writer, inode);
}

function* cut(writer: VolumeWriter, inode: F2fsInode, firstBlock: number): Task<void> {
  // One operation: no checkpoint sees only half of it.
  inode.shrinking = false;
  // What compression saves has to be in the node before it is reckoned with.
  if (inode.pendingSaved !== 0) yield* settleInode(writer, inode);
  yield* truncateBlocks(writer, inode.raw, firstBlock);
  yield* settleInode(writer, inode);
}
