// lseek(SEEK_DATA, SEEK_HOLE): where data or a hole begins. A mapped run is data, and so is what the filesystem keeps in a
// form of its own; the end of the file is one more hole. Space that is reserved but was never written is neither: nobody
// finds data there (nothing dirties the cache yet), and nobody a hole, because room is taken. That is what Linux answers
// on such a file; the volume fixtures/far-sparse has its answers.
// Source: spec section 9.5; kernel fs/iomap/seek.c describes the idea.

import { ENXIO, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { type Iomap, type IomapOperations, IomapRequest } from './iomap.ts';
import { IomapIterator } from './iterator.ts';

function isData({ kind }: Iomap): boolean {
  return kind === 'mapped' || kind === 'private' || kind === 'inline';
}

function isHole({ kind }: Iomap): boolean {
  return kind === 'hole';
}

/**
 * The first byte of data at or after `position` in a file of `size` bytes. Throws ENXIO where none follows, and what
 * `begin` throws.
 */
export function* seekData(operations: IomapOperations, position: number, size: number): Task<number> {
  if (position < 0 || position >= size) throw new FsError(ENXIO, 'no data at or behind this position');
  const found = yield* firstRun(operations, position, size, isData);
  if (found === size) throw new FsError(ENXIO, 'no data at or behind this position');
  return found;
}

/** The first byte of a hole at or after `position`; `size` where none comes before the end. Throws ENXIO behind it. */
export function* seekHole(operations: IomapOperations, position: number, size: number): Task<number> {
  if (position < 0 || position >= size) throw new FsError(ENXIO, 'no hole at or behind this position');
  return yield* firstRun(operations, position, size, isHole);
}

/** Where the first run at or after `position` begins that is wanted; `size` when there is none. */
function* firstRun(
  operations: IomapOperations,
  position: number,
  size: number,
  wanted: (map: Iomap) => boolean,
): Task<number> {
  const iterator = new IomapIterator(operations, position, size - position, IomapRequest.REPORT);
  while (yield* iterator.next()) {
    if (wanted(iterator.map)) {
      const { position: found } = iterator;
      yield* iterator.abort();
      return found;
    }
    iterator.advance(iterator.length);
  }
  return size;
}
