// Where blocks go. The six logs take blocks from their segments; a full log moves to a free segment, or, when free sections
// are few, to the holes of a segment of its own class (SSR). What is overwritten leaves its old place free after the next
// checkpoint.
//
// Source: spec 5.2, 5.3; kernel fs/f2fs/segment.c (f2fs_allocate_data_block, get_new_segment, f2fs_get_victim for SSR).

import { ENOSPC, FsError } from '@f2fskit/errno';
import {
  AllocationType,
  isNodeSegmentType,
  NULL_ADDRESS,
  SEGMENT_BLOCKS,
  type Superblock,
  ssaBlockAddress,
} from '@f2fskit/f2fs-format';
import type { MetadataBlocks } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { type BlockOwner, emptySummary, type Log } from './log.ts';
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
      if (this.isFree(segno)) this.freeSegments++;
      else this.#room[classOf(types[segno]!)] += SEGMENT_BLOCKS - heldCounts[segno]!;
    }
  }

  /** Blocks of a class, nodes or data, that can be written before the next checkpoint. */
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
    if (log.full) yield* this.#move(log);
    const { segment } = log;
    const offset = log.take(owner);
    this.segments.setValid(segment, offset, this.#options.now());
    this.#room[classOf(type)]--;
    // At once: a node's footer names the block behind it, which may be in another segment.
    if (log.full && this.roomFor(type) > 0) yield* this.#move(log);
    return this.#address(segment, offset);
  }

  /** Gives up a block. It is room again after the next checkpoint. */
  *invalidate(address: number): Task<void> {
    const index = address - this.superblock.mainAddress;
    const segno = Math.floor(index / SEGMENT_BLOCKS);
    const segment = this.segments.peek(segno) ?? (yield* this.segments.get(segno));
    this.segments.clearValid(segment, index % SEGMENT_BLOCKS, this.#options.now());
  }

  #address({ segno }: Segment, offset: number): number {
    return this.superblock.mainAddress + segno * SEGMENT_BLOCKS + offset;
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
      this.#room[classOf(log.type)] += SEGMENT_BLOCKS;
      return;
    }
    const { bytes } = yield* this.#blocks.get(ssaBlockAddress(this.superblock, holey.segno));
    log.summary = bytes.slice();
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
    const rank = (segno: number): number =>
      (types[segno] === log.type ? 0 : 2 * SEGMENT_BLOCKS) + heldCounts[segno]!;
    let best: number | undefined;
    for (let segno = 0; segno < heldCounts.length; segno++) {
      const used = heldCounts[segno]!;
      if (used === 0 || used >= SEGMENT_BLOCKS || isNodeSegmentType(types[segno]!) !== nodes) continue;
      if (this.logs.some((other) => other.segno === segno)) continue;
      if (best === undefined || rank(segno) < rank(best)) best = segno;
    }
    return best === undefined ? undefined : yield* this.segments.get(best);
  }
}

function classOf(type: number): 'data' | 'nodes' {
  return isNodeSegmentType(type) ? 'nodes' : 'data';
}
