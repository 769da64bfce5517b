// Runs a program on a volume and on a model of it, and compares every answer.

import { isDeepStrictEqual } from 'node:util';
import {
  applyToModel,
  applyToTarget,
  describeDifference,
  type ModelFilesystem,
  type Operation,
} from '@f2fskit/testkit/model';
import type { Timestamp } from '@f2fskit/vfs';
import type { F2fsTarget } from './f2fs-target.ts';

/** A clock that stands still while an operation runs, and goes on by a second between two. */
export class StepClock {
  #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  now(): Timestamp {
    return { seconds: this.#seconds, nanoseconds: 0 };
  }

  step(): void {
    this.#seconds++;
  }
}

/**
 * What a volume may answer for reasons that the model does not know: it is full, the attributes of a file are, or the file is
 * one that must stay as it is. Such an operation has changed nothing.
 */
export type OwnReason = 'ENOSPC' | 'E2BIG' | 'EOPNOTSUPP' | 'EPERM' | 'EXDEV' | 'ENOKEY';

/** Throws the first difference, with the program up to there. Returns how many operations the volume refused on its own. */
export async function runOnBoth(
  model: ModelFilesystem,
  target: F2fsTarget,
  clock: StepClock,
  operations: readonly Operation[],
  reasons: readonly OwnReason[] = [],
): Promise<number> {
  let refused = 0;
  for (const [index, operation] of operations.entries()) {
    const found = await applyToTarget(target, operation);
    if ('error' in found && (reasons as readonly string[]).includes(found.error)) refused++;
    else {
      const expected = applyToModel(model, operation);
      if (!isDeepStrictEqual(expected, found)) {
        throw new Error(describeDifference({ index, operation, model: expected, target: found }, operations));
      }
    }
    clock.step();
  }
  return refused;
}
