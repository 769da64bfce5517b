// Writing nodes. A node never goes back to its place: it takes the next block of its log, its old block is given up, and
// the NAT learns the new address. The footer names the block behind it in the same log: the chain that recovery follows.
//
// Source: spec 5.2, 6.1, 10.2; kernel fs/f2fs/node.c (__write_node_page), segment.c (f2fs_do_write_node_page).

import { submitAndWait, writeBio } from '@f2fskit/block';
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
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import type { BlockAllocator } from './block-allocator.ts';

/** Nodes in one request at most. */
const RUN_NODES_MAX = 64;

/** The checkpoint that nodes say they follow: the last durable one. */
export interface NodeEpoch {
  versionLow: number;
  /** Upper half of its version, with its checksum: what a footer carries. */
  versionHigh: number;
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
  /** Set by the checkpoint. */
  epoch: NodeEpoch;

  constructor(store: NodeStore, allocator: BlockAllocator, epoch: NodeEpoch) {
    this.#store = store;
    this.#allocator = allocator;
    this.epoch = epoch;
  }

  /** Writes every dirty node, without marks: for a checkpoint. Throws EIO: what was not written stays dirty. */
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
        yield* this.#writeRun(log, nids.slice(at, at + RUN_NODES_MAX), 0);
      }
    }
  }

  /** Writes nodes of one log one behind the other; `marks` are the {@link NodeFlag} bits they get. */
  *#writeRun(log: number, nids: readonly number[], marks: number): Task<void> {
    let start = 0;
    let copies: Uint8Array[] = [];
    let written: Array<[nid: number, address: number]> = [];
    for (const nid of nids) {
      const folio = this.#store.dirty.get(nid);
      if (folio === undefined) continue;
      const address = yield* this.#allocator.allocate(log, { nid, version: 0, offsetInNode: 0 });
      if (copies.length > 0 && address !== start + copies.length) {
        yield* this.#submit(start, copies, written);
        [copies, written] = [[], []];
      }
      if (copies.length === 0) start = address;
      const old = folio.address;
      if (old !== NEW_ADDRESS && old !== NULL_ADDRESS) yield* this.#allocator.invalidate(old);
      const { view } = folio;
      const flag = NodeFooter.flag.get(view, NODE_FOOTER_OFFSET) & ~(NodeFlag.fsync | NodeFlag.dentry);
      NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, (flag | marks) >>> 0);
      NodeFooter.checkpointVersion.set(view, NODE_FOOTER_OFFSET, this.epoch.versionLow, this.epoch.versionHigh);
      NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, this.#allocator.nextAddress(log));
      const ino = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
      if (nid === ino) sealInode(this.#store.superblock, folio.bytes);
      folio.address = address;
      const { version } = yield* this.#store.nat.lookup(nid);
      this.#store.nat.set({ nid, ino, version, blockAddress: address });
      // A copy: the node may change again while this one is on its way.
      copies.push(folio.bytes.slice());
      written.push([nid, address]);
    }
    if (copies.length > 0) yield* this.#submit(start, copies, written);
  }

  *#submit(start: number, copies: readonly Uint8Array[], written: ReadonlyArray<[number, number]>): Task<void> {
    yield* submitAndWait(this.#store.device, writeBio(start * BLOCK_SIZE, [...copies]));
    for (const [index, [nid, address]] of written.entries()) {
      const folio = this.#store.dirty.get(nid);
      // Changed or moved meanwhile: it is dirty still.
      if (folio === undefined || folio.address !== address || !sameBytes(folio.bytes, copies[index]!)) continue;
      this.#store.markClean(nid);
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [viewOf(a), viewOf(b)];
  for (let at = 0; at < BLOCK_SIZE; at += 4) if (left.getUint32(at) !== right.getUint32(at)) return false;
  return true;
}
