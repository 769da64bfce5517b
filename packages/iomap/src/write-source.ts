// Where the bytes of a write come from. Getting hold of them may wait and run somebody's code: that happens before a folio is
// locked (`prepare`). Copying happens under the lock: it waits for nothing, and takes what is there (L5).

import type { Task } from '@f2fskit/task';

export interface WriteSource {
  /** Bytes to be written. */
  readonly length: number;
  /**
   * Makes bytes from `at` on available, if possible `length` of them; returns how many are, at least one. Throws when
   * there are none.
   */
  prepare(at: number, length: number): Task<number>;
  /**
   * Copies bytes from `at` on into `target`, as many as are available; returns how many: fewer than were prepared, if
   * some have gone again.
   */
  copy(at: number, target: Uint8Array): number;
}

/** Bytes in memory. */
export class BytesSource implements WriteSource {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  *prepare(at: number): Task<number> {
    return this.bytes.length - at;
  }

  copy(at: number, target: Uint8Array): number {
    const end = Math.min(this.bytes.length, at + target.length);
    target.set(at === 0 && end === this.bytes.length ? this.bytes : this.bytes.subarray(at, end));
    return end - at;
  }
}
