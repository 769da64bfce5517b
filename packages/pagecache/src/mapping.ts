// The page cache of one file (or of a device's blocks, or of all nodes): an index of folios, the orders they may have,
// how much of it is dirty, and which writes failed.
//
// Folio sizes are hints, never promises: who asks for a folio works with what comes back, larger or smaller, possibly
// beginning before the page that was asked for (spec 3.1).

import { assert } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { ErrorSequence } from './error-sequence.ts';
import type { Folio } from './folio.ts';
import { FolioIndex, INDEX_END } from './folio-index.ts';
import { waitWriteback } from './folio-writeback.ts';
import { ORDER_MAX } from './frame-allocator.ts';
import type { PageCache } from './page-cache.ts';

export interface MappingOptions {
  /** For traces and messages. */
  name: string;
  /** Folios have at least this order, as far as the cache allows it. */
  orderMin?: number;
  /** Folios have at most this order. */
  orderMax?: number;
  /** Needed by tasks that hold locked folios: may use the cache's reserve. */
  urgent?: boolean;
  /**
   * What is being written does not change: who wants to write to a folio waits until its writeback is over (I-40). Needed
   * where the bytes are summed, compressed or encrypted on their way. Default false.
   */
  stable?: boolean;
  /**
   * Called when the first folio of a clean mapping becomes dirty, after everything has been counted: for an owner that keeps
   * a list of what is dirty. Must not wait and not touch folios.
   */
  onDirty?: ((mapping: Mapping) => void) | undefined;
}

export class Mapping {
  readonly cache: PageCache;
  readonly name: string;
  readonly orderMin: number;
  readonly orderMax: number;
  readonly stable: boolean;
  readonly index = new FolioIndex();
  /** Writes that failed, for those who have the file open; see `ErrorCursor`. */
  readonly errors = new ErrorSequence();
  /** Pages of dirty folios (I-5). */
  dirtyPages = 0;
  /** Blocks that are dirty: of a folio of which some are, those. Counted for who wants to know how much there is to write. */
  dirtyBlocks = 0;
  /** Pages of folios under writeback. */
  writebackPages = 0;
  /** Where a cyclic writeback pass goes on. */
  writebackIndex = 0;
  readonly #urgent: boolean;
  readonly #onDirty: ((mapping: Mapping) => void) | undefined;

  constructor(cache: PageCache, options: MappingOptions) {
    this.cache = cache;
    this.name = options.name;
    this.orderMax = Math.min(options.orderMax ?? ORDER_MAX, cache.orderMax);
    this.orderMin = Math.min(options.orderMin ?? 0, this.orderMax);
    this.stable = options.stable ?? false;
    this.#urgent = options.urgent ?? false;
    this.#onDirty = options.onDirty;
  }

  /** The folio that covers a page, in whatever state; never waits. */
  find(index: number): Folio | undefined {
    return this.index.find(index);
  }

  /**
   * A new folio that covers page `index`, locked and in the index, with nothing uptodate. Of order `order` if it can be:
   * smaller where `index` is not aligned to it, where its pages are taken, or without room. `undefined` when there is no room
   * at all, or page `index` has a folio.
   */
  create(index: number, order = this.orderMin): Folio | undefined {
    assert(index >= 0 && index < INDEX_END, 'a page number has 32 bits');
    // At the least order a folio begins where it must; above it, at `index` itself.
    const start = index - (index % 2 ** this.orderMin);
    let wanted = Math.max(this.orderMin, Math.min(order, this.orderMax));
    while (wanted > this.orderMin && start % 2 ** wanted !== 0) wanted--;
    for (; wanted >= this.orderMin; wanted--) {
      if (!this.index.isFree(start, wanted)) continue;
      const folio = this.cache.allocate(this, start, wanted, this.#urgent);
      if (folio === undefined) continue;
      // Reclaim may have taken folios of this very mapping, but put none in: nothing waits in between.
      this.index.insert(folio);
      const { tracer } = this.cache;
      if (tracer?.active) tracer.emit('folio:create', { mapping: this.name, index: start, order: wanted });
      return folio;
    }
    return undefined;
  }

  /** Counts pages of folios that became dirty, or, negative, clean. For `folio-dirty.ts`. */
  countDirty(pages: number): void {
    const before = this.dirtyPages;
    this.dirtyPages += pages;
    this.cache.dirtyPages += pages;
    assert(this.dirtyPages >= 0, 'no more pages become clean than were dirty');
    if (before === 0) this.#onDirty?.(this);
  }

  /** Counts pages of folios whose writeback began, or, negative, ended. For `folio-writeback.ts`. */
  countWriteback(pages: number): void {
    this.writebackPages += pages;
    this.cache.writebackPages += pages;
  }

  /** A write failed with an error number: everybody who has the file open is told once, and so is who syncs the volume. */
  setError(errno: number): void {
    this.errors.set(errno);
    this.cache.errors.set(errno);
  }

  /**
   * Takes a clean folio out: the caller holds its lock, or nobody else holds it. Its memory lives as long as its references.
   */
  remove(folio: Folio, reclaimed = false): void {
    assert(folio.mapping === this, 'a folio is removed from its own mapping');
    assert(folio.locked || folio.references === 0, 'a folio is removed under its lock');
    assert(!folio.dirty && !folio.writeback, 'a folio is removed when it is clean');
    const { tracer } = this.cache;
    if (tracer?.active) {
      tracer.emit('folio:remove', { mapping: this.name, index: folio.index, order: folio.order, reclaimed });
    }
    this.index.remove(folio);
    folio.mapping = undefined;
    folio.blocks = undefined;
    this.cache.onRemoved(folio);
  }

  /**
   * Drops every clean folio that nobody holds: for an owner that goes away. The others are reclaimed when they are given up
   * or written.
   */
  dropUnused(): void {
    for (let folio = this.index.next(0); folio !== undefined; ) {
      const next = this.index.next(folio.endIndex);
      if (folio.reclaimable) this.remove(folio);
      folio = next;
    }
  }

  /**
   * Drops the clean folios of the pages [start, end), waiting for those that are locked or being written: their content is
   * read anew. Dirty ones stay; returns how many. To lose them as well: `discardRange`.
   */
  *invalidate(start: number, end: number): Task<number> {
    let left = 0;
    for (let at = start; at < end; ) {
      const folio = this.index.next(at);
      if (folio === undefined || folio.index >= end) break;
      folio.get();
      if (!folio.tryLock()) yield* folio.lock();
      if (folio.writeback) yield* waitWriteback(folio);
      // Else it has gone while we waited: look again at the same place (I-2).
      if (folio.mapping === this) {
        at = folio.endIndex;
        if (folio.dirty) left++;
        else this.remove(folio);
      }
      folio.unlock();
      folio.put();
    }
    return left;
  }
}
