// The segments of a volume that is written to: how many blocks of each are valid, and which.
//
//   per segment, always in memory   valid blocks now, blocks that are held until the next checkpoint, type: 5 bytes
//   per segment in use by a writer  bit maps and the time: loaded when first needed, dropped when clean and of no log
//
// A block that was valid at the last checkpoint is not written to before the next one, even if nothing points to it any
// more: a crash goes back to that checkpoint (I-61). Nor is a block that was written since (I-33): fsynced nodes are a chain
// through the log, which recovery follows, and what they point to was promised. Hence a map of the blocks that are held.
// Source: spec 4.5, 4.6, 5.3; kernel fs/f2fs/segment.c.

import { assert } from '@f2fskit/errno';
import {
  clearMsb,
  corrupt,
  countBits,
  decodeSitEntry,
  encodeSitEntry,
  SEGMENT_BLOCKS,
  type SegmentInformation,
  SIT_ENTRIES_PER_BLOCK,
  SIT_JOURNAL_ENTRIES,
  type Superblock,
  setMsb,
  sitBlockAddress,
  sitBlockIndex,
  sitCopyAddress,
  sitEntryOffset,
  testMsb,
  toggleMsb,
} from '@f2fskit/f2fs-format';
import type { MetadataBlocks } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';

/** Clean segments whose maps are kept. */
const CLEAN_SEGMENTS_MAX = 1024;

/** A segment whose maps are in memory. */
export class Segment {
  readonly segno: number;
  type: number;
  /** MSB-first: bit i = block i holds something now. */
  readonly valid: Uint8Array;
  /** The same at the last checkpoint. */
  readonly committed: Uint8Array;
  /** Not to be written before the next checkpoint: valid at the last one, or taken since. */
  readonly held: Uint8Array;
  modifiedTime: number;
  dirty = false;
  /** A log writes to it, or is about to: whoever asks for it must get this object. */
  current = false;

  constructor({ segno, type, validMap, modifiedTime }: SegmentInformation) {
    this.segno = segno;
    this.type = type;
    this.valid = validMap;
    this.committed = validMap.slice();
    this.held = validMap.slice();
    this.modifiedTime = modifiedTime;
  }

  /** The first block at or after `from` that may be written. 512 = none. */
  nextHole(from: number): number {
    for (let offset = from; offset < SEGMENT_BLOCKS; offset++) {
      if (!testMsb(this.held, offset)) return offset;
    }
    return SEGMENT_BLOCKS;
  }
}

export class SegmentTable {
  readonly superblock: Superblock;
  /** Valid blocks of each segment now. */
  readonly validCounts: Uint16Array;
  /** Blocks of each segment that are not to be written before the next checkpoint. */
  readonly heldCounts: Uint16Array;
  readonly types: Uint8Array;
  readonly #blocks: MetadataBlocks;
  /** Which copy of each SIT block is current; what the next checkpoint stores. */
  readonly versionBitmap: Uint8Array;
  /** Entries that stand in the SIT journal and overrule the table. */
  #journal: Map<number, SegmentInformation>;
  readonly #loaded = new Map<number, Segment>();
  readonly #dirty = new Set<Segment>();

  constructor(
    superblock: Superblock,
    blocks: MetadataBlocks,
    versionBitmap: Uint8Array,
    journal: readonly SegmentInformation[],
  ) {
    this.superblock = superblock;
    this.#blocks = blocks;
    this.versionBitmap = versionBitmap.slice();
    this.#journal = new Map(journal.map((entry) => [entry.segno, entry]));
    this.validCounts = new Uint16Array(superblock.segmentCountMain);
    this.heldCounts = new Uint16Array(superblock.segmentCountMain);
    this.types = new Uint8Array(superblock.segmentCountMain);
  }

  /** Reads the whole table once. Throws Corruption (sitValidBlocks, sitType), EIO. */
  *load(): Task<void> {
    const { segmentCountMain } = this.superblock;
    for (let first = 0; first < segmentCountMain; first += SIT_ENTRIES_PER_BLOCK) {
      const address = sitBlockAddress(this.superblock, first, this.versionBitmap);
      const { view } = yield* this.#blocks.get(address);
      const end = Math.min(first + SIT_ENTRIES_PER_BLOCK, segmentCountMain);
      for (let segno = first; segno < end; segno++) {
        const journaled = this.#journal.get(segno);
        const entry = journaled ?? decodeSitEntry(view, sitEntryOffset(segno), segno, address);
        this.validCounts[segno] = entry.validBlocks;
        this.types[segno] = entry.type;
      }
    }
    this.heldCounts.set(this.validCounts);
  }

  /** The segment if its maps are in memory. */
  peek(segno: number): Segment | undefined {
    return this.#loaded.get(segno);
  }

