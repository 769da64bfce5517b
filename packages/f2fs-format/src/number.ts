// 64-bit counts that a reader must survive whatever they hold.

import type { U64 } from '@f2fskit/ondisk';

/**
 * The value of a 64-bit count, or `Number.MAX_SAFE_INTEGER` where it is larger. For fields whose size is no reason to
 * refuse a volume (a time, a statistic) or whose upper limit is checked right after.
 */
export function saturated(field: U64, view: DataView, at: number): number {
  return field.fits(view, at) ? field.get(view, at) : Number.MAX_SAFE_INTEGER;
}
