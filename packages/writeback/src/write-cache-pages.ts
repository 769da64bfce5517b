// A writeback pass over the dirty folios of one file.
//
//   1. tag         everything dirty in the range gets TOWRITE, in one step; what becomes dirty later does not (I-43)
//   2. gather      up to `batchPages` pages of tagged folios, held by references
//   3. each of them, in ascending order
//        prepare   the filesystem may want to make a unit whole first, and then to gather again from the start of the unit
//        lock      still in this mapping? dirty? else leave it
//        writeback in progress: `none` leaves the folio, `all` waits
//        clear     dirty for writing; from here on the folio is locked, clean and not under writeback
//        end       wholly behind the end of the file: dropped. Reaching behind it: zeroed there (I-12, I-48)
//        write     the filesystem's: writes it, drops it or dirties it again, and unlocks
//   4. finish      what the filesystem kept to write together; everything is submitted
//   5. `all` waits for everything under writeback in the range, and collects what failed
//
// Whenever any of this waits, what is held is submitted first (`submitBeforeWaits`).
// Source: spec sections 14 and 15.3; kernel mm/page-writeback.c describes the idea.

import { assert, EAGAIN, FsError } from '@f2fskit/errno';
import { cancelDirty, clearDirtyForIo, type Folio, type Mapping, Mark, waitWriteback } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { cutAtEnd, isWanted } from './folio-to-write.ts';
import { submitBeforeWaits } from './submit-before-waits.ts';
import { type PassResult, type WritebackControl, WritebackPass } from './writeback-pass.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A pass over a file is over. */
    'writeback:pass': { mapping: string; mode: 'none' | 'all'; written: number; skipped: number; error: number };
  }
}

/**
 * What became of a folio that was handed over.
 * - `written`: it is under writeback, or already written, or kept to be written with others before `finish` returns;
 * - `skipped`: it need not be written (`cancelDirty`);
 * - `retry`: it is dirty again (`redirty`), and a pass of mode `all` tries it once more.
 */
export type PageResult = 'written' | 'skipped' | 'retry';

/** What a filesystem supplies to have the pages of one file written. */
export interface PageWriter {
  /**
   * Bytes of the folio that lie within the file: the size of the folio if it is wholly within, 0 if it is behind the end. What
   * is to be written all the same (a unit that is replaced as a whole) counts as within. Called under the lock.
   */
  lengthToWrite(folio: Folio): number;
  /**
   * Takes a folio that is locked, clean (`clearDirtyForIo`) and not under writeback, and unlocks it, before it returns or before
   * `finish` does. Throws an FsError, after dropping and unlocking it, for what another try will not change: that becomes
   * an error of the mapping. `writeSinglePage` does all this for who only has to say where a block goes. The result itself
   * where nothing had to be waited for: most pages then cost no task.
   */
  writePage(folio: Folio, pass: WritebackPass): PageResult | Task<PageResult>;
  /**
   * Called before a folio is locked, with everything that was gathered: the folio is `batch[at]`, some may have left the
   * mapping. Returns -1 to go on, or the page from which to gather again, not above this folio and less than a batch
   * below it, and not below what `writePage` keeps. Leaves no folio locked but those. Throws EAGAIN where it is too early,
   * another FsError where it will never be possible: the folio is dropped then, as one that could not be written.
   */
  prepare?(batch: readonly Folio[], at: number, pass: WritebackPass): number | Task<number>;
  /**
   * Writes what `writePage` has kept. At the end of each round over the range, also after errors. Throws as `writePage`
   * does.
   */
  finish?(pass: WritebackPass): Task<void>;
  /** Submits everything that is held back. */
  submit(): void;
  /** Waits until it makes sense to try a page again; without it, a pass tries once more after everything else. */
  backOff?(): Task<void>;
  /** A pass of mode `none` is to stop: somebody needs the device more. */
  shouldYield?(): boolean;
}

export interface WritePagesOptions {
  /** Pages that are gathered at once, at least one unit of the filesystem (spec 15.9). Default 16. */
  batchPages?: number;
}

const BATCH_PAGES = 16;
/** What `prepare` may say instead of a page. */
const GO_ON = -1;
const PASS_OVER = -2;
/** Truncation and others may undo what `prepare` did, some times; a window smaller than a unit would do it for ever (R11). */
const RESTARTS_MAX = 100;

