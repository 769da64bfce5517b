// Clusters compressed by workers too: every byte of the volume is what this thread alone writes, on volumes that finish at once and
// on those that do not, with one pool for two volumes, and with workers that are killed meanwhile.

import { LatencyDevice, MemoryDevice } from '@f2fskit/block';
import { type CodecPool, type CompressBatch, defaultCodecs, lz4, type PoolRun } from '@f2fskit/codecs';
import { nodeCodecPool } from '@f2fskit/codecs/node-pool';
import { type BufferedIo, type CompressionOptions, PoolEncoder } from '@f2fskit/f2fs';
import { checkVolume, formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { afterEach, describe, expect, it } from 'vitest';
import { type NodeOpenOptions, openVolume, openVolumeSync, type Volume } from '../src/node/index.ts';

const clock = fixedClock(1_900_000_000, 0);
const BLOCK = 4096;
const MIB = 1 << 20;
const pools: CodecPool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

/** Text with runs and, in one of eight stretches of 64 KiB, noise. */
function content(seed: number, bytes: number): Uint8Array {
  const random = seededRandom(seed);
  const words = Array.from({ length: 64 }, () => random.u32().toString(36));
  const text = new TextEncoder();
  const result = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const noise = (at >> 16) % 8 === 5;
    const word = noise ? Uint8Array.of(random.below(256)) : text.encode(`${words[random.below(64)]} `);
    result.set(word.subarray(0, bytes - at), at);
    at += word.length;
  }
  return result;
}

const files = [content(1, 3 * MIB + 5), content(2, MIB), content(3, 100_000)];

function formatted(): MemoryDevice {
  const device = new MemoryDevice(64 * MIB);
  const features = ['compression', 'extra_attr'];
  runSync(formatVolume(device, { random: seededRandom(9), clock, blank: true, features }));
  return device;
}

const base = formatted();

function optionsFor(algorithm: CompressionOptions['algorithm'], logClusterSize: number): NodeOpenOptions {
  const compress: CompressionOptions = {
    extensions: ['*'],
    logClusterSize,
    ...(algorithm === undefined ? {} : { algorithm }),
  };
  const cache = { dirtyBytesBackground: 40 * MIB, dirtyBytesMax: 40 * MIB };
  return { writable: true, clock, random: seededRandom(7), cache, compress };
}

/** Writes files, twice over in part, so that workers start with the first and help with the others. */
function writeSync(volume: Volume): void {
  for (const [index, bytes] of files.entries()) {
    volume.writeFileSync(`/file${index}`, bytes);
    volume.scheduler.runSync(volume.f2fs.sync());
  }
  const handle = volume.openSync('/file0', 'r+');
  volume.writeSync(handle, files[1]!, 0, MIB, 300_000);
  volume.closeSync(handle);
  volume.scheduler.runSync(volume.f2fs.sync());
}

async function writeAsync(volume: Volume): Promise<void> {
  for (const [index, bytes] of files.entries()) {
    await volume.promises.writeFile(`/file${index}`, bytes);
    await volume.sync();
  }
  const handle = await volume.promises.open('/file0', 'r+');
  await handle.write(files[1]!, 0, MIB, 300_000);
  await handle.close();
  await volume.sync();
}

function expectSame(actual: MemoryDevice, expected: MemoryDevice): void {
  for (let block = 0; block < expected.size / BLOCK; block++) {
    const [a, b] = [actual, expected].map((device) => device.toBytes(block * BLOCK, BLOCK));
    if (Buffer.compare(a!, b!) !== 0) expect.fail(`block ${block} differs`);
  }
}

/** Counts the batches of a pool of which workers had a part. */
class CountedPool implements CodecPool {
  readonly pool: CodecPool;
  batches = 0;
  shared = 0;

  constructor(pool: CodecPool) {
    this.pool = pool;
    pools.push(pool);
  }

  get canBlock(): boolean {
    return this.pool.canBlock;
  }

  startWorkers(): void {
    this.pool.startWorkers();
  }

  start(batch: CompressBatch): PoolRun {
    this.batches++;
    const run = this.pool.start(batch);
    return {
      work: () => {
        const complete = run.work();
        if (!complete) this.shared++;
        return complete;
      },
      get done() {
        return run.done;
      },
      subscribe: (callback) => run.subscribe(callback),
      waitSync: () => run.waitSync(),
      finish: () => run.finish(),
    };
  }

  close(): void {
    this.pool.close();
  }

  /** Waits until all of its workers can take jobs. */
  async started(workers: number): Promise<this> {
    this.startWorkers();
    const pool = this.pool as unknown as { workersReady: number };
    while (pool.workersReady < workers) await new Promise((resolve) => setTimeout(resolve, 2));
    return this;
  }
}

