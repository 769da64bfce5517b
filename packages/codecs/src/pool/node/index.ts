// The codec pool of Node: worker threads over shared memory. They do not keep the process alive, except while somebody waits for one
// of them with a promise.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { CodecPool } from '../codec-pool.ts';
import { type PoolWorker, SharedPool, type SharedWorkerData, type WorkerEvents } from '../shared-pool.ts';
import { type PoolWorkers, workerCount } from '../workers.ts';
import { poolCodecs } from './codecs.ts';

export interface NodePoolOptions {
  /** How many workers; `auto`, the default: as many as there are cores beside this thread's. At most 32. */
  workers?: PoolWorkers;
  /** The program of the workers, for whoever bundles this package: `@f2fskit/codecs/node-pool-worker`, bundled. */
  program?: URL;
}

/**
 * A pool for the codecs of this package and those of Node. Workers are started by the first batch that has something for them.
 * Throws EINVAL for a number of workers that is none.
 */
export function nodeCodecPool({ workers = 'auto', program = ownProgram() }: NodePoolOptions = {}): CodecPool {
  return new SharedPool({
    workers: workerCount(workers, availableParallelism()),
    codecs: poolCodecs(),
    start: (data, events) => startWorker(program, data, events),
    canBlock: true,
  });
}

function ownProgram(): URL {
  return new URL('./worker.js', import.meta.url);
}

function startWorker(program: URL, workerData: SharedWorkerData, { onNotice, onGone }: WorkerEvents): PoolWorker {
  // Options of this process, such as how its program was given, are not meant for it.
  const worker = new Worker(program, { workerData, name: 'f2fskit codecs', execArgv: [] });
  worker.on('message', onNotice);
  // What it says of itself does not matter: another event tells that it is gone, and its work is done elsewhere.
  worker.on('error', () => {});
  worker.on('exit', onGone);
  worker.unref();
  return {
    keepRunning: (keep) => (keep ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}
