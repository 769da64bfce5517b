// Devices over bytes, and whole devices as bytes, for tests.

import { type BlockDevice, MemoryDevice, readBytes, SECTOR_SIZE } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import { expect } from 'vitest';
import { PaddedDevice } from '../src/index.ts';

/** A device that holds every byte, also those of a partial last sector. */
export function deviceOver(bytes: Uint8Array, name = 'disk.img'): BlockDevice {
  const device = MemoryDevice.from(bytes, { name });
  const tail = bytes.subarray(device.size);
  return tail.length === 0 ? device : new PaddedDevice(device, tail);
}

/** Everything on a sync device. */
export function contentOf(device: BlockDevice): Uint8Array {
  const bytes = new Uint8Array(device.size);
  if (bytes.length > 0) runSync(readBytes(device, 0, bytes));
  return bytes;
}

/** Cut to whole sectors, as devices are. */
export function inSectors(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - (bytes.length % SECTOR_SIZE));
}

/** Fast equality: `toEqual` walks typed arrays element by element. */
export function expectSameBytes(found: Uint8Array, expected: Uint8Array): void {
  expect(found.length).toBe(expected.length);
  if (Buffer.compare(found, expected) === 0) return;
  const at = expected.findIndex((byte, index) => found[index] !== byte);
  expect(`byte ${at}: ${found[at]}`).toBe(`byte ${at}: ${expected[at]}`);
}

/** The FsError that `run` throws. */
export function caught(run: () => unknown): FsError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FsError);
    return error as FsError;
  }
  throw new Error('nothing was thrown');
}
