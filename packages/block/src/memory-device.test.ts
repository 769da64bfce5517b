import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { discardBytes, MEMORY_CHUNK_SIZE, MemoryDevice, readBytes, SECTOR_SIZE, writeBytes } from './index.ts';

const TIB = 2 ** 40;

function filled(size: number, value: number): Uint8Array {
  return new Uint8Array(size).fill(value);
}

describe('MemoryDevice', () => {
  it('costs what is written to it, whatever its size', () => {
    const device = new MemoryDevice(16 * TIB);
    expect(device.bytesAllocated).toBe(0);
    runSync(readBytes(device, 15 * TIB, new Uint8Array(4096)));
    expect(device.bytesAllocated).toBe(0);
    runSync(writeBytes(device, 16 * TIB - 4096, filled(4096, 7)));
    runSync(writeBytes(device, 9 * TIB - 512, filled(1024, 8))); // over the edge of a chunk
    expect(device.bytesAllocated).toBe(3 * MEMORY_CHUNK_SIZE);
    expect(device.toBytes(16 * TIB - 4096)).toEqual(filled(4096, 7));
    expect(device.toBytes(9 * TIB - 1024, 2048)).toEqual(
      Uint8Array.from([...filled(512, 0), ...filled(1024, 8), ...filled(512, 0)]),
    );
  });

  it('gives memory back for what is discarded, and visits only chunks that exist', () => {
    const device = new MemoryDevice(16 * TIB);
    for (const at of [0, TIB, 2 * TIB, 3 * TIB]) runSync(writeBytes(device, at, filled(MEMORY_CHUNK_SIZE, 1)));
    runSync(discardBytes(device, TIB, TIB)); // one chunk of 16 million
    expect(device.bytesAllocated).toBe(3 * MEMORY_CHUNK_SIZE);
    runSync(discardBytes(device, 512, 16 * TIB - 1024)); // leaves parts of the first chunk
    expect(device.bytesAllocated).toBe(MEMORY_CHUNK_SIZE);
    expect(device.toBytes(0, 1024)).toEqual(Uint8Array.from([...filled(512, 1), ...filled(512, 0)]));
    runSync(discardBytes(device, 0, 16 * TIB));
    expect(device.bytesAllocated).toBe(0);
  });

  it('uses the bytes it was made from in place, and never writes to them', () => {
    const bytes = filled(3 * MEMORY_CHUNK_SIZE + 5 * SECTOR_SIZE + 100, 1);
    const device = MemoryDevice.from(bytes);
    expect(device.size).toBe(bytes.byteLength - 100);
    expect(Buffer.compare(device.toBytes(), bytes.subarray(0, device.size))).toBe(0);
    runSync(writeBytes(device, 512, filled(512, 2)));
    runSync(writeBytes(device, device.size - 512, filled(512, 3))); // the chunk that is cut short
    runSync(writeBytes(device, MEMORY_CHUNK_SIZE, filled(MEMORY_CHUNK_SIZE, 4))); // a whole one
    runSync(discardBytes(device, 1024, 512));
    expect(bytes.every((byte) => byte === 1)).toBe(true);
    const expected = filled(device.size, 1);
    expected
      .fill(2, 512, 1024)
      .fill(0, 1024, 1536)
      .fill(3, device.size - 512);
    expected.fill(4, MEMORY_CHUNK_SIZE, 2 * MEMORY_CHUNK_SIZE);
    expect(Buffer.compare(device.toBytes(), expected)).toBe(0);
  });

  it('clones go their own ways, in any generation', () => {
    const first = new MemoryDevice(4 * MEMORY_CHUNK_SIZE, { name: 'disk' });
    runSync(writeBytes(first, 0, filled(1024, 1)));
    const second = first.clone();
    const third = second.clone({ name: 'copy', readOnly: true });
    runSync(writeBytes(first, 0, filled(512, 2)));
    runSync(writeBytes(second, 512, filled(512, 3)));
    runSync(discardBytes(first, 512, 512));
    expect(first.toBytes(0, 1024)).toEqual(Uint8Array.from([...filled(512, 2), ...filled(512, 0)]));
    expect(second.toBytes(0, 1024)).toEqual(Uint8Array.from([...filled(512, 1), ...filled(512, 3)]));
    expect(third.toBytes(0, 1024)).toEqual(filled(1024, 1));
    expect([second.name, third.name, third.readOnly]).toEqual(['disk', 'copy', true]);
  });

  it('the copy of a closed device is open', () => {
    const device = new MemoryDevice(4096);
    runSync(writeBytes(device, 0, filled(4096, 9)));
    expect(device.close().done).toBe(true);
    expect(() => runSync(readBytes(device, 0, new Uint8Array(512)))).toThrow('ENODEV');
    const target = new Uint8Array(512);
    runSync(readBytes(device.clone(), 0, target));
    expect(target).toEqual(filled(512, 9));
  });

  it('refuses sizes that are none', () => {
    for (const size of [100, -512, Number.NaN, 2 ** 60])
      expect(() => new MemoryDevice(size)).toThrow('size of a device');
    expect(() => new MemoryDevice(4096).toBytes(4096, 512)).toThrow('within the device');
  });
});