  /** The segment with its maps. Throws what {@link load} throws. */
  *get(segno: number): Task<Segment> {
    const loaded = this.#loaded.get(segno);
    if (loaded !== undefined) return loaded;
    const journaled = this.#journal.get(segno);
    let entry: SegmentInformation | undefined =
      journaled === undefined ? undefined : { ...journaled, validMap: journaled.validMap.slice() };
    if (entry === undefined) {
      const address = sitBlockAddress(this.superblock, segno, this.versionBitmap);
      const { view } = yield* this.#blocks.get(address);
      entry = decodeSitEntry(view, sitEntryOffset(segno), segno, address);
    }
    // Another task may have loaded it while this one read.
    const other = this.#loaded.get(segno);
    if (other !== undefined) return other;
    this.#dropClean();
    const segment = new Segment(entry);
    this.#loaded.set(segno, segment);
    return segment;
  }

  /** Marks a block valid. Throws Corruption `sitValidMap` for one that is valid already. */
  setValid(segment: Segment, offset: number, now: number): void {
    if (testMsb(segment.valid, offset)) throw this.#inconsistent(segment.segno, offset, 'free', 'in use');
    setMsb(segment.valid, offset);
    this.hold(segment, offset);
    this.#touch(segment, now);
    this.validCounts[segment.segno]!++;
  }

  /** Keeps a block as it is until the next checkpoint. */
  hold(segment: Segment, offset: number): void {
    if (testMsb(segment.held, offset)) return;
    setMsb(segment.held, offset);
    this.heldCounts[segment.segno]!++;
    this.#markDirty(segment);
  }

  /** Marks a block as free. It can be written again after the next checkpoint. */
  clearValid(segment: Segment, offset: number, now: number): void {
    if (!testMsb(segment.valid, offset)) throw this.#inconsistent(segment.segno, offset, 'in use', 'free');
    clearMsb(segment.valid, offset);
    this.#touch(segment, now);
    this.validCounts[segment.segno]!--;
  }

  setType(segment: Segment, type: number): void {
    if (segment.type === type) return;
    segment.type = type;
    this.types[segment.segno] = type;
    this.#markDirty(segment);
  }

  /** Every block of it may be written. */
  isFree(segno: number): boolean {
    return this.heldCounts[segno] === 0;
  }

  /**
   * Puts every changed entry where the next checkpoint finds it: into the journal if all of them fit there, else into the
   * copies of SIT blocks that are not current. Returns the journal.
   */
  *commit(): Task<readonly SegmentInformation[]> {
    const entries = new Map(this.#journal);
    for (const segment of this.#dirty) entries.set(segment.segno, this.#entryOf(segment));
    if (entries.size <= SIT_JOURNAL_ENTRIES) {
      this.#journal = entries;
      return [...entries.values()];
    }
    const blocks = new Map<number, SegmentInformation[]>();
    for (const entry of entries.values()) {
      const index = sitBlockIndex(entry.segno);
      blocks.set(index, [...(blocks.get(index) ?? []), entry]);
    }
    for (const [index, changed] of [...blocks].sort(([a], [b]) => a - b)) {
      const copy = testMsb(this.versionBitmap, index) ? 1 : 0;
      const bytes = (yield* this.#blocks.get(sitCopyAddress(this.superblock, index, copy))).bytes.slice();
      const view = viewOf(bytes);
      for (const entry of changed) encodeSitEntry(view, sitEntryOffset(entry.segno), entry);
      this.#blocks.put(sitCopyAddress(this.superblock, index, copy === 0 ? 1 : 0), bytes);
      toggleMsb(this.versionBitmap, index);
    }
    this.#journal = new Map();
    return [];
  }

  /** The checkpoint that {@link commit} prepared is durable: what is valid now was valid at the last checkpoint. */
  committed(): void {
    for (const segment of this.#dirty) {
      segment.committed.set(segment.valid);
      segment.held.set(segment.valid);
      segment.dirty = false;
      this.heldCounts[segment.segno] = this.validCounts[segment.segno]!;
    }
    this.#dirty.clear();
  }

  #entryOf({ segno, type, valid, modifiedTime }: Segment): SegmentInformation {
    const validBlocks = countBits(valid);
    assert(validBlocks === this.validCounts[segno], 'the count of a segment is that of its map');
    return { segno, type, validBlocks, validMap: valid.slice(), modifiedTime };
  }

  /** The average of the times of its blocks. Source: spec 4.5. */
  #touch(segment: Segment, now: number): void {
    const blocks = this.validCounts[segment.segno]!;
    segment.modifiedTime =
      segment.modifiedTime === 0 ? now : Math.floor((segment.modifiedTime * blocks + now) / (blocks + 1));
    this.#markDirty(segment);
  }

  #markDirty(segment: Segment): void {
    segment.dirty = true;
    this.#dirty.add(segment);
  }

  /** Segments that the next checkpoint writes: their maps are in memory until then. */
  get dirtyCount(): number {
    return this.#dirty.size;
  }

  #dropClean(): void {
    if (this.#loaded.size - this.#dirty.size < CLEAN_SEGMENTS_MAX) return;
    for (const [segno, segment] of this.#loaded) {
      if (segment.dirty || segment.current) continue;
      this.#loaded.delete(segno);
      return;
    }
  }

  #inconsistent(segno: number, offset: number, expected: string, found: string): Error {
    const block = this.superblock.mainAddress + segno * SEGMENT_BLOCKS + offset;
    return corrupt('sitValidMap', { where: { segno, block }, expected: `a block that is ${expected}`, found });
  }
}
