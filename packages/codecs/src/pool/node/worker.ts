// The program of a worker in Node.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { SharedWorkerData } from '../shared-pool.ts';
import { workForever } from '../shared-worker.ts';
import { poolCodecs } from './codecs.ts';

/** Whether this is a worker: who imports it elsewhere (a check of what a package exports) has no asker. */
export const isWorker = !isMainThread;
if (isWorker) workForever(workerData as SharedWorkerData, poolCodecs(), () => parentPort!.postMessage(0));
