// The node address table: nid → where the node lives now.
//
//   1. the journal of the checkpoint's hot data summary wins, also when it says that the nid is free
//   2. otherwise the NAT block of the nid, in the copy that the version bitmap names
//
// NAT blocks come through the page cache, which bounds their memory; the journal holds at most 38 entries.
// Source: spec 4.1 to 4.3; kernel fs/f2fs/node.c.

import {
  corrupt,
  NatEntry,
  type NatRecord,
  natBlockAddress,
  natEntryOffset,
  nidCount,
  type Superblock,
} from '@f2fskit/f2fs-format';
import type { DeviceMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';

export class NodeAddressTable {
  readonly superblock: Superblock;
  /** nids from here on do not exist on this volume. */
  readonly nidEnd: number;
  readonly journal: ReadonlyMap<number, NatRecord>;
  readonly #blocks: DeviceMapping;
  readonly #versionBitmap: Uint8Array;

  /** `versionBitmap`: the NAT version bitmap of the checkpoint. `journal`: its NAT journal, where the last entry wins. */
  constructor(superblock: Superblock, blocks: DeviceMapping, versionBitmap: Uint8Array, journal: readonly NatRecord[]) {
    this.superblock = superblock;
    this.nidEnd = nidCount(superblock);
    this.journal = new Map(journal.map((record) => [record.nid, record]));
    this.#blocks = blocks;
    this.#versionBitmap = versionBitmap;
  }

  /** Where the entry of `nid` lies: the block of the copy in use, and the byte inside it. */
  placeOf(nid: number): { block: number; offset: number } {
    return { block: natBlockAddress(this.superblock, nid, this.#versionBitmap), offset: natEntryOffset(nid) };
  }

  /**
   * The entry of a nid; `blockAddress` 0 means free. Throws Corruption `nidRange` for a number that no NAT block holds,
   * and EIO.
   */
  *lookup(nid: number): Task<NatRecord> {
    if (nid <= 0 || nid >= this.nidEnd) {
      throw corrupt('nidRange', { where: { nid }, expected: `1 to ${this.nidEnd - 1}`, found: nid });
    }
    const journaled = this.journal.get(nid);
    if (journaled !== undefined) return journaled;
    const { block: address, offset } = this.placeOf(nid);
    const { view } = this.#blocks.peek(address) ?? (yield* this.#blocks.get(address));
    return {
      nid,
      version: NatEntry.version.get(view, offset),
      ino: NatEntry.ino.get(view, offset),
      blockAddress: NatEntry.blockAddress.get(view, offset),
    };
  }
}
