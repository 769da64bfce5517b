// Nodes that were pointed to and wait for their sweep: the nodes below inodes, level by level. A node is queued once, for
// the first pointer to it, so the queue never holds more than the NAT has entries.

import { isFileNid } from '@f2fskit/f2fs-format';
import { NumberList } from './block-sweep.ts';
import type { CheckState } from './check-state.ts';
import { InodeState } from './inode-table.ts';
import type { XattrPosition } from './xattrs.ts';

/** One level of nodes, in columns. */
export class NodeLevel {
  readonly nids = new NumberList();
  readonly addresses = new NumberList();
  /** Index of the inode in the inode table. */
  readonly inodes = new NumberList();
  readonly nodeOffsets = new NumberList();
  /** For xattr nodes: where the list goes on. */
  readonly positions = new NumberList();
}

export class NodeQueue {
  readonly #state: CheckState;
  #next = new NodeLevel();

  constructor(state: CheckState) {
    this.#state = state;
  }

  /** What was queued so far; the next level begins. */
  take(): NodeLevel {
    const level = this.#next;
    this.#next = new NodeLevel();
    return level;
  }

  /**
   * A pointer to node `nid` at `nodeOffset` of the tree of an inode, found in node `from`. Queues the node if it exists,
   * belongs to this inode and was not pointed to before.
   */
  point(nid: number, index: number, nodeOffset: number, from: number, where: string, position: XattrPosition): void {
    const { superblock, nodes, inodes, main, findings } = this.#state;
    const ino = inodes.nids[index]!;
    const place = { area: 'main' as const, block: nodes.addressOf(from), nid: from, ino };
    const address = isFileNid(superblock, nid) ? nodes.addressOf(nid) : 0;
    if (address === 0) findings.add('nodePointer', place, 'a nid in use', nid, where);
    else if (nodes.inos[nid] !== ino) {
      findings.add('nodePointer', place, `a node of ino ${ino}`, `nid ${nid} of ino ${nodes.inos[nid]}`, where);
    } else if (nid === ino) findings.add('nodePointer', place, 'a node below the inode', `nid ${nid}`, where);
    else if (nodes.reached[nid] !== 0) findings.add('nodeTwice', { ...place, nid }, undefined, undefined, where);
    else {
      nodes.reached[nid] = 1;
      if (main.contains(address)) {
        const level = this.#next;
        level.nids.push(nid);
        level.addresses.push(address);
        level.inodes.push(index);
        level.nodeOffsets.push(nodeOffset);
        level.positions.push(position >>> 0);
        return;
      }
    }
    inodes.mark(index, InodeState.incomplete);
  }
}
