// One pass of writeback over one file: what is asked for, and what came of it.
//
//   mode     `none`: cleaning in the background. Takes what is easy to get, up to a budget, stops at the first error
//            `all`: data integrity (fsync, sync). Everything that was dirty when the pass began has been written when it ends,
//            or has failed; neither the budget nor an error stops it
//   cyclic   goes on where the last cyclic pass stopped, up to the end of the file and not around it (lower pages are not
//            visited after higher ones). So every dirty page has its turn (I-47)
//   tagged   visits only what was dirty when the pass began, so that it ends even if somebody writes on and on (I-43); always
//            so in mode `all`
// Source: spec section 14.

import { assert } from '@f2fskit/errno';
import { INDEX_END, type Mapping, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Completion } from '@f2fskit/task';

export type WritebackMode = 'none' | 'all';

/** What a pass is to do. */
export interface WritebackControl {
  mode: WritebackMode;
  /** Pages after which a pass of mode `none` stops. Default: no limit. */
  budgetPages?: number;
  /** The pages that hold bytes [rangeStart, rangeEnd) of the file. Default: all. */
  rangeStart?: number;
  rangeEnd?: number;
  /** Instead of the range. Not in mode `all`. */
  cyclic?: boolean;
  tagged?: boolean;
  /**
   * Asked by a pass that has begun what others do for it, with the pages that it has written or begun so far: what it is to yield so
   * that a writer goes on meanwhile; `undefined`: it is to go on itself.
   */
  rest?(pages: number): Completion | undefined;
}

/** What a pass has done. */
export interface PassResult {
  /** Pages that were handed to the device. */
  pagesWritten: number;
  /** Pages that stay dirty: under writeback already, or not possible now. */
  pagesSkipped: number;
  /** The first error, a positive number; 0 = none. In mode `all` also of writes that were in flight before. */
  error: number;
}

export class WritebackPass implements PassResult {
  readonly mapping: Mapping;
  readonly mode: WritebackMode;
  readonly cyclic: boolean;
  readonly tagged: boolean;
  /** First page of the range, and the one behind its last. */
  readonly startIndex: number;
  readonly endIndex: number;
  /** Pages that may still be written. */
  budgetPages: number;
  pagesWritten = 0;
  pagesSkipped = 0;
  error = 0;
  /** A page could not be written now: it is to be tried again. */
  retry = false;

  constructor(mapping: Mapping, control: WritebackControl) {
    const { mode, budgetPages, rangeStart = 0, rangeEnd = Number.POSITIVE_INFINITY, cyclic = false } = control;
    assert(!cyclic || mode === 'none', 'a pass that must be complete is not cyclic');
    this.mapping = mapping;
    this.mode = mode;
    this.cyclic = cyclic;
    this.tagged = mode === 'all' || control.tagged === true;
    this.startIndex = cyclic ? mapping.writebackIndex : Math.floor(rangeStart / PAGE_SIZE);
    this.endIndex = cyclic ? INDEX_END : Math.min(INDEX_END, Math.ceil(rangeEnd / PAGE_SIZE));
    this.budgetPages = mode === 'all' ? Number.POSITIVE_INFINITY : (budgetPages ?? Number.POSITIVE_INFINITY);
  }

  /** A pass of mode `none` has done what it may. */
  get exhausted(): boolean {
    return this.mode === 'none' && (this.budgetPages <= 0 || this.error !== 0);
  }

  wrote(pages: number): void {
    this.pagesWritten += pages;
    this.budgetPages -= pages;
  }

  /** Remembers the first error. */
  fail(error: number): void {
    if (this.error === 0) this.error = error;
  }
}
