import { FaultDevice, MemoryDevice, ShuffleDevice, StatisticsDevice, writeBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { runAsync, runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../test/support.ts';
import { BlockCache, type CachedBlock } from './index.ts';

const BLOCKS = 32;

/** Block n is filled with n + 1. */
function numberedBlocks(): MemoryDevice {
  const device = new MemoryDevice(BLOCKS * BLOCK_SIZE);
  for (let n = 0; n < BLOCKS; n++) {
    runSync(writeBytes(device, n * BLOCK_SIZE, new Uint8Array(BLOCK_SIZE).fill(n + 1)));
  }
  return device;
}

function isBlock({ address, bytes, view }: CachedBlock, n: number): boolean {
  return (
    address === n &&
    bytes.length === BLOCK_SIZE &&
    bytes.every((byte) => byte === n + 1) &&
    view.getUint8(BLOCK_SIZE - 1) === n + 1
  );
}

describe('BlockCache', () => {
  it('reads a block once and keeps it', () => {
    const device = new StatisticsDevice(numberedBlocks());
    const cache = new BlockCache(device);
    expect(cache.peek(7)).toBeUndefined();
    const block = runSync(cache.get(7));
    expect(isBlock(block, 7)).toBe(true);
    expect(cache.peek(7)).toBe(block);
    expect(runSync(cache.get(7))).toBe(block);
    expect(device.snapshot().read).toMatchObject({ bios: 1, bytes: BLOCK_SIZE });
    expect(cache.misses).toBe(1);
  });

  it('reads a block once for many tasks at a time', async () => {
    const device = new StatisticsDevice(new ShuffleDevice(numberedBlocks(), 1));
    const cache = new BlockCache(device);
    const blocks = await Promise.all(Array.from({ length: 20 }, () => runAsync(cache.get(3))));
    expect(device.snapshot().read.bios).toBe(1);
    expect(new Set(blocks).size).toBe(1);
    expect(isBlock(blocks[0]!, 3)).toBe(true);
  });

  it('gives a waiting task its block also when others have pushed it out meanwhile', async () => {
    // A scheduler resumes tasks in the order in which their waits end: A (who reads 5), C (who reads 7 and pushes 5 out),
    // and only then B, who waited for A's read.
    const device = new ShuffleDevice(numberedBlocks(), 1, { automatic: false });
    const counted = new StatisticsDevice(device);
    const cache = new BlockCache(counted, 1);
    const scheduler = new Scheduler('async');
    const readers = [scheduler.run(cache.get(5)), scheduler.run(cache.get(5)), scheduler.run(cache.get(7))];
    device.drain();
    const [a, b, c] = await Promise.all(readers);
    expect(b).toBe(a);
    expect(isBlock(b!, 5)).toBe(true);
    expect(isBlock(c!, 7)).toBe(true);
    expect(counted.snapshot().read.bios).toBe(2);
  });

  it('keeps the blocks used last, as many as it was told', () => {
    const cache = new BlockCache(numberedBlocks(), 3);
    for (const n of [1, 2, 3]) runSync(cache.get(n));
    cache.peek(1); // now 2 is the oldest
    runSync(cache.get(4));
    expect([1, 2, 3, 4].filter((n) => cache.peek(n) !== undefined)).toEqual([1, 3, 4]);
    runSync(cache.get(1));
    runSync(cache.get(5)); // 3, then 4, then 1 were used
    expect([1, 3, 4, 5].filter((n) => cache.peek(n) !== undefined)).toEqual([1, 4, 5]);
    expect(cache.size).toBe(3);
  });

  it('does not change a block that somebody holds when it leaves the cache', () => {
    const cache = new BlockCache(numberedBlocks(), 1);
    const held = runSync(cache.get(1));
    for (let n = 2; n < 8; n++) runSync(cache.get(n));
    expect(isBlock(held, 1)).toBe(true);
  });

  it('does not cache a failure: everyone who waited fails, and a later try reads again', async () => {
    const rule = { action: { kind: 'fail' as const }, times: 1 };
    const device = new StatisticsDevice(new FaultDevice(numberedBlocks(), [rule], { mode: 'async' }));
    const cache = new BlockCache(device);
    const results = await Promise.allSettled([3, 3, 3].map((n) => runAsync(cache.get(n))));
    for (const result of results) {
      expect(result.status).toBe('rejected');
      const { reason } = result as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(FsError);
      expect(reason).toMatchObject({ code: 'EIO', syscall: 'read' });
      expect(reason.message).toContain(`${3 * BLOCK_SIZE} on memory`);
    }
    expect(cache.size).toBe(0);
    expect(isBlock(await runAsync(cache.get(3)), 3)).toBe(true);
    expect(device.snapshot().read.bios).toBe(2);
  });

  it('fails with EIO beyond the end of the device', () => {
    expect(errorOf(new BlockCache(numberedBlocks()).get(BLOCKS)).code).toBe('EIO');
  });

  it('any order, any failures: right bytes or EIO, never more blocks than its bound', async () => {
    const parameters = fc.record({ seed: fc.nat(), capacity: fc.integer({ min: 1, max: 8 }), fail: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(parameters, async ({ seed, capacity, fail }) => {
        const device = new ShuffleDevice(numberedBlocks(), seed, { failChance: fail ? 0.2 : 0 });
        const cache = new BlockCache(device, capacity);
        const random = seededRandom(seed);
        let failed = 0;
        function* reader(): Task<void> {
          for (let i = 0; i < 20; i++) {
            const n = random.below(12);
            try {
              expect(isBlock(cache.peek(n) ?? (yield* cache.get(n)), n)).toBe(true);
            } catch (error) {
              if (!(error instanceof FsError) || error.code !== 'EIO') throw error;
              failed++;
            }
            expect(cache.size).toBeLessThanOrEqual(capacity);
          }
        }
        await Promise.all(Array.from({ length: 5 }, () => runAsync(reader())));
        expect(failed > 0).toBe(device.failures > 0);
      }),
      { numRuns: 40 },
    );
  });
});
