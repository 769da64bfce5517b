// A codec pool: clusters compressed on several cores. Whoever asks compresses too, from the first source on; workers take
// sources from the other end:
//
//   sources   0 1 2 3 4 5 6 7
//             ├──────▶  ◀──┤      both go on until they meet: nobody waits for more than one source
//             asker   workers
//
// What is true of every pool:
//   - results are those of the codec, called here, whatever the workers do: same encoder, level and budget, and an encoder depends
//     on nothing else. They come in the order of the sources;
//   - a source that a worker does not give back (it died, hangs, never started, the pool was closed) is compressed here. No worker is
//     needed for anything but speed;
//   - sources are copied once on their way to a worker, results once on their way back; those compressed here are not copied;
//   - memory is bounded by the pool, not by what is asked of it.
//
// Who begins with a batch before it finishes the one before it has no idle workers in between; and whoever would have to wait for
// a worker goes on with a batch that was begun later:
//
//   asker     start A   A0 A1 A2 ·  start B   A3 A4 · finish A, send it   start C   B0 B1 …
//   worker              A7 A6 A5 A4           B7 B6 B5 …
//
// A pool belongs to the thread that made it. Any number of volumes of that thread may share it.

import type { Codec, CodecRegistry } from '../codec.ts';

/** Where results go, in ascending order: `room` and then `put` for each source. Neither may throw. */
export interface ResultSink {
  /** Memory for result `index`: at least as many bytes as the budget. More of it than the result may be written. */
  room(index: number): Uint8Array;
  /** The result is the first `length` bytes of its room; 0: it does not fit the budget. */
  put(index: number, length: number): void;
}

/** Sources that are compressed alike. */
export interface CompressBatch {
  /** The codec, with an encoder. One that the workers do not have is used here, for all sources. */
  readonly codec: Codec;
  /** As `Codec.compress` takes it. */
  readonly level: number | undefined;
  /** Bytes that a result may have at most. */
  readonly budget: number;
  /** They do not change until the last result is there. */
  readonly sources: readonly Uint8Array[];
  readonly sink: ResultSink;
}

/** Compresses, here and elsewhere. */
export interface CodecPool {
  /**
   * Whether the thread can sleep until a worker is done. Where it cannot, `waitSync` does the work again that workers have begun with:
   * such a pool is of no use to a volume whose calls finish at once.
   */
  readonly canBlock: boolean;
  /** Starts the workers: who does it before there is anything to compress has not to wait for them then. */
  startWorkers(): void;
  /** Begins with a batch: workers get what they can take, nothing is compressed here. `finish` has to be called in the end. */
  start(batch: CompressBatch): PoolRun;
  /** Ends the workers. What they were busy with is compressed here, and so is every later batch. */
  close(): void;
}

/** A batch that was begun. */
export interface PoolRun {
  /**
   * Compresses here what no worker has begun with, until nothing of the batch is left to be done. True when all results are there;
   * else workers have the rest, which `finish` puts into the sink.
   */
  work(): boolean;
  /** Nothing has to be waited for: `finish` may be called. */
  readonly done: boolean;
  /** Calls back once the run is done, from an event of the host, which goes on running until then. */
  subscribe(callback: () => void): void;
  /**
   * Blocks the thread until the run is done. Where the thread may not block, and where a worker does not answer, the run is done at
   * once and without the worker.
   */
  waitSync(): void;
  /** Puts the results that are missing into the sink. Once, when `done`. */
  finish(): void;
}

/** Compresses source `index` of a batch, here. */
export function compressHere({ codec, level, budget, sources, sink }: CompressBatch, index: number): void {
  const target = sink.room(index).subarray(0, budget);
  sink.put(index, codec.compress?.(sources[index]!, target, level) ?? 0);
}

/** Whether workers, who have `codecs`, do with a codec exactly what it does here. */
export function isSendable(codecs: CodecRegistry, codec: Codec, level: number | undefined): boolean {
  // The board has words of 32 bits, one of which means "no level".
  const whole = level === undefined || ((level | 0) === level && level > -0x8000_0000);
  return whole && codec.compress !== undefined && codecs.get(codec.id) === codec;
}
