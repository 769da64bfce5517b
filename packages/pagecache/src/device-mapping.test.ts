import { FaultDevice, MemoryDevice, ShuffleDevice, StatisticsDevice, writeBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { runAsync, runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlockCopy, DeviceMapping, PAGE_SIZE, PageCache } from './index.ts';

const BLOCKS = 4096;

/** Block n is filled with n mod 251 + 1. */
function numberedBlocks(): MemoryDevice {
  const device = new MemoryDevice(BLOCKS * PAGE_SIZE);
  for (let n = 0; n < BLOCKS; n++) {
    runSync(writeBytes(device, n * PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill((n % 251) + 1)));
  }
  return device;
}

const numbered = numberedBlocks();
const smallCache = (): PageCache => new PageCache({ budgetBytes: 4 << 20, poison: true });

function isBlock({ address, bytes, view }: BlockCopy, n: number): boolean {
  const value = (n % 251) + 1;
  return (
    address === n && bytes.length === PAGE_SIZE && bytes.every((byte) => byte === value) && view.getUint8(9) === value
  );
}

describe('DeviceMapping', () => {
  it('reads a block once and keeps it', () => {
    const device = new StatisticsDevice(numbered);
    const blocks = new DeviceMapping(smallCache(), device);
    expect(blocks.peek(7)).toBeUndefined();
    const block = runSync(blocks.get(7));
    expect(isBlock(block, 7)).toBe(true);
    expect(blocks.peek(7)).toBe(block);
    expect(runSync(blocks.get(7))).toBe(block);
    expect(device.snapshot().read).toMatchObject({ bios: 1, bytes: PAGE_SIZE });
    expect(blocks.misses).toBe(1);
  });

  it('reads a block once for many tasks at a time', async () => {
    const device = new StatisticsDevice(new ShuffleDevice(numbered, 1));
    const blocks = new DeviceMapping(smallCache(), device);
    const scheduler = new Scheduler('async');
    const found = await Promise.all(Array.from({ length: 20 }, () => scheduler.run(blocks.copy(3))));
    expect(device.snapshot().read.bios).toBe(1);
    expect(found.every((block) => isBlock(block, 3))).toBe(true);
  });

  it('a copy stays as it is when the page it came from is reclaimed', () => {
    const blocks = new DeviceMapping(smallCache(), numbered);
    const copy = runSync(blocks.copy(1));
    const page = runSync(blocks.get(1));
    for (let n = 2; n < 2000; n++) runSync(blocks.get(n));
    expect(blocks.peek(1)).toBeUndefined();
    expect(isBlock(copy, 1)).toBe(true);
    expect(isBlock(page, 1)).toBe(false); // memory of the cache: another block by now, or poison
  });

  it('a page with a reference stays as it is', () => {
    const blocks = new DeviceMapping(smallCache(), numbered);
    const page = runSync(blocks.get(1));
    page.get();
    for (let n = 2; n < 2000; n++) runSync(blocks.get(n));
    expect(isBlock(page, 1)).toBe(true);
    page.put();
  });

  it('reads a page again that was dropped while somebody waited for its lock (I-2)', async () => {
    const device = new ShuffleDevice(numbered, 1, { automatic: false });
    const blocks = new DeviceMapping(smallCache(), device);
    const scheduler = new Scheduler('async');
    const first = scheduler.run(blocks.copy(3));
    const dropped = scheduler.run(blocks.mapping.invalidate(3, 4));
    const second = scheduler.run(blocks.copy(3));
    let settled = false;
    void Promise.all([first, dropped, second]).then(() => {
      settled = true;
    });
    for (let turn = 0; turn < 20 && !settled; turn++) {
      device.drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isBlock(await first, 3)).toBe(true);
    expect(isBlock(await second, 3)).toBe(true);
    expect(blocks.peek(3)).toBeDefined();
  });

  it('does not cache a failure: who waited tries for itself, and a later try reads again', async () => {
    const rule = { action: { kind: 'fail' as const }, times: 2 };
    const device = new StatisticsDevice(new FaultDevice(numbered, [rule], { mode: 'async' }));
    const blocks = new DeviceMapping(smallCache(), device);
    const results = await Promise.allSettled([3, 3, 3].map((n) => runAsync(blocks.copy(n))));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toBeInstanceOf(FsError);
      expect(result.reason).toMatchObject({ code: 'EIO', syscall: 'read' });
      expect(result.reason.message).toContain(`${3 * PAGE_SIZE} on memory`);
    }
    expect(device.snapshot().read.bios).toBe(3);
  });

  it('fails with EIO beyond the end of the device', () => {
    expect(() => runSync(new DeviceMapping(smallCache(), numbered).get(BLOCKS))).toThrow(/EIO/);
  });

  it('any order, any failures: right bytes or EIO, never more memory than its budget', async () => {
    const parameters = fc.record({ seed: fc.nat(), fail: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(parameters, async ({ seed, fail }) => {
        const device = new ShuffleDevice(numbered, seed, { failChance: fail ? 0.2 : 0 });
        const cache = smallCache();
        const blocks = new DeviceMapping(cache, device);
        const random = seededRandom(seed);
        let failed = 0;
        function* reader(): Task<void> {
          for (let i = 0; i < 250; i++) {
            const n = random.chance(0.5) ? random.below(12) : random.below(BLOCKS);
            try {
              if (!isBlock(blocks.peek(n) ?? (yield* blocks.get(n)), n)) throw new Error(`block ${n} is another one`);
            } catch (error) {
              if (!(error instanceof FsError) || error.code !== 'EIO') throw error;
              failed++;
            }
            if (cache.bytesUsed > cache.budgetBytes) throw new Error('over the budget');
          }
        }
        await Promise.all(Array.from({ length: 12 }, () => runAsync(reader())));
        expect(failed > 0).toBe(device.failures > 0);
        expect(cache.statistics.foliosReclaimed).toBeGreaterThan(0);
      }),
      { numRuns: 15 },
    );
  });
});
