// The extents of a file, as FIEMAP reports them: runs that have blocks, merged where they continue each other in the file and
// on the device. A listing is a reader that the caller drives, so a file in a million pieces costs no memory.
// Source: spec section 9.6; kernel fs/iomap/fiemap.c describes the idea.

import type { Task } from '@f2fskit/task';
import { type Iomap, IomapFlag, type IomapOperations, IomapRequest } from './iomap.ts';
import { IomapIterator } from './iterator.ts';

/** One extent. Positions in bytes. */
export interface Extent {
  position: number;
  length: number;
  /** On the device; of no meaning for `inline` and `unwritten`. */
  deviceOffset: number;
  unwritten: boolean;
  /** The bytes on the device are not the file's: compressed, for example. */
  encoded: boolean;
  inline: boolean;
  /** No extent follows in the file. */
  last: boolean;
}

export class ExtentList {
  readonly #operations: IomapOperations;
  readonly #end: number;
  readonly #size: number;
  #iterator: IomapIterator;
  /** Found, and not known yet whether it goes on or is the last. */
  #found: Extent | undefined = undefined;
  /** Found behind the end of the range: only whether there is one matters. */
  #over = false;

  /** The extents that overlap [start, end) of a file of `size` bytes. They are shown whole blocks and not clipped. */
  constructor(operations: IomapOperations, start: number, end: number, size: number) {
    this.#operations = operations;
    this.#size = size;
    this.#end = Math.min(end, size);
    const from = Math.max(0, start);
    this.#iterator = new IomapIterator(operations, from, Math.max(0, this.#end - from), IomapRequest.REPORT);
  }

  /** The next extent; `undefined` at the end of the range. */
  *next(): Task<Extent | undefined> {
    while (!this.#over && (yield* this.#iterator.next())) {
      const { map } = this.#iterator;
      this.#iterator.advance(this.#iterator.length);
      if (map.kind === 'hole' || map.kind === 'delalloc') continue;
      const extent = extentOf(map);
      const before = this.#found;
      if (before === undefined) this.#found = extent;
      else if (continues(before, extent, map)) before.length = extent.position + extent.length - before.position;
      else {
        this.#found = extent;
        return before;
      }
    }
    this.#over = true;
    const last = this.#found;
    this.#found = undefined;
    if (last !== undefined) last.last = !(yield* this.#anyBehind(last.position + last.length));
    return last;
  }

  *#anyBehind(position: number): Task<boolean> {
    if (position >= this.#size) return false;
    const iterator = new IomapIterator(this.#operations, position, this.#size - position, IomapRequest.REPORT);
    while (yield* iterator.next()) {
      if (iterator.map.kind !== 'hole' && iterator.map.kind !== 'delalloc') {
        yield* iterator.abort();
        return true;
      }
      iterator.advance(iterator.length);
    }
    return false;
  }
}

function extentOf(map: Iomap): Extent {
  const placed = map.kind === 'mapped' || map.kind === 'private';
  return {
    position: map.offset,
    length: map.length,
    deviceOffset: placed ? map.address : 0,
    unwritten: map.kind === 'unwritten',
    encoded: map.kind === 'private',
    inline: map.kind === 'inline',
    last: false,
  };
}

/** Plain runs join when the file and the device go on; what is stored in another form stays apart, one by one. */
function continues(before: Extent, next: Extent, map: Iomap): boolean {
  if (before.encoded || next.encoded || before.inline || next.inline) return false;
  if (before.unwritten !== next.unwritten || before.position + before.length !== next.position) return false;
  if ((map.flags & IomapFlag.BOUNDARY) !== 0) return false;
  return next.unwritten || before.deviceOffset + before.length === next.deviceOffset;
}
