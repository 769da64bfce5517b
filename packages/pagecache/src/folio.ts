// A folio: 2^order pages of one file, contiguous in memory, aligned to its own size in the file (I-1). It has one lock, one
// set of flags and one reference count, whatever its size. Which of its blocks are uptodate is kept bit by bit only while
// they differ (`block-bits.ts`): the flag UPTODATE speaks for all of them, and the bits exist only while it is clear (I-7).
// With dirty blocks it is the same (`folio-dirty.ts`); writeback (`folio-writeback.ts`) concerns the whole folio.
//
// Who may touch what
//   - found in its mapping and used before the next wait: nothing is needed;
//   - kept across a wait: a reference (`get`, `put`). After the wait: is it still in its mapping? (I-2)
//   - filled, changed, truncated, removed: the lock. While a read fills it, it is locked (I-8); the end of the read unlocks.
//   - being written to the device: nobody needs the lock for that; it is not removed before that is over.
//
// Life: allocated by its mapping, locked and inserted → filled, unlocked → found, read, dirtied, written … → removed by reclaim,
// which takes only clean ones, or truncation → its frames go back when the last reference is put (I-3).
// Source: spec sections 1, 2.3, 3.2; kernel include/linux/mm_types.h and mm/filemap.c describe the idea.

import { assert } from '@f2fskit/errno';
import { Completion, type Task } from '@f2fskit/task';
import { BlockBits } from './block-bits.ts';
import type { IndexNode } from './folio-index.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './frame-allocator.ts';
import type { Mapping } from './mapping.ts';
import type { PageCache } from './page-cache.ts';

/** Bits of {@link Folio.flags}. */
export const FolioFlag = {
  LOCKED: 1 << 0,
  /** Every block holds what a read must return. */
  UPTODATE: 1 << 1,
  /** Wanted again: used a second time since it came, or since reclaim last looked. */
  REFERENCED: 1 << 2,
  /** A reader that comes here has used most of its readahead window. */
  READAHEAD: 1 << 3,
  /** The last read could not fill all of it: the next one goes block by block. */
  FAILED: 1 << 4,
  /** Some blocks are newer than the device. */
  DIRTY: 1 << 5,
  /** Bytes of it are being sent to the device. */
  WRITEBACK: 1 << 6,
  /** Used. */
  USED: 1 << 7,
} as const;

/** What reclaim keeps its hands off. */
const BUSY = FolioFlag.LOCKED | FolioFlag.DIRTY | FolioFlag.WRITEBACK;

export class Folio {
  readonly cache: PageCache;
  /** `undefined` once it has been removed. */
  mapping: Mapping | undefined;
  /** Its first page in the file. */
  readonly index: number;
  readonly order: number;
  /** Its memory, 4096 << order bytes. */
  readonly bytes: Uint8Array;
  /** Where the memory comes from. */
  readonly frame: number;
  /** Bits of {@link FolioFlag}. */
  flags: number;
  /** Holders that keep it across waits. The mapping itself does not count. */
  references = 0;
  /** Which blocks are uptodate, while some are and others are not. */
  blocks: BlockBits | undefined = undefined;
  /** Which blocks are dirty, while some are and others are not. Of a dirty folio without bits, all are. */
  dirtyBlocks: BlockBits | undefined = undefined;
  /** Parts of it in write requests that have not ended, and one more while its writer adds parts (I-9). */
  writesPending = 0;
  /** Done when the writeback in progress is over; there while somebody waits for that. */
  writebackEnd: Completion | undefined = undefined;
  /** Where metadata was read from, in blocks of the device; 0 where nobody needs to know. */
  address = 0;
  /** The byte behind those that were used last. */
  #usedTo = -1;
  /** Where it stands in the index of its mapping. For `folio-index.ts`. */
  indexNode: IndexNode | undefined = undefined;
  /** Links of the reclaim list. */
  newer: Folio | undefined = undefined;
  older: Folio | undefined = undefined;
  #view: DataView | undefined = undefined;
  #waiters: Completion[] | undefined = undefined;

  constructor(mapping: Mapping, index: number, order: number, frame: number, bytes: Uint8Array) {
    this.cache = mapping.cache;
    this.mapping = mapping;
    this.index = index;
    this.order = order;
    this.frame = frame;
    this.bytes = bytes;
    this.flags = 0;
  }

