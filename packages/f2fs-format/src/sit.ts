// The segment information table: for each main segment its type, which of its 512 blocks are valid, and when it was
// last changed. Two copies one after the other; a bit of the SIT version bitmap says which copy of a block is current.
// Entries that changed since may also stand in the SIT journal, which overrules the table.

import { bytes, struct, structs, u16, u32, u64 } from '@f2fskit/ondisk';
import { countBits, testMsb } from './bitmap.ts';
import { LOG_COUNT, SEGMENT_BLOCKS, SIT_ENTRIES_PER_BLOCK, SIT_JOURNAL_ENTRIES } from './constants.ts';
import { corrupt } from './corruption.ts';
import { saturated } from './number.ts';
import type { Superblock } from './superblock.ts';

/** One main segment. 74 bytes, packed. */
export const SitEntry = struct('f2fs_sit_entry', 74, {
  validBlocksAndType: u16(0, 'bits 0-9: valid blocks, 0..512; bits 10-15: segment type, 0..5'),
  validMap: bytes(2, 64, 'MSB-first: bit i = block i of the segment is valid'),
  modifiedTime: u64(66, 'average age of its blocks, in seconds of elapsed time'),
});

/** One SIT block: 55 consecutive segments. */
export const SitBlock = struct('f2fs_sit_block', 4096, {
  entries: structs(0, SitEntry, SIT_ENTRIES_PER_BLOCK, 'entry of segment s at s % 55'),
  reserved: bytes(4070, 26, 'zero'),
});

/** One entry of the SIT journal. 78 bytes. */
export const SitJournalEntry = struct('sit_journal_entry', 78, {
  segno: u32(0, 'whose entry this is'),
  entry: structs(4, SitEntry, 1, 'overrules the table'),
});

/** The journal area of the cold data summary. 507 bytes. */
export const SitJournal = struct('sit_journal', 507, {
  count: u16(0, 'entries in use, 0..6'),
  entries: structs(2, SitJournalEntry, SIT_JOURNAL_ENTRIES, 'a hit here wins over the table'),
  reserved: bytes(470, 37, 'unused'),
});

const VALID_BLOCKS_MASK = 0x3ff;
const TYPE_SHIFT = 10;

type SitPlace = Pick<Superblock, 'segmentCountSit' | 'sitAddress' | 'segmentCountMain'>;

/** The SIT block that holds a segment: its bit in the SIT version bitmap. */
export function sitBlockIndex(segno: number): number {
  return Math.floor(segno / SIT_ENTRIES_PER_BLOCK);
}

/** Byte offset of a segment's entry in its SIT block. */
export function sitEntryOffset(segno: number): number {
  return (segno % SIT_ENTRIES_PER_BLOCK) * SitEntry.$size;
}

/**
 * Address of the current copy of the SIT block that holds `segno`.
 *
 * @throws Corruption segmentRange for a segment beyond the main area.
 */
export function sitBlockAddress(superblock: SitPlace, segno: number, sitBitmap: Uint8Array): number {
  if (segno >= superblock.segmentCountMain) {
    throw corrupt('segmentRange', { where: { segno }, expected: `below ${superblock.segmentCountMain}`, found: segno });
  }
  const index = sitBlockIndex(segno);
  return sitCopyAddress(superblock, index, testMsb(sitBitmap, index) ? 1 : 0);
}

/** Address of copy 0 or 1 of SIT block `index`. */
export function sitCopyAddress(
  superblock: Pick<Superblock, 'segmentCountSit' | 'sitAddress'>,
  index: number,
  copy: 0 | 1,
): number {
  return superblock.sitAddress + index + copy * (superblock.segmentCountSit / 2) * SEGMENT_BLOCKS;
}

/** One decoded segment. */
export interface SegmentInformation {
  readonly segno: number;
  /** 0..5, see {@link SegmentType}. */
  readonly type: number;
  readonly validBlocks: number;
  /** 64 bytes, MSB-first, a copy. */
  readonly validMap: Uint8Array;
  /** Seconds of elapsed time; saturates at 2^53 - 1. */
  readonly modifiedTime: number;
}

/** Number of valid blocks of the entry at `at`; allocates nothing. */
export function sitValidBlocks(view: DataView, at: number): number {
  return SitEntry.validBlocksAndType.get(view, at) & VALID_BLOCKS_MASK;
}

/** Segment type of the entry at `at`, not judged; allocates nothing. */
export function sitType(view: DataView, at: number): number {
  return SitEntry.validBlocksAndType.get(view, at) >>> TYPE_SHIFT;
}

/** The first field of an entry from its two parts. */
export function sitValidBlocksAndType(validBlocks: number, type: number): number {
  return (type << TYPE_SHIFT) | validBlocks;
}

/**
 * The entry at byte `at` of `view`.
 *
 * @param block where the view was read from, for messages.
 * @throws Corruption sitValidBlocks when the count is not that of the map, sitType for a type above 5.
 */
export function decodeSitEntry(view: DataView, at: number, segno: number, block?: number): SegmentInformation {
  const validBlocks = sitValidBlocks(view, at);
  const type = sitType(view, at);
  const validMap = SitEntry.validMap.get(view, at).slice();
  const where = block === undefined ? { segno, offset: at } : { block, segno, offset: at };
  const counted = countBits(validMap);
  if (counted !== validBlocks) {
    throw corrupt('sitValidBlocks', { where, expected: counted, found: validBlocks });
  }
  if (type >= LOG_COUNT) throw corrupt('sitType', { where, expected: `below ${LOG_COUNT}`, found: type });
  return { segno, type, validBlocks, validMap, modifiedTime: saturated(SitEntry.modifiedTime, view, at) };
}

/** Stores an entry at byte `at` of `view`. */
export function encodeSitEntry(view: DataView, at: number, information: Omit<SegmentInformation, 'segno'>): void {
  const { validBlocks, type, validMap, modifiedTime } = information;
  SitEntry.validBlocksAndType.set(view, at, sitValidBlocksAndType(validBlocks, type));
  SitEntry.validMap.set(view, at, validMap);
  SitEntry.modifiedTime.set(view, at, modifiedTime);
}

/**
 * The entries of a SIT journal at byte `at` of `view`.
 *
 * @param block where the view was read from, for messages.
 * @throws Corruption sitJournalCount for more than 6 entries, segmentRange for a segment beyond the main area, and what
 *   decodeSitEntry throws.
 */
export function decodeSitJournal(
  view: DataView,
  at: number,
  superblock: Pick<Superblock, 'segmentCountMain'>,
  block?: number,
): SegmentInformation[] {
  const count = SitJournal.count.get(view, at);
  const place = block === undefined ? {} : { block };
  if (count > SIT_JOURNAL_ENTRIES) {
    const where = { ...place, offset: at };
    throw corrupt('sitJournalCount', { where, expected: `at most ${SIT_JOURNAL_ENTRIES}`, found: count });
  }
  return Array.from({ length: count }, (_, index) => {
    const entry = SitJournal.entries.at(at, index);
    const segno = SitJournalEntry.segno.get(view, entry);
    if (segno >= superblock.segmentCountMain) {
      const where = { ...place, segno, offset: entry };
      throw corrupt('segmentRange', { where, expected: `below ${superblock.segmentCountMain}`, found: segno });
    }
    return decodeSitEntry(view, SitJournalEntry.entry.at(entry, 0), segno, block);
  });
}
