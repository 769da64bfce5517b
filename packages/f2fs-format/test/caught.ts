import { Corruption, FsError } from '@f2fskit/errno';
import { expect } from 'vitest';

/** Runs `action` and returns the Corruption it throws; anything else fails the test. */
export function corruptionOf(action: () => unknown): Corruption {
  const error = errorOf(action);
  expect(error, error.message).toBeInstanceOf(Corruption);
  return error as Corruption;
}

/** Runs `action` and returns the FsError it throws; anything else fails the test. */
export function errorOf(action: () => unknown): FsError {
  try {
    action();
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
  return expect.unreachable('nothing was thrown');
}
