import { EIO } from '@f2fskit/errno';
import { runAsync, type Task, waitAll } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  type Bio,
  BlobDevice,
  closeDevice,
  LatencyDevice,
  MemoryDevice,
  PartitionDevice,
  readBio,
  readBytes,
  ShuffleDevice,
  type ShuffleOptions,
  writeBio,
  writeBytes,
} from './index.ts';

const BLOCK = 4096;

function run(seed: number, count: number, options: ShuffleOptions = {}) {
  const memory = MemoryDevice.from(new Uint8Array(count * 4 * BLOCK).fill(1));
  const device = new ShuffleDevice(memory, seed, { automatic: false, ...options });
  const order: number[] = [];
  const bios = Array.from({ length: count }, (_, i) =>
    writeBio(i * 4 * BLOCK + 512, [new Uint8Array(3 * BLOCK).fill(2)]),
  );
  bios.forEach((bio, i) => {
    bio.completion.subscribe(() => order.push(i));
    device.submit(bio);
  });
  return { memory, device, bios, order };
}

describe('ShuffleDevice', () => {
  it('carries out one bio a step, in an order that is the same for the same seed', () => {
    const orders = [1, 1, 2].map((seed) => {
      const { device, bios, order, memory } = run(seed, 20);
      expect([device.pending, order.length]).toEqual([20, 0]);
      for (let i = 1; i <= 20; i++) {
        expect(device.step()).toBe(true);
        expect([device.pending, order.length]).toEqual([20 - i, i]);
        const written = bios.filter((bio) => memory.toBytes(bio.offset, 1)[0] === 2);
        expect(written.length).toBe(i); // nothing happened before its turn
      }
      expect(device.step()).toBe(false);
      return order;
    });
    expect(orders[0]).toEqual(orders[1]);
    expect(orders[0]).not.toEqual(orders[2]);
    expect([...orders[0]!].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('any bio can be first and any can be last', () => {
    const first = new Set<number>();
    const last = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const { device, order } = run(seed, 4);
      device.drain();
      first.add(order[0]!);
      last.add(order[3]!);
    }
    expect([first.size, last.size]).toEqual([4, 4]);
  });

  it('a write that fails leaves a prefix of whole blocks, anything from none to all', () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const { device, memory, bios } = run(seed, 4, { failChance: 1 });
      device.drain();
      expect([device.failures, ...bios.map((bio) => [bio.completion.error, bio.residual])]).toEqual([
        4,
        ...bios.map((bio) => [EIO, bio.size]),
      ]);
      for (const bio of bios) {
        const bytes = memory.toBytes(bio.offset, bio.size);
        const length = bytes.lastIndexOf(2) + 1;
        expect(bytes.subarray(0, length).every((byte) => byte === 2)).toBe(true);
        lengths.add(length);
      }
    }
    // The bios begin one sector into a block.
    expect([...lengths].sort((a, b) => a - b)).toEqual([0, BLOCK - 512, 2 * BLOCK - 512, 3 * BLOCK - 512, 3 * BLOCK]);
  });

  it('a read that fails leaves rubbish', () => {
    const device = new ShuffleDevice(new MemoryDevice(BLOCK), 1, { failChance: 1, failError: 6, automatic: false });
    const bio = readBio(0, [new Uint8Array(100), new Uint8Array(412)]);
    device.submit(bio);
    device.drain();
    expect([bio.completion.error, bio.residual]).toEqual([6, 512]);
    expect(bio.segments.every((segment) => segment.every((byte) => byte !== 0))).toBe(true);
  });

  it('fails as often as it is told', () => {
    const { device, bios } = run(7, 400, { failChance: 0.25 });
    device.drain();
    expect(device.failures).toBe(bios.filter((bio) => bio.completion.error !== 0).length);
    expect(device.failures).toBeGreaterThan(60);
    expect(device.failures).toBeLessThan(140);
  });

  it('automatic: promise code just works, several tasks at once, and it comes to rest', async () => {
    const orders: string[] = [];
    for (let seed = 0; seed < 10; seed++) {
      const memory = new MemoryDevice(1 << 20);
      const device = new ShuffleDevice(memory, seed, { delay: seed });
      const order: number[] = [];
      const task = function* (id: number): Task<void> {
        for (let i = 0; i < 5; i++) yield* writeBytes(device, (id * 5 + i) * 512, new Uint8Array(512).fill(id + 1));
        const target = new Uint8Array(5 * 512);
        yield* readBytes(device, id * 5 * 512, target);
        expect(target.every((byte) => byte === id + 1)).toBe(true);
        order.push(id);
      };
      await Promise.all([0, 1, 2, 3, 4, 5].map((id) => runAsync(task(id))));
      expect(device.pending).toBe(0);
      orders.push(order.join());
    }
    expect(new Set(orders).size).toBeGreaterThan(5);
  });

  it('shows a caller that does not wait: the read may come before the write', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const device = new ShuffleDevice(new MemoryDevice(BLOCK), seed, { automatic: false });
      const target = new Uint8Array(512);
      device.submit(writeBio(0, [new Uint8Array(512).fill(1)]));
      device.submit(readBio(0, [target]));
      device.drain();
      seen.add(target[0]!);
    }
    expect(seen.size).toBe(2);
  });

  it('works over devices that end later themselves', async () => {
    const bytes = Uint8Array.from({ length: 64 * 512 }, (_, i) => i >> 9);
    const devices = [
      new ShuffleDevice(new BlobDevice(new Blob([bytes])), 1),
      new ShuffleDevice(new LatencyDevice(MemoryDevice.from(bytes), { clock: 'microtask', ticks: 5 }), 2),
      new PartitionDevice(new ShuffleDevice(new ShuffleDevice(MemoryDevice.from(bytes), 3), 4), 0, bytes.byteLength),
    ];
    for (const device of devices) {
      const bios: Bio[] = Array.from({ length: 64 }, (_, i) => readBio(i * 512, [new Uint8Array(512)]));
      for (const bio of bios) device.submit(bio);
      expect(await runAsync(waitAll(bios.map((bio) => bio.completion)))).toBe(0);
      expect(bios.map((bio) => bio.segments[0]![511])).toEqual(bios.map((_, i) => i));
      await runAsync(closeDevice(device));
    }
  });

  it('carries out everything when it is closed', async () => {
    const { device, bios } = run(3, 10);
    await runAsync(closeDevice(device));
    expect(bios.every((bio) => bio.completion.done && bio.completion.error === 0)).toBe(true);
  });
});
