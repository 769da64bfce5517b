// fallocate(2): blocks for a range, holes in it, zeros in it. Collapsing and inserting ranges are refused.
//
//   allocate   every hole becomes NEW; the file grows to the end of the range, unless it is to keep its size
//   punch      blocks wholly within become holes; the bytes at both edges zeros
//   zero       the same, and then every hole becomes NEW
//
// Slots are emptied first, then pages dropped: who reads meanwhile finds what the cache has, or zeros, never what the medium had
// before that. A page that is to be written meanwhile finds no slot, and is not; one on its way arrives where nobody looks.
// Source: buffered I/O spec 9.4; kernel fs/f2fs/file.c (f2fs_fallocate).

import { EINVAL, ENOSPC, EOPNOTSUPP, FsError } from '@f2fskit/errno';
import { Advise, BLOCK_SIZE, InlineFlag, NULL_ADDRESS, RawInode } from '@f2fskit/f2fs-format';
import { locateDnode } from '@f2fskit/f2fs-node';
import { discardRange } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { AllocationMode } from '@f2fskit/vfs';
import { changeInodeNode } from '../change-inode.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { dropCapabilityOfContents } from '../names/capability.ts';
import { findSlot, putAddress } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { convertInline } from './inline-file.ts';
import { noteContentChange } from './pending-attributes.ts';
import { reserveInSteps } from './reserve-blocks.ts';
import { checkContents, checkNotAtomic, checkSize } from './write-file.ts';
import { zeroRange, zeroTail } from './zero-range.ts';

/** Slots that one operation empties at most. */
const PUNCH_BLOCKS = 1024;

/**
 * Changes how the bytes [position, position + length) are stored. Throws EINVAL for an empty range, EPERM, EFBIG, ENOSPC with
 * as much allocated as fits, EOPNOTSUPP for files that have to stay as they are, EIO.
 */
export function* allocateRange(
  writer: VolumeWriter,
  inode: F2fsInode,
  mode: AllocationMode,
  position: number,
  length: number,
): Task<void> {
  if (length <= 0 || position < 0) throw new FsError(EINVAL, 'an empty range');
  const end = position + length;
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    checkContents(inode);
    checkNotAtomic(inode);
    checkSize(inode, end);
    const frees = mode === 'punch' || mode === 'zero' || mode === 'zeroKeepSize';
    if (frees && (inode.fields.inlineFlags & InlineFlag.pinFile) !== 0) {
      throw new FsError(EOPNOTSUPP, 'the file is pinned: its blocks stay where they are');
    }
    if (frees && inode.fields.compressed) {
      throw new FsError(EOPNOTSUPP, 'the file is compressed: its clusters stay whole');
    }
    yield* dropCapabilityOfContents(writer, inode);
    if (hasInlineData(inode.raw)) yield* convertInline(writer, inode);
    noteContentChange(writer, inode, inode.size);
    if (frees) yield* punch(writer, inode, position, Math.min(end, Math.ceil(inode.size / BLOCK_SIZE) * BLOCK_SIZE));
    if (mode !== 'punch') yield* allocate(writer, inode, mode, position, end);
  } finally {
    held.unlock();
  }
}

function* allocate(
  writer: VolumeWriter,
  inode: F2fsInode,
  mode: AllocationMode,
  position: number,
  end: number,
): Task<void> {
  const first = Math.floor(position / BLOCK_SIZE);
  const reserved = yield* reserveInSteps(writer, inode, first, Math.ceil(end / BLOCK_SIZE));
  const reached = Math.min(end, reserved * BLOCK_SIZE);
  if (reached > inode.size) {
    if (mode === 'allocate' || mode === 'zero') {
      yield* zeroTail(writer, inode);
      noteContentChange(writer, inode, reached);
    }
    // Recovery then leaves the blocks behind the end alone.
    else yield* writer.operation(setAdvise(writer, inode, Advise.keepSize));
  }
  if (reached < end) throw new FsError(ENOSPC);
}

function* setAdvise(writer: VolumeWriter, { ino, fields }: F2fsInode, bit: number): Task<void> {
  yield* changeInodeNode(writer, ino, (view) => RawInode.advise.set(view, 0, fields.advise | bit));
}

/** Zeros at the edges, holes between them. */
function* punch(writer: VolumeWriter, inode: F2fsInode, position: number, end: number): Task<void> {
  if (position >= end) return;
  const first = Math.ceil(position / BLOCK_SIZE);
  const last = Math.floor(end / BLOCK_SIZE);
  if (first > last) {
    yield* zeroRange(writer, inode, position, end);
    return;
  }
  if (position % BLOCK_SIZE !== 0) yield* zeroRange(writer, inode, position, first * BLOCK_SIZE);
  if (end % BLOCK_SIZE !== 0) yield* zeroRange(writer, inode, last * BLOCK_SIZE, end);
  try {
    for (let at = first; at < last; ) at = yield* writer.operation(emptySlots(writer, inode, at, last));
  } finally {
    yield* discardRange(inode.pages().mapping, first * BLOCK_SIZE, last * BLOCK_SIZE);
  }
}

/** Empties slots from `first` on, some of them; returns the block behind them. Where there is no node there is nothing to do. */
function* emptySlots(writer: VolumeWriter, inode: F2fsInode, first: number, end: number): Task<number> {
  let emptied = 0;
  for (let at = first; at < end; ) {
    const range = yield* locateDnode(writer.store, inode.raw, at);
    const last = Math.min(end, range.end);
    if (range.hole) {
      at = last;
      continue;
    }
    for (; at < last; at++) {
      const slot = yield* findSlot(writer, inode.raw, at);
      if (slot === undefined || slot.address === NULL_ADDRESS) continue;
      yield* putAddress(writer, inode.raw, slot, NULL_ADDRESS);
      if (++emptied === PUNCH_BLOCKS) return at + 1;
    }
  }
  return end;
}