/** Writes dirty folios of a mapping as `control` says. Errors are in the result; only bugs are thrown. */
export function* writeCachePages(
  mapping: Mapping,
  control: WritebackControl,
  writer: PageWriter,
  options: WritePagesOptions = {},
): Task<PassResult> {
  const pass = new WritebackPass(mapping, control);
  const walk = new Walk(pass, writer, options.batchPages ?? BATCH_PAGES);
  yield* submitBeforeWaits(walk.run(), () => writer.submit());
  const { tracer } = mapping.cache;
  if (tracer?.active) {
    const { mode, pagesWritten: written, pagesSkipped: skipped, error } = pass;
    tracer.emit('writeback:pass', { mapping: mapping.name, mode, written, skipped, error });
  }
  return pass;
}

/** Waits for what is under writeback in the pages [startIndex, endIndex); not for what begins behind its back. */
export function* waitForWriteback(mapping: Mapping, startIndex: number, endIndex: number): Task<void> {
  for (let at = startIndex; at < endIndex; ) {
    const folio = mapping.index.next(at, Mark.WRITEBACK);
    if (folio === undefined || folio.index >= endIndex) return;
    at = folio.endIndex;
    folio.get();
    yield* waitWriteback(folio);
    folio.put();
  }
}

class Walk {
  readonly #pass: WritebackPass;
  readonly #writer: PageWriter;
  readonly #batchPages: number;
  readonly #mark: Mark;
  /** How often a unit was gathered again since the last folio was visited. */
  #restarts = 0;

  constructor(pass: WritebackPass, writer: PageWriter, batchPages: number) {
    this.#pass = pass;
    this.#writer = writer;
    this.#batchPages = batchPages;
    this.#mark = pass.tagged ? Mark.TOWRITE : Mark.DIRTY;
  }

  *run(): Task<void> {
    const pass = this.#pass;
    const { mapping, startIndex, endIndex, mode } = pass;
    const errorsBefore = mapping.errors.count;
    if (pass.tagged) mapping.index.copyMark(startIndex, endIndex, Mark.DIRTY, Mark.TOWRITE);
    const stoppedAt = yield* this.#round();
    if (pass.cyclic) mapping.writebackIndex = stoppedAt < endIndex ? stoppedAt : 0;
    if (mode === 'none') return;
    if (pass.retry) {
      // Pages that were to be tried again still have their tag.
      pass.retry = false;
      yield* this.#round();
      if (pass.retry) pass.fail(EAGAIN);
    }
    yield* waitForWriteback(mapping, startIndex, endIndex);
    if (mapping.errors.count !== errorsBefore) pass.fail(mapping.errors.errno);
  }

