// The segment information table, and what every block of the main area is found to be. Two maps of one bit a block: what
// the SIT says, and what pointers were met. `claim` is the one place where a block gets its owner; after the walk the two
// maps must be equal.

import {
  AllocationType,
  BLOCK_SIZE,
  COMPRESS_ADDRESS,
  Feature,
  hasFeature,
  isNodeSegmentType,
  journalsOfPack,
  LOG_COUNT,
  RawCheckpoint,
  SEGMENT_BLOCKS,
  SIT_ENTRIES_PER_BLOCK,
  SIT_JOURNAL_ENTRIES,
  SitEntry,
  SitJournal,
  SitJournalEntry,
  SummaryBlock,
  type Superblock,
  segmentTypeName,
  sitBlockAddress,
  sitCopyAddress,
  sitEntryOffset,
  sitType,
  sitValidBlocks,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { CheckState } from './check-state.ts';
import type { Findings } from './report.ts';

const MAP_BYTES = SEGMENT_BLOCKS / 8;

/** Set bits of each byte value. */
const BITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});

export class MainArea {
  readonly start: number;
  readonly blocks: number;
  readonly segments: number;
  /** What the SIT says, MSB-first, 64 bytes a segment. */
  readonly valid: Uint8Array;
  /** What pointers were met. */
  readonly claimed: Uint8Array;
  readonly types: Uint8Array;
  /** Blocks of the map. */
  readonly validCounts: Uint16Array;
  readonly #findings: Findings;

  constructor(superblock: Superblock, findings: Findings) {
    this.start = superblock.mainAddress;
    this.segments = superblock.segmentCountMain;
    this.blocks = Math.min(this.segments * SEGMENT_BLOCKS, COMPRESS_ADDRESS - this.start);
    this.valid = new Uint8Array(this.segments * MAP_BYTES);
    this.claimed = new Uint8Array(this.segments * MAP_BYTES);
    this.types = new Uint8Array(this.segments);
    this.validCounts = new Uint16Array(this.segments);
    this.#findings = findings;
  }

  contains(address: number): boolean {
    return address >= this.start && address - this.start < this.blocks;
  }

  segmentOf(address: number): number {
    return (address - this.start) >>> 9;
  }

  isValid(address: number): boolean {
    const block = address - this.start;
    return (this.valid[block >>> 3]! & (0x80 >>> (block & 7))) !== 0;
  }

  /**
   * Gives a block of the main area to its owner: it must be valid, in a segment of its class, and nobody else's. False
   * for a block that has an owner already. `nid` and `slot` find the pointer: the node it is in, or the node itself.
   */
  claim(address: number, node: boolean, nid: number, ino: number, slot?: number): boolean {
    const block = address - this.start;
    const byte = block >>> 3;
    const bit = 0x80 >>> (block & 7);
    const pointer = () => ({
      area: 'main' as const,
      block: address,
      nid,
      ino,
      ...(slot === undefined ? {} : { slot }),
    });
    if ((this.claimed[byte]! & bit) !== 0) {
      this.#findings.add('blockTwice', pointer());
      return false;
    }
    this.claimed[byte]! |= bit;
    if ((this.valid[byte]! & bit) === 0) this.#findings.add('blockNotValid', pointer());
    else if (isNodeSegmentType(this.types[block >>> 9]!) !== node) {
      const segno = block >>> 9;
      const found = segmentTypeName(this.types[segno]!);
      this.#findings.add('segmentType', { ...pointer(), segno }, node ? 'a node segment' : 'a data segment', found);
    }
    return true;
  }

  setEntry(segno: number, view: DataView, at: number, block: number): void {
    const said = sitValidBlocks(view, at);
    const type = sitType(view, at);
    const from = at + SitEntry.validMap.offset;
    let count = 0;
    for (let n = 0, to = segno * MAP_BYTES; n < MAP_BYTES; n++, to++) {
      const byte = view.getUint8(from + n);
      this.valid[to] = byte;
      count += BITS[byte]!;
    }
    this.validCounts[segno] = count;
    this.types[segno] = type;
    // In the journal, `at` counts from the start of the pack.
    const place = () => ({ area: 'sit' as const, block, offset: at % BLOCK_SIZE, segno });
    if (count !== said) this.#findings.add('sitCount', place(), count, said);
    if (type >= LOG_COUNT) this.#findings.add('sitType', place(), `below ${LOG_COUNT}`, type);
  }
}

/** Reads the SIT: copies in force, journal over them. */
export function* loadSit({ superblock, pack, main, sweep, findings }: CheckState): Task<void> {
  const blocks = Math.ceil(main.segments / SIT_ENTRIES_PER_BLOCK);
  const journal = journalOf(pack.view, journalsOfPack(pack.layout).sit, pack.address, main.segments, findings);
  const addresses = new Uint32Array(blocks);
  for (let index = 0; index < blocks; index++) {
    addresses[index] = sitCopyAddress(superblock, index, testMsb(pack.bitmaps.sit, index) ? 1 : 0);
  }
  yield* sweep.run(addresses, ({ view }, address, index) => {
    const first = index * SIT_ENTRIES_PER_BLOCK;
    const count = Math.min(SIT_ENTRIES_PER_BLOCK, main.segments - first);
    // Also what the journal overrules must be a possible entry.
    for (let slot = 0; slot < count; slot++) main.setEntry(first + slot, view, slot * SitEntry.$size, address);
    return undefined;
  });
  for (const [segno, at] of journal) {
    main.setEntry(segno, pack.view, at, pack.address + Math.floor(at / BLOCK_SIZE));
  }
}

