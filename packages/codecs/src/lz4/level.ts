// What a level means to LZ4: 0 is LZ4 itself, from 1 on it is LZ4HC. Linux takes 0 and 3 to 16 for f2fs, where 9 is the
// default of LZ4HC; above 12 nothing is left to gain here, so 13 to 16 are 12. (linux include/linux/lz4.h,
// LZ4HC_MIN_CLEVEL, LZ4HC_MAX_CLEVEL; kernel fs/f2fs/compress.c)

import { contentBytesMax } from '../occurrence.ts';
import { compressFast } from './fast.ts';
import { compressLazy } from './lazy.ts';
import { compressOptimal } from './optimal.ts';

/** For levels 1 to 9, positions compared with each, and positions looked ahead. */
const lazyLevels: ReadonlyArray<readonly [attempts: number, ahead: number]> = [
  [4, 1],
  [8, 1],
  [16, 1],
  [32, 1],
  [64, 1],
  [64, 2],
  [96, 2],
  [128, 2],
  [256, 2],
];

/** For levels 10 to 12, positions compared with each, and the length from which a match is not improved. */
const optimalLevels: ReadonlyArray<readonly [attempts: number, goodLength: number]> = [
  [64, 64],
  [256, 128],
  [1024, 256],
];

/**
 * Encodes `source` into the start of `target` as one LZ4 block. Returns its length, or 0 if it is longer than the target.
 * A level that is not one counts as the nearest that is, no level as 0.
 */
export function compressBlock(source: Uint8Array, target: Uint8Array, level = 0): number {
  if (source.length >= contentBytesMax) return 0;
  if (!(level >= 1)) return compressFast(source, target);
  const index = Math.min(Math.floor(level), lazyLevels.length + optimalLevels.length) - 1;
  const lazy = lazyLevels[index];
  if (lazy !== undefined) return compressLazy(source, target, lazy[0], lazy[1]);
  const [attempts, goodLength] = optimalLevels[index - lazyLevels.length]!;
  return compressOptimal(source, target, attempts, goodLength);
}
