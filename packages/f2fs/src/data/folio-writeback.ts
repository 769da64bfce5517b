// Writeback of the iomap engine: a run of dirty blocks of a folio gets places one after the other, most of them side by side in a
// log, and each run of places is one part of a request. See `file-writeback.ts` for what the engines have in common.
//
// Blocks of a folio are not all sent where room runs out in its middle: the rest stays dirty, and comes again when room has
// been made, which takes a checkpoint and therefore no locked folio (L4).
// Source: buffered I/O spec 17.

import { EAGAIN, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { Folio } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { FolioRange, FolioWriter, PageBios } from '@f2fskit/writeback';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { BlockPlaces } from './block-places.ts';
import { bytesWithin, yieldsToSyncs } from './file-writeback.ts';
import { writeInlineData } from './inline-file.ts';

export class FolioWriteback implements FolioWriter {
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #places: BlockPlaces;
  /** Room was made and is short all the same: what is left is used up. */
  #short = false;

  constructor(writer: VolumeWriter, inode: F2fsInode, places: BlockPlaces) {
    this.#writer = writer;
    this.#inode = inode;
    this.#places = places;
  }

  get isShort(): boolean {
    return this.#short;
  }

  get bios(): PageBios {
    return this.#writer.bios;
  }

  lengthToWrite(folio: Folio): number {
    return bytesWithin(this.#inode, folio);
  }

  shouldYield(): boolean {
    return yieldsToSyncs(this.#writer);
  }

  makeRoom(): Task<void> | undefined {
    if (!this.#writer.hasRoomFor(0)) return this.#balance();
    this.#short = false;
    return undefined;
  }

  *#balance(): Task<void> {
    yield* this.#writer.balance();
    this.#short = !this.#writer.hasRoomFor(0);
  }

  /** Room is made before the next folio. */
  *backOff(): Task<void> {}

  writeRange(range: FolioRange): Task<void> | undefined {
    const writer = this.#writer;
    if (hasInlineData(this.#inode.raw)) return writer.operationUnderFolio(this.#writeInline(range));
    if (writer.hasRoomFor(range.end - range.next) && writer.tryOperation()) {
      try {
        this.#sendNow(range);
      } finally {
        writer.endOperation();
      }
      if (range.next === range.end) return undefined;
    }
    // One operation from the first slot to the last bio: no checkpoint comes between, and nothing is moved.
    return writer.operationUnderFolio(this.#send(range));
  }

  /** Sends blocks as long as nothing has to be waited for. */
  #sendNow(range: FolioRange): void {
    const { folio, end } = range;
    const places = this.#places;
    let start = range.next;
    let offset = 0;
    let stream = 0;
    try {
      while (range.next < end && places.placeNow(folio.index + range.next)) {
        const follows = places.offset === offset + (range.next - start) * BLOCK_SIZE && places.stream === stream;
        if (range.next === start || !follows) {
          this.#add(folio, start, range.next, offset, stream);
          start = range.next;
          offset = places.offset;
          stream = places.stream;
        }
        range.next++;
      }
    } finally {
      this.#add(folio, start, range.next, offset, stream);
    }
  }

  #add(folio: Folio, from: number, to: number, offset: number, stream: number): void {
    if (from < to) this.bios.add(folio, from * BLOCK_SIZE, to * BLOCK_SIZE, offset, stream);
  }

  *#send(range: FolioRange): Task<void> {
    const { folio, end } = range;
    while (range.next < end) {
      const enough = this.#writer.hasRoomFor(0);
      if (!enough && !this.#short) throw new FsError(EAGAIN, 'room has to be made first');
      const place = yield* this.#places.place(folio.index + range.next);
      if (place === undefined) range.dropped++;
      else this.#add(folio, range.next, range.next + 1, place.offset, place.stream ?? 0);
      range.next++;
      if (this.#writer.hasRoomFor(end - range.next)) this.#sendNow(range);
    }
  }

  /** Contents in the inode are not sent anywhere: they are part of it then. */
  *#writeInline(range: FolioRange): Task<void> {
    yield* writeInlineData(this.#writer, this.#inode, range.folio);
    range.next = range.end;
  }
}
