import { describe, expect, it } from 'vitest';
import { Lock, runAsync, SharedLock, seededRandom, type Task } from './index.ts';

describe('Lock', () => {
  it('is FIFO and nobody overtakes the queue', async () => {
    const lock = new Lock();
    const order: number[] = [];
    expect(lock.tryLock()).toBe(true);
    function* queue(id: number): Task<void> {
      if (!lock.tryLock()) yield* lock.wait();
      order.push(id);
    }
    const waiters = [1, 2, 3].map((id) => runAsync(queue(id)));
    lock.unlock(); // handed to 1, still held
    expect(lock.tryLock()).toBe(false);
    lock.unlock();
    lock.unlock();
    await Promise.all(waiters);
    expect(order).toEqual([1, 2, 3]);
    lock.unlock();
    expect(lock.held).toBe(false);
    expect(() => lock.unlock()).toThrow(/nobody holds/);
  });
});

describe('SharedLock', () => {
  it('queues shared requests behind a waiting exclusive one', async () => {
    const lock = new SharedLock();
    const order: string[] = [];
    function* shared(name: string): Task<void> {
      if (!lock.tryLockShared()) yield* lock.waitShared();
      order.push(name);
    }
    function* exclusive(name: string): Task<void> {
      if (!lock.tryLockExclusive()) yield* lock.waitExclusive();
      order.push(name);
    }
    const all = [
      runAsync(shared('a')),
      runAsync(shared('b')),
      runAsync(exclusive('X')),
      runAsync(shared('c')),
      runAsync(shared('d')),
    ];
    expect([lock.sharedHolders, lock.heldExclusive]).toEqual([2, false]);
    lock.unlockShared();
    lock.unlockShared();
    expect([lock.sharedHolders, lock.heldExclusive]).toEqual([0, true]);
    lock.unlockExclusive();
    expect([lock.sharedHolders, lock.heldExclusive]).toEqual([2, false]);
    await Promise.all(all);
    expect(order).toEqual(['a', 'b', 'X', 'c', 'd']);
    expect(() => lock.unlockExclusive()).toThrow(/nobody holds/);
  });

  it.each([11, 12, 13, 14])('never has an exclusive holder beside another holder (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const lock = new SharedLock();
    const releases: Array<() => void> = [];
    let shared = 0;
    let exclusive = 0;
    let most = 0;
    function* user(wantsExclusive: boolean): Task<void> {
      if (wantsExclusive) {
        if (!lock.tryLockExclusive()) yield* lock.waitExclusive();
        exclusive++;
        releases.push(() => {
          exclusive--;
          lock.unlockExclusive();
        });
      } else {
        if (!lock.tryLockShared()) yield* lock.waitShared();
        shared++;
        most = Math.max(most, shared);
        releases.push(() => {
          shared--;
          lock.unlockShared();
        });
      }
      expect(exclusive === 0 || (exclusive === 1 && shared === 0)).toBe(true);
    }
    const users: Promise<void>[] = [];
    let settled = 0;
    for (let i = 0; i < 200; i++) {
      users.push(runAsync(user(random.chance(0.3))).finally(() => settled++));
      while (releases.length > 0 && random.chance(0.5)) {
        releases.splice(random.below(releases.length), 1)[0]!();
        if (random.chance(0.5)) await Promise.resolve(); // lets those who got the lock run
      }
    }
    for (let round = 0; settled < users.length && round < 10_000; round++) {
      releases.pop()?.();
      await Promise.resolve();
    }
    for (const release of releases) release();
    expect(settled).toBe(200);
    await Promise.all(users);
    expect([lock.sharedHolders, lock.heldExclusive]).toEqual([0, false]);
    expect(most).toBeGreaterThan(1);
  });
});
