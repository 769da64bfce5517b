// The program of a worker in Node.

import { parentPort, workerData } from 'node:worker_threads';
import type { SharedWorkerData } from '../shared-pool.ts';
import { workForever } from '../shared-worker.ts';
import { poolCodecs } from './codecs.ts';

workForever(workerData as SharedWorkerData, poolCodecs(), () => parentPort!.postMessage(0));
