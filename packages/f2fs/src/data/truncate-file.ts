// truncate(2). Getting shorter: the rest of the last block becomes zeros in memory, the size changes, the pages behind it go,
// then the slots. So a later extension shows zeros and nothing of the old contents.
//
// Source: buffered I/O spec 9.1, 9.2; kernel fs/f2fs/file.c (f2fs_setattr, f2fs_truncate).

import { EPERM, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, InodeFlag, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import { lockWithEdges } from '@f2fskit/iomap';
import { markDirty, truncateMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { dropCapabilityOfContents } from '../names/capability.ts';
import { truncateBlocks } from '../names/free-inode.ts';
import { findSlot } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { convertInline, truncateInlineData } from './inline-file.ts';
import { noteContentChange, settleInode } from './pending-attributes.ts';
import { checkContents, checkSize } from './write-file.ts';

/** Gives the file `size` bytes. Throws EPERM, EFBIG, ENOSPC, ENOKEY, EOPNOTSUPP, EIO. */
export function* truncateFile(writer: VolumeWriter, inode: F2fsInode, size: number): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    checkContents(inode);
    if ((inode.fields.flags & InodeFlag.append) !== 0) throw new FsError(EPERM);
    checkSize(inode, size);
    yield* dropCapabilityOfContents(writer, inode);
    if (hasInlineData(inode.raw) && size > inode.fields.inlineArea.size) yield* convertInline(writer, inode);
    if (size > inode.size) {
      noteContentChange(writer, inode, size);
      return;
    }
    const inline = hasInlineData(inode.raw);
    if (!inline && size < inode.size && size % BLOCK_SIZE !== 0) yield* zeroTail(writer, inode, size);
    noteContentChange(writer, inode, size);
    yield* truncateMapping(inode.pages().mapping, size);
    yield* writer.operation(cut(writer, inode, size, inline));
  } finally {
    held.unlock();
  }
}

function* cut(writer: VolumeWriter, inode: F2fsInode, size: number, inline: boolean): Task<void> {
  if (inline) yield* truncateInlineData(writer, inode, size);
  else yield* truncateBlocks(writer, inode.raw, Math.ceil(size / BLOCK_SIZE));
  yield* settleInode(writer, inode);
}

/** What lies behind `size` in its block becomes zeros, here and, with the next writeback, on the medium. */
function* zeroTail(writer: VolumeWriter, inode: F2fsInode, size: number): Task<void> {
  const index = Math.floor(size / BLOCK_SIZE);
  const slot = yield* findSlot(writer, inode.raw, index);
  if (slot === undefined || slot.address === NULL_ADDRESS) return;
  const folio = yield* lockWithEdges(inode.pages(), index, size, size);
  const block = index - folio.index;
  folio.bytes.fill(0, size - folio.position, (block + 1) * BLOCK_SIZE);
  markDirty(folio, block, block + 1);
  folio.unlock();
  folio.put();
}
