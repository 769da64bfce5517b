// Errors of the browser's file APIs, which are told apart by name, turned into our error numbers.

import { EACCES, EBUSY, ECANCELED, EIO, ENODEV, ENOENT, ENOSPC } from '@f2fskit/errno';

/** Names of DOMExceptions (File System standard, File API). */
const numbers: Readonly<Record<string, number>> = {
  AbortError: ECANCELED,
  // The handle was closed. (Asked for an access handle, a file outside OPFS answers the same: see opfs-device.ts.)
  InvalidStateError: ENODEV,
  // Somebody else has the file's lock.
  NoModificationAllowedError: EBUSY,
  NotAllowedError: EACCES,
  NotFoundError: ENOENT,
  // The file behind a File has changed or cannot be read.
  NotReadableError: EIO,
  QuotaExceededError: ENOSPC,
  SecurityError: EACCES,
};

/**
 * The positive error number of what a file API of the browser threw or rejected with; EIO for a DOMException that is not
 * in the table. Whatever is no DOMException (a TypeError, an assertion) is thrown again: it is a bug.
 */
export function webErrno(error: unknown): number {
  // Only a DOMException has a number as its code (0 for most names); the realm that made it may be another one.
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') throw error;
  return numbers[error.name] ?? EIO;
}
