// The board with an owner and workers on one thread, in orders that threads come into. Real threads: `node/index.test.ts`.

import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lz4 } from '../index.ts';
import { JobBoard } from './job-board.ts';

const BYTES = 4096;
const source = new Uint8Array(BYTES).fill(7);
const post = (board: JobBoard): number => board.post(lz4, undefined, source, BYTES);
/** How many jobs the queue holds, those that were taken back included. */
const QUEUE_TURNS = 256;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the queue', () => {
  it('gives jobs in the order in which they were posted', () => {
    const board = new JobBoard();
    const posted = [post(board), post(board), post(board)];
    expect(board.waiting).toBe(3);
    expect(posted.map(() => board.take(0)!.job)).toEqual(posted);
    expect([board.waiting, board.take(0)]).toEqual([0, undefined]);
  });

  it('what was taken back has lost its turn, also where it is posted again', () => {
    const board = new JobBoard();
    const first = post(board);
    const second = post(board);
    expect(board.takeBack(first)).toBe(true);
    expect(board.waiting).toBe(1);
    const third = post(board);
    expect(third).toBe(first);
    expect([board.take(0)!.job, board.take(1)!.job, board.take(0)]).toEqual([second, third, undefined]);
    expect(board.takeBack(second)).toBe(false);
    expect([board.takerOf(second), board.takerOf(third)]).toEqual([0, 1]);
  });

  it('is full of what was taken back where no worker looks, and empty when one has', () => {
    const board = new JobBoard();
    for (let turn = 0; turn < QUEUE_TURNS; turn++) expect(board.takeBack(post(board))).toBe(true);
    expect([post(board), board.waiting]).toEqual([-1, 0]);
    expect(board.take(0)).toBeUndefined();
    const job = post(board);
    expect([job >= 0, board.take(0)?.job]).toEqual([true, job]);
  });

  it('any order of posting, taking, taking back, giving and freeing: each job once, and never two in one place', () => {
    const step = fc.tuple(fc.nat(5), fc.nat(1000));
    const check = (steps: ReadonlyArray<readonly [number, number]>): void => {
      const board = new JobBoard();
      const workers = new JobBoard(board.memory);
      const waiting: number[] = [];
      const taken: Array<{ job: number; bytes: Uint8Array; mark: number }> = [];
      const finished: number[] = [];
      for (const [index, [what, which]] of steps.entries()) {
        if (what < 2) {
          const job = post(board);
          if (job === -1) continue;
          expect([...waiting, ...finished, ...taken.map((each) => each.job)]).not.toContain(job);
          waiting.push(job);
        } else if (what === 2 && waiting.length > 0) {
          const [job] = waiting.splice(which % waiting.length, 1) as [number];
          expect(board.takeBack(job)).toBe(true);
        } else if (what === 3) {
          const got = workers.take(which % 3);
          // Turns are kept, also behind those that were taken back.
          expect(got?.job).toBe(waiting.shift());
          if (got === undefined) continue;
          expect(got.source[0]).toBe(7);
          got.target.fill(index);
          taken.push({ job: got.job, bytes: got.target, mark: index & 0xff });
        } else if (what === 4 && taken.length > 0) {
          const [{ job, bytes, mark }] = taken.splice(which % taken.length, 1) as [(typeof taken)[0]];
          expect(board.takeBack(job)).toBe(false);
          expect(bytes.every((byte) => byte === mark)).toBe(true);
          workers.give(job, 3);
          finished.push(job);
        } else if (what === 5 && finished.length > 0) {
          const [job] = finished.splice(which % finished.length, 1) as [number];
          expect([board.isFinished(job), board.result(job).length]).toEqual([true, 3]);
          board.free(job);
        }
        expect(board.waiting).toBe(waiting.length);
      }
    };
    fc.assert(fc.property(fc.array(step, { minLength: 500, maxLength: 1500 }), check), { numRuns: 30 });
  });
});

describe('who sleeps', () => {
  it('is woken; where nobody sleeps, nobody is', () => {
    const board = new JobBoard();
    const notify = vi.spyOn(Atomics, 'notify');
    const job = post(board);
    board.take(0);
    board.give(job, 1);
    expect(notify).not.toHaveBeenCalled();
  });

  it('a worker that had not to sleep is none that sleeps', () => {
    const board = new JobBoard();
    board.sleep(board.postedCount - 1);
    const notify = vi.spyOn(Atomics, 'notify');
    post(board);
    expect(notify).not.toHaveBeenCalled();
  });

  it('an owner who has slept in vain is none who sleeps', () => {
    const board = new JobBoard();
    const job = post(board);
    board.take(0);
    expect(board.waitFinished(board.finishedCount, 1)).toBe(false);
    const notify = vi.spyOn(Atomics, 'notify');
    board.give(job, 1);
    expect(notify).not.toHaveBeenCalled();
    expect(board.waitFinished(board.finishedCount - 1, 1000)).toBe(true);
  });
});
