// The option that has clusters compressed on several cores. How workers are started is the entry's.

import type { CodecPool, PoolWorkers } from '@f2fskit/codecs';
import type { OpenOptions } from './open.ts';

export interface CompressWorkersOption {
  /**
   * Of a writable volume: workers that compress clusters beside this thread, which compresses too. `auto`: as many as there are other
   * cores; at most 32. They are started by the first write that has more than one cluster at once, and end with the volume. What is
   * written is the same with any number of them. Default 0: this thread alone.
   *
   * They have the codecs that this entry has by default. With another one in `codecs` this thread compresses alone. EINVAL for
   * what is no number of workers.
   */
  compressWorkers?: PoolWorkers;
}

/** Takes the option out of the others: the pool that it asks for, if any, and what is left. Throws EINVAL. */
export function takeCompressWorkers<Options extends OpenOptions & CompressWorkersOption>(
  options: Options,
  makePool: (workers: PoolWorkers) => CodecPool,
): { pool: CodecPool | undefined; rest: Omit<Options, 'compressWorkers'> } {
  const { compressWorkers = 0, ...rest } = options;
  if (compressWorkers === 0) return { pool: undefined, rest };
  // Made even where it is not used: a wrong number is wrong everywhere. Nothing is started yet.
  const pool = makePool(compressWorkers);
  return { pool: options.writable === true && options.encoder === undefined ? pool : undefined, rest };
}
