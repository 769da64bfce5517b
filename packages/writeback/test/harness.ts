// What the tests of writeback have in common: time that moves when a test says so, and tasks that end or are found stuck.

import { Completion, Scheduler, type Task } from '@f2fskit/task';
import type { Timer } from '../src/index.ts';
import type { FakeFile } from './fake-filesystem.ts';

/** A clock and a timer that a test moves. */
export class TestTime implements Timer {
  nowMs = 0;
  readonly clock = {
    now: () => ({ seconds: Math.floor(this.nowMs / 1000), nanoseconds: (this.nowMs % 1000) * 1_000_000 }),
  };
  #alarms: Array<{ at: number; callback: () => void }> = [];

  /** Alarms that have not gone off. */
  get pending(): number {
    return this.#alarms.length;
  }

  start(milliseconds: number, callback: () => void): () => void {
    const alarm = { at: this.nowMs + milliseconds, callback };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }

  advance(milliseconds: number): void {
    this.nowMs += milliseconds;
    const due = this.#alarms.filter(({ at }) => at <= this.nowMs);
    this.#alarms = this.#alarms.filter(({ at }) => at > this.nowMs);
    for (const { callback } of due) callback();
  }
}

/** Lets everything happen that can happen by itself now. */
export const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for a promise, in turns of the event loop; throws when it does not end after many, so a deadlock is no timeout. */
export async function settle<T>(promise: Promise<T>, turn: () => void = () => {}, turnsMax = 5000): Promise<T> {
  let over = false;
  const mark = (): void => {
    over = true;
  };
  promise.then(mark, mark);
  for (let turns = 0; !over; turns++) {
    if (turns === turnsMax) throw new Error('stuck');
    turn();
    await later();
  }
  return promise;
}

/** Runs a task beside others, as a volume would. */
export const start = <T>(task: Task<T>): Promise<T> => new Scheduler('async').run(task);

/** Runs a task, and calls `look` at each of its waits, before what it waits for has happened. */
export function* watched<T>(task: Task<T>, look: () => void): Task<T> {
  for (;;) {
    const step = task.next();
    if (step.done) return step.value;
    if (!step.value.done) look();
    yield step.value;
  }
}

/** One turn of other tasks. */
export function* pause(): Task<void> {
  const turn = new Completion();
  void Promise.resolve().then(() => turn.complete());
  yield turn;
}

/** Numbers of the pages that are dirty, by block. */
export function dirtyPages(file: FakeFile): number[] {
  const pages: number[] = [];
  const { index } = file.mapping;
  for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
    for (let block = 0; folio.dirty && block < folio.pages; block++) {
      if (folio.dirtyBlocks === undefined || folio.dirtyBlocks.has(block)) pages.push(folio.index + block);
    }
  }
  return pages;
}

/** `toEqual` for a megabyte: says where they differ. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  if (actual.length !== expected.length) throw new Error(`${actual.length} bytes, not ${expected.length}`);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`byte ${at} (page ${at >> 12}) is ${actual[at]}, not ${expected[at]}`);
}
