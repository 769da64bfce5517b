import { EDEADLK, EIO, FsError } from '@f2fskit/errno';
import { describe, expect, it } from 'vitest';
import {
  Completion,
  Lock,
  runAsync,
  runSync,
  Scheduler,
  SyncUnavailableError,
  seededRandom,
  type Task,
  wait,
  waitAll,
} from './index.ts';

function* sum(completions: Completion[]): Task<number> {
  let count = 0;
  for (const completion of completions) {
    yield* wait(completion, 'sum');
    count++;
  }
  return count;
}

function completed(error = 0): Completion {
  const completion = new Completion();
  completion.complete(error);
  return completion;
}

describe('Completion', () => {
  it('calls subscribers once, in order, and at once when already done', () => {
    const order: number[] = [];
    const completion = new Completion();
    for (const n of [1, 2, 3]) completion.subscribe(() => order.push(n));
    completion.complete();
    completion.subscribe(() => order.push(4));
    expect(order).toEqual([1, 2, 3, 4]);
    expect(() => completion.complete()).toThrow(/completes once/);
  });

  it('can be reset for another round, but not under a waiter', () => {
    const completion = completed(EIO);
    completion.reset();
    expect([completion.done, completion.error]).toEqual([false, 0]);
    completion.subscribe(() => {});
    expect(() => completion.reset()).toThrow(/waiters/);
  });
});

describe('waitAll', () => {
  it('waits for all of them, also after a failure, and returns the first error in list order', async () => {
    const list = [new Completion(), new Completion(), new Completion()];
    const result = runAsync(waitAll(list));
    list[2]!.complete(EIO);
    list[0]!.complete(0);
    let settled = false;
    void result.then(() => {
      settled = true;
    });
    await Promise.resolve();
    expect(settled).toBe(false);
    list[1]!.complete(EDEADLK);
    expect(await result).toBe(EDEADLK);
  });
});

describe('runSync and runAsync', () => {
  it('give the same result for waits that are over', async () => {
    expect(runSync(sum([completed(), completed()]))).toBe(2);
    expect(await runAsync(sum([completed(), completed()]))).toBe(2);
  });

  it('give the same error', async () => {
    expect(() => runSync(sum([completed(EIO)]))).toThrow('EIO: i/o error, sum');
    await expect(runAsync(sum([completed(EIO)]))).rejects.toThrow('EIO: i/o error, sum');
  });

  it('runAsync never steps a task inside the call that completes what it waits for', async () => {
    const completion = new Completion();
    const steps: string[] = [];
    function* waiter(): Task<void> {
      yield completion;
      steps.push('woken');
    }
    const result = runAsync(waiter());
    completion.complete();
    steps.push('completed');
    await result;
    expect(steps).toEqual(['completed', 'woken']);
  });

  it('runSync blocks where it can and refuses where it cannot', () => {
    const blocking = new Completion();
    blocking.waitSync = () => blocking.complete();
    expect(runSync(sum([blocking]))).toBe(1);
    expect(() => runSync(sum([new Completion()]))).toThrow(FsError);
  });
});

describe('Scheduler', () => {
  it('refuses sync calls on an async volume', () => {
    const scheduler = new Scheduler('async');
    expect(() => scheduler.runSync(sum([]))).toThrow(SyncUnavailableError);
    try {
      scheduler.runSync(sum([]));
    } catch (error) {
      expect((error as SyncUnavailableError).code).toBe('ERR_SYNC_UNAVAILABLE');
    }
  });

  it('a sync call that finds a lock taken runs the other tasks first', async () => {
    const scheduler = new Scheduler('sync');
    const lock = new Lock();
    const gate = new Completion();
    const order: string[] = [];
    function* locked(name: string, inside: Completion[]): Task<void> {
      if (!lock.tryLock()) yield* lock.wait();
      try {
        order.push(`${name} in`);
        for (const completion of inside) yield* wait(completion);
        order.push(`${name} out`);
      } finally {
        lock.unlock();
      }
    }
    const first = scheduler.run(locked('promise', [gate]));
    gate.complete(); // the promise call is ready, but has not been stepped: no microtask has run
    scheduler.runSync(locked('sync', []));
    expect(order).toEqual(['promise in', 'promise out', 'sync in', 'sync out']);
    await first;
  });

  it('a sync call blocks for another task where that task can be waited for', async () => {
    const scheduler = new Scheduler('sync');
    const lock = new Lock();
    const worker = new Completion();
    worker.waitSync = () => worker.complete();
    function* hold(): Task<void> {
      lock.tryLock();
      yield* wait(worker);
      lock.unlock();
    }
    const held = scheduler.run(hold());
    scheduler.runSync(lock.wait());
    expect(worker.done).toBe(true);
    lock.unlock();
    await held;
  });

  it('says EDEADLK instead of hanging', () => {
    const scheduler = new Scheduler('sync');
    const lock = new Lock();
    lock.tryLock();
    expect(() => scheduler.runSync(lock.wait())).toThrow('EDEADLK');
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('gives the same results under any completion order (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const scheduler = new Scheduler('async');
    const pending: Completion[] = [];
    const start = (): Completion => {
      const completion = new Completion();
      pending.push(completion);
      return completion;
    };
    function* worker(id: number): Task<number> {
      let total = 0;
      for (let i = 0; i < 5; i++) {
        yield* waitAll([start(), start()]);
        total += id;
      }
      return total;
    }
    const results = Promise.all([1, 2, 3, 4].map((id) => scheduler.run(worker(id))));
    let finished = false;
    void results.then(() => {
      finished = true;
    });
    while (!finished) {
      const next = pending.splice(random.below(pending.length), 1)[0];
      next?.complete();
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(await results).toEqual([5, 10, 15, 20]);
  });
});
