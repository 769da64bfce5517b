// A buffered write, a page at a time (a folio at a time where the mapping has larger ones). For each piece:
//
//   1. bytes of the source are made available; nothing is locked (L5)
//   2. `writeBegin`: the filesystem locks a folio that is ready for a partial copy: what the copy leaves out and a reader could
//      see is uptodate, or the copy must cover whole blocks
//   3. copy what is available
//   4. `writeEnd`: takes all of it, or nothing: a short copy into a block that is not uptodate is not counted, else a reader
//      would see bytes that nobody wrote (I-22). Dirties, extends the file, unlocks
//   5. nothing taken: again, with what could be copied, or with half as much; so that it comes on in the end
//   6. too much dirty: wait until some of it has been written; nothing is locked (I-23)
//
// The caller holds whatever keeps other writers and truncation away.
// Source: spec section 4; kernel mm/filemap.c describes the idea.

import { assert, EIO, FsError } from '@f2fskit/errno';
import type { WriteSource } from '@f2fskit/iomap';
import { balanceDirtyPages, type Folio, type Mapping, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';

/** What a filesystem supplies for writes to one file. */
export interface PageWriteOperations {
  /**
   * A folio that contains `position`, locked and with a reference, not under writeback if the mapping is stable. `length` bytes
   * are to be written there, or up to the end of the folio. Undoes everything when it throws.
   */
  writeBegin(position: number, length: number): Task<Folio>;
  /**
   * `copied` of `length` bytes are in the folio. Returns how many of them count: `copied` or 0. Marks them uptodate and dirty,
   * extends the file while the folio is locked (I-25), unlocks and puts it, also when it throws. See `finishFolioWrite`.
   */
  writeEnd(position: number, length: number, copied: number, folio: Folio): number;
  /**
   * Waits until not too much is dirty, `undefined` where it is not; no folio is locked. Default {@link balanceDirtyPages}; see
   * `Flusher.throttle`.
   */
  throttle?(): Task<void> | undefined;
}

/** Tries without a byte after which a source is taken to be broken. */
const TRIES_MAX = 16;

/**
 * Writes the bytes of `source` at `position`. Returns how many: fewer when something failed after the first; throws when
 * nothing was written.
 */
export function* performWrite(
  mapping: Mapping,
  position: number,
  source: WriteSource,
  operations: PageWriteOperations,
): Task<number> {
  let done = 0;
  const chunkMax = PAGE_SIZE * 2 ** mapping.orderMax;
  let chunk = chunkMax;
  /** What could be copied of a piece that was refused: the next try is for that. */
  let limit = Number.POSITIVE_INFINITY;
  let tries = 0;
  /** Where the bytes end that the source has made available. */
  let prepared = 0;
  try {
    while (done < source.length) {
      const at = position + done;
      const length = Math.min(chunk - (at % chunk), source.length - done, limit);
      if (prepared < done + length) prepared = done + (yield* source.prepare(done, length));
      const folio = yield* operations.writeBegin(at, length);
      const from = at - folio.position;
      assert(folio.locked && from >= 0 && from < folio.size, 'the folio is locked and contains the position');
      const room = Math.min(length, folio.size - from);
      const copied = source.copy(done, room === folio.size ? folio.bytes : folio.bytes.subarray(from, from + room));
      const taken = operations.writeEnd(at, room, copied, folio);
      assert(taken === copied || taken === 0, 'what was copied counts as a whole, or not at all');
      // The source gives again what it is asked for.
      if (copied === room && length < limit) chunk = Math.min(chunkMax, chunk * 2);
      limit = Number.POSITIVE_INFINITY;
      if (copied < room) prepared = done;
      if (taken > 0) {
        done += taken;
        tries = 0;
        const brake = operations.throttle === undefined ? balanceDirtyPages(mapping.cache) : operations.throttle();
        if (brake !== undefined) yield* brake;
      } else {
        chunk = Math.max(PAGE_SIZE, chunk / 2);
        if (copied > 0) limit = copied;
        if (++tries === TRIES_MAX) throw new FsError(EIO, 'the source of a write gives no bytes');
      }
    }
  } catch (cause) {
    if (done === 0 || !(cause instanceof FsError)) throw cause;
  }
  return done;
}
