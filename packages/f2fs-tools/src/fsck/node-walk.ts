// The walk over all nodes. Inodes first, in the order of their addresses; then the nodes that they point to, level by level
// (at most three), again in the order of their addresses. Every node block is read once.
//
// What no inode leads to, and which inodes no name leads to, is asked at the end (counters.ts, directories.ts): an
// unreachable inode is looked at like any other.

import {
  ADDRESSES_PER_NODE,
  DirectNode,
  firstFileBlockOf,
  IndirectNode,
  isIndirectNodeOffset,
  NIDS_PER_NODE,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  NodeOffset,
  nodeOffsetOf,
  XATTR_NODE_BYTES,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { NumberList, type SweptBlock } from './block-sweep.ts';
import type { CheckState } from './check-state.ts';
import { checkLeftover } from './clusters.ts';
import { type SlotRun, walkSlots } from './file-slots.ts';
import { hasWrongFooter, visitInode, withoutChecksums } from './inode.ts';
import { InodeState } from './inode-table.ts';
import { type NodeLevel, NodeQueue } from './node-queue.ts';
import { walkXattrs, XATTR_ENDED } from './xattrs.ts';

/** Levels of nodes below an inode. */
const LEVELS = 3;

/** Visits every inode of the NAT and every node that one of them leads to. */
export function* walkNodes(state: CheckState): Task<void> {
  const { superblock, nodes, inodes, main } = state;
  const queue = new NodeQueue(state);
  const lenient = withoutChecksums(superblock);
  const addresses = new NumberList();
  const rows = new NumberList();
  for (let index = 0; index < inodes.count; index++) {
    const address = nodes.addresses[inodes.nids[index]!]!;
    if (!main.contains(address)) continue; // a natAddress already
    addresses.push(address);
    rows.push(index);
  }
  yield* state.sweep.run(
    addresses.items,
    (block, address, n) => {
      const index = rows.at(n);
      const nid = inodes.nids[index]!;
      if (takeNode(state, block, address, nid, nid, NodeOffset.inode)) {
        visitInode(state, lenient, block, address, index, queue);
      }
      return flushIfFull(state);
    },
    addresses.length,
  );
  for (let level = 0; level < LEVELS; level++) {
    const queued = queue.take();
    yield* state.sweep.run(
      queued.addresses.items,
      (block, address, n) => {
        visitNode(state, block, address, queued, n, queue);
        return flushIfFull(state);
      },
      queued.addresses.length,
    );
  }
  yield* state.summaries.flush();
}

function flushIfFull({ summaries }: CheckState): Task<void> | undefined {
  return summaries.full ? summaries.flush() : undefined;
}

/** What holds for every node block. False when it is not the wanted node: then nothing in it means anything. */
function takeNode(
  state: CheckState,
  { view }: SweptBlock,
  address: number,
  nid: number,
  ino: number,
  nodeOffset: number,
): boolean {
  const { main, summaries, findings } = state;
  main.claim(address, true, nid, ino);
  if (hasWrongFooter(state, view, address, nid, ino)) return false;
  summaries.expectNode(address, nid);
  state.nodesMet++;
  const found = nodeOffsetOf(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET));
  if (found !== nodeOffset) {
    const place = {
      area: 'main' as const,
      block: address,
      offset: NODE_FOOTER_OFFSET + NodeFooter.flag.offset,
      nid,
      ino,
    };
    findings.add('nodeOffset', place, nodeOffset, found);
  }
  return true;
}

function visitNode(
  state: CheckState,
  block: SweptBlock,
  address: number,
  level: NodeLevel,
  n: number,
  queue: NodeQueue,
): void {
  const { inodes, nodes, findings } = state;
  const { view } = block;
  const nid = level.nids.at(n);
  const index = level.inodes.at(n);
  const nodeOffset = level.nodeOffsets.at(n);
  const ino = inodes.nids[index]!;
  if (!takeNode(state, block, address, nid, ino, nodeOffset)) {
    inodes.mark(index, InodeState.incomplete);
    return;
  }
  inodes.blocksFound[index]!++;
  if (nodeOffset === XATTR_NODE_OFFSET) {
    const position = level.positions.at(n) | 0;
    walkXattrs(findings, view, 0, XATTR_NODE_BYTES, position, 0, { area: 'main', block: address, nid, ino });
  } else if (isIndirectNodeOffset(nodeOffset)) {
    for (let slot = 0; slot < NIDS_PER_NODE; slot++) {
      const child = IndirectNode.nids.get(view, 0, slot);
      if (child === 0) continue;
      queue.point(child, index, childOffset(nodeOffset, slot), nid, `slot ${slot}`, XATTR_ENDED);
    }
  } else {
    const run: SlotRun = {
      view,
      at: DirectNode.addresses.offset,
      count: inodes.nodeSlots[index]!,
      index,
      nid,
      block: address,
      version: nodes.versions[nid]!,
      firstFileBlock: firstFileBlockOf(nodeOffset, inodes.inodeSlots[index]!, inodes.nodeSlots[index]!),
    };
    walkSlots(state, run);
    if (inodes.has(index, InodeState.compressed)) checkLeftover(state, run, ADDRESSES_PER_NODE);
  }
}

/** The place in the tree of what slot `slot` of an indirect node points to. */
function childOffset(nodeOffset: number, slot: number): number {
  // Below the double indirect node stand groups of an indirect node and what is below it.
  return nodeOffset + 1 + (nodeOffset === NodeOffset.doubleIndirect ? slot * (NIDS_PER_NODE + 1) : slot);
}
