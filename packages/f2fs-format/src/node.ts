// Node blocks: inodes, direct nodes (addresses), indirect nodes (nids), xattr nodes. Every one ends in the same 24-byte
// footer. A file is a tree of them, at most four deep:
//
//   inode i_addr[A] | i_nid: direct, direct, indirect, indirect, double indirect
//
// and the place of a node in that tree is one number, the node offset, stored in the footer. N = 1018 nids a node:
//
//   0 inode   1, 2 direct   3 indirect   4 .. 3+N direct   4+N indirect   5+N .. 4+2N direct
//   5+2N double indirect   then N groups of 1 + N: 6+2N + j(N+1) indirect, followed by its N direct nodes

import { EFBIG, FsError } from '@f2fskit/errno';
import { bits64, bytes, struct, structs, u32, u32s } from '@f2fskit/ondisk';
import { ADDRESSES_PER_NODE, NIDS_PER_NODE } from './constants.ts';
import { corrupt } from './corruption.ts';

/** Where the footer starts in every node block. */
export const NODE_FOOTER_OFFSET = 4072;

/** The end of every node block. 24 bytes; read with `at = NODE_FOOTER_OFFSET`. */
export const NodeFooter = struct('node_footer', 24, {
  nid: u32(0, 'own nid: a block found through the NAT must carry the nid that was looked up'),
  ino: u32(4, 'inode it belongs to; equal to nid for inodes'),
  flag: u32(8, 'bit 0 cold, bit 1 fsync, bit 2 dentry, bits 3..31 node offset'),
  checkpointVersion: bits64(12, 'last checkpoint when written: low half its version, high half its checksum'),
  nextAddress: u32(20, 'where the next node of the same log goes: the chain that recovery follows'),
});

/** Any node block: a body whose meaning the node offset gives, and the footer. */
export const NodeBlock = struct('f2fs_node', 4096, {
  body: bytes(0, NODE_FOOTER_OFFSET, 'inode, addresses, nids or xattrs'),
  footer: structs(NODE_FOOTER_OFFSET, NodeFooter, 1, 'identity and place'),
});

/** A direct node: the addresses of up to 1018 data blocks. */
export const DirectNode = struct('direct_node', 4096, {
  addresses: u32s(0, ADDRESSES_PER_NODE, 'data blocks in file order, or special addresses'),
  footer: structs(NODE_FOOTER_OFFSET, NodeFooter, 1, 'identity and place'),
});

/** An indirect or double indirect node: the nids of up to 1018 nodes below it. */
export const IndirectNode = struct('indirect_node', 4096, {
  nids: u32s(0, NIDS_PER_NODE, 'nodes in file order; 0 = a hole'),
  footer: structs(NODE_FOOTER_OFFSET, NodeFooter, 1, 'identity and place'),
});

/** The low bits of a footer's `flag`. */
export const NodeFlag = {
  /** Node of a non-directory. */
  cold: 0x1,
  /** The last node an fsync wrote: recovery starts from it. */
  fsync: 0x2,
  /** The fsync also wants the directory entry made again. */
  dentry: 0x4,
} as const;

const NODE_OFFSET_SHIFT = 3;
/** The node offset of an xattr node: outside the tree. */
export const XATTR_NODE_OFFSET = 0x1fff_ffff;

export const isColdNode = (flag: number): boolean => (flag & NodeFlag.cold) !== 0;
export const isFsyncNode = (flag: number): boolean => (flag & NodeFlag.fsync) !== 0;
export const isDentryNode = (flag: number): boolean => (flag & NodeFlag.dentry) !== 0;
export const nodeOffsetOf = (flag: number): number => flag >>> NODE_OFFSET_SHIFT;

/** A footer's `flag` from a node offset and {@link NodeFlag} bits. */
export function nodeFooterFlag(nodeOffset: number, bits: number): number {
  return ((nodeOffset << NODE_OFFSET_SHIFT) | bits) >>> 0;
}

/** Node offsets of the fixed places of the tree. */
export const NodeOffset = {
  inode: 0,
  direct0: 1,
  direct1: 2,
  indirect0: 3,
  indirect1: 4 + NIDS_PER_NODE,
  doubleIndirect: 5 + 2 * NIDS_PER_NODE,
} as const;

const FIRST_GROUP = NodeOffset.doubleIndirect + 1;
const GROUP = NIDS_PER_NODE + 1;
/** The largest node offset of the tree: the last direct node under the double indirect one. */
export const MAX_NODE_OFFSET = FIRST_GROUP + NIDS_PER_NODE * GROUP - 1;

/** True for offsets of nodes that hold nids. False for the inode, direct nodes and the xattr node. */
export function isIndirectNodeOffset(nodeOffset: number): boolean {
  if (nodeOffset === NodeOffset.indirect0 || nodeOffset === NodeOffset.indirect1) return true;
  if (nodeOffset === NodeOffset.doubleIndirect) return true;
  if (nodeOffset < FIRST_GROUP || nodeOffset > MAX_NODE_OFFSET) return false;
  return (nodeOffset - FIRST_GROUP) % GROUP === 0;
}

