// Zeros in a range of a file, through the cache, where a reader could find anything else:
//
//   hole        zeros already: left alone
//   unwritten   likewise, unless the cache has bytes that are on their way to it: those become zeros
//   mapped      zeros take the way of a write: read at the edges, copied, dirty; whole blocks are not read
//   others      as mapped: who keeps bytes in a form of its own writes them back itself
//
// The size of the file stays. The caller holds whatever keeps writers and truncation away. Writeback goes on meanwhile, and makes
// a mapping of what was unwritten: such an answer has to be true when `begin` is over, is believed until the first wait behind
// it, and then asked for again.
// Source: spec section 9.3; kernel fs/iomap/buffered-io.c (iomap_zero_range) describes the idea.

import { balanceDirtyPages, dirtyRunEnd, finishFolioWrite, nextDirtyBlock, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import type { WriteOperations } from './buffered-write.ts';
import { IomapFlag, IomapRequest } from './iomap.ts';
import { IomapIterator } from './iterator.ts';
import { lockWithEdges, tryLockWithEdges } from './lock-with-edges.ts';

/** `begin` maps the range as a reader finds it, and reserves nothing; the rest as for writes. */
export type ZeroOperations = Pick<WriteOperations, 'begin' | 'end' | 'valid' | 'throttle'>;

/** Makes the bytes [from, to) of a file zeros. Throws what mapping and reading the edges met; the zeros before it stay. */
export function* zeroBuffered(
  file: BufferedFile,
  from: number,
  to: number,
  operations: ZeroOperations = file.operations,
): Task<void> {
  const walk = new IomapIterator(operations, from, Math.max(0, to - from), IomapRequest.ZERO);
  try {
    while (yield* walk.next()) {
      if (walk.map.kind === 'hole') walk.advance(walk.length);
      else if (walk.map.kind === 'unwritten') yield* zeroCached(file, walk, operations);
      else yield* zeroWritten(file, walk, operations);
    }
  } catch (cause) {
    yield* walk.abort();
    throw cause;
  }
}

/** Of an unwritten mapping: up to the first bytes in the cache that will be written to it, and these. */
function* zeroCached(file: BufferedFile, walk: IomapIterator, operations: ZeroOperations): Task<void> {
  const end = walk.position + walk.length;
  const [from, to] = pendingPart(file, walk.position, end);
  walk.advance(from - walk.position);
  if (from < to) yield* zeroPiece(file, walk, to - from, operations);
}

function* zeroWritten(file: BufferedFile, walk: IomapIterator, operations: ZeroOperations): Task<void> {
  while (walk.length > 0) if (!(yield* zeroPiece(file, walk, walk.length, operations))) return;
}

/** Zeros of at most `length` bytes in one folio, from the position of the walk on. False: the mapping is to be asked for again. */
function* zeroPiece(
  file: BufferedFile,
  walk: IomapIterator,
  length: number,
  operations: ZeroOperations,
): Task<boolean> {
  const { map, position } = walk;
  const brake = operations.throttle === undefined ? balanceDirtyPages(file.mapping.cache) : operations.throttle();
  if (brake !== undefined) yield* brake;
  const index = Math.floor(position / PAGE_SIZE);
  const end = position + length;
  const pages = Math.ceil(end / PAGE_SIZE) - index;
  const folio =
    tryLockWithEdges(file, index, position, end) ??
    (yield* lockWithEdges(file, index, position, end, Math.max(file.mapping.orderMin, 31 - Math.clz32(pages))));
  if (operations.valid !== undefined && !operations.valid(map)) {
    map.flags |= IomapFlag.STALE;
    folio.unlock();
    folio.put();
    return false;
  }
  const start = position - folio.position;
  const count = Math.min(length, folio.size - start);
  folio.bytes.fill(0, start, start + count);
  walk.advance(finishFolioWrite(folio, position, count, count, SIZE_STAYS));
  return true;
}

const SIZE_STAYS = { grow(): void {} };

/** The first part of the bytes [from, to) that is dirty in the cache, or being written; [to, to) where nothing is. */
function pendingPart({ mapping: { index } }: BufferedFile, from: number, to: number): [from: number, to: number] {
  for (let folio = index.next(Math.floor(from / PAGE_SIZE)); folio !== undefined; folio = index.next(folio.endIndex)) {
    if (folio.position >= to) break;
    let first = Math.max(0, from - folio.position);
    let end = Math.min(folio.size, to - folio.position);
    // Locked: it may have been taken for writing, and is neither dirty nor under writeback.
    if (!folio.writeback && !folio.locked) {
      if (!folio.dirty) continue;
      const block = nextDirtyBlock(folio, Math.floor(first / PAGE_SIZE));
      first = Math.max(first, block * PAGE_SIZE);
      if (first >= end) continue;
      end = Math.min(end, dirtyRunEnd(folio, block) * PAGE_SIZE);
    }
    return [folio.position + first, folio.position + end];
  }
  return [to, to];
}
