// A page of a file, locked, with the bytes that a partial change leaves alone.

import { EIO, FsError } from '@f2fskit/errno';
import { type Folio, lockFolioForWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import { readBlocks } from './read-folios.ts';

/**
 * The folio of a page, locked and with a reference, ready for a change of the bytes [from, to) of the file: blocks that the
 * change touches only in part are uptodate, or it reaches the end of the file in them and zeros stand behind it. `size` is
 * that of the file now. A folio that is new has the order `order`, if it can be. Throws what reading met.
 */
export function* lockWithEdges(
  file: BufferedFile,
  index: number,
  from: number,
  to: number,
  order = file.mapping.orderMin,
): Task<Folio> {
  for (let tries = 0; ; tries++) {
    const folio = yield* lockFolioForWrite(file.mapping, index, order);
    const missing = missingEdge(folio, from, to, file.size);
    if (missing < 0) return folio;
    // The read ends the lock. After it everything is looked at again (I-2).
    try {
      const read = yield* readBlocks(file, folio, missing, missing + PAGE_SIZE);
      if (!read.completion.done) yield read.completion;
      const error = folio.mapping === file.mapping ? read.errorIn(missing, missing + PAGE_SIZE) : undefined;
      if (error !== undefined) throw error;
    } finally {
      folio.put();
    }
    if (tries === TRIES_MAX) throw new FsError(EIO, 'a page is lost whenever it has been read');
  }
}

/** As {@link lockWithEdges} where it waits for nothing; else `undefined`. */
export function tryLockWithEdges(file: BufferedFile, index: number, from: number, to: number): Folio | undefined {
  const folio = file.mapping.find(index);
  if (folio === undefined || (folio.writeback && file.mapping.stable) || !folio.tryLock()) return undefined;
  if (missingEdge(folio, from, to, file.size) >= 0) {
    folio.unlock();
    return undefined;
  }
  folio.get();
  return folio;
}

const TRIES_MAX = 100;

/** The start, in the folio, of a block at an edge that has to be read; -1 when there is none. */
function missingEdge(folio: Folio, from: number, to: number, size: number): number {
  const start = Math.max(0, from - folio.position);
  const end = Math.min(folio.size, to - folio.position);
  for (const edge of [start, end]) {
    if (edge % PAGE_SIZE === 0) continue;
    const block = edge - (edge % PAGE_SIZE);
    if (folio.isUptodate(block, block + PAGE_SIZE)) continue;
    if (folio.position + block >= size) {
      folio.bytes.fill(0, block, block + PAGE_SIZE);
      folio.markUptodate(block / PAGE_SIZE, block / PAGE_SIZE + 1);
    } else if (edge === end && start <= block && to >= size) {
      // Everything that the block holds is replaced. It becomes uptodate when all of it has been copied.
      folio.bytes.fill(0, end, block + PAGE_SIZE);
    } else return block;
  }
  return -1;
}