/** Blocks a file may have: what the nids of an inode reach. The slots of the inode itself are not counted. */
export function maxFileBlocks(addressesPerNode: number): number {
  return (2 + 2 * NIDS_PER_NODE + NIDS_PER_NODE * NIDS_PER_NODE) * addressesPerNode;
}

/** The way from an inode to the slot of one file block. */
export interface NodePath {
  /** Nodes below the inode on the way: 0 when the slot is in the inode itself, at most 3. */
  depth: number;
  /**
   * Index to follow at each step. With depth 0, `offsets[0]` is the slot among the inode's addresses. Else `offsets[0]`
   * is the index in the inode's five nids, and `offsets[depth]` is the slot in the direct node.
   */
  readonly offsets: [number, number, number, number];
  /** Node offset of each node on the way; `nodeOffsets[0]` is 0, the inode; `nodeOffsets[depth]` has the slot. */
  readonly nodeOffsets: [number, number, number, number];
}

/** An empty path to fill again and again. */
export function newNodePath(): NodePath {
  return { depth: 0, offsets: [0, 0, 0, 0], nodeOffsets: [0, 0, 0, 0] };
}

/**
 * The way to file block `fileBlock`, for an inode with `addressesPerInode` slots of its own and `addressesPerNode` in
 * each direct node. Fills `path` and returns it; without one it makes one.
 *
 * @throws FsError EFBIG for a block that no tree reaches.
 */
export function nodePath(
  fileBlock: number,
  addressesPerInode: number,
  addressesPerNode: number,
  path: NodePath = newNodePath(),
): NodePath {
  const { offsets, nodeOffsets } = path;
  const underIndirect = NIDS_PER_NODE * addressesPerNode;
  offsets[1] = offsets[2] = offsets[3] = 0;
  nodeOffsets[0] = nodeOffsets[1] = nodeOffsets[2] = nodeOffsets[3] = 0;

  let rest = fileBlock;
  if (rest < addressesPerInode) {
    path.depth = 0;
    offsets[0] = rest;
    return path;
  }
  rest -= addressesPerInode;
  for (let direct = 0; direct < 2; direct++) {
    if (rest < addressesPerNode) {
      path.depth = 1;
      offsets[0] = direct;
      offsets[1] = rest;
      nodeOffsets[1] = NodeOffset.direct0 + direct;
      return path;
    }
    rest -= addressesPerNode;
  }
  for (let indirect = 0; indirect < 2; indirect++) {
    if (rest < underIndirect) {
      path.depth = 2;
      offsets[0] = 2 + indirect;
      offsets[1] = Math.floor(rest / addressesPerNode);
      offsets[2] = rest % addressesPerNode;
      nodeOffsets[1] = indirect === 0 ? NodeOffset.indirect0 : NodeOffset.indirect1;
      nodeOffsets[2] = nodeOffsets[1] + 1 + offsets[1];
      return path;
    }
    rest -= underIndirect;
  }
  if (rest < NIDS_PER_NODE * underIndirect) {
    path.depth = 3;
    offsets[0] = 4;
    offsets[1] = Math.floor(rest / underIndirect);
    offsets[2] = Math.floor(rest / addressesPerNode) % NIDS_PER_NODE;
    offsets[3] = rest % addressesPerNode;
    nodeOffsets[1] = NodeOffset.doubleIndirect;
    nodeOffsets[2] = FIRST_GROUP + offsets[1] * GROUP;
    nodeOffsets[3] = nodeOffsets[2] + 1 + offsets[2];
    return path;
  }
  throw new FsError(EFBIG, `file block ${fileBlock}`);
}

/**
 * The first file block whose slot is in the node at `nodeOffset`: the inode or a direct node. Recovery and cleaning ask
 * with offsets that they read from footers and summaries.
 *
 * @throws Corruption nodeOffset for a node that holds no slots.
 */
export function firstFileBlockOf(nodeOffset: number, addressesPerInode: number, addressesPerNode: number): number {
  if (nodeOffset === NodeOffset.inode) return 0;
  if (nodeOffset > MAX_NODE_OFFSET || isIndirectNodeOffset(nodeOffset)) {
    throw corrupt('nodeOffset', { expected: 'the inode or a direct node', found: nodeOffset });
  }
  // Direct nodes in file order, counted from 0: take away the nodes before it that are none.
  let direct: number;
  if (nodeOffset <= NodeOffset.direct1) direct = nodeOffset - 1;
  else if (nodeOffset < NodeOffset.doubleIndirect) direct = nodeOffset - (nodeOffset < NodeOffset.indirect1 ? 2 : 3);
  else direct = nodeOffset - 5 - Math.floor((nodeOffset - FIRST_GROUP - 1) / GROUP);
  return addressesPerInode + direct * addressesPerNode;
}
