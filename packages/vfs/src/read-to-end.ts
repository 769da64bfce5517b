// Reading a whole file, whatever size it claims to have.

import { ReadaheadState } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { Inode } from './inode.ts';

/** How much is read at a time: the largest cluster and a multiple of every folio order. */
const READ_CHUNK_BYTES = 1 << 20;
/** More than this is refused, as Node does: a sparse file of terabytes costs an image nothing. */
export const READ_FILE_BYTES_MAX = 2 ** 31 - 1;

/**
 * A file from `start` to its end, whatever its size; `between` runs before each part of it. Memory grows with what was
 * read: the array for the whole is made once the first part has been.
 */
export function* readToEnd(
  inode: Inode,
  start: number,
  readahead = new ReadaheadState(),
  between?: () => Task<void>,
): Task<Uint8Array> {
  const size = Math.max(0, inode.attributes().size - start);
  let whole = new Uint8Array(Math.min(READ_CHUNK_BYTES, size));
  for (let at = 0; at < size; ) {
    if (between !== undefined) yield* between();
    const count = yield* inode.read(start + at, whole.subarray(at, at + READ_CHUNK_BYTES), readahead);
    if (count === 0) return whole.slice(0, at);
    at += count;
    if (at < whole.length || at === size) continue;
    const larger = new Uint8Array(size);
    larger.set(whole);
    whole = larger;
  }
  return whole;
}
