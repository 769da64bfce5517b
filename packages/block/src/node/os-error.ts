// Errors of the operating system, as node:fs throws them, turned into our error numbers.

import { EIO, ENOSPC, EOPNOTSUPP, errnoOf } from '@f2fskit/errno';

/** Names that mean the same as one of ours. */
const synonyms: Readonly<Record<string, number>> = { ENOTSUP: EOPNOTSUPP, EDQUOT: ENOSPC };

/**
 * The positive error number of what node:fs threw or handed to a callback; EIO for a code without a number of ours.
 * Errors about our own arguments (`ERR_…`), and whatever else is no system error, are thrown again: they are bugs.
 */
export function osErrno(error: unknown): number {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === undefined || code.startsWith('ERR_')) throw error;
  return errnoOf(code) ?? synonyms[code] ?? EIO;
}
