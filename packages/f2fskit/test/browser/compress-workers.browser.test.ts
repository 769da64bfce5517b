// Workers that compress in a real browser: over shared memory where the page is isolated from other origins, else with buffers that
// change hands; and the option of `openVolume` on a page. What is written is what the page alone writes.

import { LatencyDevice, MemoryDevice } from '@f2fskit/block';
import { type CodecPool, defaultCodecs, lz4 } from '@f2fskit/codecs';
import { webCodecPool } from '@f2fskit/codecs/browser-pool';
import { PoolEncoder } from '@f2fskit/f2fs';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { type BrowserOpenOptions, openVolume } from 'f2fskit/browser';
import { afterEach, expect, it } from 'vitest';

const MIB = 1 << 20;
const CLUSTER = 16_384;
const clock = fixedClock(1_900_000_000, 0);
const pools: CodecPool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

/** Text of few words. */
function text(bytes: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(5);
  const words = Array.from({ length: 300 }, () => `${random.u32().toString(36)} `);
  let result = '';
  while (result.length < bytes) result += words[random.below(300)];
  return new TextEncoder().encode(result.slice(0, bytes));
}

const content = text(2 * MIB);

/** Compresses a batch, and says what came out and whether workers had a part of it. */
async function compress(pool: CodecPool): Promise<{ results: Uint8Array[]; shared: boolean }> {
  const room = new Uint8Array(CLUSTER);
  const results: Uint8Array[] = [];
  const sources = Array.from({ length: 32 }, (_, index) => content.subarray(index * CLUSTER, (index + 1) * CLUSTER));
  const sink = { room: () => room, put: (_: number, length: number) => void results.push(room.slice(0, length)) };
  const run = pool.start({ codec: lz4, level: undefined, budget: CLUSTER - 4096, sources, sink });
  const shared = !run.work();
  if (!run.done) await new Promise<void>((resolve) => run.subscribe(resolve));
  if (shared) run.finish();
  return { results, shared };
}

/** Waits until workers help with a batch: they need a moment to start. */
async function untilShared(pool: CodecPool): Promise<Uint8Array[]> {
  for (let round = 0; round < 2000; round++) {
    const { results, shared } = await compress(pool);
    if (shared) return results;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('no worker ever helped');
}

async function volumeBytes(options: BrowserOpenOptions): Promise<Uint8Array> {
  const medium = new MemoryDevice(64 * MIB);
  const features = ['compression', 'extra_attr'];
  runSync(formatVolume(medium, { random: seededRandom(9), clock, blank: true, features }));
  const volume = await openVolume(new LatencyDevice(medium, { clock: 'microtask' }), {
    writable: true,
    clock,
    random: seededRandom(7),
    compress: { extensions: ['*'], algorithm: 'lz4', logClusterSize: 2 },
    ...options,
  });
  for (let file = 0; file < 3; file++) {
    await volume.promises.writeFile(`/file${file}`, content);
    await volume.sync();
  }
  await volume.close();
  return medium.toBytes(0, medium.size);
}

function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  for (let at = 0; at < expected.length; at++) if (actual[at] !== expected[at]) expect.fail(`byte ${at} differs`);
}

// Shared memory is where the server says that the page is isolated; buffers change hands everywhere.
it.each(crossOriginIsolated ? [false, true] : [false])('workers help, shared memory: %s', async (sharedMemory) => {
  const { results: expected } = await compress(webCodecPool({ workers: 0 }));
  const pool = webCodecPool({ workers: 2, sharedMemory });
  pools.push(pool);
  expect(await untilShared(pool)).toEqual(expected);
  const alone = await volumeBytes({});
  expectSame(await volumeBytes({ encoder: new PoolEncoder(defaultCodecs(), pool) }), alone);
  pool.close();
  expect((await compress(pool)).results).toEqual(expected);
});

it('a worker whose program is not there leaves all to the page', async () => {
  const startWorker = (): Worker => new Worker('/no/such/program.js', { type: 'module' });
  for (const sharedMemory of crossOriginIsolated ? [false, true] : [false]) {
    const pool = webCodecPool({ workers: 2, sharedMemory, startWorker });
    pools.push(pool);
    for (let round = 0; round < 5; round++) {
      expect((await compress(pool)).shared).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});

it('the option gives the same bytes', async () => {
  expectSame(await volumeBytes({ compressWorkers: 'auto' }), await volumeBytes({}));
});

it('a number of workers that is none is refused', async () => {
  const volume = openVolume(new Uint8Array(8192), { compressWorkers: -1 });
  await expect(volume).rejects.toMatchObject({ code: 'EINVAL' });
});
