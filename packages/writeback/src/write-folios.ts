// Writing the dirty folios of one file back, whatever their size. Of each folio, locked and taken for writing:
//
//   1. begin     under writeback, with one part counted for who adds parts (the bias): requests that end at once do not end the
//                writeback before all of them were added
//   2. ranges    each run of dirty blocks, in ascending order, goes to the filesystem, which gives it places: one or several,
//                since a filesystem that writes out of place chooses them now. What has a place is added to the requests
//                before anything else can happen (I-44)
//   3. errors    too early (EAGAIN): from there on the blocks stay dirty. Else: what is left of the folio is dropped, the error
//                is the mapping's, and the pass goes on (I-46)
//   4. finish    the bias goes, unlock. The writeback may be over by then
//
// Whenever any of this waits, what is held is submitted first (`submitBeforeWaits`).
// Source: spec sections 16 and 17; kernel fs/iomap/buffered-io.c (iomap_writepages) describes the idea.

import { assert, EAGAIN, FsError } from '@f2fskit/errno';
import {
  cancelDirty,
  cancelDirtyBlocks,
  dirtyRunEnd,
  type Folio,
  type Mapping,
  nextDirtyBlock,
  redirtyFrom,
} from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { PageBios } from './page-bios.ts';
import { submitBeforeWaits } from './submit-before-waits.ts';
import { WritebackIterator, type WrittenFile } from './writeback-iterator.ts';
import type { PassResult, WritebackControl, WritebackPass } from './writeback-pass.ts';

/** What a filesystem supplies to have the folios of one file written. */
export interface FolioWriter extends WrittenFile {
  readonly bios: PageBios;
  /**
   * Sends the dirty blocks [`range.next`, `range.end`) of a folio under writeback: adds each to `bios` as soon as it has a place,
   * and moves `range.next` behind it; also behind a block that need not be written (`range.dropped`). Returns when nothing is left. Throws EAGAIN
   * where it is too early, another FsError where it will never be possible; what is behind `range.next` was sent.
   * A plain result where nothing had to be waited for.
   */
  writeRange(range: FolioRange, pass: WritebackPass): Task<void> | undefined;
  /**
   * Before a folio is locked: makes room, if that is needed; `undefined` where it is not. Throws an FsError where none can be
   * had: the folio is dropped then, as one that could not be written.
   */
  makeRoom?(): Task<void> | undefined;
  /** Waits until it makes sense to try a folio again; without it, a pass tries once more after everything else. */
  backOff?(): Task<void>;
}

/** Dirty blocks of a folio that are being sent. */
export interface FolioRange {
  readonly folio: Folio;
  /** The first block of the folio that has not been sent. */
  next: number;
  /** The block behind the last one. */
  readonly end: number;
  /** Blocks that were passed over: they need not be written any more. */
  dropped: number;
}

/** Writes dirty folios of a mapping as `control` says. Errors are in the result; only bugs are thrown. */
export function* writeFolios(mapping: Mapping, control: WritebackControl, writer: FolioWriter): Task<PassResult> {
  const iterator = new WritebackIterator(mapping, control, writer);
  const { pass } = iterator;
  const run = new FolioWriteback(iterator, writer);
  yield* submitBeforeWaits(run.run(), () => writer.bios.submit());
  const { tracer } = mapping.cache;
  if (tracer?.active) {
    const { mode, pagesWritten: written, pagesSkipped: skipped, error } = pass;
    tracer.emit('writeback:pass', { mapping: mapping.name, mode, written, skipped, error });
  }
  return pass;
}

class FolioWriteback {
  readonly #iterator: WritebackIterator;
  readonly #writer: FolioWriter;

  constructor(iterator: WritebackIterator, writer: FolioWriter) {
    this.#iterator = iterator;
    this.#writer = writer;
  }

  *run(): Task<void> {
    const iterator = this.#iterator;
    const { pass } = iterator;
    try {
      yield* this.#round();
      if (pass.retry && pass.mode === 'all') {
        // Folios that were to be tried again still have their tag.
        pass.retry = false;
        iterator.restart();
        yield* this.#round();
        if (pass.retry) pass.fail(EAGAIN);
      }
    } finally {
      iterator.end();
      this.#writer.bios.submit();
    }
    yield* iterator.wait();
  }

  /** Once over the range. */
  *#round(): Task<void> {
    const writer = this.#writer;
    for (;;) {
      const room = writer.makeRoom?.();
      const failure = room === undefined ? undefined : yield* failureOf(room);
      const folio = yield* this.#iterator.next();
      if (folio === undefined) return;
      if (failure !== undefined) {
        // As one that could not be written: nobody would ever write it.
        cancelDirty(folio);
        folio.unlock();
        this.#iterator.fail(failure.cause);
        continue;
      }
      writer.bios.begin(folio);
      const rest = this.#send(folio, 0);
      if (rest !== undefined) yield* rest;
    }
  }

  /** Sends the dirty blocks of a folio from `block` on, and finishes it; what is left of that where something has to wait. */
  #send(folio: Folio, block: number): Task<void> | undefined {
    for (let next = nextDirtyBlock(folio, block); next < folio.pages; ) {
      const range: FolioRange = { folio, next, end: dirtyRunEnd(folio, next), dropped: 0 };
      try {
        const task = this.#writer.writeRange(range, this.#iterator.pass);
        if (task !== undefined) return this.#sendLater(range, next, task);
        assert(range.next === range.end, 'a range is sent as a whole, or an error says why not');
      } catch (cause) {
        this.#iterator.pass.wrote(range.next - next - range.dropped);
        return this.#stop(range, cause);
      }
      this.#iterator.pass.wrote(range.end - next - range.dropped);
      next = nextDirtyBlock(folio, range.end);
    }
    this.#finish(folio);
    return undefined;
  }

  *#sendLater(range: FolioRange, from: number, task: Task<void>): Task<void> {
    let failed: { cause: unknown } | undefined;
    try {
      yield* task;
      assert(range.next === range.end, 'a range is sent as a whole, or an error says why not');
    } catch (cause) {
      failed = { cause };
    }
    this.#iterator.pass.wrote(range.next - from - range.dropped);
    const rest = failed === undefined ? this.#send(range.folio, range.end) : this.#stop(range, failed.cause);
    if (rest !== undefined) yield* rest;
  }

  /** The rest of a folio is not sent: it stays dirty, or is dropped. */
  #stop({ folio, next }: FolioRange, cause: unknown): Task<void> | undefined {
    const { pass } = this.#iterator;
    if (cause instanceof FsError && cause.errno === -EAGAIN) {
      if (nextDirtyBlock(folio, next) >= folio.pages) {
        // It came too late to matter: everything has been sent.
        this.#finish(folio);
        return undefined;
      }
      redirtyFrom(folio, next);
      this.#finish(folio);
      pass.pagesSkipped += folio.pages;
      if (pass.mode === 'all' && this.#writer.backOff !== undefined) {
        this.#iterator.again();
        return this.#writer.backOff();
      }
      pass.retry = true;
      return undefined;
    }
    cancelDirtyBlocks(folio, next, folio.pages);
    this.#finish(folio);
    this.#iterator.fail(cause);
    return undefined;
  }

  #finish(folio: Folio): void {
    this.#writer.bios.finish(folio);
    folio.unlock();
  }
}

function* failureOf(task: Task<void>): Task<{ cause: unknown } | undefined> {
  try {
    yield* task;
    return undefined;
  } catch (cause) {
    return { cause };
  }
}
