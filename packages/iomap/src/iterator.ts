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
    if (this.#begun) {
      const processed = this.position - this.#roundStart;
      const stale = (this.map.flags & IomapFlag.STALE) !== 0;
      yield* this.#end(processed);
      if (processed === 0 && !stale) return false;
    }
    this.map.clear();
    if (this.remaining === 0) return false;
    this.#roundStart = this.position;
    yield* this.operations.begin(this.position, this.remaining, this.request, this.map);
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
    if (this.#begun) yield* this.#end(this.position - this.#roundStart);
  }

  *#end(processed: number): Task<void> {
    this.#begun = false;
    if (this.operations.end !== undefined) {
      yield* this.operations.end(this.map, this.#roundStart, processed, this.request);
    }
  }
}
