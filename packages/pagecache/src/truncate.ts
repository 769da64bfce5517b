// Taking content out of the cache for good, dirty or not: the end of a file that gets shorter, a hole that is punched.
//
// The caller has excluded those who would fill or dirty the range meanwhile; readers that hold a folio keep its memory. Folios
// are locked one at a time, in ascending order, and each is waited for: nobody removes what a device is reading (H1).
// Source: spec section 9.1.

import type { Task } from '@f2fskit/task';
import { type Folio, FolioFlag } from './folio.ts';
import { cancelDirty, cancelDirtyBlocks } from './folio-dirty.ts';
import { waitWriteback } from './folio-writeback.ts';
import { PAGE_SIZE } from './frame-allocator.ts';
import type { Mapping } from './mapping.ts';

/**
 * Drops the bytes [start, end) of a file from its cache. Folios wholly within go. Of one that reaches out of the range, the
 * part within is zeroed, and its blocks wholly within are no longer dirty; a block that is cut by `start` or `end` stays dirty
 * if it was, and is written with the zeros.
 */
export function* discardRange(mapping: Mapping, start: number, end = Number.POSITIVE_INFINITY): Task<void> {
  for (let at = Math.floor(start / PAGE_SIZE); ; ) {
    const folio = mapping.index.next(at);
    if (folio === undefined || folio.position >= end) return;
    folio.get();
    if (!folio.tryLock()) yield* folio.lock();
    if (folio.writeback) yield* waitWriteback(folio);
    // Else it has gone while we waited: look again at the same place (I-2).
    if (folio.mapping === mapping) {
      at = folio.endIndex;
      discardFrom(mapping, folio, Math.max(0, start - folio.position), Math.min(folio.size, end - folio.position));
    }
    folio.unlock();
    folio.put();
  }
}

/**
 * What a file of `size` bytes has cached behind its end goes (I-12). Its last block, if the new end cuts it, must have been
 * read and dirtied before, so that the zeros reach the device.
 */
export function* truncateMapping(mapping: Mapping, size: number): Task<void> {
  yield* discardRange(mapping, size);
}

/** Drops the bytes [from, to) of a locked folio. */
function discardFrom(mapping: Mapping, folio: Folio, from: number, to: number): void {
  if (from >= to) return;
  if (from === 0 && to === folio.size) {
    if (folio.dirty) cancelDirty(folio);
    mapping.remove(folio);
    return;
  }
  folio.bytes.fill(0, from, to);
  // Who comes to the marker would read ahead behind the end.
  folio.flags &= ~FolioFlag.READAHEAD;
  if (folio.dirty) cancelDirtyBlocks(folio, Math.ceil(from / PAGE_SIZE), Math.floor(to / PAGE_SIZE));
}
