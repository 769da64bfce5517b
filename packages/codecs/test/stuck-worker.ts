// A worker that begins with a job and does not go on.

import { workerData } from 'node:worker_threads';
import { JobBoard } from '../src/pool/job-board.ts';
import type { SharedWorkerData } from '../src/pool/shared-pool.ts';

const { memory, worker } = workerData as SharedWorkerData;
const board = new JobBoard(memory);
board.enter(worker);
for (;;) {
  const seen = board.postedCount;
  if (board.take(worker) === undefined) board.sleep(seen);
  else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
