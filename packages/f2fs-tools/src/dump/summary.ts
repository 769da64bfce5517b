// The summary that holds for a segment: for each of its blocks, who points to it.
//
//   a segment no log writes to   its SSA block
//   a current data segment       the summary in the checkpoint pack, packed or full; the SSA block may be stale
//   a current node segment       the summary in the pack, where the pack has one; else the nodes' own footers say it
//
// Source: spec 3.3, 4.7.

import { ENODATA, FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  BLOCK_SIZE,
  expandCompactSummaries,
  isNodeSegmentType,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  SEGMENT_BLOCKS,
  SegmentType,
  SummaryBlock,
  SummaryEntry,
  SummaryType,
  segmentAddress,
  ssaBlockAddress,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { sitLineOf } from './sit.ts';

/** A full summary block. */
export interface Summary {
  readonly segno: number;
  /** Block it was read from; of a packed one the first packed block, of one from footers the segment's first block. */
  readonly address: number;
  /** Where it comes from, in words. */
  readonly source: string;
  /** 4096 bytes: read, unpacked or made. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * The summary of main segment `segno`. Throws EINVAL for one that the main area does not have, ENODATA where the volume
 * keeps none for it (feature ro), Corruption compactSummary, EIO.
 */
export function* readSummary(volume: F2fsVolume, segno: number): Task<Summary> {
  const { superblock, store } = volume;
  const { log } = yield* sitLineOf(volume, segno);
  if (log === undefined) {
    if (superblock.segmentCountSsa === 0) throw new FsError(ENODATA, 'this volume has no SSA (feature ro)');
    const { address, bytes, view } = yield* store.blocks.copy(ssaBlockAddress(superblock, segno));
    return { segno, address, source: 'SSA', bytes, view };
  }
  return isNodeSegmentType(log) ? yield* nodeSummary(volume, segno, log) : yield* dataSummary(volume, segno, log);
}

function* dataSummary(volume: F2fsVolume, segno: number, log: number): Task<Summary> {
  const { pack, checkpoint, store } = volume;
  const { dataSummaryIndex, dataSummaryBlocks, compact } = pack.layout;
  const first = pack.address + dataSummaryIndex;
  if (!compact) {
    const { address, bytes, view } = yield* store.blocks.copy(first + log);
    return { segno, address, source: 'checkpoint pack: this segment is current', bytes, view };
  }
  const packed = new Uint8Array(dataSummaryBlocks * BLOCK_SIZE);
  for (let index = 0; index < dataSummaryBlocks; index++) {
    packed.set((yield* store.blocks.copy(first + index)).bytes, index * BLOCK_SIZE);
  }
  const bytes = expandCompactSummaries(checkpoint, packed)[log]!;
  const source = 'checkpoint pack, unpacked: this segment is current';
  return { segno, address: first, source, bytes, view: viewOf(bytes) };
}

function* nodeSummary(volume: F2fsVolume, segno: number, log: number): Task<Summary> {
  const { pack, superblock, store } = volume;
  const { nodeSummaryBlocks, nodeSummaryIndex } = pack.layout;
  if (nodeSummaryBlocks > 0) {
    const index = nodeSummaryIndex + log - SegmentType.hotNode;
    const { address, bytes, view } = yield* store.blocks.copy(pack.address + index);
    return { segno, address, source: 'checkpoint pack: this segment is current', bytes, view };
  }
  const bytes = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(bytes);
  const first = segmentAddress(superblock, segno);
  for (let index = 0; index < SEGMENT_BLOCKS; index++) {
    const node = yield* store.blocks.copy(first + index);
    SummaryEntry.nid.set(view, SummaryBlock.entries.at(0, index), NodeFooter.nid.get(node.view, NODE_FOOTER_OFFSET));
  }
  SummaryBlock.entryType.set(view, 0, SummaryType.node);
  const source = 'footers of the nodes: this segment is current, and its pack has no node summaries';
  return { segno, address: first, source, bytes, view };
}

/** One entry of a summary. */
export interface SummaryLine {
  readonly nid: number;
  readonly version: number;
  readonly offsetInNode: number;
}

/** The entry of block `index` of the segment. */
export function summaryLine({ view }: Summary, index: number): SummaryLine {
  const at = SummaryBlock.entries.at(0, index);
  return {
    nid: SummaryEntry.nid.get(view, at),
    version: SummaryEntry.version.get(view, at),
    offsetInNode: SummaryEntry.offsetInNode.get(view, at),
  };
}
