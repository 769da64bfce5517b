// Are there fsynced nodes after the checkpoint? Linux would replay them at mount; reading stops at the checkpoint and says
// so. Whatever the unmount flag says, the chain begins where the warm node log of the checkpoint would write next.
//
//   1. read the block there; it belongs to the chain when its footer carries the checkpoint's version (with the checkpoint's
//      CRC in the upper half, unless the flags say otherwise)
//   2. an fsync mark on any node of the chain means that something would be recovered
//   3. go to the address of the next node; stop at the end, outside the main area, or when the chain loops
//
// Source: spec 10.3; kernel fs/f2fs/recovery.c.

import { FsError } from '@f2fskit/errno';
import {
  type Checkpoint,
  isFsyncNode,
  isMainAddress,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  type Superblock,
  segmentAddress,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { followsCheckpoint } from './recovery/node-chain.ts';

/** The most nodes of a chain that are looked at when opening. */
export const CHAIN_NODES_MAX = 4096;

export interface ChainScan {
  /** Nodes with an fsync mark. */
  fsyncedNodes: number;
  /** The chain was not followed to its end: it is longer than CHAIN_NODES_MAX, loops, or cannot be read. */
  cutShort: boolean;
  /** Of these reasons the first: the chain may be sound, and more marks may follow. */
  tooLong: boolean;
}

/** Where the blocks of a chain come from: a cache, or the device itself. */
export interface ChainBlocks {
  /** Good until the next wait. */
  get(address: number): Task<{ readonly view: DataView }>;
}

/** Follows the chain of nodes written after the checkpoint. Never throws for what it finds there. */
export function* scanFsyncChain(superblock: Superblock, checkpoint: Checkpoint, blocks: ChainBlocks): Task<ChainScan> {
  const [, warmSegment] = checkpoint.currentNodeSegments;
  const [, warmOffset] = checkpoint.currentNodeOffsets;
  const scan: ChainScan = { fsyncedNodes: 0, cutShort: false, tooLong: false };
  let address = segmentAddress(superblock, warmSegment) + warmOffset;
  const seen = new Set<number>();
  while (isMainAddress(superblock, address)) {
    scan.tooLong = seen.size === CHAIN_NODES_MAX;
    if (scan.tooLong || seen.has(address)) {
      scan.cutShort = true;
      return scan;
    }
    seen.add(address);
    try {
      const { view } = yield* blocks.get(address);
      if (!followsCheckpoint(checkpoint, view)) return scan;
      if (isFsyncNode(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET))) scan.fsyncedNodes++;
      address = NodeFooter.nextAddress.get(view, NODE_FOOTER_OFFSET);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      scan.cutShort = true;
      return scan;
    }
  }
  return scan;
}
