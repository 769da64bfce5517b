// The areas of a directory that is changed: the one inside the inode, or its blocks. A block that changes is copied to
// memory and stays there until the next checkpoint (dirty-directories.ts).

import { BLOCK_SIZE, DENTRY_BLOCK_LAYOUT, dentryLayoutOf, isMainAddress, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { changeInodeNode, currentInode } from '../change-inode.ts';
import type { DentryArea } from '../dentry-area.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { findSlot, illegalAddress, isHoleOrMark } from './slots.ts';

/** The area inside the node of a directory. */
export function inlineAreaIn({ ino, address, fields }: DecodedInode, bytes: Uint8Array, view: DataView): DentryArea {
  const { offset, size } = fields.inlineArea;
  return { bytes, view, offset, layout: dentryLayoutOf(size), place: { block: address, ino } };
}

function blockAreaOf(ino: number, fileBlock: number, bytes: Uint8Array, view: DataView): DentryArea {
  return { bytes, view, offset: 0, layout: DENTRY_BLOCK_LAYOUT, place: { ino, fileBlock } };
}

/**
 * A block of a directory as it is now, good until the next wait; `undefined` for a hole. Throws Corruption blockAddress,
 * EIO.
 */
export function* readDentryBlock(
  writer: VolumeWriter,
  directory: DecodedInode,
  fileBlock: number,
): Task<DentryArea | undefined> {
  const { ino } = directory;
  const dirty = writer.directories.peek(ino, fileBlock);
  if (dirty !== undefined) return blockAreaOf(ino, fileBlock, dirty.bytes, dirty.view);
  const slot = yield* findSlot(writer, directory, fileBlock);
  if (slot === undefined || slot.address === NULL_ADDRESS) return undefined;
  if (isHoleOrMark(slot.address)) {
    // Reserved and never written.
    const zeros = new Uint8Array(BLOCK_SIZE);
    return blockAreaOf(ino, fileBlock, zeros, viewOf(zeros));
  }
  const { store } = writer;
  if (!isMainAddress(store.superblock, slot.address)) throw illegalAddress(writer, directory, slot);
  const { bytes, view } = store.blocks.peek(slot.address) ?? (yield* store.blocks.get(slot.address));
  return blockAreaOf(ino, fileBlock, bytes, view);
}

/**
 * Changes an area of a directory; `fileBlock` `undefined` stands for the inode. `change` must not wait. Throws what reading
 * it met.
 */
export function* changeArea<T>(
  writer: VolumeWriter,
  ino: number,
  fileBlock: number | undefined,
  change: (area: DentryArea) => T,
): Task<T> {
  if (fileBlock === undefined) {
    const directory = yield* currentInode(writer, ino);
    let result!: T;
    yield* changeInodeNode(writer, ino, (view, bytes) => {
      result = change(inlineAreaIn(directory, bytes, view));
    });
    return result;
  }
  const { directories } = writer;
  if (directories.peek(ino, fileBlock) === undefined) {
    const area = yield* readDentryBlock(writer, yield* currentInode(writer, ino), fileBlock);
    directories.put(ino, fileBlock, area?.bytes.slice());
  }
  const { bytes, view } = directories.peek(ino, fileBlock)!;
  return change(blockAreaOf(ino, fileBlock, bytes, view));
}
