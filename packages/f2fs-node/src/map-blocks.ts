// mapBlocks: file blocks → the longest run of one kind. The caller owns the mapping and the loop:
//
//   for (let at = first; at < end; at = mapping.end) {
//     yield* mapBlocks(store, inode, at, end, mapping);
//     …
//   }
//
// Kinds of run:
//   hole        no block; reads as zeros
//   reserved    counted but never written; reads as zeros
//   raw         `length` blocks on the medium, one behind the other from `address`
//   compressed  exactly one cluster, whole: `payload` are the blocks that hold it. `start` may lie before the block asked
//               for, because a cluster is read as a whole
//
// A run goes over the border of a node when it continues there. Every address is checked to lie in the main area, every
// cluster to have a legal shape, before anything is read from it. Source: spec 6.10, 9.4; kernel fs/f2fs/data.c.

import {
  COMPRESS_ADDRESS,
  clusterBlocks as clusterBlocksOf,
  corrupt,
  isMainAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { type DnodeRange, locateDnode } from './dnode.ts';
import type { InodeBlock, NodeStore } from './node-store.ts';

export type MappingKind = 'hole' | 'reserved' | 'raw' | 'compressed';

/** Largest cluster in blocks: 1 MiB. */
export const CLUSTER_BLOCKS_MAX = 256;

/** One run, filled by {@link mapBlocks}; make one and use it again. */
export class BlockMapping {
  kind: MappingKind = 'hole';
  /** First file block of the run. */
  start = 0;
  /** Blocks; of a compressed run the cluster size. */
  length = 0;
  /** First block on the medium, for raw runs. */
  address = 0;
  /** Of a compressed run: addresses of the payload, the first `payloadLength` of them. */
  readonly payload = new Uint32Array(CLUSTER_BLOCKS_MAX);
  payloadLength = 0;

  /** First file block behind the run. */
  get end(): number {
    return this.start + this.length;
  }
}

type Dnode = Extract<DnodeRange, { hole: false }>;

/**
 * Fills `mapping` with the run at `fileBlock`, at most up to `end` (a compressed run is always a whole cluster). Throws
 * Corruption blockAddress or clusterLayout, and what reading nodes throws.
 */
export function* mapBlocks(
  store: NodeStore,
  inode: InodeBlock,
  fileBlock: number,
  end: number,
  mapping: BlockMapping,
): Task<void> {
  mapping.start = fileBlock;
  mapping.length = 0;
  mapping.payloadLength = 0;
  for (let at = fileBlock; at < end; at = mapping.end) {
    const range = yield* locateDnode(store, inode, at);
    if (range.hole) {
      if (mapping.length > 0 && mapping.kind !== 'hole') return;
      mapping.kind = 'hole';
      mapping.length = Math.min(range.end, end) - fileBlock;
      continue;
    }
    if (!extend(store, inode, range, at, Math.min(range.end, end), mapping)) return;
  }
}

/** Adds the slots of one node to the run; false when the run ended inside it. */
function extend(
  store: NodeStore,
  inode: InodeBlock,
  node: Dnode,
  from: number,
  end: number,
  mapping: BlockMapping,
): boolean {
  const { view } = node.node;
  const clusterBlocks = inode.fields.compressed ? clusterBlocksOf(inode.fields.logClusterSize) : 0;
  let clusterLeft = 0;
  for (let at = from; at < end; at++) {
    if (clusterBlocks > 0 && clusterLeft === 0) {
      const clusterStart = at - (at % clusterBlocks);
      if (slot(node, clusterStart) === COMPRESS_ADDRESS) {
        if (mapping.length > 0) return false;
        readCluster(store, inode, node, clusterStart, clusterBlocks, mapping);
        return false;
      }
      clusterLeft = clusterStart + clusterBlocks - at;
    }
    if (clusterLeft > 0) clusterLeft--;
    const address = view.getUint32(node.slotOffset + 4 * (at - node.start), true);
    const kind = kindOf(store, inode, node, at, address);
    if (mapping.length === 0) {
      mapping.kind = kind;
      mapping.address = kind === 'raw' ? address : 0;
    } else if (kind !== mapping.kind || (kind === 'raw' && address !== mapping.address + mapping.length)) return false;
    mapping.length++;
  }
  return true;
}

function slot(node: Dnode, fileBlock: number): number {
  return node.node.view.getUint32(node.slotOffset + 4 * (fileBlock - node.start), true);
}

function placeOf(inode: InodeBlock, node: Dnode, fileBlock: number) {
  const offset = node.slotOffset + 4 * (fileBlock - node.start);
  return { block: node.node.address, offset, nid: node.nid, ino: inode.ino, fileBlock };
}

function kindOf(store: NodeStore, inode: InodeBlock, node: Dnode, fileBlock: number, address: number): MappingKind {
  if (address === NULL_ADDRESS) return 'hole';
  if (address === NEW_ADDRESS) return 'reserved';
  if (address === COMPRESS_ADDRESS) {
    const detail = 'the mark of a compressed cluster where no cluster starts';
    throw corrupt('clusterLayout', { where: placeOf(inode, node, fileBlock), found: address, detail });
  }
  if (!isMainAddress(store.superblock, address)) {
    const expected = `an address in the main area [${store.superblock.mainAddress}, …)`;
    throw corrupt('blockAddress', { where: placeOf(inode, node, fileBlock), expected, found: address });
  }
  return 'raw';
}

/** A compressed cluster: the mark, then 1 … C-1 addresses, then nothing but reserved or released slots. */
function readCluster(
  store: NodeStore,
  inode: InodeBlock,
  node: Dnode,
  start: number,
  blocks: number,
  mapping: BlockMapping,
): void {
  mapping.kind = 'compressed';
  mapping.start = start;
  mapping.length = blocks;
  mapping.address = 0;
  let count = 0;
  for (let index = 1; index < blocks; index++) {
    const kind = kindOf(store, inode, node, start + index, slot(node, start + index));
    if (kind !== 'raw') continue;
    if (count !== index - 1) {
      const detail = 'a payload block behind a slot without one';
      throw corrupt('clusterLayout', { where: placeOf(inode, node, start + index), detail });
    }
    mapping.payload[count++] = slot(node, start + index);
  }
  if (count === 0) {
    const detail = 'a compressed cluster without payload';
    throw corrupt('clusterLayout', { where: placeOf(inode, node, start), detail });
  }
  mapping.payloadLength = count;
}
