// The two engines, and folios of every size, write the same compressed files: the same program, a clock that stands still,
// writeback only by sync and by leaving, and every byte of the device is the same. Source: design decision 3, I-13.

import { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type BufferedIo, type CompressionOptions, mountF2fs } from '@f2fskit/f2fs';
import { checkVolume, formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { applyToTarget, ModelFilesystem, type Operation, printProgram, randomOperations } from '@f2fskit/testkit/model';
import { expect, it } from 'vitest';
import { F2fsTarget, f2fsLimits } from './f2fs-target.ts';
import { StepClock } from './model-run.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 40 : 3));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

const clock = fixedClock(1_900_000_000, 0);
const BLOCK = 4096;

interface Engine {
  bufferedIo: BufferedIo;
  orderMax: number;
}

const engines: Engine[] = [
  { bufferedIo: 'page', orderMax: 9 },
  { bufferedIo: 'iomap', orderMax: 0 },
  { bufferedIo: 'iomap', orderMax: 1 },
  { bufferedIo: 'iomap', orderMax: 4 },
  { bufferedIo: 'iomap', orderMax: 9 },
];

async function volumeOf(
  base: MemoryDevice,
  program: readonly Operation[],
  engine: Engine,
  compress: CompressionOptions,
): Promise<MemoryDevice> {
  const device = base.clone();
  const { bufferedIo, orderMax } = engine;
  // Nothing is written before somebody asks for it.
  const cache = { orderMax, budgetBytes: 256 << 20, dirtyBytesBackground: 200 << 20, dirtyBytesMax: 200 << 20 };
  const codecs = defaultCodecs();
  const options = { writable: true, clock, random: seededRandom(7), bufferedIo, cache, codecs, compress };
  const volume = runSync(mountF2fs(device, options));
  const target = new F2fsTarget(volume);
  for (const operation of program) await applyToTarget(target, operation);
  runSync(target.closeAll());
  runSync(volume.unmount());
  return device;
}

/** The first block that differs. */
function difference(a: MemoryDevice, b: MemoryDevice): number | undefined {
  for (let block = 0; block < a.size / BLOCK; block++) {
    if (Buffer.compare(a.toBytes(block * BLOCK, BLOCK), b.toBytes(block * BLOCK, BLOCK)) !== 0) return block;
  }
  return undefined;
}

it.each(seeds)('random programs leave the same bytes, seed %i', async (seed) => {
  const base = new MemoryDevice(64 << 20);
  const features = ['compression', 'extra_attr'];
  runSync(formatVolume(base, { random: seededRandom(seed), clock, blank: true, features }));
  const compress: CompressionOptions = {
    extensions: ['*'],
    algorithm: (['lz4', 'lzo', 'lzo-rle'] as const)[seed % 3]!,
    logClusterSize: 2 + (seed % 4),
    checksum: seed % 2 === 0,
  };
  const start = new ModelFilesystem({ clock: new StepClock(1_900_000_000), ...f2fsLimits });
  const program = randomOperations(seed, 300, { start });
  const devices: MemoryDevice[] = [];
  for (const engine of engines) devices.push(await volumeOf(base, program, engine, compress));
  const [first, ...others] = devices;
  expect(runSync(checkVolume(first!)).findings).toEqual([]);
  for (const [index, other] of others.entries()) {
    const block = difference(first!, other);
    if (block === undefined) continue;
    const { bufferedIo, orderMax } = engines[index + 1]!;
    throw new Error(`${bufferedIo}, order ${orderMax}: block ${block} differs\n${printProgram(program)}`);
  }
});
