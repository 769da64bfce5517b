// The pool of Node with real threads. They need moments to start, and finish in any order: what is asserted holds in every one.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { clusters, compressBatch, finishAsync, finishSync, TestBatch, untilReady } from '../../../test/pool-batch.ts';
import { lz4, type PoolRun } from '../../index.ts';
import type { SharedPool } from '../shared-pool.ts';
import { poolCodecs } from './codecs.ts';
import { nodeCodecPool } from './index.ts';

const pools: SharedPool[] = [];
/** Every thread that was started. */
const threads: Worker[] = [];
const { unref } = Worker.prototype;
Worker.prototype.unref = function (this: Worker) {
  threads.push(this);
  unref.call(this);
};
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

async function poolOf(workers: number): Promise<SharedPool> {
  const pool = nodeCodecPool({ workers }) as SharedPool;
  pools.push(pool);
  await untilReady(pool, lz4, workers);
  return pool;
}

/** Compresses batches of all sizes with every codec; returns how many results workers made. */
async function compressAll(pool: SharedPool, finish: typeof finishSync | typeof finishAsync): Promise<number> {
  let left = 0;
  for (const codec of poolCodecs().list()) {
    for (const bytes of [16_384, 65_536, 262_144]) {
      for (const level of codec.name === 'lz4' ? [undefined, 0, 3] : [undefined]) {
        const batch = new TestBatch(codec, clusters(524_288 / bytes, bytes), level === undefined ? {} : { level });
        const run = compressBatch(pool, batch);
        left += batch.sources.length - batch.lengths.length;
        await finish(run);
        batch.check();
      }
    }
  }
  return left;
}

describe.each([1, 2, 4])('%i workers', (workers) => {
  it('give what the codecs give to a thread that sleeps', async () => {
    const pool = await poolOf(workers);
    await compressAll(pool, finishSync);
    expect(pool.workersReady).toBe(workers);
  });

  it('give what the codecs give to a thread that does not', async () => {
    const pool = await poolOf(workers);
    let left = 0;
    // Somebody waits for an event sooner or later: the workers have begun with something when the thread is done.
    for (let round = 0; left === 0 && round < 50; round++) left += await compressAll(pool, finishAsync);
    expect(left).toBeGreaterThan(0);
    expect(pool.workersReady).toBe(workers);
  });
});

it('a worker and the thread sleep in turns, and neither is left asleep', async () => {
  const pool = await poolOf(1);
  for (let round = 0; round < 600; round++) {
    const finished = pool.progress;
    const batch = new TestBatch(lz4, clusters(2, 4096));
    const run = pool.start(batch);
    // Some of the time the worker is done before anybody waits for it, and sleeps before it gets the next one.
    for (const end = performance.now() + (round % 5) / 20; performance.now() < end; );
    run.waitSync();
    expect([round, pool.progress]).toEqual([round, finished + 1]);
    run.finish();
    batch.check();
  }
  expect(pool.workersReady).toBe(1);
});

it('workers that are started before there is anything to compress have their part of the first batch', async () => {
  const pool = nodeCodecPool({ workers: 1 }) as SharedPool;
  pools.push(pool);
  const { length } = threads;
  pool.startWorkers();
  pool.startWorkers();
  expect(threads.length).toBe(length + 1);
  while (pool.workersReady === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  const batch = new TestBatch(lz4, clusters(2, 4096));
  const run = pool.start(batch);
  run.waitSync();
  expect(pool.progress).toBe(1);
  run.finish();
  batch.check();
  pool.close();
  pool.startWorkers();
  expect(threads.length).toBe(length + 1);
});

it('a worker that does not start leaves all work to the thread', async () => {
  const program = new URL('data:text/javascript,throw new Error("no worker today")');
  const pool = nodeCodecPool({ workers: 2, program }) as SharedPool;
  pools.push(pool);
  for (let round = 0; round < 3; round++) {
    const batch = new TestBatch(lz4, clusters(8, 16_384));
    expect(compressBatch(pool, batch)).toBeUndefined();
    batch.check();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(pool.workersReady).toBe(0);
});

describe('a worker that stops in the middle of a job', () => {
  /** A pool with such a worker, and a batch of which the worker has a part. */
  async function stuck(): Promise<{ pool: SharedPool; batch: TestBatch; run: PoolRun }> {
    const program = pathToFileURL(path.join(process.env['F2FSKIT_POOL_BUNDLE']!, 'stuck-worker.js'));
    const pool = nodeCodecPool({ workers: 1, program }) as SharedPool;
    pools.push(pool);
    await untilReady(pool, lz4, 1);
    for (;;) {
      const batch = new TestBatch(lz4, clusters(8, 16_384));
      const run = compressBatch(pool, batch);
      if (run !== undefined) return { pool, batch, run };
      batch.check();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  it('and is killed, leaves it to a task that waits', async () => {
    const { pool, batch, run } = await stuck();
    expect(run.done).toBe(false);
    const finished = finishAsync(run);
    const [thread] = threads.slice(-1);
    void thread!.terminate();
    await finished;
    batch.check();
    expect(pool.workersReady).toBe(0);
    const later = new TestBatch(lz4, clusters(8, 16_384));
    expect(compressBatch(pool, later)).toBeUndefined();
    later.check();
  });

  it('leaves it to a thread that sleeps', async () => {
    const { pool, batch, run } = await stuck();
    finishSync(run);
    batch.check();
    // Whoever does not answer gets no more.
    expect(pool.workersReady).toBe(0);
    const later = new TestBatch(lz4, clusters(8, 16_384));
    expect(compressBatch(pool, later)).toBeUndefined();
    later.check();
  });

  it('leaves it to whoever closes the pool', async () => {
    const { pool, batch, run } = await stuck();
    const finished = finishAsync(run);
    pool.close();
    await finished;
    batch.check();
    const later = new TestBatch(lz4, clusters(8, 16_384));
    expect(compressBatch(pool, later)).toBeUndefined();
    later.check();
  });
});

it('a process with an open pool ends by itself, and not before what it waits for is there', () => {
  const folder = pathToFileURL(path.join(process.env['F2FSKIT_POOL_BUNDLE']!, '/')).href;
  const program = `
    import { lz4 as codec } from '${folder}codecs.js';
    import { nodeCodecPool } from '${folder}index.js';
    const pool = nodeCodecPool({ workers: 2 });
    const source = new Uint8Array(65536).map((_, at) => (at * at) >> 7);
    const room = new Uint8Array(65536);
    const compress = () => {
      const sink = { lengths: [], room: () => room, put: (_, length) => sink.lengths.push(length) };
      const run = pool.start({ codec, level: 12, budget: 61440, sources: new Array(8).fill(source), sink });
      return { run: run.work() ? undefined : run, sink };
    };
    compress();
    while (pool.workersReady < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    let waited = 0;
    for (let round = 0; waited < 3 && round < 200; round++) {
      const { run, sink } = compress();
      if (run !== undefined && !run.done) {
        waited++;
        await new Promise((resolve) => run.subscribe(resolve));
      }
      run?.finish();
      if (sink.lengths.length !== 8) throw new Error('results are missing');
    }
    console.log('waited', waited);
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'waited 3\n', stderr: '' });
});

it.each([-1, 1.5, Number.NaN, '2' as unknown as number])('%s is no number of workers', (workers) => {
  expect(() => nodeCodecPool({ workers })).toThrow(/EINVAL.*whole number/);
});
