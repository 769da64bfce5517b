import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  BioFlag,
  discardBytes,
  FaultDevice,
  flushDevice,
  MemoryDevice,
  PartitionDevice,
  readBytes,
  readOnlyDevice,
  StatisticsDevice,
  writeBio,
  writeBytes,
} from './index.ts';

describe('PartitionDevice', () => {
  it('is a window: what happens in it happens there on the disk, and nothing beside it', () => {
    const disk = new MemoryDevice(16 * 512);
    const partition = new PartitionDevice(disk, 4 * 512, 8 * 512);
    expect([partition.size, partition.offset, partition.name]).toEqual([4096, 2048, 'memory@2048']);
    runSync(writeBytes(partition, 0, new Uint8Array(4096).fill(1)));
    runSync(discardBytes(partition, 512, 512));
    const expected = new Uint8Array(16 * 512).fill(1, 2048, 2048 + 4096).fill(0, 2560, 3072);
    expect(disk.toBytes()).toEqual(expected);
    expect(() => runSync(writeBytes(partition, 7 * 512, new Uint8Array(1024)))).toThrow('EIO');
    expect(() => runSync(readBytes(partition, -512, new Uint8Array(512)))).toThrow('EINVAL');
    expect(disk.toBytes()).toEqual(expected);
  });

  it('hands on flags, flushes, and how far a transfer came', () => {
    const disk = new StatisticsDevice(new MemoryDevice(16 * 512));
    const fault = new FaultDevice(disk, [{ operation: 'write', action: { kind: 'short', sectors: 3 } }]);
    const partition = new PartitionDevice(fault, 1024, 4096);
    const bio = writeBio(0, [new Uint8Array(2048)], BioFlag.FUA);
    partition.submit(bio);
    expect([bio.residual, bio.completion.done]).toEqual([512, true]);
    expect(fault.log).toMatchObject([{ offset: 1024, size: 2048, transferred: 1536 }]);
    runSync(flushDevice(partition));
    expect(disk.snapshot().flush.bios).toBe(1);
  });

  it('lies on sectors within its device', () => {
    const disk = new MemoryDevice(4096);
    for (const [offset, size] of [
      [100, 512],
      [512, 100],
      [3584, 1024],
      [-512, 512],
    ] as const) {
      expect(() => new PartitionDevice(disk, offset, size)).toThrow('a partition');
    }
    expect(new PartitionDevice(disk, 4096, 0).size).toBe(0);
  });
});

describe('readOnlyDevice', () => {
  it('leaves reading alone and a read-only device as it is', () => {
    const disk = new MemoryDevice(4096);
    const door = readOnlyDevice(disk);
    expect([door.readOnly, door.canDiscard]).toEqual([true, false]);
    expect(() => runSync(writeBytes(door, 0, new Uint8Array(512)))).toThrow('EROFS');
    runSync(writeBytes(disk, 0, new Uint8Array(512).fill(5)));
    const target = new Uint8Array(512);
    runSync(readBytes(door, 0, target));
    expect(target[511]).toBe(5);
    expect(readOnlyDevice(door)).toBe(door);
  });
});
