// The one thing a task can wait for. A device, a lock or a codec worker completes it once, with an error number; until
// then callbacks collect. Completing may happen before anybody looks: a synchronous device finishes inside `submit`.

import { assert, FsError } from '@f2fskit/errno';

type Callback = () => void;

export class Completion {
  /** True once `complete` was called; never goes back except through `reset`. */
  done = false;
  /** 0 = fine, else a positive error number. Meaningful once `done`. */
  error = 0;
  /**
   * Blocks the thread until this completion is done. Set by whoever can do that (a codec pool waits on shared memory);
   * without it a synchronous driver runs other tasks instead, and gives up with EDEADLK when there are none.
   */
  waitSync: (() => void) | undefined = undefined;
  #first: Callback | undefined = undefined;
  #more: Callback[] | undefined = undefined;

  /** Marks the wait as over and calls everyone who subscribed, in order. */
  complete(error = 0): void {
    assert(!this.done, 'a completion completes once');
    this.done = true;
    this.error = error;
    const first = this.#first;
    const more = this.#more;
    this.#first = undefined;
    this.#more = undefined;
    first?.();
    if (more !== undefined) for (const callback of more) callback();
  }

  /** Calls `callback` when done: at once if it is done already. */
  subscribe(callback: Callback): void {
    if (this.done) callback();
    else if (this.#first === undefined) this.#first = callback;
    else if (this.#more === undefined) this.#more = [callback];
    else this.#more.push(callback);
  }

  /** Makes a finished completion ready for another round: for pools. Nobody may be waiting. */
  reset(): void {
    assert(this.#first === undefined, 'a completion with waiters is not reset');
    this.done = false;
    this.error = 0;
    this.waitSync = undefined;
  }
}

/**
 * An operation that may wait. Each value it yields is a completion that must be done before the next step; a `yield*`
 * at a call site marks a place where the world may change.
 */
export type Task<T> = Generator<Completion, T, void>;

/** Waits for one completion; throws its error as an {@link FsError} of `syscall`. */
export function* wait(completion: Completion, syscall = 'wait'): Task<void> {
  if (!completion.done) yield completion;
  if (completion.error !== 0) throw new FsError(completion.error, { syscall });
}

/** Waits until every completion is done, also after one has failed; returns the first error number in list order. */
export function* waitAll(completions: Iterable<Completion>): Task<number> {
  let error = 0;
  for (const completion of completions) {
    if (!completion.done) yield completion;
    if (error === 0) error = completion.error;
  }
  return error;
}

/** A task that is over already. It can be run any number of times. */
export function finished<T>(value: T): Task<T> {
  return new FinishedTask(value) as unknown as Task<T>;
}

class FinishedTask<T> {
  readonly done = true;
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }

  /** The task is its own result: one object. */
  next(): this {
    return this;
  }

  return(): this {
    return this;
  }

  throw(error: unknown): never {
    throw error;
  }

  [Symbol.iterator](): this {
    return this;
  }

  [Symbol.dispose](): void {}
}
