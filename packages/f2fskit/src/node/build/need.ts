// How many blocks a plan will take, and how large a volume with so many is.
//
//   every file     its inode; a node for attributes that do not fit inside
//   content        none where it fits inside, else its blocks and the nodes over them
//   names          none where they fit inside, else the blocks of the hash tree, whose filling is played through with the
//                  real hashes
//
// The count is that of the writer as long as files do not change and the source knows where holes are; then it errs on the
// high side, by the edges of the runs of a sparse file.

import { FsError } from '@f2fskit/errno';
import {
  ADDRESSES_PER_INODE_MAX,
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  bucketBlocks,
  bucketFirstBlock,
  bucketOf,
  DENTRY_BLOCK_LAYOUT,
  dentryHash,
  dentryLayoutOf,
  dentrySlots,
  EXTRA_ATTRIBUTES_SIZE,
  INLINE_XATTR_WORDS_DEFAULT,
  inlineBytesMax,
  MAX_DIRECTORY_DEPTH,
  MAX_NAME_BYTES,
  NIDS_PER_NODE,
  SEGMENT_BYTES,
  XattrHeader,
  xattrEntrySize,
} from '@f2fskit/f2fs-format';
import { formatGeometry, type GeometryOptions } from '@f2fskit/f2fs-tools/mkfs';
import { type LinkGroup, type PlanNode, planNodes } from './plan.ts';

/** Slots that `.` and `..` take. */
const DOT_SLOTS = 2;

/** What decides about the inside of an inode. */
export interface InodeRoom {
  inlineBytes: number;
  addresses: number;
  /** Slots in the first block of the root that are not free. */
  rootSlots: number;
  /** Blocks of a cluster: files with as many are compressed. 0: none are. */
  clusterBlocks?: number;
  /** What compression saves is given back. */
  release?: boolean;
}

export function inodeRoom(features: readonly string[]): InodeRoom {
  const extraWords = features.includes('extra_attr') ? EXTRA_ATTRIBUTES_SIZE / 4 : 0;
  return {
    rootSlots: DOT_SLOTS + (features.includes('lost_found') ? dentrySlots('lost+found'.length) : 0),
    inlineBytes: inlineBytesMax(extraWords, INLINE_XATTR_WORDS_DEFAULT),
    addresses: ADDRESSES_PER_INODE_MAX - extraWords - INLINE_XATTR_WORDS_DEFAULT,
  };
}

/** Blocks that the files of a plan take, nodes included. */
export interface Need {
  blocks: number;
  /** Where blocks of zeros turn out to be all that sparse files have. */
  blocksLeast: number;
}

/** `formatBlocks`: those in use on an empty volume. */
export function blocksNeeded(root: PlanNode, room: InodeRoom, formatBlocks: number): Need {
  const seen = new Set<LinkGroup>();
  // The inode of the root is there already.
  const need = { blocks: formatBlocks - 1, blocksLeast: formatBlocks - 1 };
  for (const node of planNodes(root)) {
    if (node.links !== undefined) {
      if (seen.has(node.links)) continue;
      seen.add(node.links);
    }
    const blocks = blocksOf(node, room);
    need.blocks += blocks;
    need.blocksLeast += node.sparse || node.stored?.runs !== undefined ? 1 : leastBlocks(node, blocks, room);
  }
  return need;
}

/** Of `blocks` those that are left where every cluster shrinks to one block. */
function leastBlocks(
  { kind, size }: PlanNode,
  blocks: number,
  { clusterBlocks = 0, release = false }: InodeRoom,
): number {
  if (kind !== 'file' || !release || clusterBlocks === 0) return blocks;
  const clusters = Math.floor(Math.ceil(size / BLOCK_SIZE) / clusterBlocks);
  return blocks - clusters * (clusterBlocks - 1);
}

/** Blocks of one file: its inode, and everything below it. */
export function blocksOf(node: PlanNode, room: InodeRoom): number {
  const inode = 1 + (needsXattrNode(node) ? 1 : 0);
  if (node.kind === 'directory') return inode + directoryBlocks(node, room);
  if (node.kind === 'symlink') return inode + (node.target!.length > room.inlineBytes ? 1 : 0);
  if (node.kind !== 'file' || node.size <= room.inlineBytes) return inode;
  const blocks = Math.ceil(node.size / BLOCK_SIZE);
  const data = Math.min(blocks, Math.ceil(node.dataBytes / BLOCK_SIZE) + edgeBlocks(node));
  // Nodes of compressed files have slots for whole clusters only.
  const { clusterBlocks = 0 } = room;
  const unit = clusterBlocks > 0 && blocks >= clusterBlocks ? clusterBlocks : 1;
  // Each block of data needs at most one node of each level above it.
  return inode + data + Math.min(indexNodes(blocks, room.addresses, unit), 3 * data);
}

