// Numbers that a caller gives and a volume does not have.

import { EINVAL, FsError } from '@f2fskit/errno';

/** Throws EINVAL for a number outside `[first, last]`, with what the volume has. */
export function requireInRange(what: string, value: number, first: number, last: number): void {
  if (Number.isInteger(value) && value >= first && value <= last) return;
  throw new FsError(EINVAL, `there is no ${what} ${value}: this volume has ${first} to ${last}`);
}

/** Throws EINVAL for a range of `what` that is not inside `[0, end]`, or that ends before it starts. */
export function requireRange(what: string, first: number, last: number, end: number): void {
  requireInRange(what, first, 0, end);
  requireInRange(what, last, 0, end);
  if (last < first) throw new FsError(EINVAL, `the range ends at ${what} ${last}, before it starts at ${first}`);
}
