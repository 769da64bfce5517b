// One read of one folio, from the lock to the unlock (or not: who fills a folio to write to it keeps the lock): the single counter on which everything that fills the folio meets.
//
// The counter starts with all bytes of the folio. Whoever settles a part of it, now (zeros, bytes that were uptodate) or later
// (a bio, a decoder), subtracts that part, exactly once; at zero the read is over: blocks become uptodate, the folio is
// unlocked, `completion` is done (I-8). So nothing can complete it early, in whatever order and however synchronously the
// parts arrive, and whoever settles the last byte must not touch the folio afterwards (H17).
//
// What failed is remembered as ranges: the other blocks become uptodate and are served; the failed ones stay as they were, and
// a later read tries them again, block by block: a request that failed does not tell which of its blocks was bad.
// Source: spec section 7.2; kernel fs/iomap/buffered-io.c describes the idea.

import { assert, type FsError } from '@f2fskit/errno';
import { type Folio, FolioFlag, PAGE_SIZE } from '@f2fskit/pagecache';
import { Completion } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import type { ReadReceiver } from './read-batch.ts';

/** Bytes [from, to) of a folio that were not filled, and why: `undefined` where nobody tried. */
export interface FailedRange {
  from: number;
  to: number;
  error: FsError | undefined;
}

/** What a read looks at of its file. */
export type FilledFile = Pick<BufferedFile, 'size' | 'cookie'>;

export class FolioRead implements ReadReceiver {
  readonly folio: Folio;
  /** Done when the read is over, and the folio unlocked. Its error number stays 0: see {@link failed}. */
  readonly completion = new Completion();
  readonly failed: FailedRange[] = [];
  /** Bytes that are not settled. */
  #pending: number;
  /** Where the file ends within the folio; the bytes behind it are zeros (I-12). */
  readonly #end: number;
  readonly #file: FilledFile;
  readonly #cookie: number | undefined;
  readonly #keepsLock: boolean;

  /** `folio` is locked, by the caller, who keeps the lock with `keepsLock`. */
  constructor(folio: Folio, file: FilledFile, keepsLock = false) {
    assert(folio.locked, 'a folio is filled under its lock');
    this.folio = folio;
    this.#pending = folio.size;
    this.#end = Math.max(0, Math.min(folio.size, file.size - folio.position));
    this.#file = file;
    this.#cookie = file.cookie;
    this.#keepsLock = keepsLock;
  }

  /** `count` bytes hold what they must. */
  settle(count: number): void {
    this.#pending -= count;
    assert(this.#pending >= 0, 'every byte of a folio is settled once');
    if (this.#pending === 0) this.#finish();
  }

  /** The bytes [from, to) could not be filled. */
  fail(from: number, to: number, error: FsError): void {
    if (from === to) return;
    this.failed.push({ from, to, error });
    this.folio.flags |= FolioFlag.FAILED;
    this.settle(to - from);
  }

  /** The bytes [from, to) stay as they are: not wanted by this read. */
  leave(from: number, to: number): void {
    if (from === to) return;
    this.failed.push({ from, to, error: undefined });
    this.settle(to - from);
  }

  /** A bio has filled `length` bytes from `at` on, or could not. */
  onPart(at: number, length: number, error: FsError | undefined): void {
    if (error === undefined) this.settle(length);
    else this.fail(at, at + length, error);
  }

  /** Fills [from, to) with zeros. */
  zero(from: number, to: number): void {
    this.folio.bytes.fill(0, from, to);
    this.settle(to - from);
  }

  /** Why bytes of [from, to) could not be filled; `undefined` where they were. */
  errorIn(from: number, to: number): FsError | undefined {
    return this.failed.find(({ error, ...range }) => error !== undefined && range.from < to && from < range.to)?.error;
  }

  #finish(): void {
    const { folio, failed } = this;
    // What was read may be somebody else's by now: nothing is uptodate, and whoever wants it reads again.
    if (!folio.uptodate && this.#cookie === this.#file.cookie) {
      if (this.#end < folio.size) folio.bytes.fill(0, this.#end);
      if (failed.length === 0) folio.markUptodate();
      else this.#markOthersUptodate();
    }
    if (!this.#keepsLock) folio.unlock();
    this.completion.complete();
  }

  /** Blocks without a failed byte become uptodate. */
  #markOthersUptodate(): void {
    const { folio, failed } = this;
    failed.sort((a, b) => a.from - b.from);
    let at = 0;
    for (const { from, to } of failed) {
      const first = Math.floor(from / PAGE_SIZE);
      if (first > at) folio.markUptodate(at, first);
      at = Math.max(at, Math.ceil(to / PAGE_SIZE));
    }
    if (at < folio.pages) folio.markUptodate(at, folio.pages);
  }
}
