// The page's side of opfs.worker.ts.

interface Answer {
  name: string;
  failure?: string;
}

/** Runs one case in the worker; rejects with what it threw there. One at a time. */
export function runInWorker(worker: Worker, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) =>
      data.failure === undefined ? resolve() : reject(new Error(`in the worker: ${data.failure}`));
    worker.onerror = (event) => reject(new Error(`the worker did not start: ${event.message}`));
    worker.postMessage(name);
  });
}
