import { Completion, Scheduler, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { InodeLocks } from './inode-locks.ts';

function* holding(locks: InodeLocks, inos: number[], until: Completion, log: string[], name: string): Task<void> {
  const held = yield* locks.lock(inos);
  log.push(`${name} begins`);
  yield until;
  log.push(`${name} ends`);
  held.unlock();
}

describe('locks of inodes', () => {
  it('taken in any order wait for one another without end to none', async () => {
    const locks = new InodeLocks();
    const scheduler = new Scheduler('async');
    const log: string[] = [];
    const [first, second] = [new Completion(), new Completion()];
    const both = Promise.all([
      scheduler.run(holding(locks, [5, 3, 0, 3], first, log, 'a')),
      scheduler.run(holding(locks, [3, 5], second, log, 'b')),
    ]);
    second.complete();
    expect(log).toEqual(['a begins']);
    first.complete();
    await both;
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(locks.size).toBe(0);
  });

  it('shared let each other in, and keep changes out', async () => {
    const locks = new InodeLocks();
    const scheduler = new Scheduler('async');
    const log: string[] = [];
    const reading = new Completion();
    const read = function* (): Task<void> {
      log.push('reads');
      yield reading;
    };
    const all = Promise.all([
      scheduler.run(locks.shared(4, read)),
      scheduler.run(locks.shared(4, read)),
      scheduler.run(holding(locks, [4], reading, log, 'change')),
    ]);
    expect(log).toEqual(['reads', 'reads']);
    reading.complete();
    await all;
    expect(log).toEqual(['reads', 'reads', 'change begins', 'change ends']);
    expect(locks.size).toBe(0);
  });

  it('are given back by what throws', async () => {
    const locks = new InodeLocks();
    const scheduler = new Scheduler('async');
    const fail = function* (): Task<void> {
      yield* [];
      throw new Error('no');
    };
    await expect(scheduler.run(locks.shared(4, fail))).rejects.toThrow('no');
    expect(locks.size).toBe(0);
  });
});
