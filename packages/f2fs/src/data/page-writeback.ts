// Writeback of the page engine: one page, one place. See `file-writeback.ts` for what the engines have in common.
// Source: buffered I/O spec 15; kernel fs/f2fs/data.c (f2fs_write_single_data_page).

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { cancelDirty, type Folio } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { type PageResult, type PageWriter, writeSinglePage } from '@f2fskit/writeback';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { BlockPlaces } from './block-places.ts';
import { bytesWithin, yieldsToSyncs } from './file-writeback.ts';
import { writeInlineData } from './inline-file.ts';

/** What `prepare` says where there is nothing to prepare. */
const GO_ON = -1;

export class PageWriteback implements PageWriter {
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #places: BlockPlaces;

  constructor(writer: VolumeWriter, inode: F2fsInode, places: BlockPlaces) {
    this.#writer = writer;
    this.#inode = inode;
    this.#places = places;
  }

  lengthToWrite(folio: Folio): number {
    return bytesWithin(this.#inode, folio);
  }

  /** Room is made here, where no folio is locked (L4). */
  prepare(): number | Task<number> {
    return this.#writer.hasRoomFor(0) ? GO_ON : this.#makeRoom();
  }

  *#makeRoom(): Task<number> {
    yield* this.#writer.balance();
    return GO_ON;
  }

  writePage(folio: Folio): PageResult | Task<PageResult> {
    const writer = this.#writer;
    const places = this.#places;
    if (hasInlineData(this.#inode.raw)) return this.#writeInline(folio);
    // Most pages need no wait, and then no tasks either.
    if (folio.pages === 1 && writer.tryOperation()) {
      try {
        if (places.placeNow(folio.index)) {
          writer.bios.begin(folio);
          writer.bios.add(folio, 0, BLOCK_SIZE, places.offset, places.stream);
          writer.bios.finish(folio);
          folio.unlock();
          return 'written';
        }
      } catch (error) {
        cancelDirty(folio);
        folio.unlock();
        throw error;
      } finally {
        writer.endOperation();
      }
    }
    // One operation from the first slot to the last bio: no checkpoint comes between, and nothing is moved.
    return writer.operationUnderFolio(writeSinglePage(folio, writer.bios, (index) => places.place(index)));
  }

  submit(): void {
    this.#writer.bios.submit();
  }

  shouldYield(): boolean {
    return yieldsToSyncs(this.#writer);
  }

  *#writeInline(folio: Folio): Task<PageResult> {
    try {
      yield* this.#writer.operationUnderFolio(writeInlineData(this.#writer, this.#inode, folio));
    } finally {
      cancelDirty(folio);
      folio.unlock();
    }
    return 'written';
  }
}
