// Where blocks go. The six logs take blocks from their segments; a full log moves to a free segment, or, when free sections
// are few, to the holes of a segment of its own class (SSR). What is overwritten leaves its old place free after the next
// checkpoint.
//
// Source: spec 5.2, 5.3; kernel fs/f2fs/segment.c (f2fs_allocate_data_block, get_new_segment, f2fs_get_victim for SSR).

import { ENOSPC, FsError } from '@f2fskit/errno';
import {
  AllocationType,
  corrupt,
  isNodeSegmentType,
  NULL_ADDRESS,
  SEGMENT_BLOCKS,
  SegmentType,
  type Superblock,
  ssaBlockAddress,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { MetadataBlocks } from '@f2fskit/f2fs-node';
import { Lock, type Task } from '@f2fskit/task';
import { type BlockOwner, emptySummary, type Log, readSummaryEntry, writeSummaryEntry } from './log.ts';
import type { Segment, SegmentTable } from './segment-table.ts';

export interface AllocatorOptions {
  /** Sections that are kept free for checkpoints: below them the logs fill holes. */
  reservedSections: number;
  /** Seconds of elapsed time, for the age of segments. */
  now: () => number;
}

export class BlockAllocator {
  readonly superblock: Superblock;
  readonly segments: SegmentTable;
  /** By type, 0..5. */
  readonly logs: readonly Log[];
  /** Segments that are free now, those of the logs not counted. */
  freeSegments = 0;
  /** Of data and of nodes: blocks in segments of that class that may be written before the next checkpoint. */
  readonly #room = { data: 0, nodes: 0 };
  /** Segments that were free before blocks were adopted. */
  readonly #adopted = new Set<number>();
  /** Held while a log moves to another segment, which may wait for tables. */
  readonly #moving = new Lock();
  /** Segments that are being emptied: nothing goes there. */
  readonly avoided = new Set<number>();
  readonly #blocks: MetadataBlocks;
  readonly #options: AllocatorOptions;

  constructor(
    superblock: Superblock,
    segments: SegmentTable,
    logs: readonly Log[],
    blocks: MetadataBlocks,
    options: AllocatorOptions,
  ) {
    this.superblock = superblock;
    this.segments = segments;
    this.logs = logs;
    this.#blocks = blocks;
    this.#options = options;
    this.recount();
  }

  /** Counts the free segments anew: after a checkpoint, which frees what was given up before. */
  recount(): void {
    const { types, heldCounts } = this.segments;
    this.freeSegments = 0;
    this.#room.data = 0;
    this.#room.nodes = 0;
    for (let segno = 0; segno < this.superblock.segmentCountMain; segno++) {
      if (this.logs.some((log) => log.segno === segno)) continue;
      if (this.segments.isFree(segno)) this.freeSegments++;
      else this.#room[classOf(types[segno]!)] += SEGMENT_BLOCKS - heldCounts[segno]!;
    }
  }

  /** The summary block of a segment that no log writes to; good until the next wait. Throws EIO. */
  *summaryOf(segno: number): Task<Uint8Array> {
    return (yield* this.#blocks.get(ssaBlockAddress(this.superblock, segno))).bytes;
  }

  /**
   * Blocks of a class, nodes or data, that can be written before the next checkpoint, by whatever log of it: what is left in
   * the segments that logs are filling is not counted.
   */
  roomFor(type: number): number {
    return this.#room[classOf(type)] + this.freeSegments * SEGMENT_BLOCKS;
  }

  isFree(segno: number): boolean {
    return this.segments.isFree(segno) && !this.logs.some((log) => log.segno === segno);
  }

  /** The address that the next block of a log gets; 0 when it has none, and no other segment either. */
  nextAddress(type: number): number {
    const log = this.logs[type]!;
    return log.full ? NULL_ADDRESS : this.#address(log.segment, log.nextOffset);
  }

  /**
   * A place for a block, marked valid. Throws ENOSPC when nothing is left to move to: whoever asks {@link roomFor} before,
   * and takes a checkpoint when it is little, never sees it.
   */
  *allocate(type: number, owner: BlockOwner): Task<number> {
    const log = this.logs[type]!;
    while (log.full) yield* this.#leave(log);
    const { segment } = log;
    const offset = log.take(owner);
    this.segments.setValid(segment, offset, this.#options.now());
    // At once: a node's footer names the block behind it, which may be in another segment.
    if (log.full && this.roomFor(type) > 0) yield* this.#leave(log);
    return this.#address(segment, offset);
  }

  /** As {@link allocate} where it needs no wait: not the last block of a segment; else 0, with nothing taken. */
  allocateNow(type: number, owner: BlockOwner): number {
    const log = this.logs[type]!;
    if (log.allocation !== AllocationType.lfs || log.nextOffset >= SEGMENT_BLOCKS - 1) return 0;
    const { segment } = log;
    const offset = log.take(owner);
    this.segments.setValid(segment, offset, this.#options.now());
    return this.#address(segment, offset);
  }

  /** Whether {@link allocateNow} gives so many blocks. */
  canAllocateNow(type: number, count: number): boolean {
    const log = this.logs[type]!;
    return log.allocation === AllocationType.lfs && log.nextOffset + count <= SEGMENT_BLOCKS - 1;
  }

  /** Blocks that a log can still take in its segment, at least. */
  leftInLog(type: number): number {
    const log = this.logs[type]!;
    return log.full || log.allocation !== AllocationType.lfs ? 0 : SEGMENT_BLOCKS - log.nextOffset;
  }

  /** Has the segment of a block in memory, for {@link invalidateNow}. Throws Corruption, EIO. */
  *readSegmentOf(address: number): Task<void> {
    yield* this.segments.get(Math.floor((address - this.superblock.mainAddress) / SEGMENT_BLOCKS));
  }

  /** Whether {@link invalidateNow} can be called. */
  canInvalidateNow(address: number): boolean {
    return this.segments.peek(Math.floor((address - this.superblock.mainAddress) / SEGMENT_BLOCKS)) !== undefined;
  }

  /** As {@link invalidate}, for a block whose segment is in memory. */
  invalidateNow(address: number): void {
    const index = address - this.superblock.mainAddress;
    const segment = this.segments.peek(Math.floor(index / SEGMENT_BLOCKS))!;
    this.segments.clearValid(segment, index % SEGMENT_BLOCKS, this.#options.now());
  }

  /** Gives up a block. It is room again after the next checkpoint. */
  *invalidate(address: number): Task<void> {
    const index = address - this.superblock.mainAddress;
    const segno = Math.floor(index / SEGMENT_BLOCKS);
    const segment = this.segments.peek(segno) ?? (yield* this.segments.get(segno));
    this.segments.clearValid(segment, index % SEGMENT_BLOCKS, this.#options.now());
  }

  /** Keeps a node that was written behind the last checkpoint until the next one, for recovery. Throws Corruption recovery. */
  *holdNode(address: number): Task<void> {
    const { segment, offset, log } = yield* this.#behindCheckpoint(address);
    const nodes = log === undefined ? isNodeSegmentType(segment.type) : log.type === SegmentType.warmNode;
    const used = log !== undefined || this.segments.validCounts[segment.segno]! > 0;
    if (testMsb(segment.valid, offset) || (used && !nodes)) throw notBehind(address, segment.segno);
    this.segments.hold(segment, offset);
  }

  /**
   * Takes a block of data that was written behind the last checkpoint, for recovery: it is somebody's from now on. Throws
   * Corruption recovery for one that cannot be one, sitValidMap for one that is in use.
   */
  *adopt(address: number, owner: BlockOwner): Task<void> {
    const { segment, offset, log } = yield* this.#behindCheckpoint(address);
    const { segno } = segment;
    const summaryAddress = ssaBlockAddress(this.superblock, segno);
    if (log === undefined && this.segments.isFree(segno)) {
      this.segments.setType(segment, SegmentType.warmData);
      this.#blocks.put(summaryAddress, emptySummary(SegmentType.warmData));
      this.#adopted.add(segno);
    } else {
      // A segment of which nothing is in use but what is held has nodes of the chain.
      const used = log !== undefined || this.segments.validCounts[segno]! > 0 || this.#adopted.has(segno);
      if (!used || isNodeSegmentType(segment.type)) throw notBehind(address, segno);
    }
    this.segments.setValid(segment, offset, this.#options.now());
    if (log !== undefined) writeSummaryEntry(log.summary, offset, owner);
    else {
      const summary = (yield* this.#blocks.get(summaryAddress)).bytes.slice();
      writeSummaryEntry(summary, offset, owner);
      this.#blocks.put(summaryAddress, summary);
    }
  }

  /** The end of a recovery: logs go on behind what was adopted or held in their segments, or in others. Throws ENOSPC. */
  *settleAdopted(): Task<void> {
    this.recount();
    this.#adopted.clear();
    for (const log of this.logs) {
      log.skipHeld();
      if (log.full) yield* this.#move(log);
    }
  }

  /** A block that is in use is somebody else's from now on. Throws EIO. */
  *reown(address: number, owner: BlockOwner): Task<void> {
    const index = address - this.superblock.mainAddress;
    const segno = Math.floor(index / SEGMENT_BLOCKS);
    const at = ssaBlockAddress(this.superblock, segno);
    const stored = yield* this.#blocks.get(at);
    // Asked behind the wait: logs come and go.
    const log = this.logs.find((each) => each.segno === segno);
    const summary = log?.summary ?? stored.bytes.slice();
    writeSummaryEntry(summary, index % SEGMENT_BLOCKS, owner);
    if (log === undefined) this.#blocks.put(at, summary);
  }

  /** Who the summary of a block names. Throws EIO. */
  *ownerOf(address: number): Task<BlockOwner> {
    const index = address - this.superblock.mainAddress;
    const segno = Math.floor(index / SEGMENT_BLOCKS);
    const log = this.logs.find((each) => each.segno === segno);
    const summary = log?.summary ?? (yield* this.#blocks.get(ssaBlockAddress(this.superblock, segno))).bytes;
    return readSummaryEntry(summary, index % SEGMENT_BLOCKS);
  }

  *#behindCheckpoint(address: number): Task<{ segment: Segment; offset: number; log: Log | undefined }> {
    const index = address - this.superblock.mainAddress;
    const segment = yield* this.segments.get(Math.floor(index / SEGMENT_BLOCKS));
    const log = this.logs.find(({ segno }) => segno === segment.segno);
    return { segment, offset: index % SEGMENT_BLOCKS, log };
  }

  #address({ segno }: Segment, offset: number): number {
    return this.superblock.mainAddress + segno * SEGMENT_BLOCKS + offset;
  }

  /** The log is full: somebody moves it, once. */
  *#leave(log: Log): Task<void> {
    if (!this.#moving.tryLock()) yield* this.#moving.wait();
    try {
      if (log.full) yield* this.#move(log);
    } finally {
      this.#moving.unlock();
    }
  }

  /** The log is full: its summary goes to the summary area, and another segment becomes current. */
  *#move(log: Log): Task<void> {
    const left = log.segno;
    this.#blocks.put(ssaBlockAddress(this.superblock, left), log.summary);
    const holey = this.#sparesFreeSections() ? yield* this.#segmentWithHoles(log) : undefined;
    if (holey === undefined) {
      const free = this.#freeSegmentFor(log);
      if (free === undefined) throw new FsError(ENOSPC, 'no segment is left to write to');
      const segment = yield* this.segments.get(free);
      this.segments.setType(segment, log.type);
      log.segment = segment;
      log.allocation = AllocationType.lfs;
      log.nextOffset = 0;
      log.summary = emptySummary(log.type);
      this.freeSegments--;
      return;
    }
    // The read may wait.
    holey.current = true;
    const { bytes } = yield* this.#blocks.get(ssaBlockAddress(this.superblock, holey.segno));
    log.summary = bytes.slice();
    this.#room[classOf(log.type)] -= SEGMENT_BLOCKS - this.segments.heldCounts[holey.segno]!;
    // It may have been of another log of the class; fsck.f2fs compares.
    this.segments.setType(holey, log.type);
    log.segment = holey;
    log.allocation = AllocationType.ssr;
    log.nextOffset = holey.nextHole(0);
  }

  /** Whether free sections are so few that a log takes holes instead, where there are any. */
  #sparesFreeSections(): boolean {
    return Math.floor(this.freeSegments / this.superblock.segmentsPerSection) <= this.#options.reservedSections;
  }

  /** The next free segment of the log's own section, else the first of a free section behind it, wrapping around. */
  #freeSegmentFor(log: Log): number | undefined {
    const { segmentsPerSection, segmentCountMain } = this.superblock;
    const section = Math.floor(log.segno / segmentsPerSection);
    for (let segno = log.segno + 1; segno < (section + 1) * segmentsPerSection; segno++) {
      if (segno < segmentCountMain && this.isFree(segno)) return segno;
    }
    const sections = Math.floor(segmentCountMain / segmentsPerSection);
    for (let step = 1; step <= sections; step++) {
      const first = ((section + step) % sections) * segmentsPerSection;
      let free = true;
      for (let segno = first; free && segno < first + segmentsPerSection; segno++) free = this.isFree(segno);
      if (free) return first;
    }
    return undefined;
  }

  /** Of the log's class (nodes or data) the segment with the fewest valid blocks that has a hole to write to. */
  *#segmentWithHoles(log: Log): Task<Segment | undefined> {
    const { heldCounts, types } = this.segments;
    const nodes = isNodeSegmentType(log.type);
    // Those of the log's own type first: cold data stays with cold data.
    const rank = (segno: number): number => (types[segno] === log.type ? 0 : 2 * SEGMENT_BLOCKS) + heldCounts[segno]!;
    let best: number | undefined;
    for (let segno = 0; segno < heldCounts.length; segno++) {
      const used = heldCounts[segno]!;
      if (used === 0 || used >= SEGMENT_BLOCKS || isNodeSegmentType(types[segno]!) !== nodes) continue;
      if (this.avoided.has(segno) || this.logs.some((other) => other.segno === segno)) continue;
      if (best === undefined || rank(segno) < rank(best)) best = segno;
    }
    return best === undefined ? undefined : yield* this.segments.get(best);
  }
}

function notBehind(address: number, segno: number): Error {
  const expected = 'a block of its kind, written behind the checkpoint';
  return corrupt('recovery', { where: { block: address, segno }, expected, found: 'another one' });
}

function classOf(type: number): 'data' | 'nodes' {
  return isNodeSegmentType(type) ? 'nodes' : 'data';
}
