import { Completion, Lock, Scheduler, type Task } from '@f2fskit/task';
import { beforeEach, describe, expect, it } from 'vitest';
import { WriterTurns } from './writer-turns.ts';

describe('turns of a writer and a pass', () => {
  let scheduler: Scheduler;
  let turns: WriterTurns;
  let events: string[];
  let begun: number;

  beforeEach(() => {
    scheduler = new Scheduler('sync');
    turns = new WriterTurns(scheduler);
    events = [];
    begun = 0;
  });

  /** Works so many times, and rests in between where it may; holds `lock` all the while. */
  function* pass(times: number, lock?: Lock): Task<void> {
    begun++;
    if (lock !== undefined && !lock.tryLock()) yield* lock.wait();
    for (let time = 0; time < times; time++) {
      events.push(`pass ${time}`);
      const rest = time + 1 < times ? turns.rest() : undefined;
      if (rest !== undefined) yield rest;
    }
    lock?.unlock();
    events.push('over');
  }

  const give = (times = 3, lock?: Lock): void => scheduler.runSync(turns.give(() => pass(times, lock)));

  it('a writer goes on when the pass rests, and the pass with the next turn', () => {
    for (let write = 0; write < 3; write++) {
      give();
      events.push(`write ${write}`);
    }
    expect(events).toEqual(['pass 0', 'write 0', 'pass 1', 'write 1', 'pass 2', 'over', 'write 2']);
    expect(begun).toBe(1);
    give();
    expect(begun).toBe(2);
  });

  it('who waits for what the pass holds ends its rest, and it rests no more until somebody gives it a turn', () => {
    const lock = new Lock();
    give(5, lock);
    expect(events).toEqual(['pass 0']);
    scheduler.runSync(lock.wait());
    expect(events).toEqual(['pass 0', 'pass 1', 'pass 2', 'pass 3', 'pass 4', 'over']);
    lock.unlock();
    give(2);
    expect(events.at(-1)).toBe('pass 0');
  });

  it('end() waits for the pass, and for none where there is none', () => {
    scheduler.runSync(turns.end());
    give();
    scheduler.runSync(turns.end());
    expect(events).toEqual(['pass 0', 'pass 1', 'pass 2', 'over']);
    scheduler.runSync(turns.end());
    expect(begun).toBe(1);
  });

  it('a pass that waits for something else is waited for', () => {
    const other = new Completion();
    other.waitSync = () => {
      events.push('waited');
      other.complete();
    };
    scheduler.runSync(
      turns.give(function* () {
        yield other;
        events.push('pass');
      }),
    );
    expect(events).toEqual(['waited', 'pass']);
  });

  it('two writers get the same turn', async () => {
    const slow = new Completion();
    const first = scheduler.run(
      turns.give(function* () {
        yield slow;
        const rest = turns.rest()!;
        events.push('rest');
        yield rest;
        events.push('over');
      }),
    );
    const second = scheduler.run(turns.give(() => pass(1)));
    slow.complete();
    await Promise.all([first, second]);
    expect([events, begun]).toEqual([['rest'], 0]);
    await scheduler.run(turns.end());
    expect(events).toEqual(['rest', 'over']);
  });

  it('a bug of the pass is thrown once, by who gave it its turn or by who ends it', () => {
    const bug = (rests: boolean) =>
      function* (): Task<void> {
        const rest = rests ? turns.rest() : undefined;
        if (rest !== undefined) yield rest;
        throw new TypeError('bug');
      };
    expect(() => scheduler.runSync(turns.give(bug(false)))).toThrow('bug');
    scheduler.runSync(turns.end());
    scheduler.runSync(turns.give(bug(true)));
    expect(() => scheduler.runSync(turns.end())).toThrow('bug');
    give();
    expect(events).toEqual(['pass 0']);
    scheduler.runSync(turns.end());
  });
});
