// One of the six logs: the segment that it fills, how far, and who owns what is in it.
//
//   LFS   blocks one behind the other; the segment was free
//   SSR   the holes of a segment that is partly in use
//
// Source: spec 5.1, 5.3, 4.7.

import {
  AllocationType,
  BLOCK_SIZE,
  isNodeSegmentType,
  SEGMENT_BLOCKS,
  SummaryBlock,
  SummaryEntry,
  SummaryType,
  testMsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Segment } from './segment-table.ts';

/** Who points to a block. */
export interface BlockOwner {
  /** The node with the pointer; of a node block its own nid. */
  nid: number;
  /** NAT version of that node; 0 of a node block. */
  version: number;
  /** Index of the pointer in the node; 0 of a node block. */
  offsetInNode: number;
}

export class Log {
  /** 0..5, as in `SegmentType`. */
  readonly type: number;
  #segment: Segment;
  allocation: number = AllocationType.lfs;
  /** The block of the segment that is written next; always one that may be. */
  nextOffset: number;
  #summary: Uint8Array;
  #summaryView: DataView;

  constructor(type: number, segment: Segment, nextOffset: number, summary: Uint8Array) {
    this.type = type;
    this.#segment = segment;
    segment.current = true;
    this.nextOffset = nextOffset;
    this.#summary = summary;
    this.#summaryView = viewOf(summary);
  }

  /** The summary block of the segment, 4096 bytes. */
  get summary(): Uint8Array {
    return this.#summary;
  }

  set summary(block: Uint8Array) {
    this.#summary = block;
    this.#summaryView = viewOf(block);
  }

  get segment(): Segment {
    return this.#segment;
  }

  set segment(segment: Segment) {
    this.#segment.current = false;
    this.#segment = segment;
    segment.current = true;
  }

  get segno(): number {
    return this.segment.segno;
  }

  /** Takes the next block for `owner`; 512 in `nextOffset` then says that the segment is full. Returns its offset. */
  take(owner: BlockOwner): number {
    const offset = this.nextOffset;
    putOwner(this.#summaryView, offset, owner);
    this.nextOffset = this.allocation === AllocationType.lfs ? offset + 1 : this.segment.nextHole(offset + 1);
    return offset;
  }

  /** Goes on behind blocks that are not to be written, which somebody else put into the segment. */
  skipHeld(): void {
    const { held } = this.segment;
    if (this.allocation === AllocationType.ssr) this.nextOffset = this.segment.nextHole(this.nextOffset);
    else
      for (let offset = this.nextOffset; offset < SEGMENT_BLOCKS; offset++)
        if (testMsb(held, offset)) this.nextOffset = offset + 1;
  }

  get full(): boolean {
    return this.nextOffset >= SEGMENT_BLOCKS;
  }
}

/** A summary block with nothing in it. */
export function emptySummary(type: number): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  SummaryBlock.entryType.set(viewOf(block), 0, isNodeSegmentType(type) ? SummaryType.node : SummaryType.data);
  return block;
}

/** Says in a summary block who points to block `offset` of the segment. */
export function writeSummaryEntry(summary: Uint8Array, offset: number, owner: BlockOwner): void {
  putOwner(viewOf(summary), offset, owner);
}

function putOwner(view: DataView, offset: number, { nid, version, offsetInNode }: BlockOwner): void {
  const at = SummaryBlock.entries.at(0, offset);
  SummaryEntry.nid.set(view, at, nid);
  SummaryEntry.version.set(view, at, version);
  SummaryEntry.offsetInNode.set(view, at, offsetInNode);
}

export function readSummaryEntry(summary: Uint8Array, offset: number): BlockOwner {
  const view = viewOf(summary);
  const at = SummaryBlock.entries.at(0, offset);
  return {
    nid: SummaryEntry.nid.get(view, at),
    version: SummaryEntry.version.get(view, at),
    offsetInNode: SummaryEntry.offsetInNode.get(view, at),
  };
}
