// The flusher of a volume: writes dirty files in the background, and all of them on request.
//
//   add          a file that becomes dirty is put on the list (`MappingOptions.onDirty`), with the time
//   age          every `intervalMs` whatever has been on the list for `ageMs` is written
//   pressure     above the background limit of the cache, or when somebody waits for room: the files have their turns, the one
//                that was dirty first first, `budgetPages` each, until there is no pressure any more
//   sync         everything: first started for all files, then waited for
//
// In the background (`start`) it is one task of the volume's scheduler. It waits for nothing but its timer and its `wake`; the passes
// wait for folios. Where nothing works in the background, a writer that makes too much dirty writes by itself: all that is too much,
// or in turns with a pass beside it (`takeTurns`). A file stays on the list until it is clean and nothing of it is under writeback,
// so that `sync` finds it.
//
// An error of a file is that file's, and the volume's (`PageCache.errors`): the others are written all the same.

import { FsError } from '@f2fskit/errno';
import { balanceDirtyPages, ErrorCursor, type Mapping, Mark, PAGE_SIZE, type PageCache } from '@f2fskit/pagecache';
import { type Clock, Completion, type Scheduler, type Task } from '@f2fskit/task';
import type { Timer } from './timer.ts';
import type { PassResult, WritebackControl } from './writeback-pass.ts';
import { WriterTurns } from './writer-turns.ts';

/** A file with pages to write. */
export interface DirtyFile {
  readonly mapping: Mapping;
  /** One pass, most likely `writeCachePages`. */
  write(control: WritebackControl): Task<PassResult>;
}

export interface FlusherOptions {
  clock: Clock;
  /** How often it looks for old dirty files. Default 5,000. */
  intervalMs?: number;
  /** How long a file may be dirty before it is written. Default 30,000. */
  ageMs?: number;
  /** Pages of one file before the next has its turn. Default 1,024; where there is no other 4,096, in turns with a writer all. */
  budgetPages?: number;
}

/** Turns in which what may be dirty is written. */
const TURNS = 8;

const NOTHING_DONE: PassResult = { pagesWritten: 0, pagesSkipped: 0, error: 0 };

interface Entry {
  readonly file: DirtyFile;
  dirtySinceMs: number;
}

export class Flusher {
  readonly cache: PageCache;
  /** Passes over single files so far. */
  passes = 0;
  /** How often one of them has rested, for a writer to go on. */
  rests = 0;
  readonly #clock: Clock;
  #timer: Timer | undefined = undefined;
  readonly #intervalMs: number;
  readonly #ageMs: number;
  readonly #budgetPages: number | undefined;
  /** By mapping, in the order in which they became dirty. */
  readonly #files = new Map<Mapping, Entry>();
  /** What sync has not reported. */
  readonly #errors: ErrorCursor;
  #pressure = false;
  #stopping = false;
  #wake: Completion | undefined = undefined;
  /** Done when the work in the background has ended; there from `start` to `stop`. */
  #ended: Completion | undefined = undefined;
  /** The bug that ended it early. */
  #failure: unknown = undefined;
  #turns: WriterTurns | undefined = undefined;

  /** Serves the pressure of the cache from `start` to `stop`. */
  constructor(cache: PageCache, options: FlusherOptions) {
    this.cache = cache;
    this.#clock = options.clock;
    this.#intervalMs = options.intervalMs ?? 5000;
    this.#ageMs = options.ageMs ?? 30_000;
    this.#budgetPages = options.budgetPages;
    this.#errors = new ErrorCursor(cache.errors);
  }

  /** Files on the list. */
  get size(): number {
    return this.#files.size;
  }

