// The same program by several engines, each on a volume of its own: a clock that stands still, writeback only by sync and by
// leaving; then every byte of the devices is the same. Source: design decision 3, I-13.

import { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type BufferedIo, type CompressionOptions, InlineEncoder, mountF2fs } from '@f2fskit/f2fs';
import { checkVolume, type FormatOptions, formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { OverlappingEncoder } from '@f2fskit/testkit';
import { applyToTarget, ModelFilesystem, type Operation, printProgram, randomOperations } from '@f2fskit/testkit/model';
import { expect } from 'vitest';
import { F2fsTarget, f2fsLimits } from './f2fs-target.ts';
import { StepClock } from './model-run.ts';

const clock = fixedClock(1_900_000_000, 0);
const BLOCK = 4096;

/** An engine, with folios of at most an order. */
export interface Engine {
  bufferedIo: BufferedIo;
  orderMax: number;
  /** Compresses later than it is asked to: visits of writeback overlap. */
  overlapping?: boolean;
}

export interface EngineRun {
  seed: number;
  engines: readonly Engine[];
  /** Default: a random one. */
  program?: readonly Operation[];
  /** Of the volume. */
  format?: FormatOptions;
  compress?: CompressionOptions;
}

/**
 * Runs a program by each engine; throws where two leave different bytes, with the program. Returns how many visits an encoder that
 * overlaps had begun at a time.
 */
export async function expectSameBytes(run: EngineRun): Promise<number> {
  const { seed, engines, format = {}, compress } = run;
  const base = new MemoryDevice(64 << 20);
  runSync(formatVolume(base, { random: seededRandom(seed), clock, blank: true, ...format }));
  const start = new ModelFilesystem({ clock: new StepClock(1_900_000_000), ...f2fsLimits });
  const program = run.program ?? randomOperations(seed, 300, { start });
  const left = await Promise.all(engines.map((engine) => volumeOf(base, program, engine, compress)));
  const [first, ...others] = left.map(({ device }) => device);
  expect(runSync(checkVolume(first!)).findings).toEqual([]);
  for (const [index, other] of others.entries()) {
    const block = difference(first!, other);
    if (block === undefined) continue;
    const { bufferedIo, orderMax, overlapping = false } = engines[index + 1]!;
    throw new Error(
      `${bufferedIo}, order ${orderMax}${overlapping ? ', overlapping' : ''}: block ${block} differs\n${printProgram(program)}`,
    );
  }
  return Math.max(...left.map(({ begunMax }) => begunMax));
}

async function volumeOf(
  base: MemoryDevice,
  program: readonly Operation[],
  { bufferedIo, orderMax, overlapping = false }: Engine,
  compress: CompressionOptions | undefined,
): Promise<{ device: MemoryDevice; begunMax: number }> {
  const device = base.clone();
  // Nothing is written before somebody asks for it.
  const cache = { orderMax, budgetBytes: 256 << 20, dirtyBytesBackground: 200 << 20, dirtyBytesMax: 200 << 20 };
  const options = { writable: true, clock, random: seededRandom(7), bufferedIo, cache, codecs: defaultCodecs() };
  const encoder = overlapping ? new OverlappingEncoder(new InlineEncoder(defaultCodecs())) : undefined;
  const volume = runSync(mountF2fs(device, compress === undefined ? options : { ...options, compress, encoder }));
  const target = new F2fsTarget(volume);
  for (const operation of program) await applyToTarget(target, operation);
  runSync(target.closeAll());
  runSync(volume.unmount());
  expect([encoder?.problems ?? [], encoder?.underWay ?? 0]).toEqual([[], 0]);
  return { device, begunMax: encoder?.begunMax ?? 0 };
}

/** The first block that differs. */
function difference(a: MemoryDevice, b: MemoryDevice): number | undefined {
  for (let block = 0; block < a.size / BLOCK; block++) {
    if (Buffer.compare(a.toBytes(block * BLOCK, BLOCK), b.toBytes(block * BLOCK, BLOCK)) !== 0) return block;
  }
  return undefined;
}
