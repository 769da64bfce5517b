// What is written: bytes in memory, several runs of them, or a source that makes them available part by part.

import type { Task } from '@f2fskit/task';
import { BytesSource, type WriteSource } from '@f2fskit/writeback';

/** Bytes, runs of bytes that follow one another, or where they come from. */
export type Writable = Uint8Array | readonly Uint8Array[] | WriteSource;

export function toSource(what: Writable): WriteSource {
  if (what instanceof Uint8Array) return new BytesSource(what);
  return Array.isArray(what) ? new RunsSource(what) : (what as WriteSource);
}

/** Runs of bytes in memory, written as one: `writev`. */
class RunsSource implements WriteSource {
  readonly length: number;
  readonly #runs: readonly Uint8Array[];
  /** Where each run begins. */
  readonly #starts: number[] = [];

  constructor(runs: readonly Uint8Array[]) {
    let at = 0;
    for (const run of runs) {
      this.#starts.push(at);
      at += run.length;
    }
    this.#runs = runs;
    this.length = at;
  }

  *prepare(at: number): Task<number> {
    return this.length - at;
  }

  copy(at: number, target: Uint8Array): number {
    const end = Math.min(this.length, at + target.length);
    for (let index = this.#runAt(at), from = at; from < end; index++) {
      const skipped = from - this.#starts[index]!;
      const part = this.#runs[index]!.subarray(skipped, skipped + end - from);
      target.set(part, from - at);
      from += part.length;
    }
    return end - at;
  }

  /** The last run that begins at or before `at`. */
  #runAt(at: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle;
    }
    return low;
  }
}
