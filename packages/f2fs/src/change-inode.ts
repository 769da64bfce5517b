// Changing an inode: its node block is the truth; what was decoded of it is decoded again.

import { decodeInode, RawInode, sealInode } from '@f2fskit/f2fs-format';
import type { CachedBlock, DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import type { F2fsInode } from './inode.ts';
import type { VolumeWriter } from './volume-writer.ts';

/** The time of change of an inode becomes `now`. */
export function setChangeTime(view: DataView, { seconds, nanoseconds }: Timestamp): void {
  RawInode.changeSeconds.set(view, 0, seconds);
  RawInode.changeNanoseconds.set(view, 0, nanoseconds);
}

export function setModifyTime(view: DataView, { seconds, nanoseconds }: Timestamp): void {
  RawInode.modifySeconds.set(view, 0, seconds);
  RawInode.modifyNanoseconds.set(view, 0, nanoseconds);
}

export function setAccessTime(view: DataView, { seconds, nanoseconds }: Timestamp): void {
  RawInode.accessSeconds.set(view, 0, seconds);
  RawInode.accessNanoseconds.set(view, 0, nanoseconds);
}

/**
 * Changes the node of an inode; `change` gets its whole block and must not wait. Returns what it decodes to now, which
 * everybody who holds the inode sees at once. Throws what reading the node met.
 */
export function* changeInodeNode(
  writer: VolumeWriter,
  ino: number,
  change: (view: DataView, bytes: Uint8Array) => void,
): Task<DecodedInode> {
  const node = yield* writer.store.readNode(ino, { ino, nodeOffset: 0 });
  change(node.view, node.bytes);
  return inodeChanged(writer, ino, node);
}

/** An inode as it is now: where somebody holds it, it need not be decoded. Throws what reading the node met. */
export function* currentInode(writer: VolumeWriter, ino: number): Task<DecodedInode> {
  return writer.inodes.get(ino)?.raw ?? (yield* writer.store.readInode(ino));
}

/** What {@link changeSimply} may change. */
export interface SimpleChanges {
  readonly size: number;
  readonly currentDepth: number;
  readonly ctime: Timestamp;
  readonly mtime: Timestamp;
}

/**
 * Changes fields on which nothing else in the inode depends, and which are right: what it decodes to is known. `view`: its node,
 * good until now.
 */
export function changeSimply(
  writer: VolumeWriter,
  { ino, address, fields }: DecodedInode,
  view: DataView,
  changes: SimpleChanges,
): void {
  RawInode.size.set(view, 0, changes.size);
  RawInode.currentDepth.set(view, 0, changes.currentDepth);
  setChangeTime(view, changes.ctime);
  setModifyTime(view, changes.mtime);
  writer.store.markDirty(ino);
  writer.inodes.refresh({ ino, address, fields: { ...fields, ...changes } });
}

/** The node of an inode was changed, since the last wait. */
export function inodeChanged(writer: VolumeWriter, ino: number, { address, bytes, view }: CachedBlock): DecodedInode {
  const { store } = writer;
  sealInode(store.superblock, bytes);
  store.markDirty(ino);
  const raw = { ino, address, fields: decodeInode(bytes, view, store.superblock, { nid: ino, address }) };
  writer.inodes.refresh(raw);
  return raw;
}

/**
 * Changes fields of an inode; `change` gets a view of the whole node block and must not wait. The time of change becomes
 * now. Throws what reading the node met.
 */
export function* changeInode(writer: VolumeWriter, inode: F2fsInode, change: (view: DataView) => void): Task<void> {
  inode.raw = yield* changeInodeNode(writer, inode.ino, (view) => {
    change(view);
    setChangeTime(view, writer.clock.now());
  });
}
