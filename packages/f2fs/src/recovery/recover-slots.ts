// Bringing the slots of one dnode to what the chain has of it. A slot that differs gives up its block and gets
//
//   a hole             nothing
//   a reserved block   nothing, but it counts
//   an address         that block. It was written behind the checkpoint, so nobody has it but those who were recovered before:
//                      a writer may have moved it on from them
//
// The file grows over what it gets, unless blocks behind its end are intended.
// Source: spec 10.3; kernel fs/f2fs/recovery.c (do_recover_data, check_index_in_prev_nodes).

import { assert } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  corrupt,
  firstFileBlockOf,
  isMainAddress,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  NULL_ADDRESS,
  RawExtent,
  RawInode,
  SEGMENT_BLOCKS,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import { Claim } from '../names/claim.ts';
import { addBlocks, findSlot, isHoleOrMark, makeSlot, missingNodes, type Slot } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/** The slots of a node of the chain. */
export interface LoggedSlots {
  readonly nodeOffset: number;
  readonly view: DataView;
}

/** Throws ENOSPC, Corruption recovery for a block that cannot have been the file's. */
export function* recoverSlots(writer: VolumeWriter, ino: number, { nodeOffset, view }: LoggedSlots): Task<void> {
  const inode = yield* writer.store.readInode(ino);
  const { addressesPerInode, addressesPerNode, addressesOffset } = inode.fields;
  const first = firstFileBlockOf(nodeOffset, addressesPerInode, addressesPerNode);
  const count = nodeOffset === 0 ? addressesPerInode : addressesPerNode;
  const start = nodeOffset === 0 ? addressesOffset : 0;
  const wanted = Array.from({ length: count }, (_, index) => view.getUint32(start + 4 * index, true));
  let slot = yield* findSlot(writer, inode, first);
  if (slot === undefined) {
    if (wanted.every((address) => address === NULL_ADDRESS)) return;
    const claim = yield* Claim.take(writer, 0, (yield* missingNodes(writer, inode, first)).length);
    slot = yield* makeSlot(writer, inode, first, claim);
  }
  yield* new SlotRecovery(writer, yield* writer.store.readInode(ino), slot).run(first, wanted);
}

/** One dnode. Its slots are changed where they are; the inode is counted and sealed at the end. */
class SlotRecovery {
  readonly #writer: VolumeWriter;
  readonly #inode: DecodedInode;
  /** The first slot of the node. */
  readonly #slot: Slot;
  /** Blocks that the file has more. */
  #blocks = 0;

  constructor(writer: VolumeWriter, inode: DecodedInode, slot: Slot) {
    this.#writer = writer;
    this.#inode = inode;
    this.#slot = slot;
  }

  *run(first: number, wanted: readonly number[]): Task<void> {
    const { store, allocator, space } = this.#writer;
    const { ino, fields } = this.#inode;
    const { nid } = this.#slot;
    const grows = (fields.advise & Advise.keepSize) === 0;
    const { version } = yield* store.nat.lookup(nid);
    let size = fields.size;
    let changed = false;
    for (const [index, address] of wanted.entries()) {
      if ((yield* this.#get(index)) === address) continue;
      changed = true;
      if (!isHoleOrMark(address)) {
        yield* this.#takeFrom(address);
        yield* allocator.adopt(address, { nid, version, offsetInNode: index });
      }
      const old = yield* this.#get(index);
      yield* this.#set(index, address);
      this.#blocks += weight(address) - weight(old);
      if (!isHoleOrMark(old)) yield* allocator.invalidate(old);
      const fileBlock = first + index;
      if (address !== NULL_ADDRESS && grows && size <= fileBlock * BLOCK_SIZE) size = (fileBlock + 1) * BLOCK_SIZE;
    }
    if (!changed) return;
    if (this.#blocks > 0) space.reserve(this.#blocks);
    else space.release(-this.#blocks);
    yield* changeInodeNode(this.#writer, ino, (view) => {
      addBlocks(view, this.#blocks);
      RawInode.size.set(view, 0, size);
      RawExtent.length.set(view, RawInode.extent.at(0, 0), 0);
    });
  }

  *#get(index: number): Task<number> {
    const { store } = this.#writer;
    const { ino } = this.#inode;
    const { nid, nodeOffset, byte } = this.#slot;
    const { view, address: block } = yield* store.readNode(nid, { ino, nodeOffset });
    const found = view.getUint32(byte + 4 * index, true);
    if (isHoleOrMark(found) || isMainAddress(store.superblock, found)) return found;
    const where = { block, ino, nid, offset: byte + 4 * index };
    throw corrupt('blockAddress', { where, expected: 'an address in the main area', found });
  }

  *#set(index: number, address: number): Task<void> {
    const { store } = this.#writer;
    const { nid, nodeOffset, byte } = this.#slot;
    const { view } = yield* store.readNode(nid, { ino: this.#inode.ino, nodeOffset });
    view.setUint32(byte + 4 * index, address, true);
    store.markDirty(nid);
  }

  /** Somebody who was recovered before has the block: it has lost it since. */
  *#takeFrom(address: number): Task<void> {
    const writer = this.#writer;
    const { store, allocator, segments } = writer;
    const offset = (address - store.superblock.mainAddress) % SEGMENT_BLOCKS;
    const segment = yield* segments.get(Math.floor((address - store.superblock.mainAddress) / SEGMENT_BLOCKS));
    if (!testMsb(segment.valid, offset)) return;
    const { ino, fields } = this.#inode;
    const where = { block: address, ino, nid: this.#slot.nid };
    const inUse = corrupt('recovery', {
      where,
      expected: 'a block written behind the checkpoint',
      found: 'one before it',
    });
    if (testMsb(segment.committed, offset)) throw inUse;
    const owner = yield* allocator.ownerOf(address);
    const node = store.dirty.get(owner.nid);
    if (node === undefined) throw inUse;
    const ownerIno = NodeFooter.ino.get(node.view, NODE_FOOTER_OFFSET);
    let byte = 4 * owner.offsetInNode;
    if (owner.nid === ownerIno) {
      byte += (ownerIno === ino ? fields : (yield* store.readInode(ownerIno)).fields).addressesOffset;
    }
    assert(node.view.getUint32(byte, true) === address, 'a block that was adopted is where its summary says');
    node.view.setUint32(byte, NULL_ADDRESS, true);
    yield* allocator.invalidate(address);
    if (ownerIno === ino) {
      this.#blocks--;
      return;
    }
    writer.space.release(1);
    yield* changeInodeNode(writer, ownerIno, (view) => addBlocks(view, -1));
  }
}

/** Whether a slot counts as a block. */
function weight(address: number): number {
  return address === NULL_ADDRESS ? 0 : 1;
}
