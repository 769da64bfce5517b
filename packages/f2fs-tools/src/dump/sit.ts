// SIT entries: which blocks of a segment are valid. The entry that holds is the journal's, or else the one in the copy of
// its SIT block that the version bitmap names; the dump of one segment shows all three.

import type { FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  decodeSitEntry,
  findMsb,
  SEGMENT_BLOCKS,
  SIT_ENTRIES_PER_BLOCK,
  SitEntry,
  segmentAddress,
  segmentTypeName,
  sitBlockAddress,
  sitBlockIndex,
  sitCopyAddress,
  sitEntryOffset,
  sitType,
  sitValidBlocks,
} from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { sitEntryNames } from './c-names.ts';
import { type Dump, type DumpFact, type DumpRow, fieldRows, newDump, placeAt, problemsOf } from './dump.ts';
import { type Journal, readSitJournal, type TableSource } from './journals.ts';
import { countOf, rangeOf } from './phrases.ts';
import { requireInRange, requireRange } from './usage.ts';

/** The entry of a segment as stored, not judged, and where it lies. */
export interface SitLine {
  readonly segno: number;
  readonly validBlocks: number;
  readonly type: number;
  /** 64 bytes, MSB-first, a copy. */
  readonly validMap: Uint8Array;
  /** Seconds of elapsed time. */
  readonly modifiedTime: number | bigint;
  readonly source: TableSource;
  readonly entryBlock: number;
  readonly entryOffset: number;
  /** The log that writes to the segment, 0..5; `undefined` where none does. */
  readonly log: number | undefined;
}

/**
 * The SIT entry of one segment; its children are the entries of both copies and of the journal. Throws EINVAL for a
 * segment that the main area does not have, EIO.
 */
export function* dumpSit(volume: F2fsVolume, segno: number): Task<Dump> {
  const { superblock, store } = volume;
  const line = yield* sitLineOf(volume, segno);
  const index = sitBlockIndex(segno);
  const offset = sitEntryOffset(segno);
  const inUse = sitBlockAddress(superblock, segno, volume.pack.bitmaps.sit);
  const children: Dump[] = [];
  for (const copy of [0, 1] as const) {
    const address = sitCopyAddress(superblock, index, copy);
    const title = `In the table, copy ${copy + 1}${address === inUse ? '' : ', not in use'}`;
    children.push(entryDump(title, yield* store.blocks.copy(address), offset));
  }
  const journal = yield* readSitJournal(store.blocks, volume.pack);
  const journaled = journal.inForce.get(segno);
  if (journaled !== undefined) children.push(entryDump('In the journal', journal.block, journaled.entryAt));
  const block = yield* store.blocks.copy(line.entryBlock);
  return newDump({
    title: `SIT entry of segment ${segno}`,
    place: placeAt(line.entryBlock, line.entryOffset),
    layout: SitEntry.$name,
    facts: factsOf(volume, line),
    rows: entryRows(block, line.entryOffset),
    problems: problemsOfEntry(block, line),
    children,
  });
}

/**
 * The entries in force of a range of segments, a SIT block at a time. The caller owns the loop, as with
 * {@link NatRange}.
 */
export class SitRange {
  readonly #volume: F2fsVolume;
  readonly #last: number;
  #next: number;
  #journal: Journal | undefined;

  /** Throws EINVAL for segments that the main area does not have. */
  static of(volume: F2fsVolume, first = 0, last = volume.superblock.segmentCountMain - 1): SitRange {
    requireRange('segment', first, last, volume.superblock.segmentCountMain - 1);
    return new SitRange(volume, first, last);
  }

  private constructor(volume: F2fsVolume, first: number, last: number) {
    this.#volume = volume;
    this.#next = first;
    this.#last = last;
  }

