// Size and times of a file that is being written to. They change with every page; the node learns them when it is about to be
// written: at a checkpoint, at an fsync, or when something else changes in it.

import { ExtraAttributes, INODE_ADDRESSES_OFFSET, RawInode } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import { changeInodeNode, setChangeTime, setModifyTime } from '../change-inode.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';

export interface PendingAttributes {
  /** Bytes. */
  size: number;
  /** Of the last write; `undefined` where only the size changed. */
  mtime: Timestamp | undefined;
}

/** The file has `size` bytes and was changed now. Waits for nothing. */
export function noteContentChange(writer: VolumeWriter, inode: F2fsInode, size: number): void {
  inode.pending = { size, mtime: writer.clock.now() };
  writer.unsettled.add(inode);
}

/** A write reached `end`: the file may have grown. Waits for nothing. */
export function noteEnd(writer: VolumeWriter, inode: F2fsInode, end: number): void {
  if (end <= inode.size) return;
  inode.pending = { size: end, mtime: inode.pending?.mtime };
  writer.unsettled.add(inode);
}

/** So many blocks more, or less, are saved by compression. Waits for nothing. */
export function noteSaved(writer: VolumeWriter, inode: F2fsInode, blocks: number): void {
  if (blocks === 0) return;
  inode.pendingSaved += blocks;
  writer.unsettled.add(inode);
}

/** Puts what is pending into the node; part of an operation or of a checkpoint. Throws what reading the node met. */
export function* settleInode(writer: VolumeWriter, inode: F2fsInode): Task<void> {
  if (!inode.shrinking) writer.unsettled.delete(inode);
  // Behind a cut, an extension would show what lies behind the new end; what clusters save has changed with their slots.
  const settled = inode.shrinking ? undefined : inode.pending;
  // An atomic write keeps them to itself.
  const nothing = settled === undefined && inode.pendingSaved === 0;
  if (nothing || inode.gone || inode.atomic !== undefined) return;
  yield* changeInodeNode(writer, inode.ino, (view) => {
    const { pendingSaved } = inode;
    const pending = inode.shrinking ? undefined : inode.pending;
    if (!inode.shrinking) inode.pending = undefined;
    inode.pendingSaved = 0;
    if (pendingSaved !== 0) {
      const saved = ExtraAttributes.compressedBlocks;
      saved.set(view, INODE_ADDRESSES_OFFSET, saved.get(view, INODE_ADDRESSES_OFFSET) + pendingSaved);
    }
    if (pending === undefined) return;
    RawInode.size.set(view, 0, pending.size);
    if (pending.mtime === undefined) return;
    setModifyTime(view, pending.mtime);
    // A rename or chmod may have come since.
    if (isLater(pending.mtime, inode.fields.ctime)) setChangeTime(view, pending.mtime);
  });
}

/** As {@link settleInode}, for every file. */
export function* settleInodes(writer: VolumeWriter): Task<void> {
  for (const inode of writer.unsettled) yield* settleInode(writer, inode);
}

export function isLater(a: Timestamp, b: Timestamp): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds);
}
