// Memory for folios: frames of 4 KiB from slabs of 2 MiB, handed out by a buddy allocator in runs of 2^order frames, order
// 0 … 9. A run is aligned to its own size within its slab, so that a folio is one contiguous piece of memory.
//
//   allocate(order)   the smallest free run that is large enough, split in halves until it fits; else a new slab, up to the
//                     limit; else -1
//   free(frame)       joined with its other half ("buddy": same order, frame number with one bit flipped) as long as that
//                     is free too
//
// Invariants
//   - free runs do not overlap; two buddies are never both free (they would have been joined);
//   - bookkeeping is 9 bytes a frame, made once; a run that has been used before keeps its view (`bytesOf`), because making
//     one costs more than copying the 4 KiB behind it.
//
// Slabs are ordinary ArrayBuffers, and stay: see docs/ARCHITECTURE.md, "Folio memory".

import { assert } from '@f2fskit/errno';

/** Bytes of a frame, and of the page of a file that it holds. */
export const PAGE_SIZE = 4096;
/** log2 of {@link PAGE_SIZE}. */
export const PAGE_SHIFT = 12;
/** The largest folio: 2 MiB. */
export const ORDER_MAX = 9;

const SLAB_FRAMES = 1 << ORDER_MAX;
/** Bytes of a slab. */
export const SLAB_BYTES = SLAB_FRAMES * PAGE_SIZE;
/** What freed memory is filled with, where somebody asked for it: a use after the free then shows as damage. */
const POISON = 0xdb;

const NOT_FREE = -1;
const END = -1;

export class FrameAllocator {
  readonly framesMax: number;
  /** Frames that are handed out. */
  framesUsed = 0;
  readonly #poison: boolean;
  readonly #slabs: ArrayBuffer[] = [];
  /** First free run of each order. */
  readonly #heads = new Int32Array(ORDER_MAX + 1).fill(END);
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** The order of the free run that begins at a frame, or NOT_FREE. */
  readonly #freeOrder: Int8Array;
  /** By order: the views of runs that have been used, by frame / 2^order. */
  readonly #views: Array<Array<Uint8Array | undefined>> = Array.from({ length: ORDER_MAX + 1 }, () => []);

  /** `bytesMax` is rounded up to whole slabs. */
  constructor(bytesMax: number, poison = false) {
    this.framesMax = Math.ceil(bytesMax / SLAB_BYTES) * SLAB_FRAMES;
    this.#poison = poison;
    this.#next = new Int32Array(this.framesMax);
    this.#previous = new Int32Array(this.framesMax);
    this.#freeOrder = new Int8Array(this.framesMax).fill(NOT_FREE);
  }

  /** Bytes of the slabs that exist. */
  get slabBytes(): number {
    return this.#slabs.length * SLAB_BYTES;
  }

  /**
   * The first frame of a free run of 2^order frames; -1 when there is none. `framesLimit`: the most frames that may be
   * in use afterwards.
   */
  allocate(order: number, framesLimit = this.framesMax): number {
    assert(order >= 0 && order <= ORDER_MAX, 'orders are 0 to 9');
    if (this.framesUsed + (1 << order) > framesLimit) return -1;
    let from = order;
    while (from <= ORDER_MAX && this.#heads[from] === END) from++;
    if (from > ORDER_MAX) {
      if (this.#slabs.length * SLAB_FRAMES >= this.framesMax) return -1;
      this.#push(this.#slabs.length * SLAB_FRAMES, ORDER_MAX);
      this.#slabs.push(new ArrayBuffer(SLAB_BYTES));
      from = ORDER_MAX;
    }
    const frame = this.#heads[from]!;
    this.#take(frame, from);
    while (from > order) {
      from--;
      this.#push(frame + (1 << from), from);
    }
    this.framesUsed += 1 << order;
    return frame;
  }

  /** Gives a run back, as it was allocated. */
  free(frame: number, order: number): void {
    assert(this.#freeOrder[frame] === NOT_FREE, 'a free run is not freed again');
    if (this.#poison) this.bytesOf(frame, order).fill(POISON);
    this.framesUsed -= 1 << order;
    let first = frame;
    let size = order;
    while (size < ORDER_MAX) {
      const buddy = first ^ (1 << size);
      if (this.#freeOrder[buddy] !== size) break;
      this.#take(buddy, size);
      first &= ~(1 << size);
      size++;
    }
    this.#push(first, size);
  }

  /** The memory of a run. The same view each time. */
  bytesOf(frame: number, order: number): Uint8Array {
    const views = this.#views[order]!;
    const existing = views[frame >> order];
    if (existing !== undefined) return existing;
    const slab = this.#slabs[frame >> ORDER_MAX]!;
    const view = new Uint8Array(slab, (frame & (SLAB_FRAMES - 1)) * PAGE_SIZE, PAGE_SIZE << order);
    views[frame >> order] = view;
    return view;
  }

  /** The free runs of each order: for tests and for who wants to see fragmentation. */
  freeRuns(): number[] {
    return Array.from(this.#heads, (head) => {
      let count = 0;
      for (let frame = head; frame !== END; frame = this.#next[frame]!) count++;
      return count;
    });
  }

  #push(frame: number, order: number): void {
    const head = this.#heads[order]!;
    this.#next[frame] = head;
    this.#previous[frame] = END;
    if (head !== END) this.#previous[head] = frame;
    this.#heads[order] = frame;
    this.#freeOrder[frame] = order;
  }

  #take(frame: number, order: number): void {
    const next = this.#next[frame]!;
    const previous = this.#previous[frame]!;
    if (previous === END) this.#heads[order] = next;
    else this.#next[previous] = next;
    if (next !== END) this.#previous[next] = previous;
    this.#freeOrder[frame] = NOT_FREE;
  }
}
