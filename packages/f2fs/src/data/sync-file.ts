// fsync(2), fdatasync(2): pages first, then what leads to them, then the flush of the device.
//
// Small and data-only syncs leave blocks where they are: the node does not change, and need not be written.
// Source: buffered I/O spec 19; kernel fs/f2fs/file.c (f2fs_do_sync_file).

import type { ErrorCursor } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { flushFile } from '@f2fskit/writeback';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { FileWriteback } from './file-writeback.ts';
import { IN_PLACE_PAGES_MAX } from './placement.ts';

/** Makes a file or directory durable. Throws what failed since `cursor` was asked last, EIO, EROFS. */
export function* syncFile(
  writer: VolumeWriter,
  inode: F2fsInode,
  writeback: FileWriteback | undefined,
  cursor: ErrorCursor,
  dataOnly: boolean,
): Task<void> {
  if (writeback !== undefined) {
    const flush = flushFile(writeback, cursor);
    yield* dataOnly || writeback.mapping.dirtyBlocks <= IN_PLACE_PAGES_MAX ? writeback.inPlace(flush) : flush;
  }
  // Between two changes of the file: slots behind its end, reserved by a write under way, would make it longer when recovered.
  yield* writer.locks.shared(inode.ino, () => writer.fsyncInode(inode.ino, dataOnly));
}
