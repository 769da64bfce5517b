// A regular file of any length in a volume made by hand, from its list of addresses: the nodes that the list needs are
// written on the way.

import {
  ADDRESSES_PER_INODE_MAX,
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  EXTRA_ATTRIBUTES_SIZE,
  ExtraAttributes,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  InodeFlag,
  ModeType,
  nodePath,
  RawInode,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { VolumeBuilder } from './volume-builder.ts';

export interface BigFile {
  /** Bytes. */
  size: number;
  /** The address slot of each block, 0 for a hole; of a compressed file with marks, payload and reserved slots. */
  slots: ArrayLike<number>;
  /** Makes it a compressed file; the volume needs the features for extra attributes and compression. */
  compression?: { algorithm: number; logClusterSize: number };
}

interface BuiltNode {
  nid: number;
  nodeOffset: number;
  bytes: Uint8Array;
}

/** Writes the file and the nodes below it; returns its ino. */
export function writeBigFile(volume: VolumeBuilder, { size, slots, compression }: BigFile): number {
  const ino = volume.nid();
  const cluster = compression === undefined ? 1 : 2 ** compression.logClusterSize;
  const extraWords = compression === undefined ? 0 : EXTRA_ATTRIBUTES_SIZE / 4;
  const words = ADDRESSES_PER_INODE_MAX - extraWords;
  const perInode = words - (words % cluster);
  const perNode = ADDRESSES_PER_NODE - (ADDRESSES_PER_NODE % cluster);
  const inode = new Uint8Array(BLOCK_SIZE);
  const slotsAt = INODE_ADDRESSES_OFFSET + 4 * extraWords;
  /** By their place in the tree. */
  const nodes = new Map<number, BuiltNode>();
  for (let fileBlock = 0; fileBlock < slots.length; fileBlock++) {
    const slot = slots[fileBlock]!;
    if (slot === 0) continue;
    const { depth, offsets, nodeOffsets } = nodePath(fileBlock, perInode, perNode);
    if (depth === 0) {
      viewOf(inode).setUint32(slotsAt + 4 * offsets[0], slot, true);
      continue;
    }
    let parent: Uint8Array = inode;
    let entryAt = RawInode.nids.offset + 4 * offsets[0];
    for (let step = 1; step <= depth; step++) {
      const nodeOffset = nodeOffsets[step as 1 | 2 | 3];
      let node = nodes.get(nodeOffset);
      if (node === undefined) {
        node = { nid: volume.nid(), nodeOffset, bytes: new Uint8Array(BLOCK_SIZE) };
        nodes.set(nodeOffset, node);
        viewOf(parent).setUint32(entryAt, node.nid, true);
      }
      parent = node.bytes;
      entryAt = 4 * offsets[step as 1 | 2 | 3];
    }
    viewOf(parent).setUint32(entryAt, slot, true);
  }
  for (const { nid, nodeOffset, bytes: content } of nodes.values()) {
    volume.node(nid, ino, nodeOffset, (_, bytes) => bytes.set(content.subarray(0, 4 * ADDRESSES_PER_NODE)));
  }
  volume.inode(ino, {
    mode: ModeType.regular | 0o644,
    size,
    inlineFlags: compression === undefined ? 0 : InlineFlag.extraAttr,
    fill: (view, bytes) => {
      bytes.set(inode.subarray(INODE_ADDRESSES_OFFSET, RawInode.footer.offset), INODE_ADDRESSES_OFFSET);
      if (compression === undefined) return;
      RawInode.flags.set(view, 0, InodeFlag.compress);
      ExtraAttributes.size.set(view, INODE_ADDRESSES_OFFSET, EXTRA_ATTRIBUTES_SIZE);
      ExtraAttributes.compressAlgorithm.set(view, INODE_ADDRESSES_OFFSET, compression.algorithm);
      ExtraAttributes.logClusterSize.set(view, INODE_ADDRESSES_OFFSET, compression.logClusterSize);
    },
  });
  return ino;
}
