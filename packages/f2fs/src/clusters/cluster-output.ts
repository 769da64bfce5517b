// Giving a cluster new places. The slots of a cluster change together, in one operation, so that no checkpoint and no crash finds
// some of them changed (F9, I-52):
//
//   compressed   slot 0: the mark · slots 1…n: the next n blocks of the log · the others: reserved · old blocks given up
//   raw          each block below the end of the file: the next of the log · behind the end: reserved · old blocks given up
//
// What the file saves changes with them: C - n for each compressed cluster. i_blocks does not: marks and reserved slots count (F6).
// A cluster never goes to its old place (F11): the old one is what a crash comes back to.
//
// Source: buffered I/O spec 10, 15.8, 18.2, 18.4; kernel fs/f2fs/compress.c (f2fs_write_compressed_pages).

import { assert, ENOSPC, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  COMPRESS_ADDRESS,
  corrupt,
  isMainAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
  RawExtent,
  RawInode,
} from '@f2fskit/f2fs-format';
import { addWrite, endWrite } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { WriteReceiver } from '@f2fskit/writeback';
import { changeInodeNode } from '../change-inode.ts';
import { noteSaved } from '../data/pending-attributes.ts';
import type { F2fsInode } from '../inode.ts';
import { illegalAddress, isHoleOrMark } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { Tile } from './cluster-set.ts';
import type { ClusterSlots } from './cluster-slots.ts';

/** Memory that payloads are sent from; `done` when the last of them has arrived. */
export interface PayloadMemory {
  users: number;
  done(): void;
}

/** What a change finds in the slots of a cluster. */
interface OldCluster {
  readonly addresses: number[];
  /** Blocks that it saved. */
  readonly saved: number;
}

export class ClusterOutput {
  /** Of the data of the file. */
  log = 0;
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #slots: ClusterSlots;

  constructor(writer: VolumeWriter, inode: F2fsInode, slots: ClusterSlots) {
    this.#writer = writer;
    this.#inode = inode;
    this.#slots = slots;
  }

