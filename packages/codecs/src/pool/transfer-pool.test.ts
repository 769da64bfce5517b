// The transfer pool with workers that the test moves by hand.

import { describe, expect, it } from 'vitest';
import { clusters, compressBatch, finishAsync, finishSync, TestBatch } from '../../test/pool-batch.ts';
import { TransferHands as Hands } from '../../test/pool-hands.ts';
import { defaultCodecs, lz4, lzo } from '../index.ts';
import { arenaBytes } from './job-board.ts';
import { TransferPool } from './transfer-pool.ts';

describe.each([1, 2, 4])('%i workers', (workers) => {
  it('get their share, and give what the codecs give, in any order', async () => {
    const hands = new Hands(workers);
    for (const codec of [lz4, lzo]) {
      const batch = new TestBatch(codec, clusters(10, 16_384));
      const run = compressBatch(hands.pool, batch)!;
      const sent = hands.inbox.map(({ length }) => length);
      expect(batch.lengths.length).toBe(10 - sent.reduce((sum, count) => sum + count));
      expect(Math.max(...sent) - Math.min(...sent)).toBeLessThan(2);
      const finished = finishAsync(run);
      for (let worker = workers - 1; worker >= 0; worker--) hands.work(worker);
      await finished;
      batch.check();
    }
  });
});

it('memory travels again and again, and there is not more of it than the pool may hold', async () => {
  const hands = new Hands(1);
  const runs = Array.from({ length: 40 }, () => {
    const batch = new TestBatch(lz4, clusters(2, 262_144));
    return { batch, run: compressBatch(hands.pool, batch) };
  });
  expect(hands.pool.bytesHeld).toBe(arenaBytes);
  expect(hands.inbox[0]!.length).toBe(arenaBytes / 262_144);
  hands.work(0);
  for (const { batch, run } of runs) {
    await finishAsync(run);
    batch.check();
  }
  expect(hands.pool.bytesHeld).toBe(arenaBytes);
  const smaller = new TestBatch(lz4, clusters(2, 65_536));
  const run = compressBatch(hands.pool, smaller);
  hands.work(0);
  await finishAsync(run);
  smaller.check();
  expect(hands.pool.bytesHeld).toBe(arenaBytes);
  hands.pool.close();
  expect([hands.pool.bytesHeld, hands.terminated]).toEqual([0, 1]);
});

it('workers are started once, by who asks for it or by the first batch', () => {
  const hands = new Hands(2);
  const { length } = hands.events;
  hands.pool.startWorkers();
  expect([length, hands.events.length]).toEqual([2, 2]);
  let started = 0;
  const pool = new TransferPool({
    workers: 3,
    codecs: defaultCodecs(),
    start: () => {
      started++;
      return { send: () => {}, terminate: () => {} };
    },
  });
  pool.startWorkers();
  pool.startWorkers();
  expect(started).toBe(3);
  pool.close();
  pool.startWorkers();
  expect(started).toBe(3);
});

describe('jobs that do not return', () => {
  it('are done here when their worker is gone', async () => {
    const hands = new Hands(2);
    const batch = new TestBatch(lz4, clusters(9, 16_384));
    const finished = finishAsync(compressBatch(hands.pool, batch));
    hands.events[0]!.onGone();
    hands.work(1);
    await finished;
    batch.check();
    expect(hands.pool.workersReady).toBe(1);
  });

  it('are done here by a thread that cannot wait, and may return later', () => {
    const hands = new Hands(1);
    const batch = new TestBatch(lz4, clusters(4, 16_384));
    finishSync(compressBatch(hands.pool, batch));
    batch.check();
    expect(hands.pool.bytesHeld).toBe(2 * 16_384);
    hands.work(0);
    expect(hands.pool.bytesHeld).toBe(2 * 16_384);
    const later = new TestBatch(lz4, clusters(4, 16_384));
    const run = compressBatch(hands.pool, later);
    hands.work(0);
    finishSync(run);
    later.check();
    expect(hands.pool.bytesHeld).toBe(2 * 16_384);
  });

  it('are done here when the pool is closed', async () => {
    const hands = new Hands(2);
    const batch = new TestBatch(lz4, clusters(9, 16_384));
    const finished = finishAsync(compressBatch(hands.pool, batch));
    hands.pool.close();
    await finished;
    batch.check();
    const later = new TestBatch(lz4, clusters(9, 16_384));
    expect(compressBatch(hands.pool, later)).toBeUndefined();
    later.check();
  });
});
