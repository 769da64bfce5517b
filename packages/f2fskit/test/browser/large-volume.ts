// A volume of 4 GiB of which 43 blocks are stored: see make-large-volume.mjs.

import { unpacked } from './golden-files.ts';
import type { SparseImage } from './sparse-image.ts';

export const LARGE_VOLUME_SIZE = 4 * 2 ** 30;
const BLOCK_SIZE = 4096;

export async function largeVolume(): Promise<SparseImage> {
  const packed = await unpacked(new URL('./large-volume.blocks.gz', import.meta.url).href);
  const view = new DataView(packed);
  const image: SparseImage = { size: LARGE_VOLUME_SIZE, ranges: [] };
  for (let at = 0; at < packed.byteLength; at += 4 + BLOCK_SIZE) {
    const bytes = new Uint8Array(packed, at + 4, BLOCK_SIZE);
    image.ranges.push({ offset: view.getUint32(at, true) * BLOCK_SIZE, bytes });
  }
  return image;
}
