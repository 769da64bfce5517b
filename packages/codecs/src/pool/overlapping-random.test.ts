// Several runs of a pool under way, and everything in any order: begun, worked at, waited for and finished, beside workers that take,
// give and die. Results are those of the codec, in order; nobody waits for what never comes; and in the end everything is free.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { codecs, expectFreeShared, expectFreeTransfer, KIB, NamedBatch, quick } from '../../test/named-batch.ts';
import { finishSync } from '../../test/pool-batch.ts';
import { SharedHands, TransferHands } from '../../test/pool-hands.ts';
import { slice } from '../../test/support.ts';
import type { PoolRun } from './codec-pool.ts';
import type { TakenJob } from './job-board.ts';

/** A pool whose workers do one thing at a time, as numbers say. */
interface Machine {
  readonly pool: SharedHands['pool'] | TransferHands['pool'];
  /** A worker takes, gives or does something; what it has to say comes with `tell`. */
  step(worker: number, what: number): void;
  tell(): void;
  die(worker: number): void;
  /** Workers do all that is left to be done. */
  drain(): void;
  expectFree(): void;
}

function sharedMachine(workers: number, canBlock: boolean): Machine {
  const hands = new SharedHands(workers, { codecs, canBlock });
  const held: Array<TakenJob | undefined> = [];
  const notices: number[] = [];
  const alive = new Set(Array.from({ length: workers }, (_, worker) => worker));
  const give = (worker: number): void => {
    const job = held[worker];
    held[worker] = undefined;
    if (job === undefined) return;
    const length = quick.compress!(job.source, job.target, job.level);
    if (hands.board.give(job.job, length)) notices.push(worker);
  };
  const tell = (): void => {
    for (const worker of notices.splice(0)) if (alive.has(worker)) hands.events[worker]!.onNotice();
  };
  const step = (worker: number, what: number): void => {
    if (!alive.has(worker)) return;
    if (what === 0) held[worker] ??= hands.board.take(worker);
    else give(worker);
  };
  return {
    pool: hands.pool,
    step,
    tell,
    die: (worker) => {
      if (!alive.delete(worker)) return;
      held[worker] = undefined;
      hands.events[worker]!.onGone();
    },
    drain: () => {
      do {
        for (const worker of alive) for (const what of [0, 1, 0]) step(worker, what);
        tell();
      } while (held.some((job) => job !== undefined));
    },
    expectFree: () => expectFreeShared(hands),
  };
}

function transferMachine(workers: number): Machine {
  const hands = new TransferHands(workers, { codecs });
  const done: number[] = [];
  const tell = (): void => {
    for (const worker of done.splice(0)) hands.work(worker, 1);
  };
  return {
    pool: hands.pool,
    step: (worker) => void done.push(worker),
    tell,
    die: (worker) => {
      hands.inbox[worker]!.length = 0;
      hands.events[worker]!.onGone();
    },
    drain: () => {
      for (const worker of hands.inbox.keys()) hands.work(worker);
    },
    expectFree: () => expectFreeTransfer(hands),
  };
}

const acts = fc.array(
  fc.tuple(
    fc.constantFrom(
      'start',
      'start',
      'work',
      'work',
      'finish',
      'wait',
      'wait',
      'worker',
      'worker',
      'worker',
      'die',
      'close',
    ),
    fc.nat(11),
    fc.nat(1000),
  ),
  { minLength: 4, maxLength: 40, size: 'max' },
);

it.each(['shared', 'shared, never asleep', 'transfer'])(
  'up to four runs, begun, worked at and finished in any order, beside workers that come, go and die (%s)',
  (kind) => {
    let freeSeen = 0;
    let waited = 0;
    const property = fc.property(
      fc.integer({ min: 1, max: 3 }),
      acts,
      fc.array(fc.tuple(fc.nat(3), fc.nat(1)), { maxLength: 30 }),
      (workers, program, between) => {
        const machine = kind === 'transfer' ? transferMachine(workers) : sharedMachine(workers, kind === 'shared');
        const { pool } = machine;
        let closed = false;
        let begun = 0;
        const batches: NamedBatch[] = [];
        const runs: Array<{ run: PoolRun; waits: boolean }> = [];
        const remove = (run: PoolRun): void => {
          runs.splice(
            runs.findIndex((each) => each.run === run),
            1,
          );
        };
        let next = 0;
        const meanwhile = (): void => {
          const act = between[next++];
          if (act !== undefined) machine.step(act[0] % workers, act[1]);
        };
        for (const [what, which, size] of program) {
          const chosen = runs[which % Math.max(1, runs.length)];
          if (what === 'start' && runs.length < 4) {
            const bytes = [16 * KIB, 128 * KIB, 256 * KIB][size % 3]!;
            const batch = new NamedBatch(String.fromCharCode(65 + begun++), 1 + which, bytes);
            batch.between = meanwhile;
            batches.push(batch);
            runs.push({ run: pool.start(batch), waits: false });
          } else if (what === 'work' && chosen !== undefined && !chosen.waits) {
            if (chosen.run.work()) remove(chosen.run);
          } else if (what === 'finish' && chosen !== undefined && !chosen.waits) {
            finishSync(chosen.run);
            remove(chosen.run);
          } else if (what === 'wait' && chosen !== undefined && !chosen.waits) {
            chosen.waits = true;
            chosen.run.subscribe(() => {
              waited++;
              chosen.run.finish();
              remove(chosen.run);
            });
          } else if (what === 'worker') machine.step(which % workers, size % 2);
          else if (what === 'die' && size % 8 === 0) machine.die(which % workers);
          else if (what === 'close' && size % 20 === 0) {
            closed = true;
            pool.close();
          }
          machine.tell();
        }
        // Workers do what they have; then there is nothing that anybody could still wait for.
        next = between.length;
        machine.drain();
        expect(runs.map(({ run }) => run.done)).toEqual(runs.map(() => true));
        expect(runs.filter(({ waits }) => waits)).toEqual([]);
        for (const { run } of runs) run.finish();
        for (const batch of batches) batch.check();
        if (closed || pool.workersReady === 0) return;
        machine.expectFree();
        freeSeen++;
      },
    );
    fc.assert(property, slice(40));
    // Or else nothing of this was tried.
    expect([freeSeen > 5, waited > 5]).toEqual([true, true]);
  },
);
