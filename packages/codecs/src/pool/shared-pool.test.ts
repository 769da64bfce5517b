// The shared pool with workers that the test moves by hand: it takes and gives jobs in the middle of what the owner does.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusters, compressBatch, finishAsync, finishSync, TestBatch } from '../../test/pool-batch.ts';
import { SharedHands as Hands } from '../../test/pool-hands.ts';
import { slice } from '../../test/support.ts';
import { type Codec, defaultCodecs, lz4, lzo } from '../index.ts';
import type { PoolRun } from './codec-pool.ts';
import type { TakenJob } from './job-board.ts';

const codecs = defaultCodecs();

/** A batch in whose middle something happens: before each result that the owner makes or puts. */
class Interrupted extends TestBatch {
  between: (index: number) => void = () => {};

  override room(index: number): Uint8Array {
    this.between(index);
    return super.room(index);
  }
}

function batchOf(count: number, between: (index: number) => void = () => {}, codec: Codec = lz4): Interrupted {
  const batch = new Interrupted(codec, clusters(count, 16_384));
  batch.between = between;
  return batch;
}

describe('a batch', () => {
  it('is done from both ends', () => {
    const hands = new Hands(1);
    const taken: number[] = [];
    const batch = batchOf(8, (index) => {
      taken.push(index);
      hands.work(0);
    });
    expect(compressBatch(hands.pool, batch)).toBeUndefined();
    batch.check();
    // The owner made 0 to 3; the worker one each time, from the last on.
    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7].filter((index) => batch.lengths[index] !== 0));
    expect(hands.board.take(0)).toBeUndefined();
  });

  it('is the owner’s where no worker begins with anything', () => {
    const hands = new Hands(3);
    const batch = batchOf(8);
    expect(compressBatch(hands.pool, batch)).toBeUndefined();
    batch.check();
    expect(hands.board.take(0)).toBeUndefined();
  });

  it('is the owner’s where there is one source, no encoder, or one that the workers do not have', () => {
    const hands = new Hands(2);
    const posted = hands.board.postedCount;
    const other: Codec = { ...lz4, compress: (source, target) => lz4.compress!(source, target, 0) };
    const { compress: _, ...reader } = lz4;
    for (const [count, codec] of [
      [1, lz4],
      [8, other],
      [8, reader],
    ] as const) {
      const batch = batchOf(count, undefined, codec);
      expect(compressBatch(hands.pool, batch)).toBeUndefined();
      batch.check();
    }
    for (const level of [2.5, -(2 ** 31), 2 ** 31]) {
      const batch = new TestBatch(lz4, clusters(4, 16_384), { level });
      expect(compressBatch(hands.pool, batch)).toBeUndefined();
      batch.check();
    }
    expect(hands.board.postedCount).toBe(posted);
  });

  it('waits for what a worker has', async () => {
    for (const finish of [finishSync, finishAsync]) {
      const hands = new Hands(1);
      let held: TakenJob | undefined;
      const batch = batchOf(4, () => {
        held ??= hands.take(0);
      });
      const run = compressBatch(hands.pool, batch)!;
      expect([run.done, batch.lengths.length]).toEqual([false, 3]);
      let ended = false;
      run.subscribe(() => {
        ended = true;
      });
      expect(hands.keeping).toEqual([true]);
      const { job, source, target } = held!;
      if (hands.board.give(job, lz4.compress!(source, target))) hands.events[0]!.onNotice();
      expect([run.done, ended, hands.keeping[0]]).toEqual([true, true, false]);
      await finish(run);
      batch.check();
    }
  });

  it('sends no message to a thread that sleeps, and one to all who wait for events', () => {
    const hands = new Hands(2);
    const held: TakenJob[] = [];
    const runs = [0, 1].map((worker) => {
      const batch = batchOf(2, () => {
        if (held.length === worker) held.push(hands.take(worker));
      });
      return compressBatch(hands.pool, batch)!;
    });
    const first = held[0]!;
    expect(hands.board.give(first.job, 0)).toBe(false);
    let called = 0;
    for (const run of runs) run.subscribe(() => called++);
    expect(called).toBe(1);
    const second = held[1]!;
    expect(hands.board.give(second.job, 0)).toBe(true);
    hands.events[1]!.onNotice();
    expect(called).toBe(2);
  });

  it('sends one message, however long the owner does not look', () => {
    const hands = new Hands(4);
    const held: TakenJob[] = [];
    const batch = batchOf(8, () => {
      while (held.length < 4) held.push(hands.take(held.length));
    });
    const run = compressBatch(hands.pool, batch)!;
    run.subscribe(() => {});
    expect(held.map(({ job }) => hands.board.give(job, 0))).toEqual([true, false, false, false]);
    hands.events[0]!.onNotice();
    run.finish();
  });
});

