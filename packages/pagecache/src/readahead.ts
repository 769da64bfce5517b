// Readahead: what one reader of a file is likely to want next. The state belongs to the reader (an open file), not to the
// file: two readers at two places do not disturb each other.
//
//   miss        a page that is wanted is not cached: `onMiss` plans a window that begins with it. A reader that goes on
//               where it stopped, or starts at the beginning, gets more than it asked for; a random one exactly that
//   marker      one folio of each window carries a marker. Who reaches it has used most of the window: `onMarker` plans
//               the next one, behind this one, before anybody misses it
//   growth      each window is larger than the last, up to `windowPagesMax`, and its folios are of a higher order: a
//               reader that has been right so far is likely to be right again
//
//   window   start ├──────────────────┬──────────┤ start + size
//                                     marker, asyncSize before the end
//
// Source: spec section 7.3; kernel mm/readahead.c describes the idea.

import { PAGE_SIZE } from './frame-allocator.ts';

/** A window of pages to be read. `order` is a wish for its folios. */
export interface ReadaheadWindow {
  start: number;
  size: number;
  /** Pages at the end of the window, the first of which gets the marker; 0 = no marker. */
  asyncSize: number;
  order: number;
}

/** What a reader gets of which nothing is known: what it asks for, in folios as large as that. */
export function randomWindow(index: number, count: number, orderMax: number): ReadaheadWindow {
  const size = Math.max(1, Math.min(count, READAHEAD_PAGES_MAX));
  return { start: index, size, asyncSize: 0, order: Math.min(orderMax, 31 - Math.clz32(size)) };
}

/** Largest window by default: 2 MiB, one folio of the highest order. */
export const READAHEAD_PAGES_MAX = 512;

/** A window is at most this part of a cache. */
const WINDOWS_IN_BUDGET = 8;

/** How much the order grows with each window that was used. */
const ORDER_STEP = 2;

export class ReadaheadState implements ReadaheadWindow {
  /** The window in force; `size` 0 = none. */
  start = 0;
  size = 0;
  asyncSize = 0;
  order = 0;
  /** The page behind the last one that was read: where a sequential reader goes on. */
  next = 0;
  /** Windows have at most so many pages; a small cache lowers it. */
  windowPagesMax: number;

  constructor(windowPagesMax = READAHEAD_PAGES_MAX) {
    this.windowPagesMax = windowPagesMax;
  }

  /** Keeps windows small in a cache of `budgetBytes`: one being used and one ahead leave room for others. */
  fitTo(budgetBytes: number): void {
    const pages = powerOfTwoAtLeast(budgetBytes / PAGE_SIZE / WINDOWS_IN_BUDGET);
    if (pages < this.windowPagesMax) this.windowPagesMax = pages;
  }

  /** Tells that pages up to (not including) `end` have been read. */
  advance(end: number): void {
    this.next = end;
  }

  /**
   * Plans what to read when page `index` is missing and `count` pages from there on are wanted. A random read leaves the
   * window as it is and only asks for what is wanted.
   */
  onMiss(index: number, count: number, orderMax: number): ReadaheadWindow {
    const wanted = Math.max(1, Math.min(count, this.windowPagesMax));
    const wantedOrder = Math.min(orderMax, 31 - Math.clz32(wanted));
    // The page before the next one counts as well: reads that are not aligned touch their last page twice.
    const sequential = index === 0 || index === this.next || index === this.next - 1;
    if (!sequential) return randomWindow(index, wanted, orderMax);
    const goesOn = this.size > 0 && index === this.start + this.size;
    this.start = index;
    this.size = goesOn ? this.#grown(wanted) : Math.min(this.windowPagesMax, powerOfTwoAtLeast(wanted) * 2);
    this.order = goesOn ? Math.min(orderMax, Math.max(this.order + ORDER_STEP, wantedOrder)) : wantedOrder;
    this.asyncSize = this.size > wanted ? this.size - wanted : this.size;
    return this;
  }

  /** Plans the next window when a reader has come to the marker in page `index`. */
  onMarker(index: number, count: number, orderMax: number): ReadaheadWindow {
    const wanted = Math.max(1, Math.min(count, this.windowPagesMax));
    const end = this.start + this.size;
    // A marker that another reader left: the window begins behind it.
    const own = this.size > 0 && index >= this.start && index < end;
    this.start = own ? end : index + 1;
    this.size = own ? this.#grown(wanted) : Math.min(this.windowPagesMax, powerOfTwoAtLeast(wanted) * 2);
    this.order = Math.min(orderMax, this.order + ORDER_STEP);
    this.asyncSize = this.size;
    return this;
  }

  /** Small windows grow faster. */
  #grown(wanted: number): number {
    const factor = this.size < this.windowPagesMax / 16 ? 4 : 2;
    return Math.min(this.windowPagesMax, Math.max(this.size * factor, powerOfTwoAtLeast(wanted)));
  }
}

function powerOfTwoAtLeast(count: number): number {
  return count <= 1 ? 1 : 2 ** (32 - Math.clz32(count - 1));
}
