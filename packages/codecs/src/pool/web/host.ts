// What a browser offers, as far as a pool and its workers use it.

import type { SharedWorkerData } from '../shared-pool.ts';
import type { ReturnedJob, SentJob } from '../transfer-pool.ts';

/** What the owner sends: the shared memory, once, or a job. */
export type ToWorker = SharedWorkerData | SentJob;

/** What a worker sends: that it is there, that a job on the board is finished, or a job. */
export type FromWorker = 'ready' | 'finished' | ReturnedJob;

/** A dedicated worker, from outside. */
export interface WebWorker {
  onmessage: ((event: { data: FromWorker }) => void) | null;
  /** The program could not be loaded, or has failed. */
  onerror: ((event: { preventDefault(): void }) => void) | null;
  postMessage(message: ToWorker, transfer?: ArrayBuffer[]): void;
  terminate(): void;
}

/** A dedicated worker, from inside. */
export interface WebWorkerScope {
  onmessage: ((event: { data: ToWorker }) => void) | null;
  postMessage(message: FromWorker, transfer?: ArrayBuffer[]): void;
}

/** The global names. */
export interface WebHost {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
}
