// The two ends of a buffered write into one folio that are the same for every filesystem. Between them it makes the folio ready
// for a partial copy, in its own way: the engines that write are built around these.

import type { Task } from '@f2fskit/task';
import type { Folio } from './folio.ts';
import { markDirty } from './folio-dirty.ts';
import { waitStable } from './folio-writeback.ts';
import { PAGE_SHIFT } from './frame-allocator.ts';
import type { Mapping } from './mapping.ts';

/**
 * The folio of a page, locked and with a reference, new if there is none, of order `order` if it can be; waits for room, and
 * until its content may be changed. The caller holds no locked folio.
 */
export function* lockFolioForWrite(mapping: Mapping, index: number, order = mapping.orderMin): Task<Folio> {
  for (;;) {
    const folio = yield* lockOrCreateFolio(mapping, index, order);
    if (folio !== undefined) return folio;
    yield* mapping.cache.waitForRoom();
  }
}

/**
 * As {@link lockFolioForWrite}, for who may hold locked folios of the mapping before this page, and therefore does not wait for
 * room: `undefined` where there is none.
 */
export function* lockOrCreateFolio(mapping: Mapping, index: number, order = mapping.orderMin): Task<Folio | undefined> {
  for (;;) {
    let folio = mapping.find(index);
    if (folio === undefined) {
      folio = mapping.create(index, order);
      folio?.get();
      return folio;
    }
    folio.get();
    if (!folio.tryLock()) yield* folio.lock();
    // It may have been dropped while we waited for its lock (I-2).
    if (folio.mapping === mapping) {
      yield* waitStable(folio);
      return folio;
    }
    folio.unlock();
    folio.put();
  }
}

/**
 * The end of a write of `length` bytes at `position`, of which `copied` are in the folio: what the end of a write owes. The blocks
 * that are touched are uptodate, or the copy was meant to cover them, with what the caller put around it. `file` is told
 * where the write ends (`grow`), while the folio is locked, when it counts. Unlocks and puts the folio; returns the bytes that count.
 */
export function finishFolioWrite(
  folio: Folio,
  position: number,
  length: number,
  copied: number,
  file: { grow(end: number): void },
): number {
  const from = position - folio.position;
  // Short, and what is missing is not there: as if nothing had been copied (I-22).
  const counts = copied > 0 && (copied === length || folio.isUptodate(from, from + length));
  if (counts) {
    const first = from >> PAGE_SHIFT;
    const end = ((from + copied - 1) >> PAGE_SHIFT) + 1;
    folio.markUptodate(first, end);
    markDirty(folio, first, end);
    file.grow(position + copied);
  }
  folio.unlock();
  folio.put();
  return counts ? copied : 0;
}