  /** Puts a file on the list, if it is not there. Cheap, and waits for nothing: for `onDirty`. */
  add(file: DirtyFile): void {
    if (this.#files.has(file.mapping)) return;
    this.#files.set(file.mapping, { file, dirtySinceMs: this.#nowMs() });
  }

  /** Takes a file off the list: it goes away, written or not. */
  remove(file: DirtyFile): void {
    this.#files.delete(file.mapping);
  }

  /** Begins to work in the background: a task of `scheduler`, woken by `timer`. */
  start(scheduler: Scheduler, timer: Timer): void {
    if (this.#ended !== undefined) return;
    this.#timer = timer;
    this.#stopping = false;
    this.cache.onPressure = () => this.wake();
    this.#ended = new Completion();
    void scheduler.run(this.#serve(this.#ended));
  }

  /**
   * From now on writers write in turns with a pass beside them: for who works on one thread, without {@link start}. All tasks of the
   * volume have to be run by `scheduler`.
   */
  takeTurns(scheduler: Scheduler): void {
    this.#turns = new WriterTurns(scheduler);
  }

  /**
   * Ends the work in the background, after the pass under way; writes nothing more, and throttles nobody any more. Throws the
   * bug that ended it before.
   */
  *stop(): Task<void> {
    const ended = this.#ended;
    this.#stopping = true;
    yield* this.#endTurns();
    this.#turns = undefined;
    if (ended === undefined) {
      this.#stopping = false;
      return;
    }
    this.#letWritersGo();
    this.#resume();
    if (!ended.done) yield ended;
    this.#ended = undefined;
    this.#stopping = false;
    this.#throwFailure();
  }

  /** There is pressure: writes soon. */
  wake(): void {
    this.#pressure = true;
    this.#resume();
  }

  /** Works in the background: between `start` and `stop`. */
  get running(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * For a writer that holds no folio: waits until not too much is dirty. Where nothing works in the background, it writes
   * by itself. `undefined` where there is no reason to.
   */
  throttle(): Task<void> | undefined {
    const { overDirtyBackground, overDirtyLimit } = this.cache;
    return overDirtyBackground || overDirtyLimit ? this.#throttle() : undefined;
  }

  *#throttle(): Task<void> {
    if (this.running) {
      yield* balanceDirtyPages(this.cache);
      return;
    }
    if (this.#turns === undefined) yield* this.#writeExcess(undefined);
    else yield* this.#turns.give(() => this.#writeExcess(this.#turns));
  }

  *#writeExcess(turns: WriterTurns | undefined): Task<void> {
    while (this.cache.overDirtyBackground) if (!(yield* this.#writeUnderPressure(turns))) return;
  }

  *#endTurns(): Task<void> {
    if (this.#turns !== undefined) yield* this.#turns.end();
  }

  /**
   * Writes everything that is dirty now and waits for it. Throws the last error since the last sync, of whatever file and
   * from whatever cause, after everything has been tried.
   */
  *sync(): Task<void> {
    this.#throwFailure();
    yield* this.#endTurns();
    const files = [...this.#files.values()];
    // Started everywhere before anything is waited for.
    for (const entry of files) yield* this.#pass(entry, { mode: 'none', tagged: true });
    let failed = 0;
    for (const entry of files) {
      const { error } = yield* this.#pass(entry, { mode: 'all' });
      failed = failed || error;
    }
    const error = this.#errors.take() || failed;
    if (error !== 0) throw new FsError(error, { syscall: 'sync' });
  }

  *#serve(ended: Completion): Task<void> {
    try {
      yield* this.#run();
    } catch (cause) {
      this.#failure = cause;
      this.#letWritersGo();
    } finally {
      ended.complete();
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Nobody writes for them any more. */
  #letWritersGo(): void {
    this.cache.onPressure = undefined;
    this.cache.onCleaned();
  }

  *#run(): Task<void> {
    while (!this.#stopping) {
      let futile = false;
      if (this.#pressure || this.cache.overDirtyBackground) {
        this.#pressure = false;
        if (yield* this.#writeUnderPressure()) continue;
        futile = true;
      } else yield* this.#writeOld();
      if (this.#stopping) return;
      yield* this.#sleep();
      // What could not be written then is tried again, though nobody may ask again.
      if (futile) this.#pressure = true;
    }
  }

  /** A turn for each file, as long as it is needed; true if that has changed something. */
  *#writeUnderPressure(turns?: WriterTurns): Task<boolean> {
    let written = 0;
    const control: WritebackControl = { mode: 'none', cyclic: true, budgetPages: this.#budgetOf(turns) };
    if (turns !== undefined) control.rest = this.#restsIn(turns);
    for (const entry of [...this.#files.values()]) {
      if (this.#stopping) break;
      const middle = entry.file.mapping.writebackIndex > 0;
      let pages = (yield* this.#pass(entry, control)).pagesWritten;
      // A pass from the middle may have found nothing up to the end, while there is something before.
      if (pages === 0 && middle) pages = (yield* this.#pass(entry, control)).pagesWritten;
      written += pages;
      if (written > 0 && !this.cache.overDirtyBackground && !this.#pressure) break;
    }
    return written > 0;
  }

  /** For one pass. */
  #restsIn(turns: WriterTurns): NonNullable<WritebackControl['rest']> {
    const { cache } = this;
    const turnPages = cache.dirtyBytesBackground / PAGE_SIZE / TURNS;
    let restedAt = 0;
    return (pages) => {
      if (cache.overDirtyLimit || pages - restedAt < turnPages) return undefined;
      const rest = turns.rest();
      if (rest === undefined) return undefined;
      restedAt = pages;
      this.rests++;
      return rest;
    };
  }

  #budgetOf(turns: WriterTurns | undefined): number {
    if (this.#budgetPages !== undefined) return this.#budgetPages;
    if (this.#files.size > 1) return 1024;
    return turns === undefined ? 4096 : Number.POSITIVE_INFINITY;
  }

  *#writeOld(): Task<void> {
    const limit = this.#nowMs() - this.#ageMs;
    for (const entry of [...this.#files.values()]) {
      if (this.#stopping || this.cache.overDirtyBackground) return;
      if (entry.dirtySinceMs <= limit) yield* this.#pass(entry, { mode: 'none', tagged: true });
    }
  }

  /** Until the timer or somebody wakes it; at once if there is something to do already. */
  *#sleep(): Task<void> {
    if (this.#pressure) return;
    const wake = new Completion();
    this.#wake = wake;
    const callOff = this.#timer!.start(this.#intervalMs, () => this.#resume());
    yield wake;
    callOff();
  }

  #resume(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.complete();
  }

  *#pass(entry: Entry, control: WritebackControl): Task<PassResult> {
    const { file } = entry;
    const { mapping } = file;
    // Taken off since the list was looked at.
    if (this.#files.get(mapping) !== entry) return NOTHING_DONE;
    this.passes++;
    let result = NOTHING_DONE;
    try {
      result = yield* file.write(control);
    } catch (cause) {
      if (!(cause instanceof FsError)) throw cause;
      // The whole pass failed, before its pages: still the error of this file alone.
      mapping.setError(-cause.errno);
    }
    // It may have been taken off, and even put on again, meanwhile.
    if (this.#files.get(mapping) === entry) {
      this.#files.delete(mapping);
      if (isBusy(mapping)) {
        // A turn that was cut short says nothing about the age of what is left.
        if (control.cyclic !== true) entry.dirtySinceMs = this.#nowMs();
        this.#files.set(mapping, entry);
      }
    }
    return result;
  }

  #nowMs(): number {
    const { seconds, nanoseconds } = this.#clock.now();
    return seconds * 1000 + nanoseconds / 1_000_000;
  }
}

/** The mark, unlike the count, also stands for a folio that another pass has just taken for writing. */
function isBusy({ index }: Mapping): boolean {
  return index.next(0, Mark.DIRTY) !== undefined || index.next(0, Mark.WRITEBACK) !== undefined;
}
