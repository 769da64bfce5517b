// The two engines, folios below, at and above the size of a cluster, and visits of writeback that overlap or do not, write the same
// compressed files.

import { expect, it } from 'vitest';
import { clusterProgram } from './cluster-program.ts';
import { type EngineRun, expectSameBytes } from './engine-volumes.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 40 : 3));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

const logClusterOf = (seed: number): number => 2 + (seed % 4);

function runOf(seed: number): EngineRun {
  const logClusterSize = logClusterOf(seed);
  return {
    seed,
    engines: [
      { bufferedIo: 'page', orderMax: 9 },
      { bufferedIo: 'iomap', orderMax: 0 },
      { bufferedIo: 'iomap', orderMax: logClusterSize - 1 },
      { bufferedIo: 'iomap', orderMax: logClusterSize },
      { bufferedIo: 'iomap', orderMax: 9 },
      { bufferedIo: 'iomap', orderMax: 0, overlapping: true },
      { bufferedIo: 'iomap', orderMax: logClusterSize - 1, overlapping: true },
      { bufferedIo: 'iomap', orderMax: logClusterSize, overlapping: true },
      { bufferedIo: 'iomap', orderMax: 9, overlapping: true },
    ],
    format: { features: ['compression', 'extra_attr'] },
    compress: {
      extensions: ['*'],
      algorithm: (['lz4', 'lzo', 'lzo-rle'] as const)[seed % 3]!,
      logClusterSize,
      checksum: seed % 2 === 0,
    },
  };
}

it.each(seeds)('random programs leave the same bytes, seed %i', async (seed) => {
  await expectSameBytes(runOf(seed));
});

/** The most visits of one program that were begun at a time. */
const begunMax: number[] = [];

it.each(seeds)('random changes of clusters leave the same bytes, seed %i', async (seed) => {
  const program = clusterProgram({ seed, operations: 60, logClusterSize: logClusterOf(seed), clusters: 24 });
  begunMax.push(await expectSameBytes({ ...runOf(seed), program }));
  // Or else nothing overlapped. A program whose files stay short has no third visit.
  expect(begunMax.at(-1)).toBeGreaterThan(1);
});

it.skipIf(seeds.length === 1)('some of those programs have three visits and more begun at a time', () => {
  expect(Math.max(...begunMax)).toBeGreaterThan(2);
});
