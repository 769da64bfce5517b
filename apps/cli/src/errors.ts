// Two ways for a run to end that are no failure of what was asked; and what is a bug of ours.

import { FsError } from '@f2fskit/errno';

/** Wrong usage that only the command can see: exit code 2. */
export class UsageError extends Error {}

/** Stopped by a signal: exit code 130, or 143. */
export class Interrupted extends Error {
  readonly exitCode: number;
  constructor(signal: NodeJS.Signals, message: string) {
    super(message);
    this.exitCode = signal === 'SIGTERM' ? 143 : 130;
  }
}

/** Neither expected to happen nor said by the host: a bug of ours. */
export function isInternal(error: unknown): boolean {
  if (error instanceof FsError || error instanceof UsageError || error instanceof Interrupted) return false;
  if (!(error instanceof Error)) return true;
  return (error as NodeJS.ErrnoException).code === undefined && error.constructor !== Error;
}

/** What a call of the host says, or of a volume: it has a code, a number and the name of the call. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  if (!(error instanceof Error)) return false;
  const { code, errno } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof errno === 'number';
}
