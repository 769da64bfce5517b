// Compressed files, overwritten, cut and appended to at every alignment, by both engines and folios of every size, beside a
// model: every answer is the model's, and what is left holds what the model holds, for us and for fsck.f2fs.
//
//   F2FSKIT_FULL=1, F2FSKIT_CASES=N, F2FSKIT_SEED=N

import { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type BufferedIo, InlineEncoder } from '@f2fskit/f2fs';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { runSync, seededRandom } from '@f2fskit/task';
import { OverlappingEncoder } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { openVolumeSync } from '../src/node/index.ts';
import { clusterProgram } from './cluster-program.ts';
import { editAndJudge } from './edited-volume.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 20 : 2));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);
const ALGORITHMS = ['lz4', 'lzo', 'lzo-rle'] as const;
const MIB = 1 << 20;

function formatted(seed: number): MemoryDevice {
  const device = new MemoryDevice(96 * MIB);
  const features = ['compression', 'extra_attr', 'inode_checksum'];
  runSync(formatVolume(device, { random: seededRandom(seed), blank: true, features }));
  return device;
}

/** Blocks of compressed clusters that files of a volume save. */
function savedBlocks(device: MemoryDevice): number {
  const volume = openVolumeSync(device);
  const names = volume.readdirSync('/');
  return names.reduce(
    (sum, name) => sum + runSync(volume.f2fs.readInode(volume.statSync(`/${name}`).ino)).savedBlocks,
    0,
  );
}

/** Who compresses: the thread, when it is asked to; one that does so later; and in turns with whoever writes. */
type Kind = 'inline' | 'overlapping' | 'in turns';

const MORE_ENGINES: Array<[BufferedIo, number, Kind]> = [
  ['iomap', 1, 'overlapping'],
  ['iomap', 4, 'overlapping'],
  ['iomap', 0, 'in turns'],
  ['iomap', 9, 'in turns'],
];

const engines: Array<[BufferedIo, number, Kind]> = [
  ['page', 9, 'inline'],
  ['iomap', 0, 'inline'],
  ['iomap', 1, 'inline'],
  ['iomap', 4, 'inline'],
  ['iomap', 9, 'inline'],
  ['iomap', 0, 'overlapping'],
  ['iomap', 9, 'overlapping'],
  ['iomap', 4, 'in turns'],
  ...(FULL ? MORE_ENGINES : []),
];

describe.each(engines)('engine %s, orders up to %i, %s encoder', (bufferedIo, orderMax, kind) => {
  it.each(seeds)('random changes of clusters, seed %i', async (seed) => {
    const logClusterSize = 2 + (seed % 3);
    const device = formatted(seed);
    const random = seededRandom(seed);
    const encoder =
      kind === 'inline' ? undefined : new OverlappingEncoder(new InlineEncoder(defaultCodecs()), { random });
    const dirtyBytesBackground = kind === 'in turns' ? MIB / 8 : MIB;
    let rests = 0;
    const turns = { turns: (count: number) => void (rests = count) };
    const refused = await editAndJudge(device, {
      seed,
      ...(kind === 'in turns' ? turns : {}),
      program: () => clusterProgram({ seed, operations: 150, logClusterSize }),
      mount: {
        bufferedIo,
        encoder,
        compress: {
          extensions: ['*'],
          algorithm: ALGORITHMS[seed % ALGORITHMS.length]!,
          logClusterSize,
          checksum: seed % 2 === 0,
        },
        // Little memory, and writeback in the middle of everything.
        cache: { orderMax, budgetBytes: 6 * MIB, poison: true, dirtyBytesBackground, dirtyBytesMax: 2 * MIB },
      },
    });
    expect(refused).toBe(0);
    expect([encoder?.problems ?? [], encoder?.underWay ?? 0]).toEqual([[], 0]);
    expect(savedBlocks(device)).toBeGreaterThan(0);
    if (kind === 'in turns') expect(rests).toBeGreaterThan(0);
  });
});
