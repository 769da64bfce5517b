import { AssertionError } from '@f2fskit/errno';
import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.ts';

describe('BufferPool', () => {
  it('gives buffers of the next power of two, from a block to the largest cluster', () => {
    const pool = new BufferPool();
    for (const [size, length] of [
      [1, 4096],
      [4096, 4096],
      [4097, 8192],
      [3 * 4096, 16_384],
      [(1 << 20) - 1, 1 << 20],
      [1 << 20, 1 << 20],
    ]) {
      expect(pool.take(size!).length).toBe(length);
    }
  });

  it('gives a buffer again once it came back, and never before', () => {
    const pool = new BufferPool();
    const first = pool.take(5000);
    const second = pool.take(5000);
    expect(second).not.toBe(first);
    pool.give(first);
    expect(pool.take(8192)).toBe(first);
    pool.give(second);
    expect(pool.take(4096)).not.toBe(second); // another size
    expect(pool.take(4097)).toBe(second);
  });

  it.each([
    [4096, 256],
    [65_536, 16],
    [1 << 20, 1],
  ])('keeps a MiB of each size: of %i bytes %i buffers', (size, kept) => {
    const pool = new BufferPool();
    const buffers = Array.from({ length: kept + 2 }, () => pool.take(size));
    for (const buffer of buffers) pool.give(buffer);
    const again = Array.from({ length: kept + 2 }, () => pool.take(size));
    expect(again.filter((buffer) => buffers.includes(buffer))).toHaveLength(kept);
  });

  it('has nothing smaller than a byte or larger than a cluster', () => {
    for (const size of [0, -1, (1 << 20) + 1]) expect(() => new BufferPool().take(size)).toThrow(AssertionError);
  });
});
