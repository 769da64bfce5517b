// The rule that keeps writeback free of deadlocks: nobody waits while holding requests that the device has not got. Whoever it
// waits for may be waiting for one of those requests (L3). Kept here once, for everything that a task does, instead of at each
// place that may wait (I-45).

import type { Task } from '@f2fskit/task';

/** Runs `task`; whenever it has to wait, calls `submit` first. */
export function* submitBeforeWaits<T>(task: Task<T>, submit: () => void): Task<T> {
  for (;;) {
    const step = task.next();
    if (step.done) return step.value;
    if (step.value.done) continue;
    submit();
    // What was submitted may have been what the task waits for.
    if (!step.value.done) yield step.value;
  }
}
