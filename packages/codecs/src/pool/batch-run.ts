// One batch: what the asker compresses itself, and what it has handed to workers. How jobs travel is the pool's.
//
//   next     results below this index are in the sink
//   handed   the jobs of the sources [handedFrom, n); all others the asker does itself, one after the other
//
// A job that was taken back or is lost is compressed here, when its turn has come: results are put in ascending order. A batch that
// was begun before an earlier one is finished may be handed out as a whole: then handedFrom is next.

import { assert } from '@f2fskit/errno';
import { type CompressBatch, compressHere, type PoolRun } from './codec-pool.ts';

/** A source that was handed to the workers. */
export interface HandedJob {
  /** Its result is here, or will never be. */
  readonly settled: boolean;
  /** The result of a settled job: empty where it does not fit the budget; `undefined` where it will never be here. */
  result(): Uint8Array | undefined;
  /** Takes it back if no worker has begun with it. It is settled then, without a result. */
  takeBack(): boolean;
  /** Stops waiting for it: it is settled, without a result. */
  abandon(): void;
  /** Nobody looks at the result any more. Once, for a settled job. */
  release(): void;
}

/** The runs of a pool that workers may help with and that are not complete, in the order in which they were begun. */
export class OpenRuns extends Set<BatchRun> {
  /** Compresses one source of another run; false where there is none. */
  help(run: BatchRun): boolean {
    for (const other of this) if (other !== run && other.step()) return true;
    return false;
  }
}

/** What a run needs of its pool. */
export interface RunOwner {
  readonly runs: OpenRuns;
  /** Hands sources of the runs under way to workers that have too little to do. */
  handOut(): void;
  /** Calls `run.settle` when a job was settled, until it is unwatched. */
  watch(run: BatchRun): void;
  unwatch(run: BatchRun): void;
  /** A number that changes whenever a job is settled, for `block`. */
  readonly progress: number;
  /** Blocks until `progress` is not `seen`; false where that cannot be waited for, or takes too long. */
  block(seen: number): boolean;
}

export class BatchRun implements PoolRun {
  readonly batch: CompressBatch;
  readonly #owner: RunOwner;
  #next = 0;
  /** Ascending from `#handedFrom`. */
  #handed: HandedJob[] = [];
  #handedFrom: number;
  #callbacks: Array<() => void> = [];

  constructor(batch: CompressBatch, owner: RunOwner) {
    this.batch = batch;
    this.#owner = owner;
    this.#handedFrom = batch.sources.length;
  }

  /** Index of the last source that can be handed to workers; -1 where none is left beside `kept`, those whose turn comes first. */
  last(kept: number): number {
    return this.#handedFrom - 1 >= this.#next + kept ? this.#handedFrom - 1 : -1;
  }

  /** The last source that was not handed to the workers now is. */
  handed(job: HandedJob): void {
    assert(this.last(0) !== -1, 'there is a source to hand out');
    this.#handed.unshift(job);
    this.#handedFrom--;
  }

  work(): boolean {
    const owner = this.#owner;
    // What was copied for a worker is taken back only where there is nothing else to do.
    do owner.handOut();
    while (this.step() || (!this.complete && (owner.runs.help(this) || this.step(true))));
    return this.complete;
  }

  /**
   * Compresses or puts the next result without waiting: one that is the asker's, or is settled; with `takeBack` also one that no
   * worker has begun with. False where all are put, or workers have the next.
   */
  step(takeBack = false): boolean {
    if (this.#next === this.batch.sources.length) return false;
    const job = this.#handed[0];
    if (this.#next === this.#handedFrom && job !== undefined) {
      if (!job.settled && !(takeBack && job.takeBack())) return false;
      this.#handed.shift();
      this.#handedFrom++;
      this.#put(job);
    } else {
      compressHere(this.batch, this.#next++);
      this.#handedFrom = Math.max(this.#handedFrom, this.#next);
    }
    if (this.complete) this.#owner.runs.delete(this);
    return true;
  }

  /** All results are in the sink. */
  get complete(): boolean {
    return this.#next === this.batch.sources.length;
  }

  get done(): boolean {
    return this.#handed.every(({ settled }) => settled);
  }

  subscribe(callback: () => void): void {
    if (this.#callbacks.push(callback) === 1) this.#owner.watch(this);
    this.settle();
  }

  /** A job was settled: calls back if it was the last one. */
  settle(): void {
    if (this.#callbacks.length === 0 || !this.done) return;
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    this.#owner.unwatch(this);
    for (const callback of callbacks) callback();
  }

  waitSync(): void {
    for (let seen = this.#owner.progress; !this.done; seen = this.#owner.progress) {
      if (!this.#owner.block(seen)) this.abandon();
    }
    this.settle();
  }

  /** Stops waiting for workers. */
  abandon(): void {
    for (const job of this.#handed) if (!job.settled) job.abandon();
  }

  finish(): void {
    assert(this.done, 'a run is finished when it is done');
    while (this.step());
    assert(this.complete, 'nothing is left of a run that was finished');
  }

  #put(job: HandedJob): void {
    const { sink } = this.batch;
    const index = this.#next++;
    const result = job.result();
    if (result === undefined) compressHere(this.batch, index);
    else {
      if (result.length > 0) sink.room(index).set(result);
      sink.put(index, result.length);
    }
    job.release();
  }
}
