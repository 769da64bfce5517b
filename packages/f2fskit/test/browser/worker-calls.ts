// What volume.worker.ts does for the page, and how the page asks for it.

import type { ManifestText } from './manifest-text.ts';

/** What was read of the large volume, and what that took. */
export interface LargeVolumeReport {
  size: number;
  names: string[];
  hello: string;
  bytesRead: number;
}

export interface WorkerCalls {
  /** The manifest, by the sync methods, of a packed image that is unpacked into OPFS. */
  manifest(url: string): Promise<ManifestText>;
  largeVolume(): Promise<LargeVolumeReport>;
  /** Opens a volume, and again: while it is open, beside a writer, after each was closed. Answers what became of them. */
  locks(url: string): Promise<string[]>;
}

export type WorkerRequest = {
  [Call in keyof WorkerCalls]: [Call, ...Parameters<WorkerCalls[Call]>];
}[keyof WorkerCalls];
export type WorkerAnswer = { result: unknown } | { failure: string };

/** Calls the worker; rejects with what was thrown there. One call at a time. */
export function callWorker<Call extends keyof WorkerCalls>(
  worker: Worker,
  call: Call,
  ...parameters: Parameters<WorkerCalls[Call]>
): ReturnType<WorkerCalls[Call]> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) =>
      'failure' in data ? reject(new Error(`in the worker: ${data.failure}`)) : resolve(data.result as never);
    worker.onerror = (event) => reject(new Error(`the worker did not start: ${event.message}`));
    worker.postMessage([call, ...parameters]);
  }) as ReturnType<WorkerCalls[Call]>;
}
