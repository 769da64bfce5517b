// Reserving blocks for a write: holes become NEW, counted but without a place, before anything is copied. Then the write
// itself cannot fail for want of space, and each page finds its slot.
//
// Source: buffered I/O spec 5.1; kernel fs/f2fs/file.c (f2fs_preallocate_blocks), data.c (f2fs_reserve_new_blocks).

import { assert, ENOSPC, FsError } from '@f2fskit/errno';
import { NEW_ADDRESS, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import { type DecodedInode, locateDnode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import type { F2fsInode } from '../inode.ts';
import { Claim } from '../names/claim.ts';
import { addBlocks, findSlot, makeSlot, missingNodes } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/** Blocks that one operation reserves at most. */
export const RESERVE_BLOCKS = 4096;

/**
 * Makes every hole among the file blocks [first, end) of a file NEW; part of an operation. Returns the block before which it
 * stopped, for want of space: `end` when it did not. Throws EFBIG, and what reading nodes throws.
 */
export function* reserveBlocks(writer: VolumeWriter, inode: DecodedInode, first: number, end: number): Task<number> {
  for (let at = first; at < end; ) {
    if ((yield* findSlot(writer, inode, at)) === undefined) {
      const nodes = yield* missingNodes(writer, inode, at);
      let claim: Claim;
      try {
        claim = yield* Claim.take(writer, 0, nodes.length);
      } catch (error) {
        if (error instanceof FsError && error.errno === -ENOSPC) return at;
        throw error;
      }
      yield* makeSlot(writer, inode, at, claim);
    }
    const next = yield* reserveInNode(writer, inode, at, end);
    if (next.full) return next.at;
    at = next.at;
  }
  return end;
}

/** As {@link reserveBlocks}, in operations of limited length. The lock of the inode is held. */
export function* reserveInSteps(writer: VolumeWriter, inode: F2fsInode, first: number, end: number): Task<number> {
  if (inode.hasSlots(first, end)) return end;
  for (let at = first; at < end; ) {
    const until = Math.min(end, at + RESERVE_BLOCKS);
    const got = yield* writer.operation(reserveBlocks(writer, inode.blocksOwner.raw, at, until));
    if (got < until) return got;
    at = got;
  }
  return end;
}

/** The holes of one node that begins before or at `first`. */
function* reserveInNode(
  writer: VolumeWriter,
  inode: DecodedInode,
  first: number,
  end: number,
): Task<{ at: number; full: boolean }> {
  const { store, space } = writer;
  const { ino } = inode;
  const range = yield* locateDnode(store, inode, first);
  assert(!range.hole, 'the nodes on the way were made');
  const { node, nid, slotOffset, start } = range;
  const last = Math.min(end, range.end);
  let at = first;
  let reserved = 0;
  for (; at < last; at++) {
    const byte = slotOffset + 4 * (at - start);
    if (node.view.getUint32(byte, true) !== NULL_ADDRESS) continue;
    if (space.blocksFree === 0) break;
    space.reserve(1);
    node.view.setUint32(byte, NEW_ADDRESS, true);
    reserved++;
  }
  if (reserved > 0) {
    store.markDirty(nid);
    yield* changeInodeNode(writer, ino, (view) => addBlocks(view, reserved));
  }
  return { at, full: at < last };
}