/** Segment → byte of its entry in the pack. */
function journalOf(
  view: DataView,
  { index, offset }: { index: number; offset: number },
  packAddress: number,
  segments: number,
  findings: Findings,
): Map<number, number> {
  const start = index * BLOCK_SIZE + offset;
  const count = SitJournal.count.get(view, start);
  const place = { area: 'checkpoint' as const, block: packAddress + index, offset };
  const entries = new Map<number, number>();
  if (count > SIT_JOURNAL_ENTRIES) findings.add('sitJournal', place, `at most ${SIT_JOURNAL_ENTRIES}`, count);
  for (let n = 0; n < Math.min(count, SIT_JOURNAL_ENTRIES); n++) {
    const at = SitJournal.entries.at(start, n);
    const segno = SitJournalEntry.segno.get(view, at);
    if (segno < segments) entries.set(segno, SitJournalEntry.entry.at(at, 0));
    else findings.add('sitJournal', { ...place, segno }, `a segment below ${segments}`, segno);
  }
  return entries;
}

/** The six logs: the type of their segments, and that what they write next is free. */
export function checkLogs(state: CheckState): void {
  const { superblock, pack, main, findings } = state;
  const { checkpoint, summaries } = pack;
  for (let log = 0; log < LOG_COUNT; log++) {
    // A read-only volume uses hot data and hot node; the others stand anywhere.
    if (hasFeature(superblock, Feature.ro) && log % 3 !== 0) continue;
    const { segno, next } = logOf(state, log);
    if (segno >= main.segments || next >= SEGMENT_BLOCKS) continue; // a checkpointField already
    const sitPlace = { area: 'sit' as const, block: sitBlockAddress(superblock, segno, pack.bitmaps.sit), segno };
    if (main.types[segno] !== log) {
      const place = { ...sitPlace, offset: sitEntryOffset(segno) };
      findings.add('currentSegmentType', place, segmentTypeName(log), segmentTypeName(main.types[segno]!));
    }
    const summary = summaries[log];
    if (summary !== undefined && SummaryBlock.entryType.get(summary, 0) !== (isNodeSegmentType(log) ? 1 : 0)) {
      const place = { area: 'checkpoint' as const, block: pack.address, segno };
      findings.add('summaryType', place, segmentTypeName(log), SummaryBlock.entryType.get(summary, 0));
    }
    const append = checkpoint.allocationTypes[log] === AllocationType.lfs;
    const end = append ? SEGMENT_BLOCKS : next + 1;
    for (let offset = next; offset < end; offset++) {
      if (!testMsb(main.valid, segno * SEGMENT_BLOCKS + offset)) continue;
      const fields = isNodeSegmentType(log) ? RawCheckpoint.currentNodeOffsets : RawCheckpoint.currentDataOffsets;
      const place = { area: 'checkpoint' as const, block: pack.address, offset: fields.offset + 2 * (log % 3), segno };
      findings.add('currentOffset', place, `block ${offset} of the segment free`, next);
      break;
    }
  }
}

/** The segment of a log, and its next block there. */
export function logOf({ pack: { checkpoint } }: CheckState, log: number): { segno: number; next: number } {
  const node = isNodeSegmentType(log);
  const index = log % 3;
  return {
    segno: (node ? checkpoint.currentNodeSegments : checkpoint.currentDataSegments)[index]!,
    next: (node ? checkpoint.currentNodeOffsets : checkpoint.currentDataOffsets)[index]!,
  };
}

/** After the walk: what is valid and was not met. (What was met and is not valid, `claim` has told.) */
export function checkClaims({ main, findings }: CheckState): void {
  const { valid, claimed } = main;
  for (let byte = 0; byte < valid.length; byte++) {
    if (valid[byte] === claimed[byte]) continue;
    const left = valid[byte]! & ~claimed[byte]!;
    for (let bit = 0; bit < 8; bit++) {
      if ((left & (0x80 >>> bit)) === 0) continue;
      const block = byte * 8 + bit;
      findings.add('sitUnreached', { area: 'main', block: main.start + block, segno: block >>> 9 });
    }
  }
}

/** Segments without a valid block that no log stands in. */
export function freeSegments(state: CheckState): number {
  const { main } = state;
  const current = new Set(Array.from({ length: LOG_COUNT }, (_, log) => logOf(state, log).segno));
  let free = 0;
  for (let segno = 0; segno < main.segments; segno++) {
    if (main.validCounts[segno] === 0 && !current.has(segno)) free++;
  }
  return free;
}
