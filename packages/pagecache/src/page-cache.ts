// The page cache of one volume: a fixed budget of memory, and the folios of all its mappings (files, nodes, the device's own
// blocks) competing for it.
//
//   room         free frames first, then new slabs, then reclaim: the oldest clean folios that nobody holds (reclaim-list.ts)
//   dirty        is never reclaimed. The pages that are dirty or being written are counted; writers stop when they are too
//                many (`overDirtyLimit`), so that there is always something to reclaim
//   order        a folio is wanted at an order; without room there, at the next smaller one, down to what the mapping needs
//   no room      every folio is locked, held or dirty. Who asks for file data gets none and waits (`waitForRoom`),
//                holding no locked folio. Metadata is needed by tasks that do hold some, so it may take from a reserve beyond
//                the budget: those tasks finish, and what they held becomes reclaimable
//
// The cache writes nothing by itself: it asks for it (`onPressure`), and whoever waits goes on when a writeback has ended.
// Source: design decision 2; spec 2.3, 3.1 and 4 (balance_dirty_pages).

import { assert } from '@f2fskit/errno';
import { Completion, type Task, type Tracer } from '@f2fskit/task';
import { ErrorSequence } from './error-sequence.ts';
import { Folio } from './folio.ts';
import { FrameAllocator, ORDER_MAX, PAGE_SIZE, SLAB_BYTES } from './frame-allocator.ts';
import type { Mapping } from './mapping.ts';
import { ReclaimList } from './reclaim-list.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A folio entered a mapping, locked and empty. */
    'folio:create': { mapping: string; index: number; order: number };
    /** A folio left its mapping: reclaimed for its memory, or dropped by its owner. */
    'folio:remove': { mapping: string; index: number; order: number; reclaimed: boolean };
  }
}

/** Bytes of a cache unless a mount says otherwise. */
export const CACHE_BYTES_DEFAULT = 64 * 1024 * 1024;
/** The smallest cache: one folio of the highest order, and room for what leads to it. */
export const CACHE_BYTES_MIN = 2 * SLAB_BYTES;
/**
 * What metadata may take beyond the budget when everything else is held: 2 MiB, 512 nodes in flight. As long as it is not
 * needed, the same slab is where a large folio finds a run while the others are in pieces.
 */
const RESERVE_BYTES = SLAB_BYTES;

export interface PageCacheOptions {
  /** Memory for folios, rounded up to 2 MiB and to {@link CACHE_BYTES_MIN}. Default 64 MiB. */
  budgetBytes?: number;
  /** The highest order of any folio, 0 … 9. Default 9. A knob for tests and measurements. */
  orderMax?: number;
  /** Dirty bytes above which writeback begins in the background. Default: a quarter of the budget. */
  dirtyBytesBackground?: number;
  /** Bytes dirty or being written above which writers wait. Default: half of the budget; at most the budget less 2 MiB. */
  dirtyBytesMax?: number;
  /** Overwrites memory that is freed, so that a use after the free shows. For tests. */
  poison?: boolean;
  tracer?: Tracer | undefined;
}

/** What a cache has done since it was made. */
export interface PageCacheStatistics {
  foliosCreated: number;
  foliosReclaimed: number;
  /** Times that somebody waited for room. */
  waits: number;
  /** Times that somebody waited because too much was dirty. */
  throttles: number;
}

export class PageCache {
  readonly budgetBytes: number;
  readonly orderMax: number;
  readonly tracer: Tracer | undefined;
  readonly statistics: PageCacheStatistics = { foliosCreated: 0, foliosReclaimed: 0, waits: 0, throttles: 0 };
  readonly dirtyBytesBackground: number;
  readonly dirtyBytesMax: number;
  /** Pages of dirty folios in all mappings (I-5). Changed by mappings. */
  dirtyPages = 0;
  /** Pages of folios under writeback in all mappings. Changed by mappings. */
  writebackPages = 0;
  /** Writes that failed in any mapping: for who syncs the whole volume. */
  readonly errors = new ErrorSequence();
  /**
   * Called when somebody needs dirty folios to be written: sees to it that this happens, and does not wait for it. Without
   * it nobody is throttled: nothing would ever wake them.
   */
  onPressure: (() => void) | undefined = undefined;
  readonly #frames: FrameAllocator;
  readonly #framesBudget: number;
  readonly #folios = new ReclaimList();
  #waiters: Completion[] = [];
  /** Done when something has been cleaned; there while somebody waits for that. */
  #cleaned: Completion | undefined = undefined;

