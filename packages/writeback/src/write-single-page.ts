// Writing one folio of a file whose blocks each have a place on the device: all that `PageWriter.writePage` owes, for a
// filesystem that only says where a block goes.
//
//   1. the place of a dirty block is asked for; that may wait, and may fail
//   2. the first one that has a place begins the writeback; each goes to the merged bios as soon as it has one, before anything
//      else can happen: nobody sees a block that has a new place and is not on its way
//   3. unlock. The writeback may be over by then
//
// A block without a place has been truncated: it is dropped (H1). A block for which it is too early (EAGAIN) stays dirty, with
// everything behind it; blocks before it have their place and are written.
// Source: spec section 15.5.

import { EAGAIN, FsError } from '@f2fskit/errno';
import { cancelDirty, type Folio, nextDirtyBlock, PAGE_SIZE, redirtyFrom } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { PageBios } from './page-bios.ts';
import type { PageResult } from './write-cache-pages.ts';

/** Where a block goes. */
export interface BlockPlace {
  /** Byte of the device. */
  offset: number;
  /** See `PageBios`. Default 0. */
  stream?: number;
  /** Bits of `BioFlag`. Default 0. */
  flags?: number;
}

/**
 * Says where block `index` of the file is to be written; `undefined` where it need not be. A place that was given is written
 * to. Throws EAGAIN where it is too early, another FsError where it will never be possible.
 */
export type PlaceBlock = (index: number, folio: Folio) => Task<BlockPlace | undefined>;

/**
 * Writes the dirty blocks of a folio that is locked and was taken for writing; unlocks it, whatever happens. Throws what
 * `place` throws, except EAGAIN.
 */
export function* writeSinglePage(folio: Folio, bios: PageBios, place: PlaceBlock): Task<PageResult> {
  let begun = false;
  let failure: unknown;
  let block = nextDirtyBlock(folio, 0);
  try {
    for (; block < folio.pages; block = nextDirtyBlock(folio, block + 1)) {
      const to = yield* place(folio.index + block, folio);
      if (to === undefined) continue;
      if (!begun) bios.begin(folio);
      begun = true;
      bios.add(folio, block * PAGE_SIZE, (block + 1) * PAGE_SIZE, to.offset, to.stream, to.flags);
    }
  } catch (cause) {
    failure = cause;
  }
  const tooEarly = failure instanceof FsError && failure.errno === -EAGAIN;
  if (tooEarly) redirtyFrom(folio, block);
  else if (!begun) cancelDirty(folio);
  if (begun) bios.finish(folio);
  folio.unlock();
  if (tooEarly) return 'retry';
  if (failure !== undefined) throw failure;
  return begun ? 'written' : 'skipped';
}
