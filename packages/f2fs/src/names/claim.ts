// Space that an operation will need, taken before it changes anything: blocks are counted, node numbers are drawn. Then
// ENOSPC comes while there is nothing to undo.

import { assert } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { VolumeWriter } from '../volume-writer.ts';

/** A number for a new node, with the version that its NAT entry carries. */
export interface ClaimedNode {
  nid: number;
  version: number;
}

export class Claim {
  readonly #writer: VolumeWriter;
  readonly #nodes: ClaimedNode[] = [];
  #blocks: number;

  private constructor(writer: VolumeWriter, blocks: number) {
    this.#writer = writer;
    this.#blocks = blocks;
  }

  /** Claims `blocks` blocks of data and `nodes` nodes. Throws ENOSPC, or what reading the NAT met, with nothing claimed. */
  static *take(writer: VolumeWriter, blocks: number, nodes: number): Task<Claim> {
    if (nodes > 0) writer.requireNodeRoom(nodes);
    writer.space.reserve(blocks + nodes);
    const claim = new Claim(writer, blocks);
    try {
      while (claim.#nodes.length < nodes) {
        const nid = yield* writer.nids.take();
        claim.#nodes.push({ nid, version: 0 });
        claim.#nodes.at(-1)!.version = (yield* writer.store.nat.lookup(nid)).version;
      }
    } catch (error) {
      writer.space.release(nodes - claim.#nodes.length);
      claim.release();
      throw error;
    }
    return claim;
  }

  /** A node of the claim: counted already as a block, and now as a node. */
  node(): ClaimedNode {
    const node = this.#nodes.pop();
    assert(node !== undefined, 'the nodes of an operation were counted before');
    this.#writer.space.validNodes++;
    return node;
  }

  /** A block of data of the claim. */
  block(): void {
    assert(this.#blocks > 0, 'the blocks of an operation were counted before');
    this.#blocks--;
  }

  /** Gives back what was not used. */
  release(): void {
    this.#writer.space.release(this.#blocks + this.#nodes.length);
    this.#blocks = 0;
    for (const { nid } of this.#nodes.splice(0)) this.#writer.nids.give(nid);
  }
}
