// A lock on ranges of numbers: holders whose ranges do not touch do not see each other.
//
//   const held = lock.tryLock(first, end) ?? (yield* lock.wait(first, end));
//   try { … } finally { held.unlock(); }
//
// FIFO where ranges overlap: a request queues behind the holders and behind the earlier waiters that it overlaps, and behind no
// others. A task holds one range at a time and never asks for more; it may keep less (`shrink`).

import { assert } from '@f2fskit/errno';
import { Completion, type Task } from './completion.ts';

/** A range [first, end) that is held. */
export class HeldRange {
  readonly #lock: RangeLock;
  #first: number;
  #end: number;
  #held = true;

  /** For {@link RangeLock}. */
  constructor(lock: RangeLock, first: number, end: number) {
    this.#lock = lock;
    this.#first = first;
    this.#end = end;
  }

  get first(): number {
    return this.#first;
  }

  get end(): number {
    return this.#end;
  }

  overlaps(first: number, end: number): boolean {
    return this.#first < end && first < this.#end;
  }

  /** Keeps only [first, end) of it. */
  shrink(first: number, end: number): void {
    assert(this.#held && this.#first <= first && first < end && end <= this.#end, 'a part of what is held is kept');
    if (first === this.#first && end === this.#end) return;
    this.#first = first;
    this.#end = end;
    this.#lock.onFreed();
  }

  unlock(): void {
    assert(this.#held, 'unlock of a range that nobody holds');
    this.#held = false;
    this.#lock.release(this);
  }
}

interface Waiter {
  range: HeldRange;
  turn: Completion;
}

export class RangeLock {
  readonly #held: HeldRange[] = [];
  readonly #queue: Waiter[] = [];

  /** Ranges that are held. */
  get holders(): number {
    return this.#held.length;
  }

  /** The range [first, end), if nobody holds a part of it and nobody has been waiting for one. */
  tryLock(first: number, end: number): HeldRange | undefined {
    assert(first < end, 'a range that is locked is not empty');
    if (this.#held.length > 0 && overlapsOne(this.#held, first, end)) return undefined;
    if (this.#queue.some(({ range }) => range.overlaps(first, end))) return undefined;
    const range = new HeldRange(this, first, end);
    this.#held.push(range);
    return range;
  }

  /** Waits for the range [first, end). */
  *wait(first: number, end: number): Task<HeldRange> {
    const now = this.tryLock(first, end);
    if (now !== undefined) return now;
    const waiter = { range: new HeldRange(this, first, end), turn: new Completion() };
    this.#queue.push(waiter);
    yield waiter.turn;
    return waiter.range;
  }

  /** For {@link HeldRange}. */
  release(range: HeldRange): void {
    this.#held.splice(this.#held.indexOf(range), 1);
    this.onFreed();
  }

  /** For {@link HeldRange}: whoever waited for a part that is free now gets it. */
  onFreed(): void {
    if (this.#queue.length === 0) return;
    const waiting = this.#queue.splice(0);
    for (const waiter of waiting) {
      const { first, end } = waiter.range;
      const blocked =
        overlapsOne(this.#held, first, end) || this.#queue.some(({ range }) => range.overlaps(first, end));
      if (blocked) this.#queue.push(waiter);
      else {
        this.#held.push(waiter.range);
        waiter.turn.complete();
      }
    }
  }
}

function overlapsOne(ranges: readonly HeldRange[], first: number, end: number): boolean {
  return ranges.some((range) => range.overlaps(first, end));
}
