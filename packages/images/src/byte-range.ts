// Bytes of a device wherever they begin: devices transfer sectors, containers put things between them.

import { type BlockDevice, readBytes, SECTOR_SIZE } from '@f2fskit/block';
import type { Task } from '@f2fskit/task';

/** The last multiple of the sector size that is not above `offset`. */
export function sectorStart(offset: number): number {
  return offset - (offset % SECTOR_SIZE);
}

/** The first multiple of the sector size that is not below `offset`. */
export function sectorEnd(offset: number): number {
  return sectorStart(offset + SECTOR_SIZE - 1);
}

/**
 * The bytes [offset, offset + size) of the device, in memory of their own. Throws EIO where the range is not within the
 * device, and what the medium says. The caller bounds `size`.
 */
export function* readRange(device: BlockDevice, offset: number, size: number): Task<Uint8Array> {
  const start = sectorStart(offset);
  const bytes = new Uint8Array(sectorEnd(offset + size) - start);
  yield* readBytes(device, start, bytes);
  return bytes.subarray(offset - start, offset - start + size);
}