describe('a worker that does not answer', () => {
  /** A run of which worker 0 has a source. */
  function stuck(hands: Hands): {
    batch: TestBatch;
    run: PoolRun;
    held: TakenJob;
  } {
    let held: TakenJob | undefined;
    const batch = batchOf(4, () => {
      held ??= hands.take(0);
    });
    const run = compressBatch(hands.pool, batch)!;
    return { batch, run, held: held! };
  }

  it('gets nothing more until it does; its memory is not used meanwhile', () => {
    const hands = new Hands(2);
    const { batch, run, held } = stuck(hands);
    finishSync(run);
    batch.check();
    expect(hands.pool.workersReady).toBe(1);
    for (let round = 0; round < 200; round++) {
      const later = batchOf(4, () => {
        const job = hands.board.take(1);
        if (job === undefined) return;
        expect(job.source.byteOffset === held.source.byteOffset).toBe(false);
        hands.board.give(job.job, lz4.compress!(job.source, job.target));
      });
      finishSync(compressBatch(hands.pool, later));
      later.check();
    }
    held.target.fill(7);
    hands.board.give(held.job, 100);
    expect(hands.pool.workersReady).toBe(2);
  });

  it('and is gone: its work is done here, its memory used again', async () => {
    const hands = new Hands(2);
    const { batch, run } = stuck(hands);
    const finished = finishAsync(run);
    hands.events[0]!.onGone();
    await finished;
    batch.check();
    expect(hands.pool.workersReady).toBe(1);
    expect(hands.keeping[1]).toBe(false);
  });

  it('and was about to send a message: the next one is sent all the same', () => {
    const hands = new Hands(2);
    const { run, held } = stuck(hands);
    run.subscribe(() => {});
    expect(hands.board.give(held.job, 0)).toBe(true); // and dies before it sends it
    hands.events[0]!.onGone();
    run.finish();
    let other: TakenJob | undefined;
    const batch = batchOf(4, () => {
      other ??= hands.take(1);
    });
    const next = compressBatch(hands.pool, batch)!;
    next.subscribe(() => {});
    expect(hands.board.give(other!.job, 0)).toBe(true);
    next.finish();
  });

  it('is not waited for by a thread that may not sleep', () => {
    const hands = new Hands(1, { canBlock: false });
    const { batch, run } = stuck(hands);
    run.waitSync();
    expect(run.done).toBe(true);
    run.finish();
    batch.check();
  });

  it('nor by whoever closes the pool', async () => {
    const hands = new Hands(1);
    const { batch, run } = stuck(hands);
    const finished = finishAsync(run);
    hands.pool.close();
    expect(hands.terminated).toBe(1);
    await finished;
    batch.check();
    const later = batchOf(4);
    expect(compressBatch(hands.pool, later)).toBeUndefined();
    later.check();
  });
});

it('without workers the owner does it all', () => {
  const hands = new Hands(2, { startFails: true });
  expect(hands.pool.workersReady).toBe(0);
  const batch = batchOf(8);
  expect(compressBatch(hands.pool, batch)).toBeUndefined();
  batch.check();
});

it('any order of taking and giving, dying and closing gives the same', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 4 }),
    fc.array(fc.tuple(fc.integer({ min: 2, max: 9 }), fc.array(fc.nat(6), { maxLength: 30 })), { maxLength: 6 }),
    fc.constantFrom(lz4, lzo),
    (workers, batches, codec) => {
      const hands = new Hands(workers);
      const held: Array<TakenJob | undefined> = [];
      /** Something that a worker may do. */
      const act = (what: number, index: number): void => {
        const worker = (index + what) % workers;
        const job = held[worker];
        if (what < 2 && job === undefined) held[worker] = hands.board.take(worker);
        else if (what < 4 && job !== undefined) {
          const length = codecs.get(job.format)!.compress!(job.source, job.target, job.level);
          if (hands.board.give(job.job, length)) hands.events[worker]!.onNotice();
          held[worker] = undefined;
        } else if (what === 4 && job === undefined) hands.work(worker);
        else if (what === 5) {
          hands.events[worker]!.onGone();
          held[worker] = undefined;
        }
      };
      const runs = batches.map(([count, acts]) => {
        let next = 0;
        const batch = batchOf(count, (index) => act(acts[next++] ?? 6, index), codec);
        return { batch, run: compressBatch(hands.pool, batch), acts };
      });
      for (const { batch, run, acts } of runs) {
        for (const [index, what] of acts.entries()) act(what, index);
        finishSync(run);
        batch.between = () => {};
        batch.check();
      }
    },
  );
  fc.assert(property, slice(60));
});
