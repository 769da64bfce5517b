import { EROFS } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  BLOCK_SIZE,
  flushDevice,
  MemoryDevice,
  OverlayDevice,
  readBytes,
  readOnlyDevice,
  SECTOR_SIZE,
  StatisticsDevice,
  writeBytes,
} from './index.ts';

const SIZE = 16 * BLOCK_SIZE;
const base = Uint8Array.from({ length: SIZE }, (_, index) => (index * 7) ^ (index >> 9));

it('shows what was written over what is below, which stays as it is', () => {
  const range = fc.record({
    sector: fc.nat(SIZE / SECTOR_SIZE - 1),
    sectors: fc.integer({ min: 1, max: 24 }),
    value: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (writes) => {
      const below = MemoryDevice.from(base);
      const device = new OverlayDevice(readOnlyDevice(below));
      const expected = base.slice();
      for (const { sector, sectors, value } of writes) {
        const offset = sector * SECTOR_SIZE;
        const bytes = new Uint8Array(Math.min(sectors * SECTOR_SIZE, SIZE - offset)).fill(value);
        runSync(writeBytes(device, offset, bytes));
        expected.set(bytes, offset);
      }
      const found = new Uint8Array(SIZE);
      runSync(readBytes(device, 0, found));
      expect(Buffer.compare(found, expected)).toBe(0);
      expect(Buffer.compare(below.toBytes(), base)).toBe(0);
    }),
    { numRuns: 100 },
  );
});

it('needs the device below only for what was not written', () => {
  const below = new StatisticsDevice(readOnlyDevice(MemoryDevice.from(base)));
  const device = new OverlayDevice(below);
  const block = new Uint8Array(BLOCK_SIZE);
  runSync(writeBytes(device, BLOCK_SIZE, block.fill(1)));
  runSync(readBytes(device, BLOCK_SIZE, block.fill(2)));
  expect(block.every((byte) => byte === 1)).toBe(true);
  runSync(flushDevice(device));
  expect(below.snapshot()).toMatchObject({ read: { bios: 0 }, write: { bios: 0 }, flush: { bios: 0 } });
  expect(device.bytesAllocated).toBe(BLOCK_SIZE);
  runSync(readBytes(device, 0, new Uint8Array(3 * BLOCK_SIZE)));
  expect(below.snapshot().read.bios).toBe(1);
});

it('can be written to over a device that cannot', () => {
  const below = readOnlyDevice(MemoryDevice.from(base));
  expect(() => runSync(writeBytes(below, 0, new Uint8Array(SECTOR_SIZE)))).toThrow(
    expect.objectContaining({ errno: -EROFS }),
  );
  const device = new OverlayDevice(below);
  expect([device.readOnly, device.size, device.name]).toEqual([false, below.size, below.name]);
  runSync(writeBytes(device, 0, new Uint8Array(SECTOR_SIZE)));
});
