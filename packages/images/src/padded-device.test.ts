import { LatencyDevice, MemoryDevice } from '@f2fskit/block';
import { deviceConformance } from '@f2fskit/block/conformance';
import { describe, expect, it } from 'vitest';
import { contentOf } from '../test/devices.ts';
import { PaddedDevice } from './index.ts';

const SIZE = 256 * 1024;
const bytes = Uint8Array.from({ length: SIZE + 77 }, (_, index) => (index * 31) ^ (index >> 7));
const below = bytes.subarray(0, SIZE);
const tail = bytes.subarray(SIZE);

describe('a device with a tail', () => {
  for (const mode of ['sync', 'async'] as const) {
    describe(mode, () => {
      const factory = async () => {
        const memory = MemoryDevice.from(below);
        const device = mode === 'sync' ? memory : new LatencyDevice(memory, { clock: 'microtask' });
        return { device: new PaddedDevice(device, tail), content: bytes };
      };
      for (const c of deviceConformance(factory, { mode, writable: false, discards: false })) it(c.name, c.run);
    });
  }

  it('ends with the bytes that were cut off, and zeros', () => {
    const device = new PaddedDevice(MemoryDevice.from(below), tail);
    expect([device.size, device.readOnly]).toEqual([SIZE + 512, true]);
    expect([...contentOf(device).subarray(SIZE - 3)]).toEqual([
      ...bytes.subarray(SIZE - 3),
      ...new Uint8Array(512 - 77),
    ]);
  });
});
