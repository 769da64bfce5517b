// Giving up what a file has: its blocks and nodes from some file block on, or everything and the inode itself.
//
// Nodes go from the bottom up, and only those of which nothing is left. What is given up may be used again after the next
// checkpoint, so a crash finds the file whole or gone.
// Source: spec 6.10; kernel fs/f2fs/node.c (f2fs_truncate_inode_blocks), file.c (f2fs_truncate_data_blocks_range).

import {
  COMPRESS_ADDRESS,
  clusterBlocks,
  corrupt,
  ExtraAttributes,
  FileType,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  isMainAddress,
  NIDS_PER_INODE,
  NIDS_PER_NODE,
  NodeOffset,
  NULL_ADDRESS,
  RawExtent,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { dropNode } from './nodes.ts';
import { addBlocks, isHoleOrMark } from './slots.ts';

/** The node under each of the inode's five nids: its place, and the levels of nodes below it. */
export const SUBTREES = [
  { nodeOffset: NodeOffset.direct0, levels: 0 },
  { nodeOffset: NodeOffset.direct1, levels: 0 },
  { nodeOffset: NodeOffset.indirect0, levels: 1 },
  { nodeOffset: NodeOffset.indirect1, levels: 1 },
  { nodeOffset: NodeOffset.doubleIndirect, levels: 2 },
] as const;

/**
 * Makes holes of all blocks from `firstBlock` on, which does not lie inside a compressed cluster, and drops nodes that are left empty by it. The size stays, and cached pages are
 * the caller's to drop. Returns how many blocks the file has less. Throws Corruption and EIO: the volume must then not be
 * written to any more.
 */
export function* truncateBlocks(writer: VolumeWriter, inode: DecodedInode, firstBlock: number): Task<number> {
  const { ino, fields } = inode;
  const cut = new Cut(writer, inode);
  if (!hasSlots(inode)) return 0;
  let blocks = yield* cut.slots(ino, 0, fields.addressesOffset, fields.addressesPerInode, firstBlock);
  let start = fields.addressesPerInode;
  const nids = [...fields.nids];
  for (const [index, { nodeOffset, levels }] of SUBTREES.entries()) {
    const span = fields.addressesPerNode * NIDS_PER_NODE ** levels;
    const nid = nids[index]!;
    if (nid !== 0 && start + span > firstBlock) {
      const from = Math.max(0, firstBlock - start);
      blocks += yield* cut.node(nid, nodeOffset, levels, from);
      if (from === 0) nids[index] = 0;
    }
    start += span;
  }
  yield* changeInodeNode(writer, ino, (view) => {
    for (let index = 0; index < NIDS_PER_INODE; index++) RawInode.nids.set(view, 0, index, nids[index]!);
    addBlocks(view, -blocks);
    RawExtent.length.set(view, RawInode.extent.at(0, 0), 0);
    if (fields.compressedBlocks > 0) {
      const left = firstBlock === 0 ? 0 : Math.max(0, fields.compressedBlocks - cut.saved);
      ExtraAttributes.compressedBlocks.set(view, INODE_ADDRESSES_OFFSET, left);
    }
  });
  return blocks;
}

/** Whether the address area holds addresses: not data, entries or the numbers of a device. */
function hasSlots({ fields: { fileType, inlineFlags, deviceAlias } }: DecodedInode): boolean {
  if ((inlineFlags & (InlineFlag.data | InlineFlag.dentry)) !== 0 || deviceAlias) return false;
  return fileType === FileType.regular || fileType === FileType.directory || fileType === FileType.symlink;
}

/** One truncation. */
class Cut {
  /** Blocks that the clusters which went had saved. */
  saved = 0;
  readonly #writer: VolumeWriter;
  readonly #inode: DecodedInode;

  constructor(writer: VolumeWriter, inode: DecodedInode) {
    this.#writer = writer;
    this.#inode = inode;
  }

  /** Cuts the tree under a node, `from` counted from its first block; with `from` 0 the node goes too. Returns the blocks. */
  *node(nid: number, nodeOffset: number, levels: number, from: number): Task<number> {
    const { store } = this.#writer;
    const { ino, fields } = this.#inode;
    let blocks = 0;
    if (levels === 0) blocks += yield* this.slots(nid, nodeOffset, 0, fields.addressesPerNode, from);
    else {
      const span = fields.addressesPerNode * NIDS_PER_NODE ** (levels - 1);
      const first = Math.floor(from / span);
      // A copy: below, other nodes are waited for.
      const children = (yield* store.readNode(nid, { ino, nodeOffset })).bytes.slice(0, 4 * NIDS_PER_NODE);
      const view = new DataView(children.buffer);
      for (let k = first; k < NIDS_PER_NODE; k++) {
        const child = view.getUint32(4 * k, true);
        if (child === 0) continue;
        const childOffset = nodeOffset + 1 + (levels === 1 ? k : k * (NIDS_PER_NODE + 1));
        const childFrom = Math.max(0, from - k * span);
        blocks += yield* this.node(child, childOffset, levels - 1, childFrom);
        if (childFrom > 0 || from === 0) continue;
        (yield* store.readNode(nid, { ino, nodeOffset })).view.setUint32(4 * k, 0, true);
        store.markDirty(nid);
      }
    }
    if (from > 0) return blocks;
    yield* dropNode(this.#writer, nid);
    return blocks + 1;
  }

  /** Makes holes of slots [from, count) of a node. Returns how many were none. */
  *slots(nid: number, nodeOffset: number, byte: number, count: number, from: number): Task<number> {
    const { store, allocator, space } = this.#writer;
    const { ino, fields } = this.#inode;
    const released = (fields.inlineFlags & InlineFlag.compressReleased) !== 0;
    const addresses: number[] = [];
    const node = yield* store.readNode(nid, { ino, nodeOffset });
    let blocks = 0;
    for (let index = from; index < count; index++) {
      const at = byte + 4 * index;
      const address = node.view.getUint32(at, true);
      if (address === NULL_ADDRESS) continue;
      if (!isHoleOrMark(address)) {
        if (!isMainAddress(store.superblock, address)) {
          const where = { block: node.address, ino, nid, offset: at };
          throw corrupt('blockAddress', { where, expected: 'an address in the main area', found: address });
        }
        addresses.push(address);
      }
      if (address === COMPRESS_ADDRESS)
        this.saved += savedBy(node.view, at, Math.min(clusterBlocks(fields.logClusterSize), count - index));
      if (address !== COMPRESS_ADDRESS || !released) blocks++;
      node.view.setUint32(at, NULL_ADDRESS, true);
    }
    if (blocks > 0 || addresses.length > 0) {
      store.markDirty(nid);
      // Sealed at once: an inode is checked whenever it is decoded.
      if (nid === ino) yield* changeInodeNode(this.#writer, ino, () => {});
    }
    for (const address of addresses) yield* allocator.invalidate(address);
    space.release(blocks);
    return blocks;
  }
}

/** Blocks that a compressed cluster saves; its first slot is at byte `at` of the node, and its others are as they were. */
function savedBy(view: DataView, at: number, blocks: number): number {
  let payload = 0;
  for (let index = 1; index < blocks; index++) if (!isHoleOrMark(view.getUint32(at + 4 * index, true))) payload++;
  return blocks - payload;
}

/**
 * Frees an inode that has no name and that nobody has open: all its blocks and nodes. Throws Corruption and EIO: the volume
 * is then not written to any more.
 */
export function* freeInode(writer: VolumeWriter, ino: number): Task<void> {
  try {
    yield* free(writer, ino);
  } catch (error) {
    throw writer.abandon(error);
  }
}

/**
 * Frees an inode that has lost its last name and is not open, unless somebody else does. Called with no lock held: pages on
 * their way to the device are waited for, and nobody waits for a folio within an operation. Throws as {@link freeInode}.
 */
export function* freeOrphan(writer: VolumeWriter, ino: number): Task<void> {
  const held = yield* writer.locks.lock([ino]);
  try {
    if (!writer.orphans.has(ino)) return;
    const live = writer.inodes.get(ino);
    if (live !== undefined) yield* live.discardPages();
    yield* writer.operation(freeInode(writer, ino));
  } finally {
    held.unlock();
  }
}

function* free(writer: VolumeWriter, ino: number): Task<void> {
  const { store, space, directories, orphans, inodes } = writer;
  const live = inodes.get(ino);
  // From the start: nobody begins anything with it while this waits.
  if (live !== undefined) live.gone = true;
  const inode = yield* store.readInode(ino);
  if (inode.fields.xattrNid !== 0) {
    yield* store.readXattrNode(inode); // it is the file's own, or else somebody's that stays
    yield* dropNode(writer, inode.fields.xattrNid);
  }
  yield* truncateBlocks(writer, inode, 0);
  yield* dropNode(writer, ino);
  space.validInodes--;
  directories.dropAll(ino);
  orphans.delete(ino);
  inodes.forget(ino);
  writer.onInodeFreed(ino);
}
