// The two engines, and folios of every size, write the same volume.

import { it } from 'vitest';
import { expectSameBytes } from './engine-volumes.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 40 : 3));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

it.each(seeds)('random programs leave the same bytes, seed %i', async (seed) => {
  await expectSameBytes({
    seed,
    engines: [
      { bufferedIo: 'page', orderMax: 9 },
      { bufferedIo: 'iomap', orderMax: 0 },
      { bufferedIo: 'iomap', orderMax: 4 },
      { bufferedIo: 'iomap', orderMax: 9 },
    ],
  });
});
