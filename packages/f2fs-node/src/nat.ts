// The node address table: nid → where the node lives now.
//
//   1. what changed since the last checkpoint
//   2. the journal of the checkpoint's hot data summary, also when it says that the nid is free
//   3. otherwise the NAT block of the nid, in the copy that the version bitmap names
//
// NAT blocks come through the page cache, which bounds their memory; the journal holds at most 38 entries.
// Source: spec 4.1 to 4.3; kernel fs/f2fs/node.c.

import {
  corrupt,
  NAT_JOURNAL_ENTRIES,
  NatEntry,
  type NatRecord,
  natBlockAddress,
  natBlockIndex,
  natCopyAddress,
  natEntryOffset,
  nidCount,
  otherNatAddress,
  type Superblock,
  testMsb,
  toggleMsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { DeviceMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { MetadataBlocks } from './metadata-blocks.ts';
import type { NatBits } from './nat-bits.ts';

/** What a checkpoint stores of the table. */
export interface NatCommit {
  /** At most 38 entries. */
  readonly journal: readonly NatRecord[];
  readonly versionBitmap: Uint8Array;
}

export class NodeAddressTable {
  readonly superblock: Superblock;
  /** nids from here on do not exist on this volume. */
  readonly nidEnd: number;
  /** Of a volume that is written to and keeps them: they follow the NAT blocks. */
  bits: NatBits | undefined;
  /** Which copy of each NAT block the checkpoint in force refers to. */
  #versionBitmap: Uint8Array;
  /** The same of the checkpoint that is being written. */
  #nextVersionBitmap: Uint8Array;
  readonly #blocks: DeviceMapping;
  #journal: ReadonlyMap<number, NatRecord>;
  /** Changed since the last checkpoint. */
  readonly #dirty = new Map<number, NatRecord>();
  /** The journal of the checkpoint that is being written. */
  #next: ReadonlyMap<number, NatRecord> = new Map();

  /** `versionBitmap`: the NAT version bitmap of the checkpoint. `journal`: its NAT journal, where the last entry wins. */
  constructor(superblock: Superblock, blocks: DeviceMapping, versionBitmap: Uint8Array, journal: readonly NatRecord[]) {
    this.superblock = superblock;
    this.nidEnd = nidCount(superblock);
    this.#journal = new Map(journal.map((record) => [record.nid, record]));
    this.#blocks = blocks;
    this.#versionBitmap = versionBitmap.slice();
    this.#nextVersionBitmap = this.#versionBitmap;
  }

  /** The NAT journal of the last checkpoint. */
  get journal(): ReadonlyMap<number, NatRecord> {
    return this.#journal;
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
    const journaled = this.#dirty.get(nid) ?? this.#journal.get(nid);
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

  /** The entry as it is from now on, and after the next checkpoint. */
  set(record: NatRecord): void {
    this.#dirty.set(record.nid, record);
  }

  /**
   * Puts every changed entry where the next checkpoint finds it: into the journal if all of them fit there, else into the
   * copies of NAT blocks that are not current. `emptyJournal`: nothing stays in the journal, however little it is. Returns
   * what the checkpoint stores of it. Nothing may change until {@link committed}.
   */
  *commit(metadata: MetadataBlocks, { emptyJournal = false }: { emptyJournal?: boolean } = {}): Task<NatCommit> {
    const versionBitmap = this.#versionBitmap.slice();
    this.#nextVersionBitmap = versionBitmap;
    const records = new Map([...this.#journal, ...this.#dirty]);
    this.#next = !emptyJournal && records.size <= NAT_JOURNAL_ENTRIES ? records : new Map();
    if (this.#next === records) return { journal: [...records.values()], versionBitmap };
    const blocks = new Map<number, NatRecord[]>();
    for (const record of records.values()) {
      const index = natBlockIndex(record.nid);
      const block = blocks.get(index);
      if (block === undefined) blocks.set(index, [record]);
      else block.push(record);
    }
    for (const [index, changed] of [...blocks].sort(([a], [b]) => a - b)) {
      const current = natCopyAddress(this.superblock, index, testMsb(versionBitmap, index) ? 1 : 0);
      const bytes = (yield* metadata.get(current)).bytes.slice();
      const view = viewOf(bytes);
      for (const { nid, version, ino, blockAddress } of changed) {
        const at = natEntryOffset(nid);
        NatEntry.version.set(view, at, version);
        NatEntry.ino.set(view, at, blockAddress === 0 ? 0 : ino);
        NatEntry.blockAddress.set(view, at, blockAddress);
      }
      this.bits?.update(index, view);
      metadata.put(otherNatAddress(this.superblock, current), bytes);
      toggleMsb(versionBitmap, index);
    }
    return { journal: [], versionBitmap };
  }

  /** The checkpoint that {@link commit} prepared is durable. Until now lookups went by the old copies and what had changed. */
  committed(): void {
    this.#versionBitmap = this.#nextVersionBitmap;
    this.#journal = this.#next;
    this.#dirty.clear();
  }
}
