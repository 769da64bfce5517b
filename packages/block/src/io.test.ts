import { FsError } from '@f2fskit/errno';
import { runAsync, runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  closeDevice,
  discardBytes,
  FaultDevice,
  flushDevice,
  LatencyDevice,
  MemoryDevice,
  readBytes,
  writeBytes,
} from './index.ts';

describe('tasks on a device', () => {
  it('write and read, on a sync device and on an async one', async () => {
    const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i);
    const target = new Uint8Array(1024);
    const device = new MemoryDevice(1 << 20, { name: 'disk' });
    runSync(writeBytes(device, 4096, bytes));
    runSync(readBytes(device, 4096, target));
    expect(target).toEqual(bytes);

    const slow = new LatencyDevice(device, { clock: 'microtask', ticks: 2 });
    await runAsync(discardBytes(slow, 4096, 512));
    await runAsync(flushDevice(slow));
    await runAsync(readBytes(slow, 4096, target));
    expect(target.subarray(0, 512)).toEqual(new Uint8Array(512));
    expect(target.subarray(512)).toEqual(bytes.subarray(512));
    await runAsync(closeDevice(slow));
    expect(() => runSync(flushDevice(device))).toThrow('ENODEV');
  });

  it('throw errors that name call, device, offset and size', () => {
    const device = new MemoryDevice(4096, { name: 'disk.img', readOnly: true });
    const errors: Array<[run: () => void, message: string, syscall: string]> = [
      [
        () => runSync(readBytes(device, 4096, new Uint8Array(512))),
        'EIO: i/o error, read (read of 512 bytes at 4096 on disk.img)',
        'read',
      ],
      [
        () => runSync(writeBytes(device, 512, new Uint8Array(1024))),
        'EROFS: read-only file system, write (write of 1024 bytes at 512 on disk.img)',
        'write',
      ],
      [
        () => runSync(readBytes(device, 7, new Uint8Array(512))),
        'EINVAL: invalid argument, read (read of 512 bytes at 7 on disk.img)',
        'read',
      ],
      [
        () => runSync(flushDevice(new FaultDevice(device, [{ action: { kind: 'fail' } }]))),
        'EIO: i/o error, fsync (flush of disk.img)',
        'fsync',
      ],
    ];
    for (const [run, message, syscall] of errors) {
      try {
        run();
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(FsError);
        expect([(error as FsError).message, (error as FsError).syscall]).toEqual([message, syscall]);
      }
    }
  });
});
