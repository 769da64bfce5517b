// Locks for tasks in one thread. Only tasks that overlap across a yield can conflict, so the fast path is a plain test:
//
//   if (!lock.tryLock()) yield* lock.wait();      // 2 ns when free
//   try { … } finally { lock.unlock(); }
//
// FIFO: unlocking hands the lock to the first waiter, and nobody overtakes the queue.

import { assert } from '@f2fskit/errno';
import { Completion, type Task } from './completion.ts';

/** One holder at a time. */
export class Lock {
  #held = false;
  readonly #queue: Completion[] = [];

  get held(): boolean {
    return this.#held;
  }

  /** Takes the lock if nobody holds it. */
  tryLock(): boolean {
    if (this.#held) return false;
    this.#held = true;
    return true;
  }

  /** Queues for the lock after `tryLock` failed; holds it when it returns. */
  *wait(): Task<void> {
    if (this.tryLock()) return;
    const turn = new Completion();
    this.#queue.push(turn);
    yield turn;
    assert(this.#held, 'the lock was handed over');
  }

  unlock(): void {
    assert(this.#held, 'unlock of a lock that nobody holds');
    const next = this.#queue.shift();
    if (next === undefined) this.#held = false;
    else next.complete();
  }
}

interface SharedWaiter {
  exclusive: boolean;
  turn: Completion;
}

/**
 * Many shared holders or one exclusive holder. Strictly FIFO: a shared request behind a waiting exclusive one queues, so
 * a checkpoint is never starved by operations.
 */
export class SharedLock {
  #shared = 0;
  #exclusive = false;
  readonly #queue: SharedWaiter[] = [];

  get sharedHolders(): number {
    return this.#shared;
  }

  get heldExclusive(): boolean {
    return this.#exclusive;
  }

  tryLockShared(): boolean {
    if (this.#exclusive || this.#queue.length > 0) return false;
    this.#shared++;
    return true;
  }

  tryLockExclusive(): boolean {
    if (this.#exclusive || this.#shared > 0 || this.#queue.length > 0) return false;
    this.#exclusive = true;
    return true;
  }

  *waitShared(): Task<void> {
    if (!this.tryLockShared()) yield this.#enqueue(false);
  }

  *waitExclusive(): Task<void> {
    if (!this.tryLockExclusive()) yield this.#enqueue(true);
  }

  unlockShared(): void {
    assert(this.#shared > 0, 'unlockShared of a lock that nobody shares');
    this.#shared--;
    this.#grant();
  }

  unlockExclusive(): void {
    assert(this.#exclusive, 'unlockExclusive of a lock that nobody holds');
    this.#exclusive = false;
    this.#grant();
  }

  #enqueue(exclusive: boolean): Completion {
    const turn = new Completion();
    this.#queue.push({ exclusive, turn });
    return turn;
  }

  /** Hands the lock to the head of the queue: one exclusive waiter, or every shared one up to the next exclusive. */
  #grant(): void {
    while (this.#queue.length > 0 && !this.#exclusive) {
      const head = this.#queue[0]!;
      if (head.exclusive && this.#shared > 0) return;
      this.#queue.shift();
      if (head.exclusive) this.#exclusive = true;
      else this.#shared++;
      head.turn.complete();
    }
  }
}
