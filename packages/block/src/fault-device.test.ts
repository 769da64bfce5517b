import { EIO, ENODEV, ENOSPC } from '@f2fskit/errno';
import { runAsync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  type Bio,
  closeDevice,
  discardBio,
  FaultDevice,
  type FaultRule,
  flushBio,
  LatencyDevice,
  MemoryDevice,
  readBio,
  StatisticsDevice,
  writeBio,
} from './index.ts';

const BLOCK = 4096;

/** A device of ones under a fault device, and what reaches it. */
function faulty(rules: FaultRule[], options: { seed?: number; mode?: 'sync' | 'async' } = {}) {
  const memory = MemoryDevice.from(new Uint8Array(64 * BLOCK).fill(1));
  const below = new StatisticsDevice(memory);
  return { memory, below, device: new FaultDevice(below, rules, options) };
}

const write = (offset: number, size: number): Bio => writeBio(offset, [new Uint8Array(size).fill(2)]);
const read = (offset: number, size: number): Bio => readBio(offset, [new Uint8Array(size)]);

function submit(device: FaultDevice, ...bios: Bio[]): Bio[] {
  for (const bio of bios) device.submit(bio);
  return bios;
}

const results = (bios: Bio[]): Array<[error: number, residual: number]> =>
  bios.map((bio) => [bio.completion.error, bio.residual]);

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined;
}

describe('FaultDevice: which bios', () => {
  it('counts the bios that meet the conditions: after spares the first, times limits the hits', () => {
    const { device, below } = faulty([{ operation: 'read', after: 2, times: 2, action: { kind: 'fail' } }]);
    const bios = submit(device, read(0, 512), write(0, 512), read(0, 512), read(0, 512), read(0, 512), read(0, 512));
    expect(bios.map((bio) => bio.completion.error)).toEqual([0, 0, 0, EIO, EIO, 0]);
    expect(device.log.map((record) => record.id)).toEqual([3, 4]);
    expect(below.snapshot().read.bios).toBe(3);
  });

  it('goes by range: touching is enough, ending before it is not', () => {
    const range = { start: 2 * BLOCK, end: 3 * BLOCK };
    const { device } = faulty([{ range, action: { kind: 'fail', error: ENOSPC } }]);
    const bios = submit(device, read(BLOCK, BLOCK), read(BLOCK, BLOCK + 512), write(3 * BLOCK - 512, BLOCK));
    submit(device, read(3 * BLOCK, BLOCK), flushBio(), discardBio(0, 64 * BLOCK)).forEach((bio) => {
      bios.push(bio);
    });
    expect(bios.map((bio) => bio.completion.error)).toEqual([0, ENOSPC, ENOSPC, 0, 0, ENOSPC]);
  });

  it('the first rule that hits decides, and rules can be added and taken away', () => {
    const { device } = faulty([{ match: (bio) => bio.size === 512, times: 1, action: { kind: 'fail', error: 1 } }]);
    device.inject({ action: { kind: 'fail', error: 2 } });
    const bios = submit(device, read(0, 1024), read(0, 512), read(0, 512));
    device.clear();
    submit(device, read(0, 512)).forEach((bio) => {
      bios.push(bio);
    });
    expect(bios.map((bio) => bio.completion.error)).toEqual([2, 1, 2, 0]);
    expect(device.log.length).toBe(3);
  });

  it('chance is the same for the same seed and another for another', () => {
    const hits = (seed: number): number[] => {
      const { device } = faulty([{ chance: 0.2, action: { kind: 'fail' } }], { seed });
      for (let i = 0; i < 200; i++) device.submit(read(0, 512));
      return device.log.map((record) => record.id);
    };
    expect(hits(1)).toEqual(hits(1));
    expect(hits(1)).not.toEqual(hits(2));
    expect(hits(1).length).toBeGreaterThan(20);
    expect(hits(1).length).toBeLessThan(70);
  });

  it('leaves requests that are refused anyway alone', () => {
    const { device } = faulty([{ action: { kind: 'drop' } }, { action: { kind: 'short' } }]);
    expect(results(submit(device, write(64 * BLOCK, 512), write(1, 512)))).toEqual([
      [EIO, 512],
      [22, 512],
    ]);
    expect(device.log).toEqual([]);
  });
});

