// A batch whose results are gathered, packed one behind the other as clusters are, and compared with what the codec gives by itself.

import { expect } from 'vitest';
import type { Codec, CodecPool, CompressBatch, PoolRun, ResultSink } from '../src/index.ts';
import { generator, sample } from './support.ts';

export class TestBatch implements CompressBatch, ResultSink {
  readonly codec: Codec;
  readonly level: number | undefined;
  readonly budget: number;
  readonly sources: readonly Uint8Array[];
  readonly sink = this;
  /** Lengths in the order in which they came. */
  readonly lengths: number[] = [];
  readonly #packed: Uint8Array;
  #at = 0;
  #asked = -1;

  constructor(codec: Codec, sources: readonly Uint8Array[], options: { level?: number; budget?: number } = {}) {
    this.codec = codec;
    this.sources = sources;
    this.level = options.level;
    this.budget = options.budget ?? sources[0]!.length - 4096;
    this.#packed = new Uint8Array((sources.length + 1) * Math.max(this.budget, sources[0]!.length));
  }

  room(index: number): Uint8Array {
    expect(index).toBe(this.lengths.length);
    this.#asked = index;
    return this.#packed.subarray(this.#at, this.#at + this.budget);
  }

  put(index: number, length: number): void {
    expect(index).toBe(this.lengths.length);
    if (length > 0) expect(this.#asked).toBe(index);
    this.lengths.push(length);
    this.#at += length;
  }

  /** All results are there, and are those of the codec. */
  check(): void {
    let at = 0;
    const target = new Uint8Array(this.budget);
    for (const [index, source] of this.sources.entries()) {
      const length = this.codec.compress?.(source, target, this.level) ?? 0;
      expect(this.lengths[index]).toBe(length);
      expect(Buffer.compare(this.#packed.subarray(at, at + length), target.subarray(0, length))).toBe(0);
      at += length;
    }
    expect(this.lengths.length).toBe(this.sources.length);
  }
}

/** Compresses a batch as far as that takes no waiting; the run where workers have the rest. */
export function compressBatch(pool: CodecPool, batch: CompressBatch): PoolRun | undefined {
  const run = pool.start(batch);
  return run.work() ? undefined : run;
}

/** So many clusters of text, of which one in five does not compress. */
export function clusters(count: number, bytes: number, seed = 1): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const cluster = sample(seed + index, bytes);
    const random = generator(seed + index);
    if (index % 5 === 4) for (let at = 0; at < bytes; at++) cluster[at] = random.below(256);
    return cluster;
  });
}

/** Waits for a run as a task on a synchronous volume does. */
export function finishSync(run: PoolRun | undefined): void {
  if (run === undefined) return;
  if (!run.done) run.waitSync();
  run.finish();
}

/** … and as one that must not block. */
export async function finishAsync(run: PoolRun | undefined): Promise<void> {
  if (run === undefined) return;
  if (!run.done) await new Promise<void>((resolve) => run.subscribe(resolve));
  run.finish();
}

/** Has the workers of a pool started, and waits until all of them can take jobs. */
export async function untilReady(
  pool: CodecPool & { readonly workersReady: number },
  codec: Codec,
  workers: number,
): Promise<void> {
  compressBatch(pool, new TestBatch(codec, clusters(2, 16_384)));
  while (pool.workersReady < workers) await new Promise((resolve) => setTimeout(resolve, 2));
}
