// The walk from (inode, file block) to the node that holds the block's address slot: through the inode itself, or through
// one to three nodes below it (spec 6.10; `nodePath` of f2fs-format is the arithmetic). Each node on the way must carry
// the offset in the tree that the path expects of it. A nid of 0 is a hole as large as everything that would hang below.

import { FsError } from '@f2fskit/errno';
import { NIDS_PER_NODE, nodePath, RawInode } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { CachedBlock, DecodedInode, NodeStore } from './node-store.ts';

/** Where a range of file blocks has its address slots, or that nothing is there. */
export type DnodeRange =
  | {
      hole: false;
      /** First file block of the node. */
      start: number;
      /** First file block behind the node. */
      end: number;
      /** Good until the next wait. */
      node: CachedBlock;
      nid: number;
      /** Byte in the node of the slot of `start`. */
      slotOffset: number;
    }
  /** No node: the file blocks from the one asked for up to `end` are holes. */
  | { hole: true; end: number };

/** A node on the way cannot be read or is not what it should be: nothing is known of the blocks up to `end`. */
export interface DnodeDamage {
  damage: FsError;
  end: number;
}

/**
 * The node that holds the slot of `fileBlock`. Throws EFBIG for a block no tree reaches, Corruption and EIO as reading
 * nodes does.
 */
export function* locateDnode(store: NodeStore, inode: DecodedInode, fileBlock: number): Task<DnodeRange> {
  const found = yield* findDnode(store, inode, fileBlock);
  if ('damage' in found) throw found.damage;
  return found;
}

/** As {@link locateDnode}, but damage is a value, with the range that it hides. Throws EFBIG. */
export function* findDnode(store: NodeStore, inode: DecodedInode, fileBlock: number): Task<DnodeRange | DnodeDamage> {
  const { ino, fields } = inode;
  const { addressesPerInode, addressesPerNode } = fields;
  const { depth, offsets, nodeOffsets } = nodePath(fileBlock, addressesPerInode, addressesPerNode);
  let root: CachedBlock;
  try {
    root = yield* store.readInodeNode(inode);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return { damage: error, end: Number.POSITIVE_INFINITY };
  }
  if (depth === 0) {
    const slotOffset = fields.addressesOffset;
    return { hole: false, start: 0, end: addressesPerInode, node: root, nid: ino, slotOffset };
  }
  let parent = root.view;
  let entryOffset = RawInode.nids.offset + 4 * offsets[0];
  /** Entries of the parent from ours to its end: a hole may go on through them. */
  let entriesLeft = 1;
  for (let step = 1; ; step++) {
    /** File blocks below one node of this step: a direct node, then times 1018 for each step above it. */
    const span = addressesPerNode * NIDS_PER_NODE ** (depth - step);
    const nid = parent.getUint32(entryOffset, true);
    const start = fileBlock - ((fileBlock - addressesPerInode - spanBefore(offsets[0], addressesPerNode)) % span);
    if (nid === 0) return { hole: true, end: start + span * zeroEntries(parent, entryOffset, entriesLeft) };
    let node: CachedBlock;
    try {
      node = yield* store.readNode(nid, { ino, nodeOffset: nodeOffsets[step as 1 | 2 | 3] });
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return { damage: error, end: start + span };
    }
    if (step === depth) return { hole: false, start, end: start + span, node, nid, slotOffset: 0 };
    parent = node.view;
    entryOffset = 4 * offsets[step as 1 | 2];
    entriesLeft = NIDS_PER_NODE - offsets[step as 1 | 2];
  }
}

/** File blocks below the inode's nids before the one at `index`. */
function spanBefore(index: number, addressesPerNode: number): number {
  const directs = Math.min(index, 2);
  const indirects = Math.max(0, Math.min(index, 4) - 2);
  return (directs + indirects * NIDS_PER_NODE) * addressesPerNode;
}

/** How many of the next `most` nids are zero; the first one is. */
function zeroEntries(view: DataView, offset: number, most: number): number {
  let count = 1;
  while (count < most && view.getUint32(offset + 4 * count, true) === 0) count++;
  return count;
}
