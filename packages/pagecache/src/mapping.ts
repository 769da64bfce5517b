// The page cache of one file (or of a device's blocks, or of all nodes): an index of folios, and the orders they may have.
//
// Folio sizes are hints, never promises: who asks for a folio works with what comes back, larger or smaller, possibly
// beginning before the page that was asked for (spec 3.1).

import { assert } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Folio } from './folio.ts';
import { FolioIndex, INDEX_END } from './folio-index.ts';
import { ORDER_MAX } from './frame-allocator.ts';
import type { PageCache } from './page-cache.ts';
import { isReclaimable } from './reclaim-list.ts';

export interface MappingOptions {
  /** For traces and messages. */
  name: string;
  /** Folios have at least this order, as far as the cache allows it. */
  orderMin?: number;
  /** Folios have at most this order. */
  orderMax?: number;
  /** Needed by tasks that hold locked folios: may use the cache's reserve. */
  urgent?: boolean;
}

export class Mapping {
  readonly cache: PageCache;
  readonly name: string;
  readonly orderMin: number;
  readonly orderMax: number;
  readonly index = new FolioIndex();
  readonly #urgent: boolean;

  constructor(cache: PageCache, options: MappingOptions) {
    this.cache = cache;
    this.name = options.name;
    this.orderMax = Math.min(options.orderMax ?? ORDER_MAX, cache.orderMax);
    this.orderMin = Math.min(options.orderMin ?? 0, this.orderMax);
    this.#urgent = options.urgent ?? false;
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

  /** Takes a folio out: the caller holds its lock, or nobody else holds it. Its memory lives as long as its references. */
  remove(folio: Folio, reclaimed = false): void {
    assert(folio.mapping === this, 'a folio is removed from its own mapping');
    assert(folio.locked || folio.references === 0, 'a folio is removed under its lock');
    const { tracer } = this.cache;
    if (tracer?.active) {
      tracer.emit('folio:remove', { mapping: this.name, index: folio.index, order: folio.order, reclaimed });
    }
    this.index.remove(folio);
    folio.mapping = undefined;
    folio.blocks = undefined;
    this.cache.onRemoved(folio);
  }

  /** Drops every folio that nobody holds: for an owner that goes away. The others are reclaimed when they are given up. */
  dropUnused(): void {
    for (let folio = this.index.next(0); folio !== undefined; ) {
      const next = folio.endIndex < INDEX_END ? this.index.next(folio.endIndex) : undefined;
      if (isReclaimable(folio)) this.remove(folio);
      folio = next;
    }
  }

  /** Drops the folios of the pages [start, end), waiting for those that are locked. Their content is read anew. */
  *invalidate(start: number, end: number): Task<void> {
    for (let at = start; at < end; ) {
      const folio = this.index.next(at);
      if (folio === undefined || folio.index >= end) return;
      at = folio.endIndex;
      folio.get();
      if (!folio.tryLock()) yield* folio.lock();
      if (folio.mapping === this) this.remove(folio);
      folio.unlock();
      folio.put();
    }
  }
}