describe('FaultDevice: what becomes of them', () => {
  it('fail: nothing happens', () => {
    const { device, memory } = faulty([{ action: { kind: 'fail' } }]);
    const [, reading] = submit(device, write(0, 512), read(0, 512), flushBio());
    expect(memory.toBytes(0, 512).every((byte) => byte === 1)).toBe(true);
    expect(reading!.segments[0]!.every((byte) => byte === 0)).toBe(true);
  });

  it('short: a prefix is transferred and the residual says which', () => {
    const { device, memory } = faulty([{ action: { kind: 'short', sectors: 3 } }]);
    const segments = [new Uint8Array(1000), new Uint8Array(3096)];
    const reading = readBio(0, segments);
    expect(results(submit(device, write(8192, BLOCK), reading))).toEqual([
      [EIO, BLOCK - 1536],
      [EIO, BLOCK - 1536],
    ]);
    expect(memory.toBytes(8192, BLOCK).lastIndexOf(2)).toBe(1535);
    expect([segments[0]!.lastIndexOf(1), segments[1]!.lastIndexOf(1)]).toEqual([999, 535]);
    expect(device.log[0]).toEqual({
      id: 0,
      kind: 'short',
      operation: 'write',
      offset: 8192,
      size: 4096,
      transferred: 1536,
    });
  });

  it('short: never all of it, and by the seed where nothing is said', () => {
    const { device } = faulty([{ action: { kind: 'short', sectors: 99 }, times: 1 }, { action: { kind: 'short' } }]);
    expect(results(submit(device, write(0, 1024)))).toEqual([[EIO, 512]]);
    const residuals = new Set<number>();
    for (let i = 0; i < 100; i++) residuals.add(submit(device, write(0, 2048))[0]!.residual);
    expect([...residuals].sort((a, b) => a - b)).toEqual([512, 1024, 1536, 2048]);
  });

  it('torn: a prefix of blocks reaches the device, and the bio does not say so', () => {
    const { device, memory } = faulty([{ action: { kind: 'torn', blocks: 2 } }]);
    // begins inside a block: the part of it that is written counts as the first
    const [bio] = submit(device, write(1024, 4 * BLOCK), read(0, 512));
    expect(results([bio!])).toEqual([[EIO, 4 * BLOCK]]);
    const bytes = memory.toBytes();
    expect([bytes.indexOf(2), bytes.lastIndexOf(2)]).toEqual([1024, 2 * BLOCK - 1]);
    expect(device.log.length).toBe(1); // reads are not torn
  });

  it('torn: at block boundaries only, unless sectors are asked for', () => {
    for (const unit of [4096, 512] as const) {
      const ends = new Set<number>();
      for (let seed = 0; seed < 200; seed++) {
        const { device, memory } = faulty([{ action: { kind: 'torn', unit, error: 0 } }], { seed });
        expect(results(submit(device, write(BLOCK - 512, BLOCK + 1024)))).toEqual([[0, 0]]);
        const end = memory.toBytes().lastIndexOf(2) + 1;
        ends.add(end === 0 ? BLOCK - 512 : end);
      }
      const sorted = [...ends].sort((a, b) => a - b);
      if (unit === 4096) expect(sorted).toEqual([BLOCK - 512, BLOCK, 2 * BLOCK]);
      else expect(sorted).toEqual(Array.from({ length: 10 }, (_, i) => BLOCK - 512 + i * 512));
    }
  });

  it('drop: ends well, nothing happened; reads are spared', () => {
    const { device, memory, below } = faulty([{ action: { kind: 'drop' } }]);
    const bios = submit(device, write(0, 512), discardBio(0, 512), flushBio(), read(0, 512));
    expect(results(bios)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(memory.toBytes(0, 512).every((byte) => byte === 1)).toBe(true);
    expect(below.snapshot()).toMatchObject({ read: { bios: 1 }, write: { bios: 0 }, flush: { bios: 0 } });
  });

  it('gone: everything from that bio on, until it is back', () => {
    const { device, below } = faulty([{ after: 1, times: 1, action: { kind: 'gone' } }]);
    const bios = submit(device, write(0, 512), write(512, 512), flushBio(), read(0, 512));
    expect(bios.map((bio) => bio.completion.error)).toEqual([0, ENODEV, ENODEV, ENODEV]);
    device.clear();
    expect(results(submit(device, read(0, 512)))).toEqual([[0, 0]]);
    expect(below.snapshot()).toMatchObject({ write: { bios: 1 }, flush: { bios: 0 }, read: { bios: 1 } });
  });

  it('hold: until released, in the order that the test wants', async () => {
    const { device, below } = faulty([{ operation: 'write', action: { kind: 'hold' } }], { mode: 'async' });
    const bios = submit(device, write(0, 512), write(512, 512), write(1024, 512), read(0, 512));
    await microtasks(3);
    expect(bios.map((bio) => bio.completion.done)).toEqual([false, false, false, true]);
    expect(device.held).toEqual(bios.slice(0, 3));
    device.release(bios[1]);
    expect(bios.map((bio) => bio.completion.done)).toEqual([false, true, false, true]);
    device.release();
    expect([device.held.length, below.snapshot().write.bios]).toEqual([0, 3]);
    expect(() => device.release(bios[1])).toThrow('held');
  });

  it('hold: a device that is closed, or gone, ends what it holds', async () => {
    const { device } = faulty(
      [
        { times: 1, action: { kind: 'hold' } },
        { times: 1, action: { kind: 'gone' } },
      ],
      {
        mode: 'async',
      },
    );
    const bios = submit(device, write(0, 512), flushBio());
    await microtasks(1);
    await runAsync(closeDevice(device));
    expect(bios.map((bio) => bio.completion.error)).toEqual([ENODEV, ENODEV]);
  });

  it('delay: that many microtasks', async () => {
    const { device } = faulty([{ times: 1, action: { kind: 'delay', microtasks: 5 } }], { mode: 'async' });
    const bios = submit(device, write(0, 512), write(512, 512));
    await microtasks(2);
    expect(bios.map((bio) => bio.completion.done)).toEqual([false, true]);
    await microtasks(5);
    expect(bios[0]!.completion.done).toBe(true);
  });

  it('reorder: a group happens together, in an order that the seed decides', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const { device } = faulty([{ action: { kind: 'reorder', group: 6 } }], { seed, mode: 'async' });
      const order: number[] = [];
      const bios = Array.from({ length: 8 }, (_, i) => write(i * 512, 512));
      bios.forEach((bio, i) => {
        bio.completion.subscribe(() => order.push(i));
      });
      submit(device, ...bios);
      await microtasks(3);
      expect([order.length, device.held.length]).toEqual([6, 2]);
      device.release();
      expect(order.slice(6)).toEqual([6, 7]);
      return order;
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('works over an async device as well', async () => {
    const memory = MemoryDevice.from(new Uint8Array(4 * BLOCK).fill(1));
    const device = new FaultDevice(new LatencyDevice(memory, { clock: 'microtask', ticks: 3 }), [
      { times: 1, action: { kind: 'torn', blocks: 1 } },
      { times: 1, action: { kind: 'fail' } },
    ]);
    const bios = submit(device, write(0, 2 * BLOCK), read(0, 512), read(BLOCK, 512));
    expect(bios.some((bio) => bio.completion.done)).toBe(false);
    await microtasks(8);
    expect(results(bios)).toEqual([
      [EIO, 2 * BLOCK],
      [EIO, 512],
      [0, 0],
    ]);
    expect(memory.toBytes().lastIndexOf(2)).toBe(BLOCK - 1);
  });

  it('refuses actions that a sync device cannot take', () => {
    const actions = [{ kind: 'hold' }, { kind: 'delay', microtasks: 1 }, { kind: 'reorder', group: 2 }] as const;
    for (const action of actions) expect(() => faulty([{ action }])).toThrow('needs an async device');
    const slow = new LatencyDevice(new MemoryDevice(BLOCK));
    expect(() => new FaultDevice(slow, [], { mode: 'sync' })).toThrow('async');
  });
});
