// fsync, as far as the pages of a file are concerned: everything that was dirty in the range is on the device, or this says that
// it is not. On the device is not durable: metadata and a flush of the device come next, and are the filesystem's.

import { FsError } from '@f2fskit/errno';
import type { ErrorCursor } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { DirtyFile } from './flusher.ts';
import type { PassResult } from './writeback-pass.ts';

/**
 * Writes the bytes [start, end) of a file and waits. Throws what failed, now or since `cursor`, which belongs to the open
 * file, was asked last: once for each error and open file (I-46, R25).
 */
export function* flushFile(
  file: DirtyFile,
  cursor: ErrorCursor,
  start = 0,
  end = Number.POSITIVE_INFINITY,
): Task<PassResult> {
  const result = yield* file.write({ mode: 'all', rangeStart: start, rangeEnd: end });
  // The cursor is asked in any case: an error that is reported here is not reported again.
  const error = cursor.take() || result.error;
  if (error !== 0) throw new FsError(error, { syscall: 'fsync' });
  return result;
}
