// sync_file_range(2): pages of a range to the device, and no more: nothing that leads to them, and no flush. Not a way to make
// anything durable, but to decide when it is written.
//
// Source: sync_file_range(2); kernel fs/sync.c (ksys_sync_file_range).

import { FsError } from '@f2fskit/errno';
import { type ErrorCursor, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { RangeSyncMode } from '@f2fskit/vfs';
import { flushFile, waitForWriteback } from '@f2fskit/writeback';
import type { FileWriteback } from './file-writeback.ts';

/** Writes, or waits for, the pages that hold bytes [start, end). Throws what failed since `cursor` was asked last. */
export function* syncRange(
  writeback: FileWriteback,
  cursor: ErrorCursor,
  mode: RangeSyncMode,
  start: number,
  end: number,
): Task<void> {
  if (mode === 'write') {
    yield* flushFile(writeback, cursor, start, end);
    return;
  }
  if (mode === 'start') {
    yield* writeback.write({ mode: 'none', rangeStart: start, rangeEnd: end });
    return;
  }
  yield* waitForWriteback(writeback.mapping, Math.floor(start / PAGE_SIZE), Math.ceil(end / PAGE_SIZE));
  const error = cursor.take();
  if (error !== 0) throw new FsError(error);
}
