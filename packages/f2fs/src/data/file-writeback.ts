// Writing the dirty pages of one file back: into its inode, in place, or to the next block of a log. The slot changes when the
// write is submitted; the checkpoint waits until every such write has arrived, so that no slot in it names a block that was
// not written.
//
//   pass → folio lock → operation lock (shared) → slot, allocator → bios
//
// Nobody waits for a folio of a file while holding the operation lock, so waiting for that lock under a folio's is safe (L2).
// Source: buffered I/O spec 15; kernel fs/f2fs/data.c (f2fs_write_single_data_page, f2fs_do_write_data_page).

import { BLOCK_SIZE, NEW_ADDRESS } from '@f2fskit/f2fs-format';
import { cancelDirty, type Folio, type Mapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import {
  type BlockPlace,
  type DirtyFile,
  type PageResult,
  type PageWriter,
  type PassResult,
  type WritebackControl,
  writeCachePages,
  writeSinglePage,
} from '@f2fskit/writeback';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { findSlot, isHoleOrMark, putAddress, slotOwner } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { writeInlineData } from './inline-file.ts';
import { dataLogOf } from './placement.ts';

/** The stream of writes to places that are not the next of a log; the logs have the numbers below. */
const IN_PLACE_STREAM = 6;

export class FileWriteback implements DirtyFile, PageWriter {
  readonly mapping: Mapping;
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  /** Syncs under way that want blocks to stay where they are. */
  #inPlace = 0;
  #log = 0;

  constructor(writer: VolumeWriter, inode: F2fsInode, mapping: Mapping) {
    this.#writer = writer;
    this.#inode = inode;
    this.mapping = mapping;
  }

  *write(control: WritebackControl): Task<PassResult> {
    this.#log = dataLogOf(this.#inode.fields, this.mapping.dirtyPages);
    return yield* this.#writer.gate.enter(control, false, () => writeCachePages(this.mapping, control, this));
  }

  /** Runs `pass`; blocks that have a place are overwritten there. */
  *inPlace<T>(pass: Task<T>): Task<T> {
    this.#inPlace++;
    try {
      return yield* pass;
    } finally {
      this.#inPlace--;
    }
  }

  lengthToWrite(folio: Folio): number {
    return this.#inode.gone ? 0 : Math.max(0, Math.min(folio.size, this.#inode.size - folio.position));
  }

  /** Room is made here, where no folio is locked (L4). */
  *prepare(): Task<number> {
    yield* this.#writer.balance();
    return -1;
  }

  writePage(folio: Folio): Task<PageResult> {
    if (hasInlineData(this.#inode.raw)) return this.#writeInline(folio);
    return writeSinglePage(folio, this.#writer.bios, (index) => this.#writer.operationUnderFolio(this.#place(index)));
  }

  submit(): void {
    this.#writer.bios.submit();
  }

  shouldYield(): boolean {
    return this.#writer.gate.syncs > 0;
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

  *#place(index: number): Task<BlockPlace | undefined> {
    const writer = this.#writer;
    const inode = this.#inode;
    if (inode.gone) return undefined;
    const slot = yield* findSlot(writer, inode.raw, index);
    // Truncated: its page is about to go.
    if (slot === undefined || (isHoleOrMark(slot.address) && slot.address !== NEW_ADDRESS)) return undefined;
    if (this.#inPlace > 0 && slot.address !== NEW_ADDRESS) {
      return { offset: slot.address * BLOCK_SIZE, stream: IN_PLACE_STREAM };
    }
    const address = yield* writer.allocator.allocate(this.#log, yield* slotOwner(writer, slot));
    yield* putAddress(writer, inode.raw, slot, address);
    return { offset: address * BLOCK_SIZE, stream: this.#log };
  }
}
