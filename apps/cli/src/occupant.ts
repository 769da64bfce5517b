// What somebody would lose if a file or a device were written over.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { BLOCK_SIZE, SUPER_MAGIC, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import { recogniseContainer, volumeByMagic } from '@f2fskit/images';
import type { Task } from '@f2fskit/task';

const magic = new Uint8Array(4);
new DataView(magic.buffer).setUint32(0, SUPER_MAGIC, true);
const f2fsFormat = volumeByMagic('F2FS', magic, [SUPER_OFFSET, BLOCK_SIZE + SUPER_OFFSET]);

const CHUNK = 4 << 20;
/** A disk is not read to its end: whoever keeps something there has a mark at the start, or at the end as a RAID has. */
const DISK_HEAD = 16 << 20;
const DISK_TAIL = 1 << 20;

/**
 * What is on the device, as the object of a sentence; `undefined` where nothing is. Of a file every byte is looked at, of a
 * disk the first 16 MiB and the last one.
 */
export function* occupantOf(device: BlockDevice, isDisk: boolean): Task<string | undefined> {
  const container = yield* recogniseContainer(device, f2fsFormat);
  switch (container.kind) {
    case 'volume':
      return 'an F2FS volume';
    case 'androidSparse':
      return 'an Android sparse image';
    case 'gpt':
    case 'mbr':
      return 'a partition table';
    case 'super':
    case 'foreign':
      return container.format.name;
    default:
  }
  const ranges = isDisk
    ? [
        [0, Math.min(DISK_HEAD, device.size)],
        [Math.max(0, device.size - DISK_TAIL), device.size],
      ]
    : [[0, device.size]];
  for (const [start, end] of ranges as Array<[number, number]>) {
    const offset = yield* firstByteNotZero(device, start, end);
    if (offset !== undefined) return `data (byte ${offset} is not zero)`;
  }
  return undefined;
}

function* firstByteNotZero(device: BlockDevice, start: number, end: number): Task<number | undefined> {
  const chunk = Buffer.alloc(Math.min(CHUNK, end - start));
  const zeros = Buffer.alloc(chunk.length);
  for (let offset = start; offset < end; offset += CHUNK) {
    const bytes = chunk.subarray(0, Math.min(CHUNK, end - offset));
    yield* readBytes(device, offset, bytes);
    if (bytes.compare(zeros, 0, bytes.length) === 0) continue;
    return offset + bytes.findIndex((byte) => byte !== 0);
  }
  return undefined;
}
