// The iterator over the mappings of a range. The caller owns the loop and says how far it came:
//
//   const iterator = new IomapIterator(operations, position, length, request);
//   while (yield* iterator.next()) {
//     … iterator.map, iterator.position, iterator.length …
//     iterator.advance(count);
//   }
//
// `next` ends the mapping of the round before and begins the next one. A round that advances by nothing ends the loop, unless
// it marked the mapping STALE: then the same place is mapped again. A body that throws must call `abort` (or be wrapped by
// a function that does), because `end` is owed for each `begin` (I-24).
// Source: spec section 6.1; kernel fs/iomap/iter.c describes the idea.

import { assert } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { Iomap, IomapFlag, type IomapOperations } from './iomap.ts';

export class IomapIterator {
  readonly operations: IomapOperations;
  readonly request: number;
  readonly map = new Iomap();
  /** The first byte that is not done. */
  position: number;
  /** Bytes that are not done, of the whole range. */
  remaining: number;
  #begun = false;
  /** Where this round started. */
  #roundStart = 0;

  constructor(operations: IomapOperations, position: number, length: number, request = 0) {
    this.operations = operations;
    this.position = position;
    this.remaining = length;
    this.request = request;
  }

  /** Bytes from `position` on that this mapping covers and the range wants; 0 without a mapping. */
  get length(): number {
    return this.#begun ? Math.min(this.remaining, this.map.end - this.position) : 0;
  }

  /** Goes on to the next mapping; false at the end of the range, or when the last round came nowhere. */
  *next(): Task<boolean> {
    const step = this.step();
    return typeof step === 'boolean' ? step : yield* step;
  }

  /** As {@link next}: the answer itself where nothing has to be waited for. */
  step(): boolean | Task<boolean> {
    if (!this.#begun) return this.#begin();
    const processed = this.position - this.#roundStart;
    const goesOn = processed > 0 || (this.map.flags & IomapFlag.STALE) !== 0;
    const ending = this.#end(processed);
    if (ending !== undefined) return this.#beginAfter(ending, goesOn);
    return goesOn && this.#begin();
  }

  *#beginAfter(ending: Task<void>, goesOn: boolean): Task<boolean> {
    yield* ending;
    const begun = goesOn && this.#begin();
    return typeof begun === 'boolean' ? begun : yield* begun;
  }

  #begin(): boolean | Task<boolean> {
    this.map.clear();
    if (this.remaining === 0) return false;
    this.#roundStart = this.position;
    const task = this.operations.begin(this.position, this.remaining, this.request, this.map);
    return task === undefined ? this.#hasBegun() : this.#beginLater(task);
  }

  *#beginLater(task: Task<void>): Task<boolean> {
    yield* task;
    return this.#hasBegun();
  }

  #hasBegun(): true {
    this.#begun = true;
    const { offset, length } = this.map;
    assert(length > 0 && offset <= this.position && this.position < offset + length, 'a mapping contains its position');
    return true;
  }

  /** The body has dealt with `count` more bytes. */
  advance(count: number): void {
    assert(count >= 0 && count <= this.length, 'a body advances within its mapping');
    this.position += count;
    this.remaining -= count;
  }

  /** Leaves out `count` bytes for which `begin` had no mapping: called after it threw. */
  skip(count: number): void {
    assert(!this.#begun && count > 0 && count <= this.remaining, 'what is skipped is not mapped');
    this.position += count;
    this.remaining -= count;
    this.map.clear();
  }

  /** Pays the `end` of a mapping that is left in the middle. */
  *abort(): Task<void> {
    const ending = this.#begun ? this.#end(this.position - this.#roundStart) : undefined;
    if (ending !== undefined) yield* ending;
  }

  #end(processed: number): Task<void> | undefined {
    this.#begun = false;
    return this.operations.end?.(this.map, this.#roundStart, processed, this.request);
  }
}