  /**
   * Sends a compressed cluster, whose blocks are under writeback in `tiles`: `payload` is whole blocks of `memory`. Throws ENOSPC
   * with nothing changed, EROFS, EIO.
   */
  sendCompressed(
    cluster: number,
    tiles: readonly Tile[],
    payload: Uint8Array,
    memory: PayloadMemory,
  ): Task<void> | undefined {
    const writer = this.#writer;
    if (writer.hasRoom && writer.tryOperation()) {
      try {
        if (this.#sendNow(cluster, tiles, payload, memory)) return undefined;
      } finally {
        writer.endOperation();
      }
    }
    return writer.operationUnderFolio(this.#send(cluster, tiles, payload, memory));
  }

  /** As {@link sendCompressed} where everything that it takes is in memory: then true; else false, with nothing changed. */
  #sendNow(cluster: number, tiles: readonly Tile[], payload: Uint8Array, memory: PayloadMemory): boolean {
    const { allocator, store } = this.#writer;
    const { ino, fields, gone } = this.#inode;
    const { clusterBlocks, window } = this.#slots;
    const start = cluster * clusterBlocks;
    const count = payload.length / BLOCK_SIZE;
    const view = gone || fields.extent.length > 0 ? undefined : window.view(ino, start);
    if (view === undefined || !allocator.canAllocateNow(this.log, count)) return false;
    const old = this.#oldCluster(view, start);
    if (!old.addresses.every((address) => allocator.canInvalidateNow(address))) return false;
    const slots = [COMPRESS_ADDRESS];
    for (let index = 1; index <= count; index++) {
      slots.push(allocator.allocateNow(this.log, window.ownerOf(start + index)));
    }
    this.#setSlots(view, start, slots);
    store.markDirty(window.nid);
    for (const address of old.addresses) allocator.invalidateNow(address);
    this.#queue(start, slots, tiles, payload, memory);
    noteSaved(this.#writer, this.#inode, clusterBlocks - count - old.saved);
    return true;
  }

  *#send(cluster: number, tiles: readonly Tile[], payload: Uint8Array, memory: PayloadMemory): Task<void> {
    const { clusterBlocks } = this.#slots;
    const start = cluster * clusterBlocks;
    const count = payload.length / BLOCK_SIZE;
    const old = yield* this.#prepare(start, count);
    if (old === undefined) return;
    const slots = [COMPRESS_ADDRESS];
    try {
      for (let index = 1; index <= count; index++) slots.push(yield* this.#allocate(start + index));
      yield* this.#replace(start, slots, old);
    } catch (error) {
      throw this.#writer.abandon(error);
    }
    this.#queue(start, slots, tiles, payload, memory);
    noteSaved(this.#writer, this.#inode, clusterBlocks - count - old.saved);
  }

  /**
   * Sends a cluster that was compressed as it is: the first `blocks` of it, which lie within the file. They are under writeback in
   * `tiles`. Throws as {@link sendCompressed}.
   */
  replaceRaw(cluster: number, tiles: readonly Tile[], blocks: number): Task<void> {
    return this.#writer.operationUnderFolio(this.#replaceRaw(cluster, tiles, blocks));
  }

  *#replaceRaw(cluster: number, tiles: readonly Tile[], blocks: number): Task<void> {
    const { clusterBlocks } = this.#slots;
    const start = cluster * clusterBlocks;
    const old = yield* this.#prepare(start, blocks);
    if (old === undefined) return;
    const slots: number[] = [];
    try {
      for (let index = 0; index < blocks; index++) slots.push(yield* this.#allocate(start + index));
      yield* this.#replace(start, slots, old);
    } catch (error) {
      throw this.#writer.abandon(error);
    }
    const { bios, store } = this.#writer;
    for (const { folio, from, to, at } of tiles) {
      for (let block = from; block < to && at + block - from < blocks; block++) {
        const offset = slots[at + block - from]! * BLOCK_SIZE;
        bios.add(folio, block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE, offset, this.log);
      }
    }
    noteSaved(this.#writer, this.#inode, -old.saved);
    const counts = { clusterBlocks, payloadBlocks: 0 };
    if (store.tracer?.active) store.tracer.emit('cluster:write', { ino: this.#inode.ino, fileBlock: start, ...counts });
  }

  /** Looks at a cluster that is to get `count` blocks; `undefined` where it has gone. Throws ENOSPC, Corruption. */
  *#prepare(start: number, count: number): Task<OldCluster | undefined> {
    const { allocator } = this.#writer;
    const { raw, ino, gone } = this.#inode;
    const { window } = this.#slots;
    if (gone || !(yield* window.find(raw, start))) return undefined;
    if (allocator.roomFor(this.log) + allocator.leftInLog(this.log) < count) {
      throw new FsError(ENOSPC, 'no segment is left for a cluster');
    }
    const old = this.#oldCluster(window.view(ino, start)!, start);
    // What is read of segments may fail: before anything changes.
    for (const address of old.addresses) {
      if (!allocator.canInvalidateNow(address)) yield* allocator.readSegmentOf(address);
    }
    return old;
  }

  #oldCluster(view: DataView, start: number): OldCluster {
    const { superblock } = this.#writer.store;
    const { clusterBlocks, window } = this.#slots;
    const addresses: number[] = [];
    for (let index = 0; index < clusterBlocks; index++) {
      const byte = window.byteOf(start + index);
      const address = view.getUint32(byte, true);
      if (address === NULL_ADDRESS) {
        const where = { ino: this.#inode.ino, nid: window.nid, offset: byte, fileBlock: start + index };
        throw corrupt('clusterLayout', {
          where,
          detail: 'a cluster that is to be written has a slot that nobody reserved',
        });
      }
      if (isHoleOrMark(address)) continue;
      if (!isMainAddress(superblock, address)) {
        throw illegalAddress(this.#writer, this.#inode.raw, { nid: window.nid, nodeOffset: 0, index, byte, address });
      }
      addresses.push(address);
    }
    const compressed = view.getUint32(window.byteOf(start), true) === COMPRESS_ADDRESS;
    return { addresses, saved: compressed ? clusterBlocks - addresses.length : 0 };
  }

  *#allocate(block: number): Task<number> {
    const { raw, ino } = this.#inode;
    const { window } = this.#slots;
    if (window.view(ino, block) === undefined) yield* window.find(raw, block);
    return yield* this.#writer.allocator.allocate(this.log, window.ownerOf(block));
  }

  /** Puts `slots` into the first slots of a cluster, makes the others reserved, and gives up what was there. */
  *#replace(start: number, slots: readonly number[], old: OldCluster): Task<void> {
    const { allocator, store } = this.#writer;
    const { raw, ino, fields } = this.#inode;
    const { window } = this.#slots;
    yield* window.find(raw, start);
    const view = window.view(ino, start);
    assert(view !== undefined, 'the node of a cluster stays while its folios are locked');
    this.#setSlots(view, start, slots);
    store.markDirty(window.nid);
    for (const address of old.addresses) yield* allocator.invalidate(address);
    // A remembered run is believed before the slots (spec 6.11).
    if (fields.extent.length > 0) {
      yield* changeInodeNode(this.#writer, ino, (node) => RawExtent.length.set(node, RawInode.extent.at(0, 0), 0));
    }
  }

  #setSlots(view: DataView, start: number, slots: readonly number[]): void {
    const { clusterBlocks, window } = this.#slots;
    for (let index = 0; index < clusterBlocks; index++) {
      const byte = window.byteOf(start + index);
      view.setUint32(byte, slots[index] ?? NEW_ADDRESS, true);
    }
    this.#inode.pages().clusterChanges++;
  }

  /** Sends a payload to the places that follow the mark in `slots`; the writeback of the blocks it stands for ends with it. */
  #queue(
    start: number,
    slots: readonly number[],
    tiles: readonly Tile[],
    payload: Uint8Array,
    memory: PayloadMemory,
  ): void {
    const { bios, store } = this.#writer;
    const sent = new SentCluster(this.#writer, tiles, memory);
    for (let index = 1; index < slots.length; ) {
      let next = index + 1;
      while (next < slots.length && slots[next] === slots[next - 1]! + 1) next++;
      sent.pending++;
      const whole = index === 1 && next === slots.length;
      const part = whole ? payload : payload.subarray((index - 1) * BLOCK_SIZE, (next - 1) * BLOCK_SIZE);
      bios.addMemory(part, slots[index]! * BLOCK_SIZE, sent, this.log);
      index = next;
    }
    sent.onWritten(0);
    const counts = { clusterBlocks: this.#slots.clusterBlocks, payloadBlocks: slots.length - 1 };
    if (store.tracer?.active) store.tracer.emit('cluster:write', { ino: this.#inode.ino, fileBlock: start, ...counts });
  }
}

/** A compressed cluster on its way: a part of the writeback of each folio that backs it. */
class SentCluster implements WriteReceiver {
  /** Requests that have not ended, and one more while they are added. */
  pending = 1;
  readonly #writer: VolumeWriter;
  readonly #tiles: readonly Tile[];
  readonly #memory: PayloadMemory;

  constructor(writer: VolumeWriter, tiles: readonly Tile[], memory: PayloadMemory) {
    this.#writer = writer;
    this.#tiles = tiles;
    this.#memory = memory;
    memory.users++;
    for (const { folio } of tiles) addWrite(folio);
  }

  onWritten(error: number): void {
    if (error !== 0) {
      // The slots name blocks that were not written: no checkpoint may say so (F8).
      this.#tiles[0]!.folio.mapping?.setError(error);
      this.#writer.abandon(new FsError(error, 'a compressed cluster could not be written'));
    }
    if (--this.pending > 0) return;
    for (const { folio } of this.#tiles) endWrite(folio);
    if (--this.#memory.users === 0) this.#memory.done();
  }
}
