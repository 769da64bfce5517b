// Scratch memory for reads: payload of compressed clusters, clusters that are wanted in part, blocks at the ragged ends of
// a request. Taken and given back within one read; a few of each size are kept, so that a long read allocates once.

import { assert } from '@f2fskit/errno';

/** Smallest and largest buffer: one block, one cluster of 256 blocks. */
const SIZE_MIN_LOG2 = 12;
const SIZE_MAX_LOG2 = 20;
/** Bytes kept of each size unless told otherwise: what one window of a read has in flight. */
const KEPT_BYTES_MAX = 1 << 20;

export class BufferPool {
  readonly #keptBytesMax: number;
  readonly #free: Uint8Array[][] = Array.from({ length: SIZE_MAX_LOG2 - SIZE_MIN_LOG2 + 1 }, () => []);

  /** Bytes in buffers that have not been given back. */
  bytesTaken = 0;

  /** Keeps so many bytes of each size. */
  constructor(keptBytesMax = KEPT_BYTES_MAX) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** At least `size` bytes, content undefined: the whole buffer, which goes back to `give`. */
  take(size: number): Uint8Array {
    assert(size > 0 && size <= 1 << SIZE_MAX_LOG2, 'a scratch buffer is at most one cluster');
    const log2 = Math.max(SIZE_MIN_LOG2, 32 - Math.clz32(size - 1));
    this.bytesTaken += 1 << log2;
    return this.#free[log2 - SIZE_MIN_LOG2]!.pop() ?? new Uint8Array(1 << log2);
  }

  /** Gives back a buffer that `take` returned and that nothing writes to any more. */
  give(buffer: Uint8Array): void {
    this.bytesTaken -= buffer.length;
    const free = this.#free[31 - Math.clz32(buffer.length) - SIZE_MIN_LOG2]!;
    if ((free.length + 1) * buffer.length <= this.#keptBytesMax) free.push(buffer);
  }
}
