// The folios of a writeback pass, one after the other; the caller owns the loop:
//
//   const iterator = new WritebackIterator(mapping, control, file);
//   for (let folio = yield* iterator.next(); folio !== undefined; folio = yield* iterator.next()) { … }
//   yield* iterator.wait();
//
//   tag      everything dirty in the range gets TOWRITE, in one step; what becomes dirty later does not (I-43)
//   next     in ascending order: lock; still in this mapping? dirty? under writeback: `none` leaves the folio, `all` waits;
//            clear dirty for writing; wholly behind the end of the file: dropped, reaching behind it: zeroed there (I-12, I-48).
//            What comes back is locked, clean, not under writeback, and held until the next call; the caller has it written,
//            dropped or dirtied again, and unlocked
//   end      by the budget, the first error (mode `none`), or the end of the range. A cyclic pass goes on from there (I-47)
//   wait     mode `all`: for everything under writeback in the range; collects what failed
//
// Source: spec sections 14 and 16; kernel mm/page-writeback.c (writeback_iter) describes the idea.

import { assert, FsError } from '@f2fskit/errno';
import { clearDirtyForIo, type Folio, type Mapping, Mark, waitWriteback } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { cutAtEnd, isWanted } from './folio-to-write.ts';
import { waitForWriteback } from './write-cache-pages.ts';
import { type WritebackControl, WritebackPass } from './writeback-pass.ts';

/** What the iterator asks about the file. */
export interface WrittenFile {
  /** Bytes of the folio that lie within the file: its size if it is wholly within, 0 if it is behind the end. */
  lengthToWrite(folio: Folio): number;
  /** A pass of mode `none` is to stop: somebody needs the device more. */
  shouldYield?(): boolean;
}

/** Folios that are found at once. */
const FOUND_AT_ONCE = 16;

export class WritebackIterator {
  readonly pass: WritebackPass;
  readonly #file: WrittenFile;
  readonly #mark: Mark;
  readonly #errorsBefore: number;
  /** Folios found, each with a reference, and the next of them. */
  #found: Folio[] = [];
  #next = 0;
  #current: Folio | undefined = undefined;
  /** Where to look for more. */
  #at: number;

  constructor(mapping: Mapping, control: WritebackControl, file: WrittenFile) {
    const pass = new WritebackPass(mapping, control);
    this.pass = pass;
    this.#file = file;
    this.#mark = pass.tagged ? Mark.TOWRITE : Mark.DIRTY;
    this.#errorsBefore = mapping.errors.count;
    this.#at = pass.startIndex;
    if (pass.tagged) mapping.index.copyMark(pass.startIndex, pass.endIndex, Mark.DIRTY, Mark.TOWRITE);
  }

  /** The next folio to write; see the top of the file. */
  *next(): Task<Folio | undefined> {
    for (;;) {
      const folio = this.find();
      if (folio === undefined) return undefined;
      if (!folio.tryLock()) yield* folio.lock();
      if (!isWanted(folio, this.pass)) continue;
      if (folio.writeback) yield* waitWriteback(folio);
      clearDirtyForIo(folio);
      if (cutAtEnd(folio, this.#file.lengthToWrite(folio))) return folio;
      folio.unlock();
    }
  }

  /** A folio could not be written, and another try would not help: I-46. Throws what is a bug. */
  fail(cause: unknown): void {
    if (!(cause instanceof FsError)) throw cause;
    this.pass.mapping.setError(-cause.errno);
    this.pass.fail(-cause.errno);
  }

  /** The folio that came last comes once more. */
  again(): void {
    assert(this.#current !== undefined && this.#found[this.#next - 1] === this.#current, 'a folio came');
    this.#current = undefined;
    this.#next--;
  }

  /** Starts again at the beginning of the range: for what was to be tried once more. */
  restart(): void {
    this.#at = this.pass.startIndex;
  }

  /** The pass is over: gives up what it holds. Has to be called, also after an error. */
  end(): void {
    const { pass } = this;
    const stopped = this.#next < this.#found.length ? this.#found[this.#next]!.index : this.#at;
    this.#putCurrent();
    while (this.#next < this.#found.length) this.#found[this.#next++]!.put();
    if (pass.cyclic) pass.mapping.writebackIndex = stopped < pass.endIndex ? stopped : 0;
  }

  /** Mode `all`: waits for what was sent, and collects what failed. */
  *wait(): Task<void> {
    const { pass } = this;
    const { mapping, startIndex, endIndex } = pass;
    if (pass.mode === 'none') return;
    yield* waitForWriteback(mapping, startIndex, endIndex);
    if (mapping.errors.count !== this.#errorsBefore) pass.fail(mapping.errors.errno);
  }

  /**
   * The next marked folio, neither locked nor looked at, and held until the next call: for who locks more than one folio at a
   * time. What {@link next} does with it is then the caller's.
   */
  find(): Folio | undefined {
    this.#putCurrent();
    const { pass } = this;
    if (pass.exhausted) return undefined;
    if (this.#next === this.#found.length) {
      this.#found.length = 0;
      this.#next = 0;
      if (this.#at >= pass.endIndex) return undefined;
      pass.mapping.index.collect(this.#at, pass.endIndex, this.#mark, FOUND_AT_ONCE, this.#found);
      this.#at = this.#found.at(-1)?.endIndex ?? pass.endIndex;
      for (const folio of this.#found) folio.get();
    }
    const folio = this.#found[this.#next];
    if (folio === undefined || (pass.mode === 'none' && this.#file.shouldYield?.())) return undefined;
    this.#next++;
    this.#current = folio;
    return folio;
  }

  #putCurrent(): void {
    this.#current?.put();
    this.#current = undefined;
  }
}
