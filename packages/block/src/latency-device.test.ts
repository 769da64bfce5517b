import { runAsync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { closeDevice, LatencyDevice, MemoryDevice, readBio, readBytes, writeBio, writeBytes } from './index.ts';

describe('LatencyDevice', () => {
  it('does nothing before the time has come, and everything then, in order', () => {
    const memory = new MemoryDevice(4096);
    const device = new LatencyDevice(memory, { ticks: (bio) => bio.offset / 512 });
    const order: number[] = [];
    for (const offset of [1536, 512, 0, 1024]) {
      const bio = writeBio(offset, [new Uint8Array(512).fill(1)]);
      bio.completion.subscribe(() => order.push(offset));
      device.submit(bio);
    }
    expect([device.pending, device.now, memory.bytesAllocated]).toEqual([4, 0, 0]);
    device.tick();
    expect(order).toEqual([512, 0]); // both due at 1: at least a tick
    device.tick();
    expect(order).toEqual([512, 0, 1024]);
    expect(memory.toBytes(1536, 1)[0]).toBe(0);
    device.tick(5);
    expect([order.length, device.pending, device.now]).toEqual([4, 0, 7]);
    expect(memory.toBytes(1536, 1)[0]).toBe(1);
  });

  it('takes the bytes of a write when it happens, not when it is submitted', () => {
    const memory = new MemoryDevice(4096);
    const device = new LatencyDevice(memory);
    const bytes = new Uint8Array(512).fill(1);
    device.submit(writeBio(0, [bytes]));
    bytes.fill(2); // what no caller may do
    device.drain();
    expect(memory.toBytes(0, 512)).toEqual(new Uint8Array(512).fill(2));
  });

  it('drains what completions submit as well', () => {
    const device = new LatencyDevice(new MemoryDevice(4096), { ticks: 3 });
    let ended = 0;
    const submit = (left: number): void => {
      const bio = readBio(0, [new Uint8Array(512)]);
      bio.completion.subscribe(() => {
        ended++;
        if (left > 1) submit(left - 1);
      });
      device.submit(bio);
    };
    submit(5);
    device.drain();
    expect([ended, device.now]).toEqual([5, 15]);
  });

  it('works by itself on microtasks', async () => {
    const device = new LatencyDevice(new MemoryDevice(4096), { ticks: 4, clock: 'microtask' });
    await runAsync(writeBytes(device, 0, new Uint8Array(512).fill(3)));
    const target = new Uint8Array(512);
    await runAsync(readBytes(device, 0, target));
    expect([target[0], device.now, device.pending]).toEqual([3, 8, 0]);
  });

  it('carries out what waits when it is closed', async () => {
    const memory = new MemoryDevice(4096);
    const device = new LatencyDevice(memory, { ticks: 100 });
    const bio = writeBio(0, [new Uint8Array(512).fill(4)]);
    device.submit(bio);
    await runAsync(closeDevice(device));
    expect([bio.completion.done, bio.completion.error, memory.toBytes(0, 1)[0]]).toEqual([true, 0, 4]);
  });
});
