// The two engines, and folios below, at and above the size of a cluster, write the same compressed files.

import { it } from 'vitest';
import { expectSameBytes } from './engine-volumes.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 40 : 3));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

it.each(seeds)('random programs leave the same bytes, seed %i', async (seed) => {
  const logClusterSize = 2 + (seed % 4);
  await expectSameBytes({
    seed,
    engines: [
      { bufferedIo: 'page', orderMax: 9 },
      { bufferedIo: 'iomap', orderMax: 0 },
      { bufferedIo: 'iomap', orderMax: logClusterSize - 1 },
      { bufferedIo: 'iomap', orderMax: logClusterSize },
      { bufferedIo: 'iomap', orderMax: 9 },
    ],
    format: { features: ['compression', 'extra_attr'] },
    compress: {
      extensions: ['*'],
      algorithm: (['lz4', 'lzo', 'lzo-rle'] as const)[seed % 3]!,
      logClusterSize,
      checksum: seed % 2 === 0,
    },
  });
});