/** A run that begins or ends inside a block takes one more than its bytes say. */
function edgeBlocks({ stored }: PlanNode): number {
  return stored?.runs === undefined ? 0 : 2 * stored.runs.length;
}

/** Nodes over so many blocks in a row, without the inode. */
function indexNodes(blocks: number, addresses: number, unit = 1): number {
  const whole = (slots: number): number => slots - (slots % unit);
  let direct = Math.max(0, Math.ceil((blocks - whole(addresses)) / whole(ADDRESSES_PER_NODE)));
  let nodes = direct;
  direct -= 2;
  for (let single = 0; single < 2 && direct > 0; single++, direct -= NIDS_PER_NODE) nodes++;
  return direct > 0 ? nodes + 1 + Math.ceil(direct / NIDS_PER_NODE) : nodes;
}

function needsXattrNode({ xattrs }: PlanNode): boolean {
  let bytes = XattrHeader.$size;
  for (const { name, value } of xattrs) bytes += xattrEntrySize(name.length - prefixBytes(name), value.length);
  return xattrs.length > 0 && bytes > 4 * INLINE_XATTR_WORDS_DEFAULT;
}

/** The prefix of a name is stored as a number. */
function prefixBytes(name: Uint8Array): number {
  return name.indexOf(0x2e) + 1;
}

function directoryBlocks(directory: PlanNode, { inlineBytes, addresses, rootSlots }: InodeRoom): number {
  // Longer names will be refused.
  const names = directory.children!.map(({ name }) => name).filter(({ length }) => length <= MAX_NAME_BYTES);
  const isRoot = directory.parent === undefined;
  let slots = isRoot ? rootSlots : DOT_SLOTS;
  let moved = 0;
  if (!isRoot) {
    const inlineSlots = dentryLayoutOf(inlineBytes).slots;
    for (; moved < names.length; moved++) {
      const count = dentrySlots(names[moved]!.length);
      if (slots + count > inlineSlots) break;
      slots += count;
    }
    if (moved === names.length) return 0;
  }
  // What was inside goes to the first block, which mkfs gives the root at once; the others find their places by their hashes.
  const used = new Map<number, number>([[0, slots]]);
  let last = 0;
  for (const name of names.slice(moved)) {
    const count = dentrySlots(name.length);
    const fileBlock = placeOf(used, dentryHash(name), count);
    used.set(fileBlock, (used.get(fileBlock) ?? 0) + count);
    last = Math.max(last, fileBlock);
  }
  return used.size - (isRoot ? 1 : 0) + Math.min(indexNodes(last + 1, addresses), 3 * used.size);
}

/** The first block of the first bucket of the hash that has so many slots left; the last one there is where none has. */
function placeOf(used: ReadonlyMap<number, number>, hash: number, count: number): number {
  let block = 0;
  for (let level = 0; level < MAX_DIRECTORY_DEPTH; level++) {
    block = bucketFirstBlock(level, 0, bucketOf(level, 0, hash));
    for (const end = block + bucketBlocks(level); block < end; block++) {
      if ((used.get(block) ?? 0) + count <= DENTRY_BLOCK_LAYOUT.slots) return block;
    }
  }
  return block;
}

/** Segments of 16 TiB. */
const SEGMENTS_MAX = 2 ** 44 / SEGMENT_BYTES;

/** Blocks that files may have on a volume of so many segments; 0 where there is no such volume. */
export function userBlocks(segments: number, geometry: GeometryOptions): number {
  try {
    return formatGeometry(segments * SEGMENT_BYTES, geometry).userBlockCount;
  } catch (error) {
    if (error instanceof FsError && error.detail?.startsWith('size:') === true) return 0;
    throw error;
  }
}

/**
 * Bytes of the smallest volume, in whole segments, on which files may have so many blocks; infinite for more than any volume
 * has. Throws EINVAL for options that are wrong.
 */
export function smallestVolume(blocks: number, geometry: GeometryOptions): number {
  let low = 1;
  let high = SEGMENTS_MAX;
  if (userBlocks(high, geometry) < blocks) return Number.POSITIVE_INFINITY;
  // More segments are more blocks, but for a few at a time: the overprovision is computed anew for each size.
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (userBlocks(middle, geometry) >= blocks) high = middle;
    else low = middle + 1;
  }
  for (let less = 1; less <= NEIGHBOURS && less < low; ) {
    if (userBlocks(low - less, geometry) < blocks) less++;
    else {
      low -= less;
      less = 1;
    }
  }
  return low * SEGMENT_BYTES;
}

/** Sizes below the one found that are looked at as well, where counts go up and down. */
const NEIGHBOURS = 8;
