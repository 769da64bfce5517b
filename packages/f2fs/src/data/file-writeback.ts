// Writing the dirty pages of one file back: into its inode, in place, or to the next block of a log. The slot changes when the
// write is submitted; the checkpoint waits until every such write has arrived, so that no slot in it names a block that was
// not written.
//
//   pass → folio lock → operation lock (shared) → slot, allocator → bios
//
// Nobody waits for a folio of a file while holding the operation lock, so waiting for that lock under a folio's is safe (L2).
// Source: buffered I/O spec 15; kernel fs/f2fs/data.c (f2fs_write_single_data_page, f2fs_do_write_data_page).

import { BLOCK_SIZE, corrupt, isMainAddress, NEW_ADDRESS, RawExtent, RawInode } from '@f2fskit/f2fs-format';
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
import { changeInodeNode } from '../change-inode.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { isHoleOrMark } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { writeInlineData } from './inline-file.ts';
import { dataLogOf } from './placement.ts';
import { SlotWindow } from './slot-window.ts';

/** The stream of writes to places that are not the next of a log; the logs have the numbers below. */
const IN_PLACE_STREAM = 6;
/** What `prepare` says where there is nothing to prepare. */
const GO_ON = -1;

export class FileWriteback implements DirtyFile, PageWriter {
  readonly mapping: Mapping;
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #slots: SlotWindow;
  /** Syncs under way that want blocks to stay where they are. */
  #inPlace = 0;
  #log = 0;

  constructor(writer: VolumeWriter, inode: F2fsInode, mapping: Mapping) {
    this.#writer = writer;
    this.#inode = inode;
    this.mapping = mapping;
    this.#slots = new SlotWindow(writer.store);
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
  prepare(): number | Task<number> {
    return this.#writer.hasRoom ? GO_ON : this.#makeRoom();
  }

  *#makeRoom(): Task<number> {
    yield* this.#writer.balance();
    return GO_ON;
  }

  writePage(folio: Folio): PageResult | Task<PageResult> {
    if (hasInlineData(this.#inode.raw)) return this.#writeInline(folio);
    const writer = this.#writer;
    // Most pages need no wait, and then no tasks either.
    if (folio.pages === 1 && writer.tryOperation()) {
      try {
        const place = this.#placeNow(folio.index);
        if (place !== undefined) {
          writer.bios.begin(folio);
          writer.bios.add(folio, 0, BLOCK_SIZE, place.offset, place.stream);
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
    return writer.operationUnderFolio(writeSinglePage(folio, writer.bios, (index) => this.#place(index)));
  }

  /** As {@link #place}, where everything that it takes is in memory; else `undefined`, with nothing changed. */
  #placeNow(index: number): BlockPlace | undefined {
    const { allocator, store } = this.#writer;
    const { ino, gone, fields } = this.#inode;
    const slots = this.#slots;
    const view = gone || fields.extent.length > 0 ? undefined : slots.view(ino, index);
    if (view === undefined) return undefined;
    const byte = slots.byteOf(index);
    const old = view.getUint32(byte, true);
    const fresh = old === NEW_ADDRESS;
    if (!fresh && (this.#inPlace > 0 || !isMainAddress(store.superblock, old) || !allocator.canInvalidateNow(old))) {
      return undefined;
    }
    const address = allocator.allocateNow(this.#log, slots.ownerOf(index));
    if (address === 0) return undefined;
    view.setUint32(byte, address, true);
    store.markDirty(slots.nid);
    if (!fresh) allocator.invalidateNow(old);
    return { offset: address * BLOCK_SIZE, stream: this.#log };
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
    const { ino, raw, gone } = this.#inode;
    if (gone) return undefined;
    const slots = this.#slots;
    let view = slots.view(ino, index);
    if (view === undefined) {
      // Truncated: its page is about to go.
      if (!(yield* slots.find(raw, index))) return undefined;
      view = slots.view(ino, index)!;
    }
    const byte = slots.byteOf(index);
    const old = view.getUint32(byte, true);
    const fresh = old === NEW_ADDRESS;
    if (isHoleOrMark(old) && !fresh) return undefined;
    if (this.#inPlace > 0 && !fresh) return { offset: old * BLOCK_SIZE, stream: IN_PLACE_STREAM };
    if (!fresh && !isMainAddress(writer.store.superblock, old)) throw illegalSlot(writer, ino, slots.nid, byte, old);
    const address = yield* writer.allocator.allocate(this.#log, slots.ownerOf(index));
    yield* this.#setSlot(index, address);
    if (!fresh) yield* writer.allocator.invalidate(old);
    return { offset: address * BLOCK_SIZE, stream: this.#log };
  }

  *#setSlot(index: number, address: number): Task<void> {
    const { store } = this.#writer;
    const { ino, raw } = this.#inode;
    // Room for the block may have been waited for.
    yield* this.#slots.find(raw, index);
    this.#slots.view(ino, index)!.setUint32(this.#slots.byteOf(index), address, true);
    store.markDirty(this.#slots.nid);
    // A remembered run is believed before the slots (spec 6.11).
    if (this.#inode.fields.extent.length > 0) {
      yield* changeInodeNode(this.#writer, ino, (view) => RawExtent.length.set(view, RawInode.extent.at(0, 0), 0));
    }
  }
}

function illegalSlot({ store }: VolumeWriter, ino: number, nid: number, offset: number, found: number): Error {
  const expected = `an address in the main area [${store.superblock.mainAddress}, …)`;
  return corrupt('blockAddress', { where: { ino, nid, offset }, expected, found });
}
