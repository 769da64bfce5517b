import { describe, expect, test } from 'vitest';
import { Completion, type Task } from './completion.ts';
import { seededRandom } from './determinism.ts';
import { runSync, Scheduler } from './driver.ts';
import { type HeldRange, RangeLock } from './range-lock.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a lock on ranges', () => {
  test('ranges that do not touch are held side by side; those that do are not', () => {
    const lock = new RangeLock();
    const a = lock.tryLock(0, 4)!;
    expect(lock.tryLock(3, 5)).toBeUndefined();
    const b = lock.tryLock(4, 8)!;
    expect(lock.holders).toBe(2);
    a.unlock();
    const c = runSync(lock.wait(0, 4));
    expect([c.first, c.end]).toEqual([0, 4]);
    b.unlock();
    c.unlock();
    expect(lock.holders).toBe(0);
  });

  test('what is given up of a range goes to who waits for it', async () => {
    const lock = new RangeLock();
    const scheduler = new Scheduler('sync');
    const all = lock.tryLock(0, 16)!;
    const got: number[] = [];
    const take = function* (first: number, end: number): Task<HeldRange> {
      const held = yield* lock.wait(first, end);
      got.push(first);
      return held;
    };
    void scheduler.run(take(8, 9));
    void scheduler.run(take(0, 1));
    await settle();
    expect(got).toEqual([]);
    all.shrink(0, 4);
    await settle();
    expect(got).toEqual([8]);
    all.unlock();
    await settle();
    expect(got).toEqual([8, 0]);
  });

  test('who comes later does not overtake a waiter that it overlaps, and does overtake others', async () => {
    const lock = new RangeLock();
    const scheduler = new Scheduler('sync');
    const held = lock.tryLock(0, 2)!;
    const order: string[] = [];
    const take = function* (name: string, first: number, end: number): Task<void> {
      const range = lock.tryLock(first, end) ?? (yield* lock.wait(first, end));
      order.push(name);
      range.unlock();
    };
    void scheduler.run(take('wide', 1, 6));
    void scheduler.run(take('behind the wide one', 4, 5));
    void scheduler.run(take('beside both', 6, 9));
    await settle();
    expect(order).toEqual(['beside both']);
    held.unlock();
    await settle();
    expect(order).toEqual(['beside both', 'wide', 'behind the wide one']);
  });

  test('in random use no two holders overlap, and everybody gets a turn', async () => {
    const random = seededRandom(7);
    const lock = new RangeLock();
    const scheduler = new Scheduler('sync');
    const owner = new Array<number>(32).fill(-1);
    let turns = 0;
    const gates: Completion[] = [];
    const user = function* (id: number): Task<void> {
      for (let round = 0; round < 8; round++) {
        const first = random.below(32);
        const end = first + 1 + random.below(32 - first);
        const held = lock.tryLock(first, end) ?? (yield* lock.wait(first, end));
        for (let at = first; at < end; at++) {
          expect(owner[at]).toBe(-1);
          owner[at] = id;
        }
        const gate = new Completion();
        gates.push(gate);
        yield gate;
        const kept = first + random.below(end - first);
        for (let at = kept + 1; at < end; at++) owner[at] = -1;
        for (let at = first; at < kept; at++) owner[at] = -1;
        held.shrink(kept, kept + 1);
        owner[kept] = -1;
        held.unlock();
        turns++;
      }
    };
    for (let id = 0; id < 10; id++) void scheduler.run(user(id));
    for (let step = 0; step < 1000; step++) {
      await settle();
      if (gates.length === 0) break;
      gates.splice(random.below(gates.length), 1)[0]!.complete();
    }
    await settle();
    expect(turns).toBe(80);
    expect(lock.holders).toBe(0);
  });
});
