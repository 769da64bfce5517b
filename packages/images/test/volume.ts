// A stand-in for a volume: what an F2FS volume begins with, and content to tell volumes apart.

import { volumeByMagic } from '../src/index.ts';

const MAGIC = Uint8Array.of(0x10, 0x20, 0xf5, 0xf2);

export const format = volumeByMagic('F2FS', MAGIC, [1024, 5120]);

/** `blocks` of 4096 bytes, at least 2. */
export function volume(mark: number, blocks = 8): Uint8Array {
  const bytes = new Uint8Array(blocks * 4096).fill(mark, 8192);
  bytes.set(MAGIC, 1024);
  bytes.set(MAGIC, 5120);
  return bytes;
}
