// Where the next block of a file goes when it is written: to its old place, or to the next one of a log. The slot changes with
// the answer, so whoever asks sends the block before anything else can happen. Part of an operation.
//
// Source: buffered I/O spec 15.5, 17.1; kernel fs/f2fs/data.c (f2fs_do_write_data_page).

import {
  BLOCK_SIZE,
  corrupt,
  isMainAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
  RawExtent,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { BlockPlace } from '@f2fskit/writeback';
import { changeInodeNode } from '../change-inode.ts';
import type { F2fsInode } from '../inode.ts';
import { isHoleOrMark } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { SlotWindow } from './slot-window.ts';

/** The stream of writes to places that are not the next of a log; the logs have the numbers below. */
const IN_PLACE_STREAM = 6;

export class BlockPlaces {
  /** Of the data of this file, in the pass that is under way. */
  log = 0;
  /** Syncs under way that want blocks to stay where they are. */
  inPlace = 0;
  /** What {@link placeNow} found: a byte of the device, and its stream. */
  offset = 0;
  stream = 0;
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #slots: SlotWindow;

  constructor(writer: VolumeWriter, inode: F2fsInode) {
    this.#writer = writer;
    this.#inode = inode;
    this.#slots = new SlotWindow(writer.store);
  }

  /** Whether the blocks [first, end) have slots that are no holes, and those are in memory. */
  hasSlots(first: number, end: number): boolean {
    const slots = this.#slots;
    const { ino, gone } = this.#inode.blocksOwner;
    const view = gone ? undefined : slots.view(ino, first);
    if (view === undefined || end > slots.end) return false;
    const last = slots.byteOf(end);
    for (let byte = slots.byteOf(first); byte < last; byte += 4) {
      if (view.getUint32(byte, true) === NULL_ADDRESS) return false;
    }
    return true;
  }

  /** As {@link place}, where everything that it takes is in memory: then true; else false, with nothing changed. */
  placeNow(index: number): boolean {
    const { allocator, store } = this.#writer;
    const { ino, gone, fields } = this.#inode.blocksOwner;
    const slots = this.#slots;
    const view = gone || fields.extent.length > 0 ? undefined : slots.view(ino, index);
    if (view === undefined) return false;
    const byte = slots.byteOf(index);
    const old = view.getUint32(byte, true);
    const fresh = old === NEW_ADDRESS;
    if (!fresh) {
      if (!isMainAddress(store.superblock, old)) return false;
      if (this.inPlace > 0) {
        this.offset = old * BLOCK_SIZE;
        this.stream = IN_PLACE_STREAM;
        return true;
      }
      if (!allocator.canInvalidateNow(old)) return false;
    }
    const address = allocator.allocateNow(this.log, slots.ownerOf(index));
    if (address === 0) return false;
    view.setUint32(byte, address, true);
    store.markDirty(slots.nid);
    if (!fresh) allocator.invalidateNow(old);
    this.offset = address * BLOCK_SIZE;
    this.stream = this.log;
    return true;
  }

  /** The place of a block; `undefined` where it need not be written. Throws Corruption blockAddress, ENOSPC, EIO. */
  *place(index: number): Task<BlockPlace | undefined> {
    const writer = this.#writer;
    const { ino, raw, gone } = this.#inode.blocksOwner;
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
    if (!fresh && !isMainAddress(writer.store.superblock, old)) throw illegalSlot(writer, ino, slots.nid, byte, old);
    if (this.inPlace > 0 && !fresh) return { offset: old * BLOCK_SIZE, stream: IN_PLACE_STREAM };
    const address = yield* writer.allocator.allocate(this.log, slots.ownerOf(index));
    yield* this.#setSlot(index, address);
    if (!fresh) yield* writer.allocator.invalidate(old);
    return { offset: address * BLOCK_SIZE, stream: this.log };
  }

  *#setSlot(index: number, address: number): Task<void> {
    const { store } = this.#writer;
    const { ino, raw, fields } = this.#inode.blocksOwner;
    // Room for the block may have been waited for.
    yield* this.#slots.find(raw, index);
    this.#slots.view(ino, index)!.setUint32(this.#slots.byteOf(index), address, true);
    store.markDirty(this.#slots.nid);
    // A remembered run is believed before the slots (spec 6.11).
    if (fields.extent.length > 0) {
      yield* changeInodeNode(this.#writer, ino, (view) => RawExtent.length.set(view, RawInode.extent.at(0, 0), 0));
    }
  }
}

function illegalSlot({ store }: VolumeWriter, ino: number, nid: number, offset: number, found: number): Error {
  const expected = `an address in the main area [${store.superblock.mainAddress}, …)`;
  return corrupt('blockAddress', { where: { ino, nid, offset }, expected, found });
}
