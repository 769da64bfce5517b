// Several runs of a pool under way: begun before the first is finished, in both kinds of pools, with workers that the test moves by
// hand.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  codecs,
  expectFreeShared,
  expectFreeTransfer,
  here,
  KIB,
  MIB,
  NamedBatch,
  nameOf,
  names,
  there,
} from '../../test/named-batch.ts';
import { finishAsync, finishSync } from '../../test/pool-batch.ts';
import { SharedHands, TransferHands } from '../../test/pool-hands.ts';

beforeEach(() => {
  here.length = 0;
  there.length = 0;
});

const permutations = ['ABC', 'ACB', 'BAC', 'BCA', 'CAB', 'CBA'];

describe('shared memory', () => {
  it.each(permutations)(
    'three runs are begun, and finished in the order %s: the results of each, in order',
    async (order) => {
      for (const finish of [finishSync, finishAsync]) {
        for (const count of [0, 1, 3, 100]) {
          const hands = new SharedHands(2, { codecs });
          const batches = new Map([...'ABC'].map((name) => [name, new NamedBatch(name, 6)]));
          const runs = new Map([...batches].map(([name, batch]) => [name, hands.pool.start(batch)]));
          // Each worker has something, and some of it is done.
          const held = [hands.take(0), hands.take(1)];
          for (const name of order) {
            const run = runs.get(name)!;
            for (let job = 0; job < count; job++) if (!hands.work(job % 2)) break;
            if (!run.work()) {
              for (const [worker, job] of held.splice(0).entries()) hands.give(worker, job);
              await finish(run);
            }
            expect(batches.get(name)!.lengths.length).toBe(6);
          }
          for (const [worker, job] of held.entries()) hands.give(worker, job);
          for (const batch of batches.values()) batch.check();
          expectFreeShared(hands);
        }
      }
    },
  );

  it('workers go on with the next run while the first is put', () => {
    const hands = new SharedHands(1, { codecs });
    const a = new NamedBatch('A', 3);
    const b = new NamedBatch('B', 3);
    here.length = 0;
    const runs = [hands.pool.start(a), hands.pool.start(b)];
    while (hands.work(0));
    expect(there).toEqual(names('A2 A1 B2'));
    a.between = () => void hands.work(0);
    expect(runs[0]!.work()).toBe(true);
    expect([here, there]).toEqual([['A0'], names('A2 A1 B2 B1 B0')]);
    expect(runs[1]!.work()).toBe(true);
    expect(here).toEqual(['A0']);
    for (const batch of [a, b]) batch.check();
  });

  it('a single source is handed out where another run is under way, and only there', () => {
    const hands = new SharedHands(1, { codecs });
    const alone = new NamedBatch('A', 1);
    const posted = hands.board.postedCount;
    expect([hands.pool.start(alone).work(), hands.board.postedCount]).toEqual([true, posted]);
    const first = hands.pool.start(new NamedBatch('B', 2));
    const single = new NamedBatch('C', 1);
    const run = hands.pool.start(single);
    expect(hands.board.postedCount).toBe(posted + 2);
    while (hands.work(0));
    expect(there).toEqual(['B1', 'C0']);
    expect([run.work(), first.work()]).toEqual([true, true]);
    single.check();
    // Both have ended: it is alone again.
    const later = hands.pool.start(new NamedBatch('D', 1));
    expect([hands.board.postedCount, later.work()]).toEqual([posted + 2, true]);
    // One that the asker does by itself is no run that others could be beside.
    hands.pool.start(new NamedBatch('E', 1));
    hands.pool.start(new NamedBatch('F', 1));
    expect(hands.board.postedCount).toBe(posted + 2);
    expectFreeShared(hands);
  });

  it('who would have to wait does the next run; only then what was handed out and nobody has begun is taken back', () => {
    const hands = new SharedHands(1, { codecs });
    const a = new NamedBatch('A', 5);
    const b = new NamedBatch('B', 4);
    const c = new NamedBatch('C', 2);
    const [runA, runB, runC] = [a, b, c].map((batch) => hands.pool.start(batch));
    here.length = 0;
    const held = hands.take(0);
    expect(nameOf(held.source)).toBe('A4');
    expect(runA!.work()).toBe(false);
    expect(here).toEqual(names('A0 B0 B1 B2 B3 C0 C1 A1 A2 A3'));
    expect([a, b, c].map(({ lengths }) => lengths.length)).toEqual([4, 4, 2]);
    // They are complete without having been asked for.
    expect([runB!.work(), runC!.work(), runA!.done]).toEqual([true, true, false]);
    hands.give(0, held);
    finishSync(runA);
    for (const batch of [a, b, c]) batch.check();
    expectFreeShared(hands);
  });

  it('what a worker is done with in the middle is put, and not taken back', () => {
    const hands = new SharedHands(1, { codecs });
    const a = new NamedBatch('A', 4);
    const b = new NamedBatch('B', 3);
    const runs = [a, b].map((batch) => hands.pool.start(batch));
    // While the asker helps B, all of A is done.
    b.between = () => {
      while (hands.work(0));
    };
    expect(runs[0]!.work()).toBe(true);
    expect(here.filter((name) => name.startsWith('A'))).toEqual(['A0']);
    expect(runs[1]!.work()).toBe(true);
    for (const batch of [a, b]) batch.check();
  });

  it('the asker keeps the first source of the first run alone', () => {
    const hands = new SharedHands(4, { codecs });
    const runs = ['A', 'B'].map((name) => hands.pool.start(new NamedBatch(name, 3)));
    const taken: string[] = [];
    for (let job = hands.board.take(0); job !== undefined; job = hands.board.take(0)) {
      taken.push(nameOf(job.source));
      hands.give(0, job);
    }
    expect(taken).toEqual(names('A2 A1 B2 B1 B0'));
    expect(runs.map((run) => run.work())).toEqual([true, true]);
  });

  it('a run that nobody worked at is finished all the same, by workers and by whoever finishes it', async () => {
    for (const finish of [finishSync, finishAsync]) {
      const hands = new SharedHands(1, { codecs });
      const batches = ['A', 'B', 'C'].map((name) => new NamedBatch(name, 3));
      const runs = batches.map((batch) => hands.pool.start(batch));
      const ends = runs.map((run) => {
        if (finish === finishAsync) return finish(run);
        while (hands.work(0));
        return finish(run);
      });
      while (hands.work(0));
      await Promise.all(ends);
      for (const batch of batches) batch.check();
      expectFreeShared(hands);
    }
  });

  it('a worker that dies with a source of one run leaves the others their results', async () => {
    const hands = new SharedHands(2, { codecs });
    const batches = ['A', 'B', 'C'].map((name) => new NamedBatch(name, 4));
    const runs = batches.map((batch) => hands.pool.start(batch));
    const held = [hands.take(0), hands.take(1)];
    expect(runs[0]!.work()).toBe(false);
    const ends = runs.map(finishAsync);
    hands.events[0]!.onGone();
    hands.give(1, held[1]!);
    while (hands.work(1));
    await Promise.all(ends);
    for (const batch of batches) batch.check();
    hands.board.enter(0);
    expect(hands.pool.workersReady).toBe(1);
    const later = new NamedBatch('D', 6);
    finishSync(hands.pool.start(later));
    later.check();
  });

  it('when the last worker dies, what was handed out and nobody has taken is done here: nobody waits for it', async () => {
    const hands = new SharedHands(1, { codecs });
    const batches = ['A', 'B'].map((name) => new NamedBatch(name, 4, 64 * KIB));
    const runs = batches.map((batch) => hands.pool.start(batch));
    hands.take(0);
    let ended = 0;
    for (const run of runs) run.subscribe(() => ended++);
    hands.events[0]!.onGone();
    expect([ended, ...runs.map(({ done }) => done)]).toEqual([2, true, true]);
    for (const run of runs) run.finish();
    for (const batch of batches) batch.check();
    // And nothing more is handed to nobody.
    const posted = hands.board.postedCount;
    const later = [new NamedBatch('C', 4), new NamedBatch('D', 4)];
    const laterRuns = later.map((batch) => hands.pool.start(batch));
    expect([laterRuns[0]!.work(), hands.board.postedCount, laterRuns[1]!.done]).toEqual([true, posted, true]);
    finishSync(laterRuns[1]);
    for (const batch of later) batch.check();
  });

  it('workers get more whenever the asker looks', () => {
    const hands = new SharedHands(1, { codecs });
    const a = new NamedBatch('A', 10);
    const run = hands.pool.start(a);
    here.length = 0;
    a.between = () => void hands.work(0);
    expect(run.work()).toBe(true);
    // Three wait for it at a time.
    expect([here, there]).toEqual([names('A0 A1 A2 A3 A4'), names('A9 A8 A7 A6 A5')]);
    a.check();
    expectFreeShared(hands);
  });

  it('one whose run is complete does nothing of the next', () => {
    const hands = new SharedHands(1, { codecs });
    const [a, b] = [new NamedBatch('A', 2), new NamedBatch('B', 8)];
    const [runA, runB] = [a, b].map((batch) => hands.pool.start(batch));
    here.length = 0;
    hands.work(0);
    expect([runA!.work(), here]).toEqual([true, ['A0']]);
    expect(runB!.work()).toBe(true);
    for (const batch of [a, b]) batch.check();
    expectFreeShared(hands);
  });

  it('what nobody waits for any more, nobody begins with', () => {
    const hands = new SharedHands(2, { codecs, canBlock: false });
    const batches = ['A', 'B'].map((name) => new NamedBatch(name, 3));
    for (const run of batches.map((batch) => hands.pool.start(batch))) finishSync(run);
    expect(hands.board.take(0)).toBeUndefined();
    for (const batch of batches) batch.check();
    expectFreeShared(hands);
  });

  it('a run begun before the last worker died is not handed out afterwards', () => {
    const hands = new SharedHands(1, { codecs });
    // Of the second there is more than waits for a worker at a time.
    const [a, b] = [new NamedBatch('A', 2), new NamedBatch('B', 8)];
    const [runA, runB] = [a, b].map((batch) => hands.pool.start(batch));
    hands.events[0]!.onGone();
    expect(runA!.work()).toBe(true);
    expect(runB!.done).toBe(true);
    runB!.finish();
    for (const batch of [a, b]) batch.check();
  });

  it('a worker that hangs costs its source, and no run but the one that waits for it', () => {
    for (const canBlock of [true, false]) {
      const hands = new SharedHands(2, { codecs, canBlock });
      const batches = ['A', 'B', 'C'].map((name) => new NamedBatch(name, 4));
      const runs = batches.map((batch) => hands.pool.start(batch));
      const held = hands.take(0);
      for (let job = 0; job < 3; job++) hands.work(1);
      for (const run of runs) if (!run.work()) finishSync(run);
      for (const batch of batches) batch.check();
      expect(hands.pool.workersReady).toBe(1);
      // What it gives back now, nobody looks at; and it is one of them again.
      hands.board.give(held.job, 100);
      expect(hands.pool.workersReady).toBe(2);
      expectFreeShared(hands);
    }
  });

  it('closed with several runs under way: they are finished here, whoever waits for one', async () => {
    const hands = new SharedHands(2, { codecs });
    const batches = ['A', 'B', 'C'].map((name) => new NamedBatch(name, 4));
    const runs = batches.map((batch) => hands.pool.start(batch));
    for (const worker of [0, 1]) hands.take(worker);
    expect(runs[0]!.work()).toBe(false);
    const first = finishAsync(runs[0]);
    hands.pool.close();
    await first;
    expect(runs[1]!.work()).toBe(true);
    expect(runs[2]!.done).toBe(true);
    finishSync(runs[2]);
    for (const batch of batches) batch.check();
    const later = ['D', 'E'].map((name) => new NamedBatch(name, 3));
    expect(later.map((batch) => hands.pool.start(batch).work())).toEqual([true, true]);
    for (const batch of later) batch.check();
  });

  it('more than the arena holds: what finds no room is done here, and all of it is free in the end', () => {
    const hands = new SharedHands(4, { codecs });
    const batches = ['A', 'B', 'C'].map((name) => new NamedBatch(name, 5, MIB));
    const runs = batches.map((batch) => hands.pool.start(batch));
    const taken = [0, 1, 2, 3].map((worker) => hands.take(worker));
    expect(hands.board.take(0)).toBeUndefined();
    expect(runs[0]!.work()).toBe(false);
    for (const [worker, job] of taken.entries()) hands.give(worker, job);
    finishSync(runs[0]);
    // There is room again for those that were begun when there was none.
    batches[1]!.between = () => void hands.work(0);
    for (const run of runs.slice(1)) if (!run.work()) finishSync(run);
    for (const batch of batches) batch.check();
    expectFreeShared(hands);
  });
});

