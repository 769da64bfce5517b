// Putting a name into a directory, in three steps:
//
//   makeRoomInline   an inline directory that is full becomes one with blocks; this alone is a complete change
//   planInsertion    finds the place: level after level, the first run of free slots in the bucket of the name's hash;
//                    counts the block and the nodes that it needs
//   insertDentry     writes it, with what was counted
//
// Source: spec 7.2, 7.5; kernel fs/f2fs/dir.c (f2fs_add_regular_entry), inline.c (f2fs_move_inline_dirents).

import { E2BIG, ENOSPC, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  bucketBlocks,
  bucketFirstBlock,
  bucketOf,
  DENTRY_BLOCK_LAYOUT,
  dentryEntryOffset,
  dentryHash,
  dentryNameOffset,
  dentrySlots,
  InlineFlag,
  MAX_DIRECTORY_DEPTH,
  NEW_ADDRESS,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { foldForHash } from '../casefold.ts';
import { changeInodeNode, changeSimply, currentInode } from '../change-inode.ts';
import { isCasefolded, isInline } from '../directory.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { Claim } from './claim.ts';
import { findRoom, type NewDentry, writeDentry } from './dentry-edit.ts';
import { changeArea, inlineAreaIn, readDentryBlock } from './directory-areas.ts';
import { makeSlot, missingNodes, putAddress } from './slots.ts';

/** Where a name will stand, and what that costs. */
export interface Insertion {
  readonly directory: number;
  readonly hash: number;
  /** `undefined`: inside the inode. */
  readonly fileBlock: number | undefined;
  readonly slot: number;
  /** Levels in use with it; 0 inside the inode. */
  readonly depth: number;
  /** New blocks of data: 0 or 1. */
  readonly blocks: number;
  /** New nodes on the way to that block. */
  readonly nodes: number;
}

/** The hash under which a directory keeps a name. */
export function hashIn(directory: DecodedInode, name: Uint8Array): number {
  return dentryHash((isCasefolded(directory) ? foldForHash(name) : undefined) ?? name);
}

/** Moves the entries of an inline directory into a block where `name` does not fit. Throws ENOSPC with nothing changed. */
export function* makeRoomInline(writer: VolumeWriter, ino: number, name: Uint8Array): Task<void> {
  const directory = yield* currentInode(writer, ino);
  if (!isInline(directory)) return;
  const { bytes, view } = yield* writer.store.readInodeNode(directory);
  if (findRoom(inlineAreaIn(directory, bytes, view), dentrySlots(name.length)) !== undefined) return;
  const claim = yield* Claim.take(writer, 1, 0);
  try {
    yield* convertDirectory(writer, directory, claim);
  } catch (error) {
    throw writer.abandon(error);
  }
}

/** Slot for slot the entries go to block 0; the tree begins with one level of one bucket, whatever was wished for before. */
function* convertDirectory(writer: VolumeWriter, directory: DecodedInode, claim: Claim): Task<void> {
  const { ino } = directory;
  const block = new Uint8Array(BLOCK_SIZE);
  const converted = yield* changeInodeNode(writer, ino, (view, bytes) => {
    const { offset, layout } = inlineAreaIn(directory, bytes, view);
    const target = DENTRY_BLOCK_LAYOUT;
    block.set(bytes.subarray(offset, offset + Math.ceil(layout.slots / 8)), target.bitmapOffset);
    const entries = dentryEntryOffset(layout, 0);
    block.set(bytes.subarray(offset + entries, offset + dentryEntryOffset(layout, layout.slots)), target.entriesOffset);
    const names = dentryNameOffset(layout, 0);
    block.set(bytes.subarray(offset + names, offset + dentryNameOffset(layout, layout.slots)), target.namesOffset);
    const { inlineArea } = directory.fields;
    bytes.fill(0, inlineArea.offset - 4, inlineArea.offset + inlineArea.size);
    RawInode.inlineFlags.set(view, 0, directory.fields.inlineFlags & ~InlineFlag.dentry);
    RawInode.currentDepth.set(view, 0, 1);
    RawInode.dirLevel.set(view, 0, 0);
    RawInode.size.set(view, 0, Math.max(BLOCK_SIZE, directory.fields.size));
  });
  const slot = yield* makeSlot(writer, converted, 0, claim);
  claim.block();
  yield* putAddress(writer, converted, slot, NEW_ADDRESS);
  writer.directories.put(ino, 0, block);
}

/**
 * Finds the place of a name; `known` is its hash where that cannot be computed. Throws ENOSPC where no level has room, E2BIG
 * for a depth no directory has, Corruption, EIO.
 */
export function* planInsertion(writer: VolumeWriter, ino: number, name: Uint8Array, known?: number): Task<Insertion> {
  const directory = yield* currentInode(writer, ino);
  const hash = known ?? hashIn(directory, name);
  const count = dentrySlots(name.length);
  if (isInline(directory)) {
    const { bytes, view } = yield* writer.store.readInodeNode(directory);
    const slot = findRoom(inlineAreaIn(directory, bytes, view), count);
    if (slot === undefined) throw new FsError(ENOSPC, 'the directory is full'); // makeRoomInline was to come before
    return { directory: ino, hash, fileBlock: undefined, slot, depth: 0, blocks: 0, nodes: 0 };
  }
  const { currentDepth, dirLevel } = directory.fields;
  if (currentDepth > MAX_DIRECTORY_DEPTH) throw new FsError(E2BIG);
  for (let level = 0; level < MAX_DIRECTORY_DEPTH; level++) {
    const first = bucketFirstBlock(level, dirLevel, bucketOf(level, dirLevel, hash));
    const depth = Math.max(currentDepth, level + 1);
    for (let fileBlock = first; fileBlock < first + bucketBlocks(level); fileBlock++) {
      const area = yield* readDentryBlock(writer, directory, fileBlock);
      if (area === undefined) {
        const nodes = (yield* missingNodes(writer, directory, fileBlock)).length;
        return { directory: ino, hash, fileBlock, slot: 0, depth, blocks: 1, nodes };
      }
      const slot = findRoom(area, count);
      if (slot !== undefined) return { directory: ino, hash, fileBlock, slot, depth, blocks: 0, nodes: 0 };
    }
  }
  throw new FsError(ENOSPC, 'the directory is full');
}

/** Carries out an insertion. The directory's times become now. Throws what must not happen any more: see `abandon`. */
export function* insertDentry(
  writer: VolumeWriter,
  { directory: ino, hash, fileBlock, slot, depth, blocks }: Insertion,
  claim: Claim,
  dentry: Omit<NewDentry, 'hash'>,
): Task<void> {
  if (fileBlock !== undefined) {
    if (blocks > 0) {
      const directory = yield* currentInode(writer, ino);
      const place = yield* makeSlot(writer, directory, fileBlock, claim);
      claim.block();
      yield* putAddress(writer, directory, place, NEW_ADDRESS);
      writer.directories.put(ino, fileBlock);
    }
    yield* changeArea(writer, ino, fileBlock, (area) => writeDentry(area, slot, { ...dentry, hash }));
  }
  const directory = yield* currentInode(writer, ino);
  const { bytes, view } = yield* writer.store.readInodeNode(directory);
  if (fileBlock === undefined) writeDentry(inlineAreaIn(directory, bytes, view), slot, { ...dentry, hash });
  const { size, currentDepth } = directory.fields;
  const now = writer.clock.now();
  const end = fileBlock === undefined ? 0 : (fileBlock + 1) * BLOCK_SIZE;
  changeSimply(writer, directory, view, {
    size: Math.max(size, end),
    currentDepth: fileBlock === undefined ? depth : Math.max(currentDepth, depth),
    ctime: now,
    mtime: now,
  });
}
