// Drivers: what runs a task to its end.
//
//   runSync      one task, nothing beside it: every wait must be over already, or be able to block the thread
//   runAsync     one task as a promise
//   Scheduler    the tasks of one volume together; a sync call that finds a lock taken runs the other tasks first
//
// Between two yields a task is never interrupted. A task is never abandoned: what it locked, it unlocks.

import { EDEADLK, FsError } from '@f2fskit/errno';
import type { Completion, Task } from './completion.ts';

/** Thrown by the sync methods of a volume whose device completes later: `code` is `ERR_SYNC_UNAVAILABLE`. */
export class SyncUnavailableError extends Error {
  readonly code = 'ERR_SYNC_UNAVAILABLE';
  constructor(what = 'this volume') {
    super(`${what} is on an asynchronous device: use the promise methods`);
    this.name = 'SyncUnavailableError';
  }
}

/** Runs a task in which every wait is over at once or can block the thread. EDEADLK when one cannot. */
export function runSync<T>(task: Task<T>): T {
  for (;;) {
    const step = task.next();
    if (step.done) return step.value;
    const completion = step.value;
    if (!completion.done) completion.waitSync?.();
    if (!completion.done) throw new FsError(EDEADLK, 'a synchronous task would wait for ever');
  }
}

/** Runs a task to its end; its first step happens before this returns. */
export function runAsync<T>(task: Task<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const resume = (): void => {
      try {
        for (;;) {
          const step = task.next();
          if (step.done) {
            resolve(step.value);
            return;
          }
          if (!step.value.done) {
            // From a microtask: whoever completes something never finds another task's steps inside its own.
            step.value.subscribe(() => void Promise.resolve().then(resume));
            return;
          }
        }
      } catch (error) {
        reject(error as Error);
      }
    };
    resume();
  });
}

/** Whether the device below finishes inside `submit` (`sync`) or may finish later (`async`). */
export type DriverMode = 'sync' | 'async';

interface Running {
  step(): void;
}

/** Runs the tasks of one volume. Tasks that wait are resumed in the order in which their waits end. */
export class Scheduler {
  readonly mode: DriverMode;
  /** Tasks whose wait is over and that have not been stepped since. */
  readonly #ready: Running[] = [];
  /** What the tasks that are not ready wait for. */
  readonly #waiting = new Set<Completion>();
  #drainQueued = false;

  constructor(mode: DriverMode) {
    this.mode = mode;
  }

  /** The promise call: the first step happens now, later ones when waits end. */
  run<T>(task: Task<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const running: Running = {
        step: () => {
          try {
            for (;;) {
              const step = task.next();
              if (step.done) {
                resolve(step.value);
                return;
              }
              if (!step.value.done) {
                this.#park(running, step.value);
                return;
              }
            }
          } catch (error) {
            reject(error as Error);
          }
        },
      };
      running.step();
    });
  }

  /**
   * The sync call. Throws {@link SyncUnavailableError} on an async volume. Where the task waits for something another
   * task holds, those run first; where nothing can make progress, EDEADLK.
   */
  runSync<T>(task: Task<T>): T {
    if (this.mode === 'async') throw new SyncUnavailableError();
    for (;;) {
      const step = task.next();
      if (step.done) return step.value;
      const completion = step.value;
      while (!completion.done) this.#progress(completion);
    }
  }

  #park(running: Running, completion: Completion): void {
    this.#waiting.add(completion);
    completion.subscribe(() => {
      this.#waiting.delete(completion);
      this.#ready.push(running);
      this.#queueDrain();
    });
  }

  #queueDrain(): void {
    if (this.#drainQueued) return;
    this.#drainQueued = true;
    void Promise.resolve().then(() => {
      this.#drainQueued = false;
      for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) next.step();
    });
  }

  /** One step towards `wanted` for a sync call: block on it, run a ready task, or block for another task. */
  #progress(wanted: Completion): void {
    if (wanted.waitSync !== undefined) {
      wanted.waitSync();
      return;
    }
    const next = this.#ready.shift();
    if (next !== undefined) {
      next.step();
      return;
    }
    for (const completion of this.#waiting) {
      if (completion.waitSync === undefined) continue;
      completion.waitSync();
      return;
    }
    throw new FsError(EDEADLK, 'a synchronous call waits for a task that cannot run');
  }
}
