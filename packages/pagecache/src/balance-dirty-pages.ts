// The brake on writers. Without it a writer fills the cache with dirty folios, which nobody can reclaim.
//
//   above the background limit   somebody is asked to write (`PageCache.onPressure`); the writer goes on
//   above the hard limit         the writer waits until enough has been written
//
// The writer holds no lock that writeback needs: it would wait for itself (L4, I-23). Source: spec section 4.

import type { Task } from '@f2fskit/task';
import type { PageCache } from './page-cache.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A writer waits until dirty pages have been written. */
    'writeback:throttle': { dirtyPages: number; writebackPages: number };
  }
}

export function* balanceDirtyPages(cache: PageCache): Task<void> {
  if (cache.onPressure === undefined) return;
  if (cache.overDirtyBackground) cache.onPressure();
  // Without anybody who writes, waiting would have no end.
  while (cache.overDirtyLimit && cache.onPressure !== undefined) {
    const { tracer, dirtyPages, writebackPages } = cache;
    if (tracer?.active) tracer.emit('writeback:throttle', { dirtyPages, writebackPages });
    yield* cache.waitForCleaning();
  }
}
