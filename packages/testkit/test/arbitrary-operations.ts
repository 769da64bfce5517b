// Programs for fast-check. Other packages import it as `@f2fskit/testkit/arbitrary-operations`; it stands here, where
// fast-check is a dependency of tests only.

import fc from 'fast-check';
import { type Operation, type RandomOperationsOptions, randomOperations, smallerPrograms } from '../src/model/index.ts';

export interface ArbitraryOperationsOptions extends RandomOperationsOptions {
  /** Operations of a program, at least and at most. Default 1 and 60. */
  lengthMin?: number;
  lengthMax?: number;
}

/** Programs that mostly succeed; fast-check prints its seed with a failure. */
export function arbitraryOperations(options: ArbitraryOperationsOptions = {}): fc.Arbitrary<Operation[]> {
  return new OperationsArbitrary(options);
}

class OperationsArbitrary extends fc.Arbitrary<Operation[]> {
  readonly #options: ArbitraryOperationsOptions;

  constructor(options: ArbitraryOperationsOptions) {
    super();
    this.#options = options;
  }

  override generate(random: fc.Random): fc.Value<Operation[]> {
    const { lengthMin = 1, lengthMax = 60, ...options } = this.#options;
    const count = random.nextInt(lengthMin, lengthMax);
    return new fc.Value(randomOperations(random.nextInt(), count, options), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Operation[] {
    return Array.isArray(value);
  }

  override shrink(program: Operation[]): fc.Stream<fc.Value<Operation[]>> {
    const programs = smallerPrograms(program, this.#options.lengthMin);
    return fc.stream(programs).map((value) => new fc.Value(value, undefined));
  }
}
