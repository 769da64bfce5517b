// Clusters compressed by a codec pool: by this thread and by workers, all clusters of a visit together, and those of the next visit
// while this one's are sent. What comes out is what `InlineEncoder` makes of them, byte for byte.

import type { CodecPool, PoolRun } from '@f2fskit/codecs';

import { Completion, type Task } from '@f2fskit/task';
import type { CodecSource } from '../cluster.ts';
import {
  type ClusterEncoder,
  type ClusterEncoding,
  type ClusterJob,
  type CompressedFields,
  levelOf,
  PayloadPacker,
} from './encode-cluster.ts';

/** Compresses with the help of a pool, which other volumes may share. Whoever made the pool closes it. */
export class PoolEncoder implements ClusterEncoder {
  readonly overlaps = true;
  readonly #codecs: CodecSource;
  readonly #pool: CodecPool;

  /** `codecs`: those of the volume. One that the workers do not have is used here. */
  constructor(codecs: CodecSource, pool: CodecPool) {
    this.#codecs = codecs;
    this.#pool = pool;
  }

  begin(jobs: readonly ClusterJob[], fields: CompressedFields, scratch: Uint8Array): ClusterEncoding {
    const codec = this.#codecs.get(fields.compressAlgorithm);
    // Nobody can: all clusters stay as they are.
    if (codec === undefined) return { finish: () => undefined };
    const sink = new PayloadPacker(jobs, fields, scratch);
    const sources = jobs.map(({ source }) => source);
    const run = this.#pool.start({ codec, level: levelOf(fields), budget: sink.budget, sources, sink });
    return { finish: () => (run.work() ? undefined : finishRun(run)) };
  }
}

function* finishRun(run: PoolRun): Task<void> {
  if (!run.done) yield new RunCompletion(run);
  run.finish();
}

/** The end of a run. Workers send a message only for whoever waits for an event: a thread that sleeps would never look at it. */
class RunCompletion extends Completion {
  readonly #run: PoolRun;
  #subscribed = false;

  constructor(run: PoolRun) {
    super();
    this.#run = run;
    this.waitSync = () => {
      run.waitSync();
      this.#end();
    };
  }

  override subscribe(callback: () => void): void {
    super.subscribe(callback);
    if (this.#subscribed || this.done) return;
    this.#subscribed = true;
    this.#run.subscribe(() => this.#end());
  }

  #end(): void {
    if (!this.done) this.complete();
  }
}
