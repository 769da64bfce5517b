// Changing the bytes of a file where they lie in the cache: what a store to a shared mapping is, page by page. The page is made
// whole first, its space is reserved, nobody reads or writes it to the device meanwhile, and it is dirty behind it.
//
// The caller holds whatever keeps writers and truncation away.
// Source: spec section 9.7; kernel fs/iomap/buffered-io.c (iomap_page_mkwrite) describes the idea.

import { balanceDirtyPages, finishFolioWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import type { WriteOperations } from './buffered-write.ts';
import { IomapFlag, IomapRequest } from './iomap.ts';
import { IomapIterator } from './iterator.ts';
import { lockWithEdges } from './lock-with-edges.ts';

/** Changes bytes of a file in place, at `position`. Must not wait and not call the file; the memory is not its own. */
export type Mutator = (bytes: Uint8Array, position: number) => void;

/**
 * Calls `mutate` with the bytes [position, position + length) of the cache, which lie within the file, a page or a part of one
 * at a time, in order. Throws what reserving and reading met; pages before that stay changed.
 */
export function* dirtyRange(
  file: BufferedFile,
  position: number,
  length: number,
  mutate: Mutator,
  operations: WriteOperations,
): Task<void> {
  const walk = new IomapIterator(operations, position, length, IomapRequest.WRITE);
  try {
    while (yield* walk.next()) {
      while (walk.length > 0) if (!(yield* dirtyPage(file, walk, mutate, operations))) break;
    }
  } catch (cause) {
    yield* walk.abort();
    throw cause;
  }
}

/** False: the mapping is to be asked for again. */
function* dirtyPage(
  file: BufferedFile,
  walk: IomapIterator,
  mutate: Mutator,
  operations: WriteOperations,
): Task<boolean> {
  const { position, map } = walk;
  const brake = operations.throttle === undefined ? balanceDirtyPages(file.mapping.cache) : operations.throttle();
  if (brake !== undefined) yield* brake;
  const index = Math.floor(position / PAGE_SIZE);
  const count = Math.min(walk.length, (index + 1) * PAGE_SIZE - position);
  // A place within the page as both edges: all of it is read.
  const within = index * PAGE_SIZE + 1;
  const folio = yield* lockWithEdges(file, index, within, within);
  if (operations.valid !== undefined && !operations.valid(map)) {
    map.flags |= IomapFlag.STALE;
    folio.unlock();
    folio.put();
    return false;
  }
  const from = position - folio.position;
  const inside = file.size - folio.position;
  const end = from - (from % PAGE_SIZE) + PAGE_SIZE;
  if (inside < end) folio.bytes.fill(0, inside, end);
  let done = false;
  try {
    mutate(folio.bytes.subarray(from, from + count), position);
    done = true;
  } finally {
    // Also after a throw: some of it may have been changed.
    finishFolioWrite(folio, position, count, count, operations);
    if (done) walk.advance(count);
  }
  return true;
}