  /** Pages, and blocks: both have 4 KiB. */
  get pages(): number {
    return 1 << this.order;
  }

  /** Bytes. */
  get size(): number {
    return PAGE_SIZE << this.order;
  }

  /** Where it begins in the file, in bytes. */
  get position(): number {
    return this.index * PAGE_SIZE;
  }

  /** The page behind its last one. */
  get endIndex(): number {
    return this.index + (1 << this.order);
  }

  /** A view of {@link bytes}. */
  get view(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }

  get locked(): boolean {
    return (this.flags & FolioFlag.LOCKED) !== 0;
  }

  get uptodate(): boolean {
    return (this.flags & FolioFlag.UPTODATE) !== 0;
  }

  get dirty(): boolean {
    return (this.flags & FolioFlag.DIRTY) !== 0;
  }

  get writeback(): boolean {
    return (this.flags & FolioFlag.WRITEBACK) !== 0;
  }

  /** Nobody holds it, and its content is on the device: freeing it loses nothing. Source: spec 2.3. */
  get reclaimable(): boolean {
    return (this.flags & BUSY) === 0 && this.references === 0;
  }

  /** True when every block of the bytes [from, to) of the folio is uptodate. */
  isUptodate(from: number, to: number): boolean {
    if ((this.flags & FolioFlag.UPTODATE) !== 0) return true;
    if (this.blocks === undefined) return false;
    return this.blocks.allSet(from >> PAGE_SHIFT, (to + PAGE_SIZE - 1) >> PAGE_SHIFT);
  }

  /** The bytes of the blocks [from, to) are final (I-10). The caller holds the lock. */
  markUptodate(fromBlock = 0, toBlock = this.pages): void {
    assert(this.locked, 'blocks become uptodate under the lock');
    if ((this.flags & FolioFlag.UPTODATE) !== 0) return;
    if (fromBlock > 0 || toBlock < this.pages) {
      this.blocks ??= new BlockBits(this.pages);
      this.blocks.set(fromBlock, toBlock);
      if (!this.blocks.full) return;
    }
    this.blocks = undefined;
    this.flags = (this.flags | FolioFlag.UPTODATE) & ~FolioFlag.FAILED;
  }

  /**
   * Bytes [from, to) are used, for reclaim: who goes on where the last use ended still uses it for the first time, in however
   * small steps.
   */
  use(from: number, to: number): void {
    if (from !== this.#usedTo)
      this.flags |= (this.flags & FolioFlag.USED) === 0 ? FolioFlag.USED : FolioFlag.REFERENCED;
    this.#usedTo = to;
  }

  tryLock(): boolean {
    if ((this.flags & FolioFlag.LOCKED) !== 0) return false;
    this.flags |= FolioFlag.LOCKED;
    return true;
  }

  /**
   * Takes the lock, in order of asking. The caller holds a reference, and looks afterwards whether the folio is still in
   * its mapping.
   */
  *lock(): Task<void> {
    if (this.tryLock()) return;
    const turn = new Completion();
    this.#waiters ??= [];
    this.#waiters.push(turn);
    yield turn;
    assert(this.locked, 'the lock was handed over');
  }

  /** Hands the lock to the first who waits. */
  unlock(): void {
    assert(this.locked, 'unlock of a folio that nobody locked');
    assert(this.dirtyBlocks === undefined || this.dirty, 'blocks taken for writing are settled before the unlock');
    const next = this.#waiters?.shift();
    if (next !== undefined) next.complete();
    else {
      this.flags &= ~FolioFlag.LOCKED;
      if (this.reclaimable) this.cache.onReclaimable();
    }
  }

  /** Keeps the folio and its memory across waits. */
  get(): void {
    this.references++;
  }

  /** Gives up one reference. The last one of a removed folio frees its memory: nobody touches it afterwards. */
  put(): void {
    assert(this.references > 0, 'put of a folio without references');
    if (--this.references > 0) return;
    if (this.mapping === undefined) this.cache.release(this);
    else if (this.reclaimable) this.cache.onReclaimable();
  }
}
