// The codec pool of browsers: dedicated workers, over shared memory where the page is isolated from other origins, else with buffers
// that change hands. Where there are no workers at all, the pool is the thread that asks.

import { defaultCodecs } from '../../defaults.ts';
import type { CodecPool } from '../codec-pool.ts';
import { type PoolWorker, SharedPool, type SharedWorkerData, type WorkerEvents } from '../shared-pool.ts';
import { type TransferEvents, TransferPool, type TransferWorker } from '../transfer-pool.ts';
import { type PoolWorkers, workerCount } from '../workers.ts';
import type { WebHost, WebWorker } from './host.ts';

export interface WebPoolOptions {
  /** How many workers; `auto`, the default: as many as there are cores beside this thread's. At most 32. */
  workers?: PoolWorkers;
  /** Whether to share memory with the workers. Default: where that is possible. */
  sharedMemory?: boolean;
  /** Starts a worker that runs `@f2fskit/codecs/browser-pool-worker`; for bundlers that do not find it by themselves. */
  startWorker?: () => unknown;
}

/** The constructor, which not every host has. */
declare const Worker: new (program: URL, options: { type: 'module'; name: string }) => WebWorker;

/** A pool for the codecs of this package. Workers are started by the first batch that has something for them. Throws EINVAL. */
export function webCodecPool(options: WebPoolOptions = {}): CodecPool {
  const host = globalThis as WebHost;
  const { workers = 'auto', sharedMemory = host.crossOriginIsolated === true, startWorker = startOwnProgram } = options;
  const count = workerCount(workers, host.navigator?.hardwareConcurrency ?? 1);
  const codecs = defaultCodecs();
  const begin = startWorker as () => WebWorker;
  if (!sharedMemory)
    return new TransferPool({ workers: count, codecs, start: (events) => transferWorker(begin(), events) });
  const start = (data: SharedWorkerData, events: WorkerEvents): PoolWorker => sharedWorker(begin(), data, events);
  return new SharedPool({ workers: count, codecs, start, canBlock: mayBlock() });
}

function startOwnProgram(): WebWorker {
  // Bundlers look for exactly this.
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'f2fskit codecs' });
}

/** The thread of a page must not sleep, its workers may. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

function sharedWorker(worker: WebWorker, data: SharedWorkerData, { onNotice, onGone }: WorkerEvents): PoolWorker {
  worker.onmessage = onNotice;
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    onGone();
  };
  worker.postMessage(data);
  // A page does not end because nobody waits.
  return { keepRunning: () => {}, terminate: () => worker.terminate() };
}

function transferWorker(worker: WebWorker, { onReady, onReturned, onGone }: TransferEvents): TransferWorker {
  worker.onmessage = ({ data }) => {
    if (typeof data === 'object') onReturned(data);
    else onReady();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    onGone();
  };
  return { send: (job) => worker.postMessage(job, [job.memory]), terminate: () => worker.terminate() };
}
