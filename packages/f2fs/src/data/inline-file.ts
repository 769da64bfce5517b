// Files whose contents lie in their inode. While such a file is small, its one page is written back into the node; when it
// grows, the contents move to a block first, and only then the node changes: a crash finds one or the other.
//
// Source: spec 8.1; kernel fs/f2fs/inline.c (f2fs_write_inline_data, f2fs_convert_inline_page).

import { submitAndWait, writeBio } from '@f2fskit/block';
import { BLOCK_SIZE, InlineFlag, RawInode } from '@f2fskit/f2fs-format';
import { lockWithEdges } from '@f2fskit/iomap';
import { cancelDirty, type Folio } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import type { F2fsInode } from '../inode.ts';
import { Claim } from '../names/claim.ts';
import { addBlocks } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { settleInode } from './pending-attributes.ts';
import { dataLogOf } from './placement.ts';

/** Puts the page, which is locked, into the node; part of an operation. */
export function* writeInlineData(writer: VolumeWriter, inode: F2fsInode, folio: Folio): Task<void> {
  yield* settleInode(writer, inode);
  yield* changeInodeNode(writer, inode.ino, (view, bytes) => {
    const { inlineArea, size, inlineFlags } = inode.fields;
    const area = bytes.subarray(inlineArea.offset, inlineArea.offset + inlineArea.size);
    area.fill(0, size);
    area.set(folio.bytes.subarray(0, size));
    RawInode.inlineFlags.set(view, 0, inlineFlags | InlineFlag.dataExist);
  });
}

/** Cuts inline contents off at `size`, which is smaller than what is stored; part of an operation. */
export function* truncateInlineData(writer: VolumeWriter, inode: F2fsInode, size: number): Task<void> {
  yield* changeInodeNode(writer, inode.ino, (view, bytes) => {
    const { inlineArea, inlineFlags } = inode.fields;
    bytes.fill(0, inlineArea.offset + size, inlineArea.offset + inlineArea.size);
    if (size === 0) RawInode.inlineFlags.set(view, 0, inlineFlags & ~InlineFlag.dataExist);
  });
}

/**
 * Moves the contents to a block of their own. The caller holds the lock of the inode, and no other. Throws ENOSPC and EIO,
 * with nothing changed.
 */
export function* convertInline(writer: VolumeWriter, inode: F2fsInode): Task<void> {
  if (inode.size === 0) {
    yield* writer.operation(dropInline(writer, inode, 0));
    return;
  }
  yield* writer.balance();
  // Uptodate as a whole, whatever its edges: the change that comes begins and ends within it.
  const folio = yield* lockWithEdges(inode.pages(), 0, 1, 1);
  try {
    yield* writer.operationUnderFolio(moveToBlock(writer, inode, folio));
    // What was dirty has been written.
    cancelDirty(folio);
  } finally {
    folio.unlock();
    folio.put();
  }
}

function* moveToBlock(writer: VolumeWriter, inode: F2fsInode, folio: Folio): Task<void> {
  const { allocator, store } = writer;
  const { ino } = inode;
  const claim = yield* Claim.take(writer, 1, 0);
  try {
    const { version } = yield* store.nat.lookup(ino);
    const owner = { nid: ino, version, offsetInNode: 0 };
    const address = yield* allocator.allocate(dataLogOf(inode.fields, 1), owner);
    try {
      const block = folio.bytes.slice(0, BLOCK_SIZE);
      block.fill(0, inode.size);
      yield* submitAndWait(store.device, writeBio(address * BLOCK_SIZE, [block]));
      yield* dropInline(writer, inode, address);
    } catch (error) {
      yield* allocator.invalidate(address);
      throw error;
    }
    claim.block();
  } finally {
    claim.release();
  }
}

/** The address area holds addresses from now on, the first of them `address`, or none. */
function* dropInline(writer: VolumeWriter, inode: F2fsInode, address: number): Task<void> {
  yield* changeInodeNode(writer, inode.ino, (view, bytes) => {
    const { addressesOffset, addressesPerInode, inlineFlags } = inode.fields;
    bytes.fill(0, addressesOffset, addressesOffset + 4 * addressesPerInode);
    RawInode.inlineFlags.set(view, 0, inlineFlags & ~(InlineFlag.data | InlineFlag.dataExist));
    if (address === 0) return;
    view.setUint32(addressesOffset, address, true);
    addBlocks(view, 1);
  });
}
