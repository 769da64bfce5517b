// Filling folios: the locked folios of one window, in ascending order and without a gap, from one walk over the mappings.
//
//   1. blocks that are uptodate stay as they are (I-11)
//   2. what lies behind the end of the file is zeros, without asking anybody
//   3. a hole, or space never written: zeros. Inline: a copy, and zeros behind it
//   4. mapped: added to the bio in hand if the device continues there, else to a new one
//   5. private: the filesystem's
//   6. damage: the range it hides fails, and the walk goes on behind it
//
// Every byte of every folio is settled exactly once; the last one of a folio ends its read, possibly before this returns.
// Source: spec section 7.2; R1 to R6.

import { assert, EIO, FsError } from '@f2fskit/errno';
import { type Folio, PAGE_SHIFT, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import { FolioRead } from './folio-read.ts';
import { type Iomap, IomapFlag } from './iomap.ts';
import { IomapIterator } from './iterator.ts';
import { ReadBatch, type ReadBatchOptions } from './read-batch.ts';

/**
 * Starts reading `folios`, which the caller has locked and which follow each other; returns their reads. Each unlocks its
 * folio when it is over. Damage fails ranges and is not thrown. A bug in a filesystem is, after everything else has been
 * settled.
 */
export function* readFolios(
  file: BufferedFile,
  folios: readonly Folio[],
  options: ReadBatchOptions = {},
): Task<FolioRead[]> {
  const reads = folios.map((folio) => new FolioRead(folio, file));
  const last = folios.at(-1)!;
  const walk = new FillWalk(file, folios[0]!.position, last.position + last.size, options);
  let done = 0;
  try {
    for (const read of reads) {
      yield* walk.fill(read);
      done++;
    }
    yield* walk.iterator.abort();
  } catch (cause) {
    const error = cause instanceof FsError ? cause : new FsError(EIO, { detail: 'reading was broken off' });
    for (const read of reads.slice(done)) read.fail(walk.settledOf(read), read.folio.size, error);
    throw cause;
  } finally {
    walk.batch.submit();
  }
  return reads;
}

/**
 * Starts reading the blocks [from, to) of one locked folio one by one, so that a block that cannot be read fails alone. The
 * other blocks of the folio stay as they are.
 */
export function* readBlocks(file: BufferedFile, folio: Folio, from: number, to: number): Task<FolioRead> {
  const first = Math.floor(from / PAGE_SIZE) * PAGE_SIZE;
  const end = Math.min(folio.size, Math.ceil(to / PAGE_SIZE) * PAGE_SIZE);
  const read = new FolioRead(folio, file);
  const walk = new FillWalk(file, folio.position + first, folio.position + end, { bytesMax: PAGE_SIZE });
  read.leave(0, first);
  try {
    yield* walk.fill(read, first, end);
    yield* walk.iterator.abort();
  } catch (cause) {
    const error = cause instanceof FsError ? cause : new FsError(EIO, { detail: 'reading was broken off' });
    read.fail(walk.settledOf(read), end, error);
    throw cause;
  } finally {
    read.leave(end, folio.size);
    walk.batch.submit();
  }
  return read;
}

/** Bytes [from, to) of a file. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads those blocks of byte ranges of the file that are not uptodate into locked folios, which stay locked: in ascending order
 * without touching, as are the ranges, each of which begins and ends with a block. Everything goes to the device before the one
 * wait. Throws the first error of the ranges when all is over; blocks that could be read are uptodate then.
 */
export function* fillLocked(file: BufferedFile, folios: readonly Folio[], ranges: readonly ByteRange[]): Task<void> {
  const batch = new ReadBatch(file.device);
  const reads = folios.map((folio) => new FolioRead(folio, file, true));
  let failure: { cause: unknown } | undefined;
  for (const { from, to } of ranges) {
    const walk = new FillWalk(file, from, to, batch);
    for (const read of reads) {
      const { position, size } = read.folio;
      const start = Math.max(0, from - position);
      const end = Math.min(size, to - position);
      if (start >= end) continue;
      try {
        if (failure === undefined) yield* walk.fill(read, start, end);
        else read.leave(start, end);
      } catch (cause) {
        failure = { cause };
        read.leave(walk.settledOf(read), end);
      }
    }
    yield* walk.iterator.abort();
  }
  for (const read of reads) leaveOthers(read, ranges);
  batch.submit();
  for (const { completion } of reads) if (!completion.done) yield completion;
  if (failure !== undefined) throw failure.cause;
  for (const read of reads) {
    const { position, size } = read.folio;
    for (const { from, to } of ranges) {
      const error = read.errorIn(Math.max(0, from - position), Math.min(size, to - position));
      if (error !== undefined) throw error;
    }
  }
}

/** Everything outside of the ranges stays as it is. */
function leaveOthers(read: FolioRead, ranges: readonly ByteRange[]): void {
  const { position, size } = read.folio;
  let at = 0;
  for (const { from, to } of ranges) {
    if (to <= position || from >= position + size) continue;
    read.leave(at, Math.max(at, from - position));
    at = Math.min(size, to - position);
  }
  read.leave(at, size);
}

class FillWalk {
  readonly batch: ReadBatch;
  readonly iterator: IomapIterator;
  readonly #file: BufferedFile;
  /** The end of the file, rounded up to a block. */
  readonly #fileEnd: number;
  /** The read that is being filled, and the byte of its folio up to which somebody is in charge. */
  #current: FolioRead | undefined = undefined;
  #at = 0;

  /** A walk over the bytes [start, end) of the file. */
  constructor(file: BufferedFile, start: number, end: number, options: ReadBatchOptions | ReadBatch) {
    this.#file = file;
    this.#fileEnd = Math.ceil(file.size / PAGE_SIZE) * PAGE_SIZE;
    this.batch = options instanceof ReadBatch ? options : new ReadBatch(file.device, options);
    this.iterator = new IomapIterator(file.operations, start, Math.max(0, Math.min(this.#fileEnd, end) - start));
  }

  /** Bytes from the start of the folio for which somebody is in charge. */
  settledOf(read: FolioRead): number {
    return read === this.#current ? this.#at : 0;
  }

  /** Fills the bytes [from, size) of a folio; the walk stands at `from`. */
  *fill(read: FolioRead, start = 0, size = read.folio.size): Task<void> {
    const { position } = read.folio;
    this.#current = read;
    this.#at = start;
    const end = Math.max(start, Math.min(size, this.#fileEnd - position));
    while (this.#at < end) {
      assert(this.iterator.position === position + this.#at, 'the walk is where the folio is');
      if (this.iterator.length === 0) {
        const damage = yield* this.#map();
        if (damage !== undefined) {
          this.#passDamage(read, damage, end);
          continue;
        }
      }
      const from = this.#at;
      const to = Math.min(end, from + this.iterator.length);
      this.iterator.advance(to - from);
      this.#at = to; // before the parts: what throws in them is not settled again
      fillRange(this.#file, this.batch, this.iterator.map, read, from, to);
    }
    if (end === size) return;
    this.#at = size;
    read.zero(end, size);
  }

  /** The next mapping; what is damaged comes back as a value. */
  *#map(): Task<FsError | undefined> {
    try {
      const more = yield* this.iterator.next();
      assert(more, 'the walk covers the window');
      return undefined;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return error;
    }
  }

  /** Fails what the damage hides of this folio: as much as the mapping says, at least the block. */
  #passDamage(read: FolioRead, damage: FsError, end: number): void {
    const { map, position } = this.iterator;
    const known = map.offset <= position && position < map.end ? map.end - position : PAGE_SIZE;
    const from = this.#at;
    this.#at = Math.min(end, from + known);
    this.iterator.skip(this.#at - from);
    read.fail(from, this.#at, damage);
  }
}

/** Fills the bytes [from, to) of a folio, which lie in one mapping, but for the blocks that are uptodate. */
function fillRange(file: BufferedFile, batch: ReadBatch, map: Iomap, read: FolioRead, from: number, to: number): void {
  const { blocks, uptodate } = read.folio;
  if (uptodate) {
    read.settle(to - from);
    return;
  }
  if (blocks === undefined) {
    fillEmpty(file, batch, map, read, from, to);
    return;
  }
  for (let at = from; at < to; ) {
    const block = at >> PAGE_SHIFT;
    const uptodate = blocks.has(block);
    const next = Math.min(to, blocks.next(block, !uptodate) * PAGE_SIZE);
    if (uptodate) read.settle(next - at);
    else fillEmpty(file, batch, map, read, at, next);
    at = next;
  }
}

/** Fills the bytes [from, to) of a folio, none of which is uptodate. */
function fillEmpty(file: BufferedFile, batch: ReadBatch, map: Iomap, read: FolioRead, from: number, to: number): void {
  const { folio } = read;
  const position = folio.position + from;
  switch (map.kind) {
    case 'mapped': {
      if ((map.flags & IomapFlag.NEW) !== 0) break;
      const memory = from === 0 && to === folio.size ? folio.bytes : folio.bytes.subarray(from, to);
      batch.add(map.address + (position - map.offset), memory, read, from);
      return;
    }
    case 'inline': {
      const stored = map.inline!.subarray(position - map.offset, position - map.offset + (to - from));
      folio.bytes.set(stored, from);
      folio.bytes.fill(0, from + stored.length, to);
      read.settle(to - from);
      return;
    }
    case 'private':
      assert(file.operations.readPrivate !== undefined, 'who maps private ranges reads them');
      file.operations.readPrivate(batch, map, read, from, to);
      return;
    default:
  }
  read.zero(from, to);
}
