// How many workers a pool has.

import { EINVAL, FsError } from '@f2fskit/errno';
import { workersMax } from './job-board.ts';

/** A number of workers, or `auto`: the cores beside the one of the thread that asks, which compresses too. */
export type PoolWorkers = number | 'auto';

/** The number, at most 32. Throws EINVAL for what is none. */
export function workerCount(workers: PoolWorkers, cores: number): number {
  if (workers === 'auto') return Math.min(Math.max(0, cores - 1), workersMax);
  if (Number.isSafeInteger(workers) && workers >= 0) return Math.min(workers, workersMax);
  throw new FsError(EINVAL, `a number of workers is a whole number from 0 on, or 'auto', not ${String(workers)}`);
}