  /** The entries of the next SIT block; `undefined` at the end. Throws EIO. */
  *next(): Task<SitLine[] | undefined> {
    if (this.#next > this.#last) return undefined;
    const { blocks } = this.#volume.store;
    this.#journal ??= yield* readSitJournal(blocks, this.#volume.pack);
    const { address, source } = sitBlockInUse(this.#volume, this.#next);
    const block = yield* blocks.copy(address);
    const end = Math.min(this.#last, (sitBlockIndex(this.#next) + 1) * SIT_ENTRIES_PER_BLOCK - 1);
    const lines: SitLine[] = [];
    for (; this.#next <= end; this.#next++) {
      lines.push(effectiveLine(this.#volume, this.#next, this.#journal, block, source));
    }
    return lines;
  }
}

/** The SIT entry of one segment. Throws EINVAL for a segment that the main area does not have, EIO. */
export function* sitLineOf(volume: F2fsVolume, segno: number): Task<SitLine> {
  requireInRange('segment', segno, 0, volume.superblock.segmentCountMain - 1);
  const { blocks } = volume.store;
  const journal = yield* readSitJournal(blocks, volume.pack);
  const { address, source } = sitBlockInUse(volume, segno);
  return effectiveLine(volume, segno, journal, yield* blocks.copy(address), source);
}

/**
 * The log that writes to a segment of this type, as a segment type; `undefined` where none does. On a read-only volume
 * several logs stand in one segment: the one of its type is meant.
 */
function logOf({ checkpoint }: F2fsVolume, segno: number, type: number): number | undefined {
  const logs = [...checkpoint.currentDataSegments, ...checkpoint.currentNodeSegments];
  if (logs[type] === segno) return type;
  const log = logs.indexOf(segno);
  return log < 0 ? undefined : log;
}

function sitBlockInUse(volume: F2fsVolume, segno: number): { address: number; source: TableSource } {
  const { superblock, pack } = volume;
  const address = sitBlockAddress(superblock, segno, pack.bitmaps.sit);
  const first = sitCopyAddress(superblock, sitBlockIndex(segno), 0);
  return { address, source: address === first ? 'copy 1' : 'copy 2' };
}

function effectiveLine(
  volume: F2fsVolume,
  segno: number,
  journal: Journal,
  table: CachedBlock,
  tableSource: TableSource,
): SitLine {
  const journaled = journal.inForce.get(segno);
  const { address, view } = journaled === undefined ? table : journal.block;
  const at = journaled?.entryAt ?? sitEntryOffset(segno);
  const type = sitType(view, at);
  return {
    segno,
    validBlocks: sitValidBlocks(view, at),
    type,
    validMap: SitEntry.validMap.decode(view, at),
    modifiedTime: SitEntry.modifiedTime.decode(view, at),
    source: journaled === undefined ? tableSource : 'journal',
    entryBlock: address,
    entryOffset: at,
    log: logOf(volume, segno, type),
  };
}

function factsOf({ superblock, checkpoint }: F2fsVolume, line: SitLine): DumpFact[] {
  const { segno, log, source } = line;
  const first = segmentAddress(superblock, segno);
  const facts: DumpFact[] = [
    { name: 'source', value: source === 'journal' ? 'SIT journal of the checkpoint' : `table, ${source}` },
    { name: 'blocks', value: rangeOf(first, SEGMENT_BLOCKS) },
  ];
  if (log !== undefined) {
    const offsets = [...checkpoint.currentDataOffsets, ...checkpoint.currentNodeOffsets];
    facts.push({ name: 'log', value: `${segmentTypeName(log)} writes here, next at block ${offsets[log]}` });
  }
  return facts;
}

function entryDump(title: string, block: CachedBlock, at: number): Dump {
  return newDump({ title, place: placeAt(block.address, at), layout: SitEntry.$name, rows: entryRows(block, at) });
}

function entryRows({ view }: CachedBlock, at: number): DumpRow[] {
  return fieldRows(SitEntry, view, at, {
    cNames: sitEntryNames,
    meanings: {
      validBlocksAndType: () =>
        `${countOf(sitValidBlocks(view, at), 'valid block')}, ${segmentTypeName(sitType(view, at))}`,
      validMap: validRuns,
      modifiedTime: (seconds) => `at ${seconds} seconds of mounted time`,
    },
  });
}

/** Runs shown before the rest is only counted. */
const RUNS_SHOWN_MAX = 12;

/** The valid blocks of a map as runs: `3..54 60`. */
export function validRuns(map: Uint8Array): string {
  const runs: string[] = [];
  for (let at = findMsb(map, true, 0, SEGMENT_BLOCKS); at < SEGMENT_BLOCKS; ) {
    const end = findMsb(map, false, at, SEGMENT_BLOCKS);
    runs.push(rangeOf(at, end - at));
    at = findMsb(map, true, end, SEGMENT_BLOCKS);
  }
  if (runs.length === 0) return 'none';
  const rest = runs.length - RUNS_SHOWN_MAX;
  return runs.slice(0, RUNS_SHOWN_MAX).join(' ') + (rest > 0 ? ` and ${countOf(rest, 'more run')}` : '');
}

function problemsOfEntry({ view }: CachedBlock, { segno, entryBlock, entryOffset }: SitLine): FsError[] {
  return problemsOf(() => decodeSitEntry(view, entryOffset, segno, entryBlock));
}
