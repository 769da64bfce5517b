// Changing an inode: its node block is the truth; what was decoded of it is decoded again.

import { decodeInode, RawInode, sealInode } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import type { F2fsInode } from './inode.ts';
import type { VolumeWriter } from './volume-writer.ts';

/** What `setAttributes` changes; what is left out stays. */
export interface AttributeChanges {
  /** Permission bits; the type stays. */
  mode?: number;
  uid?: number;
  gid?: number;
  atime?: Timestamp;
  mtime?: Timestamp;
}

/**
 * Changes fields of an inode; `change` gets a view of the whole node block and must not wait. The time of change becomes
 * now. Throws what reading the node met.
 */
export function* changeInode(writer: VolumeWriter, inode: F2fsInode, change: (view: DataView) => void): Task<void> {
  const { store } = writer;
  const node = yield* store.readInodeNode(inode.raw);
  change(node.view);
  const { seconds, nanoseconds } = writer.clock.now();
  RawInode.changeSeconds.set(node.view, 0, seconds);
  RawInode.changeNanoseconds.set(node.view, 0, nanoseconds);
  sealInode(store.superblock, node.bytes);
  store.markDirty(inode.ino);
  const place = { nid: inode.ino, address: node.address };
  inode.raw = { ...inode.raw, fields: decodeInode(node.bytes, node.view, store.superblock, place) };
}

/** chmod, chown and utimens. */
export function setAttributes(writer: VolumeWriter, inode: F2fsInode, changes: AttributeChanges): Task<void> {
  return writer.operation(
    changeInode(writer, inode, (view) => {
      const { mode, uid, gid, atime, mtime } = changes;
      if (mode !== undefined) RawInode.mode.set(view, 0, (RawInode.mode.get(view, 0) & 0xf000) | (mode & 0o7777));
      if (uid !== undefined) RawInode.uid.set(view, 0, uid);
      if (gid !== undefined) RawInode.gid.set(view, 0, gid);
      if (atime !== undefined) {
        RawInode.accessSeconds.set(view, 0, atime.seconds);
        RawInode.accessNanoseconds.set(view, 0, atime.nanoseconds);
      }
      if (mtime !== undefined) {
        RawInode.modifySeconds.set(view, 0, mtime.seconds);
        RawInode.modifyNanoseconds.set(view, 0, mtime.nanoseconds);
      }
    }),
  );
}
