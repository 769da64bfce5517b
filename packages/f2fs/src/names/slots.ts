// The slots of a file: which block holds which part of it. A slot lies in the inode or in a direct node; the nodes on the
// way to it are made when a slot is first used.
//
// Counting (spec 6.9): a slot that is not a hole counts as a block of the file and of the volume, so does every node. A
// compressed cluster's mark counts unless the file's saved blocks were released.

import { assert } from '@f2fskit/errno';
import {
  COMPRESS_ADDRESS,
  corrupt,
  FileType,
  InlineFlag,
  isMainAddress,
  NULL_ADDRESS,
  nodePath,
  RawExtent,
  RawInode,
} from '@f2fskit/f2fs-format';
import { type DecodedInode, locateDnode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import type { BlockOwner } from '../log/log.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { Claim } from './claim.ts';
import { addNode } from './nodes.ts';

/** Where the address of one file block is kept. */
export interface Slot {
  /** The inode or a direct node. */
  nid: number;
  /** Place of that node in the file's tree. */
  nodeOffset: number;
  /** Index among the addresses of that node. */
  index: number;
  /** Byte in the node. */
  byte: number;
  /** What it holds. */
  address: number;
}

/** The slot of a file block; `undefined` where its node does not exist. Throws EFBIG, and what reading nodes throws. */
export function* findSlot(writer: VolumeWriter, inode: DecodedInode, fileBlock: number): Task<Slot | undefined> {
  const { addressesPerInode, addressesPerNode } = inode.fields;
  const { depth, nodeOffsets } = nodePath(fileBlock, addressesPerInode, addressesPerNode);
  const dnode = yield* locateDnode(writer.store, inode, fileBlock);
  if (dnode.hole) return undefined;
  const index = fileBlock - dnode.start;
  const byte = dnode.slotOffset + 4 * index;
  const address = dnode.node.view.getUint32(byte, true);
  return { nid: dnode.nid, nodeOffset: nodeOffsets[depth as 0 | 1 | 2 | 3], index, byte, address };
}

/** What the summary says of the block that a slot points to. */
export function* slotOwner(writer: VolumeWriter, { nid, index }: Slot): Task<BlockOwner> {
  const { version } = yield* writer.store.nat.lookup(nid);
  return { nid, version, offsetInNode: index };
}

/** Node offsets of the nodes that do not exist yet on the way to a file block, the topmost first. Throws EFBIG. */
export function* missingNodes(writer: VolumeWriter, inode: DecodedInode, fileBlock: number): Task<number[]> {
  const { store } = writer;
  const { addressesPerInode, addressesPerNode } = inode.fields;
  const { depth, offsets, nodeOffsets } = nodePath(fileBlock, addressesPerInode, addressesPerNode);
  let { view } = yield* store.readInodeNode(inode);
  let at = RawInode.nids.offset + 4 * offsets[0];
  for (let step = 1; step <= depth; step++) {
    const nid = view.getUint32(at, true);
    if (nid === 0) return nodeOffsets.slice(step, depth + 1);
    const nodeOffset = nodeOffsets[step as 1 | 2 | 3];
    view = (yield* store.readNode(nid, { ino: inode.ino, nodeOffset })).view;
    at = 4 * offsets[step as 1 | 2 | 3];
  }
  return [];
}

/** Makes the nodes that {@link missingNodes} counted, and returns the slot. */
export function* makeSlot(writer: VolumeWriter, inode: DecodedInode, fileBlock: number, claim: Claim): Task<Slot> {
  const { store } = writer;
  const { ino, fields } = inode;
  const { depth, offsets, nodeOffsets } = nodePath(fileBlock, fields.addressesPerInode, fields.addressesPerNode);
  const cold = fields.fileType !== FileType.directory;
  let parent = ino;
  for (let step = 1; step <= depth; step++) {
    const expected = { ino, nodeOffset: nodeOffsets[(step - 1) as 0 | 1 | 2] };
    const at = step === 1 ? RawInode.nids.offset + 4 * offsets[0] : 4 * offsets[(step - 1) as 1 | 2];
    let nid = (yield* store.readNode(parent, expected)).view.getUint32(at, true);
    if (nid === 0) {
      nid = (yield* addNode(writer, claim, { ino, nodeOffset: nodeOffsets[step as 1 | 2 | 3], cold })).nid;
      if (step > 1) {
        (yield* store.readNode(parent, expected)).view.setUint32(at, nid, true);
        store.markDirty(parent);
      }
      yield* changeInodeNode(writer, ino, (view) => {
        if (step === 1) view.setUint32(at, nid, true);
        addBlocks(view, 1);
      });
    }
    parent = nid;
  }
  const slot = yield* findSlot(writer, inode, fileBlock);
  assert(slot !== undefined, 'the nodes on the way to a slot were made');
  return slot;
}

/**
 * Puts an address into a slot that exists, and counts it in the file; in the volume it is counted by the claim, or, where
 * the slot becomes a hole, given back here. A block that the slot pointed to is given up. Throws Corruption blockAddress.
 */
export function* putAddress(writer: VolumeWriter, inode: DecodedInode, slot: Slot, address: number): Task<void> {
  const { store, allocator, space } = writer;
  const { ino, fields } = inode;
  const old = slot.address;
  if (old === address) return;
  if (!isHoleOrMark(old) && !isMainAddress(store.superblock, old)) throw illegalAddress(writer, inode, slot);
  const weight = (what: number): number =>
    what === NULL_ADDRESS || (what === COMPRESS_ADDRESS && (fields.inlineFlags & InlineFlag.compressReleased) !== 0)
      ? 0
      : 1;
  const difference = weight(address) - weight(old);
  const inInode = slot.nid === ino;
  if (!inInode) {
    (yield* store.readNode(slot.nid, { ino, nodeOffset: slot.nodeOffset })).view.setUint32(slot.byte, address, true);
    store.markDirty(slot.nid);
  }
  const forgetsExtent = fields.extent.length > 0;
  if (inInode || difference !== 0 || forgetsExtent) {
    yield* changeInodeNode(writer, ino, (view) => {
      if (inInode) view.setUint32(slot.byte, address, true);
      addBlocks(view, difference);
      // A remembered run is believed before the slots: one that no longer holds shows wrong data (spec 6.11).
      if (forgetsExtent) RawExtent.length.set(view, RawInode.extent.at(0, 0), 0);
    });
  }
  slot.address = address;
  if (difference < 0) space.release(1);
  if (!isHoleOrMark(old)) yield* allocator.invalidate(old);
}

/**
 * Sets the address of a file block: a place on the volume, NEW, or NULL for a hole. Makes nodes on the way, counts, gives up
 * what was there. Throws ENOSPC with nothing changed, EFBIG, and what reading nodes throws.
 */
export function* setBlockAddress(
  writer: VolumeWriter,
  inode: DecodedInode,
  fileBlock: number,
  address: number,
): Task<void> {
  const current = yield* findSlot(writer, inode, fileBlock);
  if (current === undefined && address === NULL_ADDRESS) return;
  const nodes = current === undefined ? yield* missingNodes(writer, inode, fileBlock) : [];
  const blocks = address !== NULL_ADDRESS && (current?.address ?? NULL_ADDRESS) === NULL_ADDRESS ? 1 : 0;
  const claim = yield* Claim.take(writer, blocks, nodes.length);
  const slot = current ?? (yield* makeSlot(writer, inode, fileBlock, claim));
  if (blocks > 0) claim.block();
  yield* putAddress(writer, inode, slot, address);
}

/** Adds to `i_blocks`. */
export function addBlocks(view: DataView, count: number): void {
  if (count !== 0) RawInode.blocks.set(view, 0, RawInode.blocks.get(view, 0) + count);
}

/** NULL, NEW or the mark of a compressed cluster: no block. */
export function isHoleOrMark(address: number): boolean {
  return address === NULL_ADDRESS || address >= COMPRESS_ADDRESS;
}

/** A slot that points outside the main area. */
export function illegalAddress(writer: VolumeWriter, { ino }: DecodedInode, { nid, byte, address }: Slot): Error {
  const expected = `an address in the main area [${writer.store.superblock.mainAddress}, …)`;
  return corrupt('blockAddress', { where: { ino, nid, offset: byte }, expected, found: address });
}
