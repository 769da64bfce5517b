// The slots of one node of a file, for writeback, which goes through them in order: the way to the node is walked once, and
// then a slot is a look at memory. Used within operations only; between them the tree may change, so the node is
// recognised by its footer each time.

import { NODE_FOOTER_OFFSET, NodeFooter, nodeOffsetOf } from '@f2fskit/f2fs-format';
import { type DecodedInode, locateDnode, type NodeStore } from '@f2fskit/f2fs-node';
import { peekPage } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BlockOwner } from '../log/log.ts';

export class SlotWindow {
  readonly #store: NodeStore;
  /** The file blocks [start, end) have their slots in this node. */
  #start = 0;
  #end = 0;
  #nid = 0;
  #nodeOffset = 0;
  #slotOffset = 0;
  /** NAT version of the node. */
  #version = 0;

  constructor(store: NodeStore) {
    this.#store = store;
  }

  get nid(): number {
    return this.#nid;
  }

  /** The file block behind the last one of the window. */
  get end(): number {
    return this.#end;
  }

  /** Makes the window hold a file block; false where that has no node. Throws EFBIG, and what reading nodes throws. */
  *find(inode: DecodedInode, fileBlock: number): Task<boolean> {
    if (this.view(inode.ino, fileBlock) !== undefined) return true;
    this.#end = 0;
    const range = yield* locateDnode(this.#store, inode, fileBlock);
    if (range.hole) return false;
    const { nid, node, slotOffset, start, end } = range;
    const nodeOffset = nid === inode.ino ? 0 : nodeOffsetOf(NodeFooter.flag.get(node.view, NODE_FOOTER_OFFSET));
    const { version } = yield* this.#store.nat.lookup(nid);
    this.#start = start;
    this.#end = end;
    this.#nid = nid;
    this.#nodeOffset = nodeOffset;
    this.#slotOffset = slotOffset;
    this.#version = version;
    return true;
  }

  /** The node with the slot of a file block, if the window holds it and it is in memory; good until the next wait. */
  view(ino: number, fileBlock: number): DataView | undefined {
    if (fileBlock < this.#start || fileBlock >= this.#end) return undefined;
    const node = peekPage(this.#store.nodes, this.#nid);
    if (node === undefined || NodeFooter.ino.get(node.view, NODE_FOOTER_OFFSET) !== ino) return undefined;
    if (this.#nid === ino) return node.view;
    const found = nodeOffsetOf(NodeFooter.flag.get(node.view, NODE_FOOTER_OFFSET));
    return found === this.#nodeOffset ? node.view : undefined;
  }

  /** Byte in the node of the slot of a file block. */
  byteOf(fileBlock: number): number {
    return this.#slotOffset + 4 * (fileBlock - this.#start);
  }

  ownerOf(fileBlock: number): BlockOwner {
    return { nid: this.#nid, version: this.#version, offsetInNode: fileBlock - this.#start };
  }
}
