// From a program that fails to smaller ones that may fail too. A program is concrete (random-operations.ts), so taking an
// operation out and making a number smaller leaves the meaning of the others. An operation that lost what it stood on
// fails then, on the model and on the target alike.

import type { Operation } from './operations.ts';

/** Programs of at least `lengthMin` operations, the boldest first: runs of operations taken out, then one simplified. */
export function* smallerPrograms(program: readonly Operation[], lengthMin = 1): Generator<Operation[]> {
  for (let size = Math.ceil(program.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    if (program.length - size < lengthMin) continue;
    // From the end: what comes after a failure is never needed.
    for (let end = program.length; end > 0; end -= size) {
      yield program.toSpliced(Math.max(0, end - size), Math.min(size, end));
    }
  }
  for (const [index, operation] of program.entries()) {
    for (const simple of simpler(operation)) yield program.with(index, simple);
  }
}

/** The same operation with a smaller number. */
function* simpler(operation: Operation): Generator<Operation> {
  if ('data' in operation) {
    const { seed, length } = operation.data;
    for (const less of numbers(length)) yield { ...operation, data: { seed, length: less } };
    if (seed !== 1) yield { ...operation, data: { seed: 1, length } };
  }
  if ('position' in operation && operation.position !== 'end') {
    for (const position of numbers(operation.position)) yield { ...operation, position };
  }
  if ('length' in operation) {
    for (const length of numbers(operation.length)) if (length > 0) yield { ...operation, length };
  }
  if ('size' in operation) for (const size of numbers(operation.size)) yield { ...operation, size };
  if (operation.op === 'rename' && operation.mode !== 'plain') yield { ...operation, mode: 'plain' };
  if (operation.op === 'setxattr' && operation.mode !== 'set') yield { ...operation, mode: 'set' };
}

/** Smaller numbers, the end of a block among them; by halves, so that few steps lead to the smallest that still fails. */
function numbers(value: number): number[] {
  const candidates = [0, 1, value - (value % 4096)];
  for (let step = Math.floor(value / 2); step > 0; step = Math.floor(step / 2)) candidates.push(value - step);
  return [...new Set(candidates)].filter((candidate) => candidate >= 0 && candidate < value);
}