  constructor(options: PageCacheOptions = {}) {
    const wanted = Math.max(CACHE_BYTES_MIN, options.budgetBytes ?? CACHE_BYTES_DEFAULT);
    this.budgetBytes = Math.ceil(wanted / SLAB_BYTES) * SLAB_BYTES;
    this.orderMax = options.orderMax ?? ORDER_MAX;
    assert(Number.isInteger(this.orderMax) && this.orderMax >= 0 && this.orderMax <= ORDER_MAX, 'orders are 0 to 9');
    this.dirtyBytesMax = Math.min(options.dirtyBytesMax ?? this.budgetBytes / 2, this.budgetBytes - SLAB_BYTES);
    this.dirtyBytesBackground = Math.min(options.dirtyBytesBackground ?? this.budgetBytes / 4, this.dirtyBytesMax);
    this.tracer = options.tracer;
    this.#frames = new FrameAllocator(this.budgetBytes + RESERVE_BYTES, options.poison);
    this.#framesBudget = this.budgetBytes / PAGE_SIZE;
  }

  /** Folios in all mappings. */
  get folioCount(): number {
    return this.#folios.size;
  }

  /** Bytes in folios. */
  get bytesUsed(): number {
    return this.#frames.framesUsed * PAGE_SIZE;
  }

  /** Bytes of memory that the cache has taken from the engine so far. */
  get bytesAllocated(): number {
    return this.#frames.slabBytes;
  }

  /** So much is dirty that it should be written in the background. */
  get overDirtyBackground(): boolean {
    return this.dirtyPages * PAGE_SIZE > this.dirtyBytesBackground;
  }

  /** So much is dirty or being written that writers should wait. */
  get overDirtyLimit(): boolean {
    return (this.dirtyPages + this.writebackPages) * PAGE_SIZE > this.dirtyBytesMax;
  }

  /**
   * A folio for [index, index + 2^order) of a mapping, reclaiming others for it; `undefined` when every other one is held.
   * For mappings, which insert it.
   */
  allocate(mapping: Mapping, index: number, order: number, urgent: boolean): Folio | undefined {
    let frame = this.#frames.allocate(order, this.#framesBudget);
    if (frame < 0) frame = this.#reclaimFor(order, order > mapping.orderMin);
    if (frame < 0 && urgent) frame = this.#frames.allocate(order);
    if (frame < 0) return undefined;
    const folio = new Folio(mapping, index, order, frame, this.#frames.bytesOf(frame, order));
    folio.tryLock();
    this.#folios.add(folio);
    this.statistics.foliosCreated++;
    return folio;
  }

  /** Gives the memory of a removed folio back. Nobody holds it. */
  release(folio: Folio): void {
    assert(folio.mapping === undefined && folio.references === 0, 'only a removed folio without holders is freed');
    this.#frames.free(folio.frame, folio.order);
    this.onReclaimable();
  }

  /** A mapping has taken a folio out. */
  onRemoved(folio: Folio): void {
    this.#folios.remove(folio);
    if (folio.references === 0) this.release(folio);
  }

  /**
   * Something may be reclaimed now that was held before. Everybody who waits for room looks again: if only one were woken,
   * and had found elsewhere what it needs, the others would wait for an event that is over.
   */
  onReclaimable(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const turn of waiters) turn.complete();
  }

  /** Dirty data has reached the device, or is no longer wanted: writers that wait look again. */
  onCleaned(): void {
    const waiting = this.#cleaned;
    this.#cleaned = undefined;
    waiting?.complete();
  }

  /** Waits until something dirty has been cleaned. The caller holds no lock that writeback needs (I-23). */
  *waitForCleaning(): Task<void> {
    this.statistics.throttles++;
    this.#cleaned ??= new Completion();
    const cleaned = this.#cleaned;
    this.onPressure?.();
    yield cleaned;
  }

  /**
   * Waits until some folio is given up or written: then try again. The caller holds no locked folio: it may be the one that
   * others wait for.
   */
  *waitForRoom(): Task<void> {
    this.statistics.waits++;
    const turn = new Completion();
    this.#waiters.push(turn);
    if (this.dirtyPages > 0) this.onPressure?.();
    yield turn;
  }

  /**
   * Frees the oldest folios until there is a run of `order`, or, if a smaller order would do as well, until as much memory
   * has been freed as the folio needs.
   */
  #reclaimFor(order: number, smallerWillDo: boolean): number {
    let pagesLeft = smallerWillDo ? 2 ** order : Number.POSITIVE_INFINITY;
    for (;;) {
      if (pagesLeft <= 0) return -1;
      const victim = this.#folios.victim();
      if (victim === undefined) return -1;
      pagesLeft -= victim.pages;
      this.statistics.foliosReclaimed++;
      victim.mapping!.remove(victim, true);
      const frame = this.#frames.allocate(order, this.#framesBudget);
      if (frame >= 0) return frame;
    }
  }
}
