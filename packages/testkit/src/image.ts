// Images in memory: a memory device is a sparse image, its clones share what they do not change. Everything here is plain
// and synchronous, for code that looks at a volume's bytes without mounting it.

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type BlockDevice, MEMORY_CHUNK_SIZE, MemoryDevice, readBytes, writeBytes } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { runSync } from '@f2fskit/task';

/** One block of an image, a copy. */
export interface ImageBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A device with the content of `bytes`; memory is taken for chunks that are not all zero, and `bytes` can be let go. */
export function sparseDevice(bytes: Uint8Array, name: string): MemoryDevice {
  const device = new MemoryDevice(bytes.length - (bytes.length % BLOCK_SIZE), { name });
  const zeros = new Uint8Array(MEMORY_CHUNK_SIZE);
  for (let offset = 0; offset < device.size; offset += MEMORY_CHUNK_SIZE) {
    const chunk = bytes.subarray(offset, Math.min(offset + MEMORY_CHUNK_SIZE, device.size));
    if (Buffer.compare(chunk, zeros.subarray(0, chunk.length)) !== 0) runSync(writeBytes(device, offset, chunk));
  }
  return device;
}

/** The block at `address`; zeros beyond the end of the image. */
export function readImageBlock(image: MemoryDevice, address: number): ImageBlock {
  const offset = address * BLOCK_SIZE;
  const bytes = offset + BLOCK_SIZE <= image.size ? image.toBytes(offset, BLOCK_SIZE) : new Uint8Array(BLOCK_SIZE);
  return { address, bytes, view: viewOf(bytes) };
}

/** Replaces the block at `address`. */
export function writeImageBlock(image: MemoryDevice, address: number, bytes: Uint8Array): void {
  runSync(writeBytes(image, address * BLOCK_SIZE, bytes));
}

/** Writes a device to a file of the host, for another program to look at; what is zero becomes a hole. */
export function writeImageFile(file: string, device: BlockDevice): void {
  const fd = openSync(file, 'w');
  try {
    ftruncateSync(fd, device.size);
    const [piece, zeros] = [Buffer.alloc(MEMORY_CHUNK_SIZE), Buffer.alloc(MEMORY_CHUNK_SIZE)];
    for (let offset = 0; offset < device.size; offset += MEMORY_CHUNK_SIZE) {
      const part = piece.subarray(0, device.size - offset);
      runSync(readBytes(device, offset, part));
      if (Buffer.compare(part, zeros.subarray(0, part.length)) !== 0) writeSync(fd, part, 0, part.length, offset);
    }
  } finally {
    closeSync(fd);
  }
}