  /** Once over the range; returns the page before which it stopped, the end of the range if it did not. */
  *#round(): Task<number> {
    let stoppedAt = this.#pass.endIndex;
    try {
      for (let at = this.#pass.startIndex; at >= 0; ) {
        const batch = this.#gather(at);
        if (batch.length === 0) break;
        const next = yield* this.#writeBatch(batch);
        at = next.at;
        if (next.stop) {
          stoppedAt = at;
          break;
        }
      }
      yield* this.#finish();
    } finally {
      this.#writer.submit();
    }
    return stoppedAt;
  }

  *#finish(): Task<void> {
    try {
      yield* this.#writer.finish?.(this.#pass) ?? nothing();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Marked folios from page `at` on, each with a reference. */
  #gather(at: number): Folio[] {
    const { mapping, endIndex } = this.#pass;
    const batch: Folio[] = [];
    mapping.index.collect(at, endIndex, this.#mark, this.#batchPages, batch);
    for (const folio of batch) folio.get();
    return batch;
  }

  *#writeBatch(batch: readonly Folio[]): Task<{ at: number; stop: boolean }> {
    const pass = this.#pass;
    try {
      for (const [position, folio] of batch.entries()) {
        if (pass.mode === 'none' && this.#writer.shouldYield?.()) return { at: folio.index, stop: true };
        const said = this.#writer.prepare?.(batch, position, pass) ?? GO_ON;
        const restart = typeof said === 'number' ? said : yield* this.#prepared(batch, position, said);
        if (restart >= 0) {
          assert(++this.#restarts < RESTARTS_MAX, 'a unit that has been made whole is whole');
          assert(restart <= folio.index && restart > folio.index - this.#batchPages, 'a unit is smaller than a batch');
          // What was made whole belongs to this pass.
          if (pass.tagged)
            pass.mapping.index.copyMark(restart, folio.endIndex + this.#batchPages, Mark.DIRTY, Mark.TOWRITE);
          return { at: restart, stop: false };
        }
        this.#restarts = 0;
        const rest = restart === PASS_OVER ? undefined : this.#visit(folio);
        if (rest !== undefined) yield* rest;
        if (pass.exhausted) return { at: folio.endIndex, stop: true };
      }
      return { at: batch.at(-1)!.endIndex, stop: false };
    } finally {
      for (const folio of batch) folio.put();
    }
  }

  /** Has the unit of a folio made whole: the page to gather from, {@link GO_ON} or {@link PASS_OVER}. */
  *#prepared(batch: readonly Folio[], at: number, first: Task<number>): Task<number> {
    const folio = batch[at]!;
    for (let said: number | Task<number> | undefined = first; ; said = undefined) {
      try {
        said ??= this.#writer.prepare!(batch, at, this.#pass);
        return typeof said === 'number' ? said : yield* said;
      } catch (cause) {
        if (!isTooEarly(cause)) {
          yield* this.#drop(folio, cause);
          return PASS_OVER;
        }
      }
      if (!(yield* this.#triesAgain(folio))) return PASS_OVER;
    }
  }

  /** A folio whose unit cannot be made whole is not written: that is the end of its dirty content, and an error. */
  *#drop(folio: Folio, cause: unknown): Task<void> {
    if (!folio.tryLock()) yield* folio.lock();
    const lost = folio.mapping === this.#pass.mapping && folio.dirty;
    if (lost) cancelDirty(folio);
    folio.unlock();
    if (lost || !(cause instanceof FsError)) this.#fail(cause);
  }

  /** A folio stays dirty. True, after a while, if it is to be tried again at once. */
  *#triesAgain(folio: Folio): Task<boolean> {
    const pass = this.#pass;
    pass.pagesSkipped += folio.pages;
    if (pass.mode === 'none') return false;
    if (this.#writer.backOff === undefined) {
      pass.retry = true;
      return false;
    }
    yield* this.#writer.backOff();
    return true;
  }

  /** One page that cannot be written does not stop the others (I-46); a bug does. */
  #fail(cause: unknown): void {
    if (!(cause instanceof FsError)) throw cause;
    this.#pass.mapping.setError(-cause.errno);
    this.#pass.fail(-cause.errno);
  }

  /** One folio, by the protocol at the top of the file; what is left of it where something has to be waited for. */
  #visit(folio: Folio): Task<void> | undefined {
    if (!folio.tryLock()) return this.#lockAndVisit(folio);
    if (!isWanted(folio, this.#pass)) return undefined;
    if (folio.writeback) return this.#conclude(folio, undefined);
    const result = this.#handOver(folio);
    if (result === 'written') this.#pass.wrote(folio.pages);
    return result === 'written' || result === 'skipped' ? undefined : this.#conclude(folio, result);
  }

  *#lockAndVisit(folio: Folio): Task<void> {
    yield* folio.lock();
    if (isWanted(folio, this.#pass)) yield* this.#conclude(folio, undefined);
  }

  /** A folio to its end: one that is locked and wanted, or, with a `result`, has been handed over. */
  *#conclude(folio: Folio, result: PageResult | Task<PageResult> | undefined): Task<void> {
    for (let said = result; ; said = undefined) {
      if (said === undefined && folio.writeback) yield* waitWriteback(folio);
      said ??= this.#handOver(folio);
      const ended = typeof said === 'string' ? said : yield* this.#outcome(said);
      if (ended === 'written') this.#pass.wrote(folio.pages);
      if (ended !== 'retry' || !(yield* this.#triesAgain(folio))) return;
      yield* folio.lock();
      if (!isWanted(folio, this.#pass)) return;
    }
  }

  /** Takes a folio that is locked, dirty and not under writeback, and hands it over. */
  #handOver(folio: Folio): PageResult | Task<PageResult> {
    clearDirtyForIo(folio);
    if (!cutAtEnd(folio, this.#writer.lengthToWrite(folio))) {
      folio.unlock();
      return 'skipped';
    }
    try {
      return this.#writer.writePage(folio, this.#pass);
    } catch (cause) {
      this.#fail(cause);
      return 'skipped';
    }
  }

  *#outcome(task: Task<PageResult>): Task<PageResult> {
    try {
      return yield* task;
    } catch (cause) {
      this.#fail(cause);
      return 'skipped';
    }
  }
}

const isTooEarly = (cause: unknown): boolean => cause instanceof FsError && cause.errno === -EAGAIN;

function* nothing(): Task<void> {}
