// Writing nodes. A node never goes back to its place: it takes the next block of its log, its old block is given up, and
// the NAT learns the new address. The footer names the block behind it in the same log: the chain that recovery follows.
//
//   writeAll      every dirty node, for a checkpoint
//   writeChain    the dirty dnodes of one file, marked, for fsync: recovery finds them behind the checkpoint. Indirect nodes
//                 stay in memory; recovery makes them anew
//
// Source: spec 5.2, 6.1, 10.2, buffered I/O 19; kernel fs/f2fs/node.c (__write_node_page, f2fs_fsync_node_pages), segment.c
// (f2fs_do_write_node_page).

import { BioFlag, flushDevice, submitAndWait, writeBio } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  isColdNode,
  isIndirectNodeOffset,
  NEW_ADDRESS,
  NODE_FOOTER_OFFSET,
  NodeFlag,
  NodeFooter,
  NULL_ADDRESS,
  nodeOffsetOf,
  SegmentType,
  sealInode,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import type { NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { BlockAllocator } from './block-allocator.ts';

/** Nodes in one request at most: 1 MiB. */
const RUN_NODES_MAX = 256;

/** The checkpoint that nodes say they follow: the last durable one. */
export interface NodeEpoch {
  versionLow: number;
  /** Upper half of its version, with its checksum: what a footer carries. */
  versionHigh: number;
}

/** Nodes that lie one behind the other. */
interface NodeRun {
  readonly start: number;
  /** The nodes themselves: nobody changes one while it is on its way. */
  readonly blocks: Uint8Array[];
  readonly nids: number[];
}

/** The log of a node, by its footer. */
export function logOfNode(footerFlag: number): number {
  const offset = nodeOffsetOf(footerFlag);
  if (offset !== XATTR_NODE_OFFSET && isIndirectNodeOffset(offset)) return SegmentType.coldNode;
  return isColdNode(footerFlag) ? SegmentType.warmNode : SegmentType.hotNode;
}

export class NodeWriter {
  readonly #store: NodeStore;
  readonly #allocator: BlockAllocator;
  #epoch: NodeEpoch;
  /** Nodes in chains since the last checkpoint. */
  chainNodes = 0;

  constructor(store: NodeStore, allocator: BlockAllocator, epoch: NodeEpoch) {
    this.#store = store;
    this.#allocator = allocator;
    this.#epoch = epoch;
  }

  /** A checkpoint is durable: nodes follow it from now on. */
  checkpointed(epoch: NodeEpoch): void {
    this.#epoch = epoch;
    this.chainNodes = 0;
  }

  /**
   * Writes every dirty node, without marks: for a checkpoint. Nobody else changes nodes meanwhile. Throws EIO: what was not
   * written stays dirty.
   */
  *writeAll(): Task<void> {
    const byLog = new Map<number, number[]>();
    for (const [nid, { view }] of this.#store.dirty) {
      const log = logOfNode(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET));
      const nids = byLog.get(log);
      if (nids === undefined) byLog.set(log, [nid]);
      else nids.push(nid);
    }
    for (const [log, nids] of byLog) {
      for (let at = 0; at < nids.length; at += RUN_NODES_MAX) {
        for (const run of yield* this.#place(log, nids.slice(at, at + RUN_NODES_MAX), false)) yield* this.#submit(run);
      }
    }
  }

  /** The dirty inode, direct nodes and xattr node of a file, in the order of their places in it: the inode first. */
  dirtyDnodes(ino: number): number[] {
    const found: Array<{ nid: number; nodeOffset: number }> = [];
    for (const [nid, { view }] of this.#store.dirty) {
      if (NodeFooter.ino.get(view, NODE_FOOTER_OFFSET) !== ino) continue;
      const nodeOffset = nodeOffsetOf(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET));
      if (nodeOffset === XATTR_NODE_OFFSET || !isIndirectNodeOffset(nodeOffset)) found.push({ nid, nodeOffset });
    }
    return found.sort((a, b) => a.nodeOffset - b.nodeOffset).map(({ nid }) => nid);
  }

  /**
   * Makes the dirty dnodes of a regular file durable, with fsync marks, behind everything that was written before; an inode
   * that was never written before asks for its name as well. Nobody else changes nodes meanwhile. `settleData`: waits for
   * data on its way; what the nodes point to has arrived then. Returns how many nodes it wrote. Throws EIO: the chain then has
   * a gap, and nothing that is written behind it would be found.
   */
  *writeChain(ino: number, settleData: () => Task<void>): Task<number> {
    const nids = this.dirtyDnodes(ino);
    const runs = yield* this.#place(SegmentType.warmNode, nids, true);
    yield* settleData();
    // Data that has arrived is not durable before a flush, and no node may be that points to it (I-62).
    const alone = runs.length === 1 ? BioFlag.FUA : 0;
    for (const [index, run] of runs.entries()) yield* this.#submit(run, index === 0 ? BioFlag.PREFLUSH | alone : 0);
    if (runs.length > 1) yield* flushDevice(this.#store.device);
    this.chainNodes += nids.length;
    return nids.length;
  }

  /** Takes places for nodes of one log, and makes their blocks ready. */
  *#place(log: number, nids: readonly number[], fsync: boolean): Task<NodeRun[]> {
    const { dirty, nat, superblock } = this.#store;
    const runs: NodeRun[] = [];
    for (const nid of nids) {
      const folio = dirty.get(nid);
      if (folio === undefined) continue;
      assert(logOfNode(NodeFooter.flag.get(folio.view, NODE_FOOTER_OFFSET)) === log, 'a node goes to its own log');
      const { version } = yield* nat.lookup(nid);
      const address = yield* this.#allocator.allocate(log, { nid, version: 0, offsetInNode: 0 });
      const { view, address: old } = folio;
      const isNew = old === NEW_ADDRESS || old === NULL_ADDRESS;
      const ino = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
      const marks = fsync ? NodeFlag.fsync | (nid === ino && isNew ? NodeFlag.dentry : 0) : 0;
      const flag = NodeFooter.flag.get(view, NODE_FOOTER_OFFSET) & ~(NodeFlag.fsync | NodeFlag.dentry);
      NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, (flag | marks) >>> 0);
      NodeFooter.checkpointVersion.set(view, NODE_FOOTER_OFFSET, this.#epoch.versionLow, this.#epoch.versionHigh);
      NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, this.#allocator.nextAddress(log));
      if (nid === ino) sealInode(superblock, folio.bytes);
      let run = runs.at(-1);
      if (run === undefined || address !== run.start + run.blocks.length || run.blocks.length === RUN_NODES_MAX) {
        run = { start: address, blocks: [], nids: [] };
        runs.push(run);
      }
      run.blocks.push(folio.bytes);
      run.nids.push(nid);
      nat.set({ nid, ino, version, blockAddress: address });
      folio.address = address;
      if (!isNew) yield* this.#allocator.invalidate(old);
    }
    return runs;
  }

  *#submit({ start, blocks, nids }: NodeRun, flags = 0): Task<void> {
    yield* submitAndWait(this.#store.device, writeBio(start * BLOCK_SIZE, blocks, flags));
    for (const [index, nid] of nids.entries()) {
      assert(this.#store.dirty.get(nid)?.address === start + index, 'a node stays as it is while it is written');
      this.#store.markClean(nid);
    }
  }
}
