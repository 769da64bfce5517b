// The raw image of the fixture that img2simg packed: stored blocks, fills, holes, and every change between them.

import { seededRandom } from '@f2fskit/task';

const BLOCK = 4096;

/** 40 blocks. */
export function fixtureImage(): Uint8Array {
  const image = new Uint8Array(40 * BLOCK);
  const random = seededRandom(2026);
  const store = (block: number): void => {
    for (let i = 0; i < BLOCK; i++) image[block * BLOCK + i] = random.below(256);
  };
  const fill = (block: number, word: readonly number[]): void => {
    for (let i = 0; i < BLOCK; i++) image[block * BLOCK + i] = word[i % 4]!;
  };
  store(0);
  for (const block of [3, 4, 5]) fill(block, [1, 2, 3, 4]);
  fill(6, [0xff, 0xff, 0xff, 0xff]);
  store(7);
  fill(8, [0, 0, 0, 1]);
  store(30);
  image[39 * BLOCK + 4095] = 7;
  return image;
}
