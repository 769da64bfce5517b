// A volume with a directory for every way to compress: algorithm, size of clusters, checksums or none. Each is filled by one engine or
// the other: fresh writes, overwrites at every alignment, cuts, appends; a model says what must be there.

import { MemoryDevice } from '@f2fskit/block';
import { type CodecRegistry, defaultCodecs } from '@f2fskit/codecs';
import { loadZstd } from '@f2fskit/codecs/zstd-wasm';
import { type BufferedIo, type CompressionOptions, mountF2fs } from '@f2fskit/f2fs';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { runSync, seededRandom } from '@f2fskit/task';
import type { ModelFilesystem } from '@f2fskit/testkit/model';
import { clusterProgram } from './cluster-program.ts';
import { F2fsTarget } from './f2fs-target.ts';
import { modelOfVolume } from './model-of-volume.ts';
import { runOnBoth, StepClock } from './model-run.ts';

/** One directory. */
export interface Way {
  readonly directory: string;
  readonly compress: CompressionOptions;
  readonly bufferedIo: BufferedIo;
}

const ALGORITHMS = [
  ['lz4', {}],
  ['lz4hc', { algorithm: 'lz4', level: 9 }],
  ['lzo', { algorithm: 'lzo' }],
  ['lzo-rle', { algorithm: 'lzo-rle' }],
  ['zstd', { algorithm: 'zstd', level: 3 }],
] as const;

/** Every way; the engines take turns. */
export const allWays: readonly Way[] = ALGORITHMS.flatMap(([name, options]) =>
  [2, 4, 8].flatMap((logClusterSize) =>
    [false, true].map((checksum): Omit<Way, 'bufferedIo'> => {
      const directory = `${name}-${1 << logClusterSize}${checksum ? '-checksum' : ''}`;
      return { directory, compress: { extensions: ['*'], ...options, logClusterSize, checksum } };
    }),
  ),
).map((way, index) => ({ ...way, bufferedIo: index % 2 === 0 ? 'iomap' : 'page' }));

/** The codecs of this machine, and zstd with an encoder also where Node has none. */
export async function allCodecs(): Promise<CodecRegistry> {
  const codecs = defaultCodecs();
  if (codecs.get(2)?.compress === undefined) codecs.register(await loadZstd());
  return codecs;
}

/** Makes the volume. `model` holds what it must hold. */
export async function compressedVolume(
  seed: number,
  ways: readonly Way[] = allWays,
): Promise<{ device: MemoryDevice; model: ModelFilesystem }> {
  const device = new MemoryDevice(512 << 20);
  const features = ['compression', 'extra_attr', 'inode_checksum'];
  runSync(formatVolume(device, { random: seededRandom(seed), blank: true, features }));
  const clock = new StepClock(1_700_000_000);
  const codecs = await allCodecs();
  const model = modelOfVolume(runSync(mountF2fs(device)), clock);
  for (const [index, { directory, compress, bufferedIo }] of ways.entries()) {
    const random = seededRandom(seed + index);
    const volume = runSync(mountF2fs(device, { writable: true, clock, random, codecs, compress, bufferedIo }));
    const target = new F2fsTarget(volume);
    const { logClusterSize = 2 } = compress;
    const changed = clusterProgram({
      seed: seed * 1000 + index,
      operations: [60, 40, 24][(logClusterSize - 2) / 2 > 1 ? 2 : (logClusterSize - 2) / 2]!,
      clusters: logClusterSize === 8 ? 2 : 10,
      logClusterSize,
      files: [`/${directory}/a`, `/${directory}/b.txt`],
    });
    // One that is text from end to end, and that nobody touches again.
    const text = `/${directory}/text`;
    const data = { seed: 4 * index + 2, length: (3 * 4096) << logClusterSize };
    await runOnBoth(model, target, clock, [
      { op: 'mkdir', path: `/${directory}`, mode: 0o755 },
      { op: 'create', path: text, mode: 0o600 },
      { op: 'write', file: text, position: 0, data },
      ...changed,
    ]);
    runSync(volume.unmount());
  }
  return { device, model };
}
