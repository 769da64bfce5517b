// Numbers that a caller gives and a volume does not have.

import { EINVAL, FsError } from '@f2fskit/errno';

/** Throws EINVAL for a number outside `[first, last]`, with what the volume has. */
export function requireInRange(what: string, value: number, first: number, last: number): void {
  if (Number.isInteger(value) && value >= first && value <= last) return;
  throw new FsError(EINVAL, `there is no ${what} ${value}: this volume has ${first} to ${last}`);
}
