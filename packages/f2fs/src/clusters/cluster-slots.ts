// What the slots of a file say of its clusters, for who is about to change one:
//
//   hole         no slot holds anything
//   plain        blocks with places of their own, reserved ones, holes
//   compressed   the mark, 1 … C-1 addresses, then reserved or released slots (F1)
//
// The slots of a cluster lie in one node (F2), so a cluster is looked at in one step. The size of the file has no part in it (D10).
// Source: buffered I/O spec 10, 12.2.

import { Corruption } from '@f2fskit/errno';
import { COMPRESS_ADDRESS, clusterBlocks, corrupt, isMainAddress, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { SlotWindow } from '../data/slot-window.ts';
import type { F2fsInode } from '../inode.ts';
import { isHoleOrMark } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';

export type ClusterClass = 'hole' | 'plain' | 'compressed';

export class ClusterSlots {
  readonly window: SlotWindow;
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;

  constructor(writer: VolumeWriter, inode: F2fsInode) {
    this.window = new SlotWindow(writer.store);
    this.#writer = writer;
    this.#inode = inode;
  }

  /** Blocks of a cluster of this file. */
  get clusterBlocks(): number {
    return clusterBlocks(this.#inode.fields.logClusterSize);
  }

  /** The class of a cluster, where its node is in memory; else `undefined`. Throws Corruption clusterLayout, blockAddress. */
  classNow(cluster: number): ClusterClass | undefined {
    const start = cluster * this.clusterBlocks;
    const view = this.#inode.gone ? undefined : this.window.view(this.#inode.ino, start);
    if (view === undefined) return undefined;
    const first = this.window.byteOf(start);
    const end = first + 4 * this.clusterBlocks;
    if (view.getUint32(first, true) === COMPRESS_ADDRESS) {
      this.payloadOf(cluster, view);
      return 'compressed';
    }
    for (let byte = first; byte < end; byte += 4) if (view.getUint32(byte, true) !== NULL_ADDRESS) return 'plain';
    return 'hole';
  }

  /** As {@link classNow}, and reads what that takes. Throws also what reading nodes throws. */
  *classOf(cluster: number): Task<ClusterClass> {
    const { raw, gone } = this.#inode;
    if (gone || !(yield* this.window.find(raw, cluster * this.clusterBlocks))) return 'hole';
    return this.classNow(cluster)!;
  }

  /**
   * Addresses of the payload of a compressed cluster, whose node `view` is. Throws Corruption clusterLayout for a payload behind a
   * slot without one, or none at all; blockAddress for an address outside of the main area.
   */
  payloadOf(cluster: number, view: DataView): number[] {
    const { superblock } = this.#writer.store;
    const start = cluster * this.clusterBlocks;
    const payload: number[] = [];
    for (let index = 1; index < this.clusterBlocks; index++) {
      const byte = this.window.byteOf(start + index);
      const address = view.getUint32(byte, true);
      const where = { ino: this.#inode.ino, nid: this.window.nid, offset: byte, fileBlock: start + index };
      if (isHoleOrMark(address) && address !== COMPRESS_ADDRESS) continue;
      if (address === COMPRESS_ADDRESS || payload.length !== index - 1) {
        const detail = 'a payload block behind a slot without one, or a second mark';
        throw corrupt('clusterLayout', { where, found: address, detail });
      }
      if (!isMainAddress(superblock, address)) {
        const expected = `an address in the main area [${superblock.mainAddress}, …)`;
        throw corrupt('blockAddress', { where, expected, found: address });
      }
      payload.push(address);
    }
    if (payload.length === 0) {
      const where = { ino: this.#inode.ino, nid: this.window.nid, offset: this.window.byteOf(start), fileBlock: start };
      throw corrupt('clusterLayout', { where, detail: 'a compressed cluster without payload' });
    }
    return payload;
  }

  /** Whether a cluster whose class is known has a slot that holds nothing. */
  hasHole(cluster: number): boolean {
    const start = cluster * this.clusterBlocks;
    const view = this.window.view(this.#inode.ino, start);
    const first = this.window.byteOf(start);
    const end = first + 4 * this.clusterBlocks;
    for (let byte = first; byte < end; byte += 4) if (view?.getUint32(byte, true) === NULL_ADDRESS) return true;
    return view === undefined;
  }

  /**
   * The cluster behind the last one of the same class as `cluster`, as far as that is known without waiting; below `end`. Damage
   * ends it: what comes before that can be written.
   */
  classEnd(cluster: number, wanted: ClusterClass, end: number): number {
    let at = cluster + 1;
    try {
      while (at < end && sameForWrites(this.classNow(at), wanted)) at++;
    } catch (error) {
      if (!(error instanceof Corruption)) throw error;
    }
    return at;
  }
}

/** Holes and plain clusters are written in the same way. */
function sameForWrites(a: ClusterClass | undefined, b: ClusterClass): boolean {
  return a !== undefined && (a === 'compressed') === (b === 'compressed');
}