async function inline(
  algorithm: CompressionOptions['algorithm'],
  logClusterSize: number,
  bufferedIo: BufferedIo = 'iomap',
): Promise<MemoryDevice> {
  const device = base.clone();
  const volume = openVolumeSync(device, { ...optionsFor(algorithm, logClusterSize), bufferedIo });
  writeSync(volume);
  await volume.close();
  return device;
}

describe.each([
  ['lz4', 2],
  ['lz4', 4],
  ['lzo-rle', 6],
  ['lzo', 8],
] as const)('%s, clusters of 2^%i blocks', (algorithm, logClusterSize) => {
  const options = optionsFor(algorithm, logClusterSize);
  const expected = inline(algorithm, logClusterSize);

  it.each([1, 2, 4])('%i workers write what none writes', async (workers) => {
    const pool = await new CountedPool(nodeCodecPool({ workers })).started(workers);
    const encoder = new PoolEncoder(defaultCodecs(), pool);
    const atOnce = base.clone();
    const volume = openVolumeSync(atOnce, { ...options, encoder, random: seededRandom(7) });
    writeSync(volume);
    await volume.close();
    expectSame(atOnce, await expected);
    const later = base.clone();
    const slow = await openVolume(new LatencyDevice(later, { clock: 'microtask' }), {
      ...options,
      encoder,
      random: seededRandom(7),
    });
    expect(slow.device.mode).toBe('async');
    await writeAsync(slow);
    await slow.close();
    expectSame(later, await expected);
    expect(pool.batches).toBeGreaterThan(10);
  });

  it('the option does, with its own pool, for both engines', async () => {
    for (const bufferedIo of ['iomap', 'page'] as const) {
      const device = base.clone();
      const volume = openVolumeSync(device, { ...options, bufferedIo, compressWorkers: 2, random: seededRandom(7) });
      await writeAsync(volume);
      await volume.close();
      expectSame(device, await expected);
    }
    expect(runSync(checkVolume((await expected).clone())).findings).toEqual([]);
  });
});

it('two volumes share a pool, and a third has it after both', async () => {
  const pool = await new CountedPool(nodeCodecPool({ workers: 1 })).started(1);
  const encoder = new PoolEncoder(defaultCodecs(), pool);
  const expected = await inline('lz4', 2);
  for (let round = 0; round < 2 || (pool.shared === 0 && round < 50); round++) {
    const media = [base.clone(), base.clone()];
    const devices = [media[0]!, new LatencyDevice(media[1]!, { clock: 'microtask' })];
    const volumes = await Promise.all(
      devices.map((device) => openVolume(device, { ...optionsFor('lz4', 2), encoder, random: seededRandom(7) })),
    );
    await Promise.all(volumes.map(writeAsync));
    for (const volume of volumes) await volume.close();
    for (const medium of media) expectSame(medium, expected);
  }
  // Or else nothing of this was tried.
  expect(pool.shared).toBeGreaterThan(0);
});

it('a pool that is closed under a volume leaves the rest to the thread', async () => {
  const pool = await new CountedPool(nodeCodecPool({ workers: 2 })).started(2);
  const encoder = new PoolEncoder(defaultCodecs(), pool);
  const device = base.clone();
  const volume = await openVolume(new LatencyDevice(device, { clock: 'microtask' }), {
    ...optionsFor('lz4', 2),
    encoder,
  });
  const written = writeAsync(volume);
  while (pool.batches < 3) await new Promise((resolve) => setImmediate(resolve));
  pool.close();
  await written;
  await volume.close();
  expectSame(device, await inline('lz4', 2));
});

it.each([-1, 0.5, 'all' as 'auto'])('%s workers are refused', async (compressWorkers) => {
  await expect(openVolume(base.clone(), { compressWorkers })).rejects.toMatchObject({ code: 'EINVAL' });
  expect(() => openVolumeSync(base.clone(), { compressWorkers, writable: true })).toThrow(/EINVAL/);
});

it('a codec of one’s own is used by the thread alone', async () => {
  const codecs = defaultCodecs();
  let calls = 0;
  codecs.register({
    ...lz4,
    compress: (source, target) => {
      calls++;
      return lz4.compress!(source, target);
    },
  });
  const device = base.clone();
  const volume = openVolumeSync(device, { ...optionsFor('lz4', 2), codecs, compressWorkers: 2 });
  writeSync(volume);
  await volume.close();
  expectSame(device, await inline('lz4', 2));
  expect(calls).toBeGreaterThan(200);
});
