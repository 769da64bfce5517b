// Writing through the cache, a folio at a time, whatever its size. For each mapping of the range:
//
//   begin          the filesystem reserves what the write needs
//   each folio of it
//     throttle     too much is dirty: wait; nothing is locked (I-23)
//     prepare      the bytes of the source are made available; nothing is locked (L5)
//     lock         (`getFolio`, where the filesystem wants more than this) the folio, as large as what is left of the write if it is new. Of the blocks that the write touches, only
//                  the first and the last can be touched in part: only these are read, and only if they are not uptodate
//     valid        does the mapping still hold? else it is asked for again (I-28)
//     copy         what is available; more than that is not waited for
//     end          all of it counts, or nothing: a short copy into a block that is not uptodate is not counted, else a reader
//                  would see bytes that nobody wrote (I-22). Uptodate, dirty, the file grows (I-25), unlock
//   end            the filesystem takes back what was reserved and not used
//
// The cost is that of the blocks that are touched, not of the folio (R15). The caller holds whatever keeps other writers and
// truncation away.
// Source: spec section 8; kernel fs/iomap/buffered-io.c describes the idea.

import { assert, EIO, FsError } from '@f2fskit/errno';
import { balanceDirtyPages, type Folio, finishFolioWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import { type Iomap, IomapFlag, type IomapOperations, IomapRequest } from './iomap.ts';
import { IomapIterator } from './iterator.ts';
import { lockWithEdges, tryLockWithEdges } from './lock-with-edges.ts';
import type { WriteSource } from './write-source.ts';

/** Operations of a file that is written through the cache. `begin` reserves, `end` undoes what was not used. */
export interface WriteOperations extends IomapOperations {
  /** The bytes up to `end` of the file are uptodate and dirty; their folio is locked. Must not wait and must not throw. */
  grow(end: number): void;
  /** Waits until not too much is dirty, `undefined` where it is not. Default `balanceDirtyPages`. */
  throttle?(): Task<void> | undefined;
  /**
   * Of a filesystem that changes more than the blocks that a write touches: locks what a write of [position, position + length)
   * to a mapping needs, and makes it ready. Returns the folio that contains `position`, of which as much is written as lies in
   * it; a new one has the order `order`, if it can be. `undefined`: nothing more is needed than the folio with its edges. The
   * result of the task is `undefined` where the mapping no longer holds; then nothing is locked.
   */
  getFolio?(map: Iomap, position: number, length: number, order: number): Task<Folio | undefined> | undefined;
  /**
   * Ends what {@link getFolio} began: `copied` of `length` bytes at `position` are in the folio. Returns how many of them count,
   * marks and dirties, tells {@link grow}, unlocks and puts everything. Called once for each folio that was returned.
   */
  putFolio?(folio: Folio, position: number, length: number, copied: number): number;
}

/** Tries without a byte after which a source is taken to be broken. */
const TRIES_MAX = 16;

/**
 * Writes the bytes of `source` at `position`. Returns how many: fewer when something failed after the first; throws when
 * nothing was written.
 */
export function* writeBuffered(
  file: BufferedFile,
  position: number,
  source: WriteSource,
  operations: WriteOperations,
): Task<number> {
  const write = new BufferedWrite(file, position, source, operations);
  try {
    yield* write.run();
  } catch (cause) {
    if (write.done === 0 || !(cause instanceof FsError)) throw cause;
  }
  return write.done;
}

class BufferedWrite {
  /** Bytes that have been written. */
  done = 0;
  readonly #file: BufferedFile;
  readonly #source: WriteSource;
  readonly #operations: WriteOperations;
  readonly #walk: IomapIterator;
  /** A piece ends where a folio of this size would: the largest, and less for a while where a source gave less. */
  #chunk: number;
  readonly #chunkMax: number;
  /** What could be copied of a piece that was refused: the next try is for that. */
  #limit = Number.POSITIVE_INFINITY;
  /** Where the bytes end that the source has made available. */
  #prepared = 0;
  #tries = 0;

  constructor(file: BufferedFile, position: number, source: WriteSource, operations: WriteOperations) {
    this.#file = file;
    this.#source = source;
    this.#operations = operations;
    this.#walk = new IomapIterator(operations, position, source.length, IomapRequest.WRITE);
    this.#chunkMax = PAGE_SIZE * 2 ** file.mapping.orderMax;
    this.#chunk = this.#chunkMax;
  }

  *run(): Task<void> {
    const file = this.#file;
    const operations = this.#operations;
    const walk = this.#walk;
    try {
      for (;;) {
        const step = walk.step();
        if (!(typeof step === 'boolean' ? step : yield* step)) return;
        while (walk.length > 0) {
          const at = walk.position;
          const brake =
            operations.throttle === undefined ? balanceDirtyPages(file.mapping.cache) : operations.throttle();
          if (brake !== undefined) yield* brake;
          const wanted = Math.min(this.#chunk - (at % this.#chunk), walk.length, this.#limit);
          if (this.#prepared < this.done + wanted) {
            this.#prepared = this.done + (yield* this.#source.prepare(this.done, wanted));
          }
          const getting = operations.getFolio?.(walk.map, at, wanted, this.#orderOf(at, wanted));
          if (getting !== undefined) {
            const folio = yield* getting;
            if (folio !== undefined) {
              this.#copy(folio, at, wanted, true);
              continue;
            }
            walk.map.flags |= IomapFlag.STALE;
            break;
          }
          const index = Math.floor(at / PAGE_SIZE);
          const folio =
            tryLockWithEdges(file, index, at, at + wanted) ??
            (yield* lockWithEdges(file, index, at, at + wanted, this.#orderOf(at, wanted)));
          if (!this.#holds(folio)) break;
          this.#copy(folio, at, wanted, false);
        }
      }
    } catch (cause) {
      yield* walk.abort();
      throw cause;
    }
  }

  /** Order of a new folio: as large as what it is for. */
  #orderOf(at: number, length: number): number {
    const pages = Math.ceil((at + length) / PAGE_SIZE) - Math.floor(at / PAGE_SIZE);
    return Math.max(this.#file.mapping.orderMin, 31 - Math.clz32(pages));
  }

  /** Whether the mapping still does; else it is marked STALE, and the folio is given up. */
  #holds(folio: Folio): boolean {
    const { map } = this.#walk;
    if (this.#operations.valid === undefined || this.#operations.valid(map)) return true;
    map.flags |= IomapFlag.STALE;
    folio.unlock();
    folio.put();
    return false;
  }

  /** Copies what is available of `wanted` bytes, and ends the write into the folio. */
  #copy(folio: Folio, at: number, wanted: number, got: boolean): void {
    const from = at - folio.position;
    assert(folio.locked && from >= 0 && from < folio.size, 'the folio is locked and contains the position');
    const length = Math.min(wanted, folio.size - from);
    const memory = length === folio.size ? folio.bytes : folio.bytes.subarray(from, from + length);
    const copied = this.#source.copy(this.done, memory);
    if (copied < length) this.#prepared = this.done;
    const taken = got
      ? this.#operations.putFolio!(folio, at, length, copied)
      : finishFolioWrite(folio, at, length, copied, this.#operations);
    // The source gives again what it is asked for.
    if (copied === length && wanted < this.#limit) this.#chunk = Math.min(this.#chunkMax, this.#chunk * 2);
    this.#limit = Number.POSITIVE_INFINITY;
    if (taken > 0) {
      this.done += taken;
      this.#tries = 0;
      this.#walk.advance(taken);
      return;
    }
    this.#chunk = Math.max(PAGE_SIZE, this.#chunk / 2);
    if (copied > 0) this.#limit = copied;
    if (++this.#tries === TRIES_MAX) throw new FsError(EIO, 'the source of a write gives no bytes');
  }
}
