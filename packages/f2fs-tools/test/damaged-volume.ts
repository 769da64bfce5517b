// A golden volume on which one thing is made wrong at a time: the checksums around it are made right again, so that only the
// wrong thing can be found.

import type { MemoryDevice } from '@f2fskit/block';
import {
  clearLsb,
  clearMsb,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  type DentryLayout,
  decodeInode,
  dentryEntryOffset,
  dentryLayoutOf,
  dentryNameOffset,
  dentrySlots,
  FileType,
  InlineFlag,
  type InodeFields,
  mainEndAddress,
  NatEntry,
  NatJournal,
  NatJournalEntry,
  SitEntry,
  SitJournal,
  SitJournalEntry,
  SUPER_OFFSET,
  sealCheckpoint,
  sealInode,
  sealSuperblock,
  segmentOf,
  segmentOffsetOf,
  setMsb,
  sitBlockAddress,
  sitEntryOffset,
  testMsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { loadGolden, mapStructures, NatTable, readImageBlock, writeImageBlock } from '@f2fskit/testkit';
import type { FindingPlace } from '../src/fsck/report.ts';

export type Change = (view: DataView, bytes: Uint8Array) => void;
type StructureMap = ReturnType<typeof mapStructures>;

const maps = new Map<string, StructureMap>();
/** Inodes of the golden volumes, decoded once. */
const decoded = new Map<string, Map<number, InodeFields>>();

/** One entry of a directory, where it is. */
export interface Entry {
  readonly block: number;
  /** Byte of the area in the block. */
  readonly at: number;
  readonly layout: DentryLayout;
  readonly slot: number;
  readonly name: string;
  readonly ino: number;
  readonly type: number;
  /** The inode whose checksum covers it, for inline entries. */
  readonly inline: boolean;
}

/** A golden volume with something wrong. */
export class Damaged {
  readonly device: MemoryDevice;
  readonly map: StructureMap;
  readonly nat: NatTable;
  readonly superblock: StructureMap['frame']['superblock'];
  readonly #fields: Map<number, InodeFields>;

  constructor(name: string) {
    const golden = loadGolden(name).device;
    this.map = maps.get(name) ?? mapStructures(golden);
    maps.set(name, this.map);
    this.device = golden.clone();
    this.superblock = this.map.frame.superblock;
    this.#fields = decoded.get(name) ?? new Map();
    decoded.set(name, this.#fields);
    this.nat = new NatTable(golden, this.map.frame);
  }

  /** The place of something in a block, changed. */
  block(address: number, change: Change): FindingPlace {
    const { bytes, view } = readImageBlock(this.device, address);
    change(view, bytes);
    writeImageBlock(this.device, address, bytes);
    return { area: 'main', block: address };
  }

  superblocks(copies: readonly number[], change: Change): void {
    for (const copy of copies) {
      this.block(copy, (_view, bytes) => {
        const raw = bytes.subarray(SUPER_OFFSET);
        change(viewOf(raw), raw);
        sealSuperblock(raw);
      });
    }
  }

  /** The checkpoint in force, at both ends of its pack or at one of them. */
  checkpoint(change: Change, ends: readonly ('first' | 'last')[] = ['first', 'last']): void {
    const { packAddress, layout } = this.map.frame;
    for (const end of ends) {
      this.block(end === 'first' ? packAddress : packAddress + layout.lastIndex, (view, bytes) => {
        change(view, bytes);
        sealCheckpoint(bytes);
      });
    }
  }

  /** An inode, sealed again. */
  inode(ino: number, change: Change): FindingPlace {
    const place = this.block(this.nat.addressOf(ino), (view, bytes) => {
      change(view, bytes);
      sealInode(this.superblock, bytes);
    });
    return { ...place, ino };
  }

  /** The inode as it is on the golden volume. */
  fields(ino: number): InodeFields {
    const known = this.#fields.get(ino);
    if (known !== undefined) return known;
    const address = this.nat.addressOf(ino);
    const { bytes, view } = readImageBlock(this.map.frame.image, address);
    const fields = decodeInode(bytes, view, this.superblock, { nid: ino, address });
    this.#fields.set(ino, fields);
    return fields;
  }

  /** The first inode of the volume that is as wanted. */
  find(wanted: (fields: InodeFields) => boolean): InodeFields {
    for (const ino of this.map.inodes.keys()) {
      const fields = this.fields(ino);
      if (wanted(fields)) return fields;
    }
    throw new Error('the volume has no such inode');
  }

  /** The address in slot `slot` of an inode. */
  slot(fields: InodeFields, slot: number): number {
    return readImageBlock(this.device, this.nat.addressOf(fields.nid)).view.getUint32(
      fields.addressesOffset + 4 * slot,
      true,
    );
  }

  /** An ordinary file with a block in each of its first slots, written to the end of the inode's room. */
  blockFile(blocks = 2): InodeFields {
    return this.find((fields) => {
      if (fields.fileType !== FileType.regular || fields.compressed || isInline(fields)) return false;
      return Array.from({ length: blocks }, (_, slot) => this.slot(fields, slot)).every((address) =>
        this.isBlock(address),
      );
    });
  }

  /** A segment in use that no log stands in, so that its SSA block is believed. */
  segmentOfSsa(): number {
    const { currentDataSegments, currentNodeSegments } = this.map.frame.checkpoint;
    const current = new Set<number>([...currentDataSegments, ...currentNodeSegments]);
    for (const ino of this.map.inodes.keys()) {
      const fields = this.fields(ino);
      const addresses = [this.nat.addressOf(ino)];
      if (!isInline(fields)) for (let slot = 0; slot < 100; slot++) addresses.push(this.slot(fields, slot));
      for (const address of addresses) {
        if (!this.isBlock(address)) continue;
        const segno = segmentOf(this.superblock, address);
        if (!current.has(segno)) return segno;
      }
    }
    throw new Error('every segment in use is a current one');
  }

  isBlock(address: number): boolean {
    return address >= this.superblock.mainAddress && address < mainEndAddress(this.superblock);
  }

  /** NAT entry of a nid: in the journal if it is there, else in the table. */
  natEntry(nid: number, entry: { ino?: number; blockAddress?: number }): void {
    const { natJournal } = this.map.frame;
    this.block(natJournal.block, (view) => {
      const count = NatJournal.count.get(view, natJournal.offset);
      for (let n = 0; n < count; n++) {
        const at = NatJournal.entries.at(natJournal.offset, n);
        if (NatJournalEntry.nid.get(view, at) !== nid) continue;
        if (entry.ino !== undefined) NatJournalEntry.ino.set(view, at, entry.ino);
        if (entry.blockAddress !== undefined) NatJournalEntry.blockAddress.set(view, at, entry.blockAddress);
      }
    });
    const { block, offset } = this.nat.place(nid);
    this.block(block, (view) => {
      if (entry.ino !== undefined) NatEntry.ino.set(view, offset, entry.ino);
      if (entry.blockAddress !== undefined) NatEntry.blockAddress.set(view, offset, entry.blockAddress);
    });
  }

  /** The SIT entry of a segment that is in force: `at` is its byte in the block. */
  sitEntry(segno: number, change: (view: DataView, at: number, bytes: Uint8Array) => void): void {
    const { packAddress, layout, bitmaps } = this.map.frame;
    const index = layout.dataSummaryIndex + (layout.compact ? 0 : 2);
    const start = layout.compact ? 507 : 3584;
    let journaled = false;
    this.block(packAddress + index, (view, bytes) => {
      for (let n = 0; n < SitJournal.count.get(view, start); n++) {
        const at = SitJournal.entries.at(start, n);
        if (SitJournalEntry.segno.get(view, at) !== segno) continue;
        journaled = true;
        change(view, SitJournalEntry.entry.at(at, 0), bytes);
      }
    });
    if (journaled) return;
    this.block(sitBlockAddress(this.superblock, segno, bitmaps.sit), (view, bytes) => {
      change(view, sitEntryOffset(segno), bytes);
    });
  }

  /** Valid or not, with the count that goes with it. */
  setValid(address: number, valid: boolean): void {
    const bit = segmentOffsetOf(this.superblock, address);
    this.sitEntry(segmentOf(this.superblock, address), (view, at, bytes) => {
      const map = at + SitEntry.validMap.offset;
      if (testMsb(bytes, bit, map) === valid) throw new Error('nothing to change');
      (valid ? setMsb : clearMsb)(bytes, bit, map);
      const count = SitEntry.validBlocksAndType.get(view, at);
      SitEntry.validBlocksAndType.set(view, at, count + (valid ? 1 : -1));
    });
  }

  setSegmentType(segno: number, type: number): void {
    this.sitEntry(segno, (view, at) => {
      const count = SitEntry.validBlocksAndType.get(view, at) & 0x3ff;
      SitEntry.validBlocksAndType.set(view, at, (type << 10) | count);
    });
  }

  /** Every entry of a directory that has inline entries or a block 0. */
  entries(ino: number): Entry[] {
    const fields = this.fields(ino);
    const address = this.nat.addressOf(ino);
    if (isInline(fields))
      return this.#entriesIn(address, fields.inlineArea.offset, dentryLayoutOf(fields.inlineArea.size), true);
    const found: Entry[] = [];
    for (let slot = 0; slot < fields.addressesPerInode; slot++) {
      const block = this.slot(fields, slot);
      if (block !== 0) found.push(...this.#entriesIn(block, 0, DENTRY_BLOCK_LAYOUT, false));
    }
    return found;
  }

  #entriesIn(block: number, at: number, layout: DentryLayout, inline: boolean): Entry[] {
    const { bytes, view } = readImageBlock(this.device, block);
    const found: Entry[] = [];
    for (let slot = 0; slot < layout.slots; ) {
      if ((bytes[at + (slot >>> 3)]! & (1 << (slot & 7))) === 0) {
        slot++;
        continue;
      }
      const entry = at + dentryEntryOffset(layout, slot);
      const length = Dentry.nameLength.get(view, entry);
      const nameAt = at + dentryNameOffset(layout, slot);
      const name = Buffer.from(bytes.subarray(nameAt, nameAt + length)).toString('latin1');
      const ino = Dentry.ino.get(view, entry);
      found.push({ block, at, layout, slot, name, ino, type: Dentry.fileType.get(view, entry), inline });
      slot += dentrySlots(length);
    }
    return found;
  }

  /** Changes an entry; `at` is the byte of the entry. */
  entry(
    ino: number,
    { block, at, layout, slot, inline }: Entry,
    change: (view: DataView, at: number, bytes: Uint8Array) => void,
  ): FindingPlace {
    this.block(block, (view, bytes) => {
      change(view, at + dentryEntryOffset(layout, slot), bytes);
      if (inline) sealInode(this.superblock, bytes);
    });
    return { area: 'main', ino, block };
  }

  /** Takes the marks of an entry away. */
  unlink(ino: number, entry: Entry): FindingPlace {
    return this.entry(ino, entry, (_view, _at, bytes) => {
      for (let n = 0; n < dentrySlots(entry.name.length); n++) clearLsb(bytes, entry.slot + n, entry.at);
    });
  }

  /** The directory that has the most entries in its block 0 or inline. */
  directory(wanted: (fields: InodeFields) => boolean = () => true): number {
    return this.find((fields) => {
      if (fields.fileType !== FileType.directory || !wanted(fields)) return false;
      return this.entries(fields.nid).filter(({ type }) => type === FileType.regular).length >= 2;
    }).nid;
  }

  file(directory: number): Entry {
    return this.entries(directory).find(({ type }) => type === FileType.regular)!;
  }
}

export const isInline = ({ inlineFlags }: InodeFields): boolean =>
  (inlineFlags & (InlineFlag.data | InlineFlag.dentry)) !== 0;