describe('buffers that change hands', () => {
  it.each(permutations)(
    'three runs are begun, and finished in the order %s: the results of each, in order',
    async (order) => {
      for (const finish of [finishSync, finishAsync]) {
        for (const count of [0, 1, 3, 100]) {
          const hands = new TransferHands(2, { codecs });
          const batches = new Map([...'ABC'].map((name) => [name, new NamedBatch(name, 6, 64 * KIB)]));
          const runs = new Map([...batches].map(([name, batch]) => [name, hands.pool.start(batch)]));
          for (const name of order) {
            for (const worker of [0, 1]) hands.work(worker, count);
            const run = runs.get(name)!;
            if (run.work()) continue;
            const finished = finish(run);
            for (const worker of [0, 1]) hands.work(worker);
            await finished;
            expect(batches.get(name)!.lengths.length).toBe(6);
          }
          for (const batch of batches.values()) batch.check();
          expectFreeTransfer(hands);
        }
      }
    },
  );

  it('a single source is sent where another run is under way and nobody has anything to do', () => {
    const hands = new TransferHands(2, { codecs });
    const sent = (): number => hands.inbox.reduce((sum, { length }) => sum + length, 0);
    expect([hands.pool.start(new NamedBatch('A', 1)).work(), sent()]).toEqual([true, 0]);
    const b = new NamedBatch('B', 3);
    const runB = hands.pool.start(b);
    expect(sent()).toBe(2);
    // They have something to do.
    const runC = hands.pool.start(new NamedBatch('C', 1));
    expect(sent()).toBe(2);
    for (const worker of [0, 1]) hands.work(worker);
    const d = new NamedBatch('D', 1);
    const runD = hands.pool.start(d);
    expect(sent()).toBe(1);
    expect([runB.work(), runC.work(), runD.work()]).toEqual([true, true, false]);
    for (const worker of [0, 1]) hands.work(worker);
    expect(runD.done).toBe(true);
    runD.finish();
    for (const batch of [b, d]) batch.check();
    expect([hands.pool.start(new NamedBatch('E', 1)).work(), sent()]).toEqual([true, 0]);
    // One that the asker does by itself is no run that others could be beside.
    for (const name of 'FG') hands.pool.start(new NamedBatch(name, 1));
    expect(sent()).toBe(0);
    expectFreeTransfer(hands);
  });

  it('who would have to wait does its part of the next run', () => {
    const hands = new TransferHands(1, { codecs });
    const [a, b] = [new NamedBatch('A', 4), new NamedBatch('B', 4)];
    const [runA, runB] = [a, b].map((batch) => hands.pool.start(batch));
    here.length = 0;
    expect(runA!.work()).toBe(false);
    expect(here).toEqual(names('A0 A1 B0 B1'));
    hands.work(0);
    finishSync(runA);
    expect(runB!.work()).toBe(true);
    for (const batch of [a, b]) batch.check();
    expectFreeTransfer(hands);
  });

  it('workers that are gone, and a pool that is closed, leave every run its results', async () => {
    for (const end of ['one gone', 'all gone', 'closed'] as const) {
      const hands = new TransferHands(2, { codecs });
      const batches = ['A', 'B', 'C'].map((name) => new NamedBatch(name, 5));
      const runs = batches.map((batch) => hands.pool.start(batch));
      runs[0]!.work();
      const ends = runs.map(finishAsync);
      hands.work(1, 1);
      if (end === 'closed') hands.pool.close();
      else hands.events[0]!.onGone();
      if (end === 'one gone') hands.work(1);
      if (end === 'all gone') hands.events[1]!.onGone();
      await Promise.all(ends);
      for (const batch of batches) batch.check();
      if (end === 'one gone') {
        hands.inbox[0]!.length = 0;
        expectFreeTransfer(hands);
      }
    }
  });
});
