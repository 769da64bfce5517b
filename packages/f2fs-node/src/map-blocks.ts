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
// compressed cluster to have a legal shape, before anything is read from it. A run ends before damage; only the call that
// begins at the damage throws, and the mapping then covers what the damage hides.
//
// The file that stands for a whole device is the exception: its one run is the extent in its inode.
// Source: spec 6.10, 9.4, 12; kernel fs/f2fs/data.c.

import type { Corruption } from '@f2fskit/errno';
import {
  COMPRESS_ADDRESS,
  clusterBlocks as clusterBlocksOf,
  corrupt,
  isMainAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
  type Superblock,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { type DnodeRange, findDnode } from './dnode.ts';
import type { DecodedInode, NodeStore } from './node-store.ts';

export type MappingKind = 'hole' | 'reserved' | 'raw' | 'compressed';

/** Largest cluster in blocks: 1 MiB. */
export const CLUSTER_BLOCKS_MAX = 256;

const NO_PAYLOAD = new Uint32Array(0);

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
  payload: Uint32Array = NO_PAYLOAD;
  payloadLength = 0;

  /** First file block behind the run. */
  get end(): number {
    return this.start + this.length;
  }
}

type Dnode = Extract<DnodeRange, { hole: false }>;

/**
 * Fills `mapping` with the run at `fileBlock`, at most up to `end` (a compressed run is always a whole cluster). Throws
 * Corruption blockAddress or clusterLayout, and what reading nodes throws; `mapping.start` and `mapping.length` then are
 * the blocks that the damage hides, and who can live without them goes on at `mapping.end`.
 */
export function* mapBlocks(
  store: NodeStore,
  inode: DecodedInode,
  fileBlock: number,
  end: number,
  mapping: BlockMapping,
): Task<void> {
  mapping.start = fileBlock;
  mapping.length = 0;
  mapping.payloadLength = 0;
  if (inode.fields.deviceAlias) {
    mapAlias(inode, fileBlock, end, mapping);
    return;
  }
  for (let at = fileBlock; at < end; at = mapping.end) {
    const range = yield* findDnode(store, inode, at);
    if ('damage' in range) {
      if (mapping.length > 0) return;
      mapping.length = Math.min(range.end, end) - fileBlock;
      throw range.damage;
    }
    if (range.hole) {
      if (mapping.length > 0 && mapping.kind !== 'hole') return;
      mapping.kind = 'hole';
      mapping.length = Math.min(range.end, end) - fileBlock;
      continue;
    }
    if (!extend(store, inode, range, at, Math.min(range.end, end), mapping)) return;
  }
}

/** A file that stands for a device: decodeInode made sure that its extent lies in the main area. */
function mapAlias({ fields: { extent } }: DecodedInode, fileBlock: number, end: number, mapping: BlockMapping): void {
  const extentEnd = extent.fileBlock + extent.length;
  const inside = fileBlock >= extent.fileBlock && fileBlock < extentEnd;
  const next = inside ? extentEnd : fileBlock < extent.fileBlock ? extent.fileBlock : end;
  mapping.kind = inside ? 'raw' : 'hole';
  mapping.address = inside ? extent.address + (fileBlock - extent.fileBlock) : 0;
  mapping.length = Math.min(next, end) - fileBlock;
}

/** Adds the slots of one node to the run; false when the run ended inside it. */
function extend(
  store: NodeStore,
  inode: DecodedInode,
  node: Dnode,
  from: number,
  end: number,
  mapping: BlockMapping,
): boolean {
  const { view } = node.node;
  const { superblock } = store;
  const clusterBlocks = inode.fields.compressed ? clusterBlocksOf(inode.fields.logClusterSize) : 0;
  let clusterLeft = 0;
  for (let at = from; at < end; at++) {
    if (clusterBlocks > 0 && clusterLeft === 0) {
      const clusterStart = at - (at % clusterBlocks);
      if (slot(node, clusterStart) === COMPRESS_ADDRESS) {
        if (mapping.length > 0) return false;
        readCluster(superblock, inode, node, clusterStart, clusterBlocks, mapping);
        return false;
      }
      clusterLeft = clusterStart + clusterBlocks - at;
    }
    if (clusterLeft > 0) clusterLeft--;
    const address = view.getUint32(node.slotOffset + 4 * (at - node.start), true);
    const kind = kindOf(superblock, address);
    if (kind === undefined) {
      if (mapping.length > 0) return false;
      mapping.length = 1;
      throw illegalSlot(superblock, inode, node, at);
    }
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

function placeOf(inode: DecodedInode, node: Dnode, fileBlock: number) {
  const offset = node.slotOffset + 4 * (fileBlock - node.start);
  return { block: node.node.address, offset, nid: node.nid, ino: inode.ino, fileBlock };
}

/** What a slot says of its block; `undefined` for what no slot may hold there. */
function kindOf(superblock: Superblock, address: number): 'hole' | 'reserved' | 'raw' | undefined {
  if (address === NULL_ADDRESS) return 'hole';
  if (address === NEW_ADDRESS) return 'reserved';
  return isMainAddress(superblock, address) ? 'raw' : undefined;
}

function illegalSlot(superblock: Superblock, inode: DecodedInode, node: Dnode, fileBlock: number): Corruption {
  const where = placeOf(inode, node, fileBlock);
  const found = slot(node, fileBlock);
  if (found === COMPRESS_ADDRESS) {
    const detail = 'the mark of a compressed cluster where no cluster starts';
    return corrupt('clusterLayout', { where, found, detail });
  }
  const expected = `an address in the main area [${superblock.mainAddress}, …)`;
  return corrupt('blockAddress', { where, expected, found });
}

/** A compressed cluster: the mark, then 1 … C-1 addresses, then nothing but reserved or released slots. */
function readCluster(
  superblock: Superblock,
  inode: DecodedInode,
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
  if (mapping.payload.length < blocks) mapping.payload = new Uint32Array(blocks);
  for (let index = 1; index < blocks; index++) {
    const kind = kindOf(superblock, slot(node, start + index));
    if (kind === undefined) throw illegalSlot(superblock, inode, node, start + index);
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
