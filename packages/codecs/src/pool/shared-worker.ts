// What a worker of a shared pool does, for as long as it lives: take a job, do it, give it back, sleep when there is none.

import { assert } from '@f2fskit/errno';
import type { CodecRegistry } from '../codec.ts';
import { JobBoard } from './job-board.ts';
import type { SharedWorkerData } from './shared-pool.ts';

/** Does one job, if there is one; `notify` sends the owner a message. */
export function workOnce(board: JobBoard, worker: number, codecs: CodecRegistry, notify: () => void): boolean {
  const taken = board.take(worker);
  if (taken === undefined) return false;
  const codec = codecs.get(taken.format);
  assert(codec?.compress !== undefined, 'a worker gets jobs for codecs that it has');
  if (board.give(taken.job, codec.compress(taken.source, taken.target, taken.level))) notify();
  return true;
}

/** Works until the thread is terminated. */
export function workForever({ memory, worker }: SharedWorkerData, codecs: CodecRegistry, notify: () => void): never {
  const board = new JobBoard(memory);
  board.enter(worker);
  for (;;) {
    const seen = board.postedCount;
    if (!workOnce(board, worker, codecs, notify)) board.sleep(seen);
  }
}
