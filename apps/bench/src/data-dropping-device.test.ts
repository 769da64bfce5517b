import { MemoryDevice, submitAndWait, writeBio } from '@f2fskit/block';
import { runSync } from '@f2fskit/task';
import { expect, it } from 'vitest';
import { DataDroppingDevice, DROPPED_BYTE } from './data-dropping-device.ts';

it('drops what is data to the last byte, and nothing else', () => {
  const memory = new MemoryDevice(1 << 20);
  const device = new DataDroppingDevice(memory);
  const write = (at: number, bytes: Uint8Array): void => runSync(submitAndWait(device, writeBio(at, [bytes])));
  const data = (size: number): Uint8Array => new Uint8Array(size).fill(DROPPED_BYTE);
  write(0, data(200 * 1024));
  expect(memory.bytesAllocated).toBe(0);
  const almost = data(200 * 1024);
  almost[almost.length - 1] = 0;
  write(0, almost);
  expect(memory.toBytes(0, almost.length)).toEqual(almost);
  expect(device.bytesDropped).toBe(200 * 1024);
});
