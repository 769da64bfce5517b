// The nodes below an inode that lead to its blocks, each with its place in the tree.

import { NIDS_PER_NODE } from '@f2fskit/f2fs-format';
import type { DecodedInode, NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { SUBTREES } from '../names/free-inode.ts';

export interface TreeNode {
  readonly nid: number;
  readonly nodeOffset: number;
}

/** All of them; no node is among them twice. Throws what reading nodes throws. */
export function* treeNodes(store: NodeStore, inode: DecodedInode): Task<TreeNode[]> {
  const found: TreeNode[] = [];
  for (const [index, { nodeOffset, levels }] of SUBTREES.entries()) {
    const nid = inode.fields.nids[index]!;
    if (nid !== 0) yield* below(store, inode.ino, { nid, nodeOffset }, levels, found);
  }
  return found;
}

function* below(store: NodeStore, ino: number, node: TreeNode, levels: number, found: TreeNode[]): Task<void> {
  found.push(node);
  // A copy, and a check of direct nodes: below, other nodes are waited for.
  const { bytes } = yield* store.readNode(node.nid, { ino, nodeOffset: node.nodeOffset });
  if (levels === 0) return;
  const children = new DataView(bytes.slice(0, 4 * NIDS_PER_NODE).buffer);
  for (let k = 0; k < NIDS_PER_NODE; k++) {
    const nid = children.getUint32(4 * k, true);
    if (nid === 0) continue;
    const nodeOffset = node.nodeOffset + 1 + (levels === 1 ? k : k * (NIDS_PER_NODE + 1));
    yield* below(store, ino, { nid, nodeOffset }, levels - 1, found);
  }
}
