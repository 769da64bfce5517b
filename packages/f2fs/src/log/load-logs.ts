// The six logs as the last checkpoint left them, with the summaries of their segments. Those of the data logs are always
// in the pack; those of the node logs only after an unmount, else the nodes themselves say whose they are.
//
// Source: spec 3.3, 4.7; kernel fs/f2fs/segment.c (restore_curseg_summaries).

import {
  BLOCK_SIZE,
  expandCompactSummaries,
  isNodeSegmentType,
  JOURNAL_BYTES,
  LOG_COUNT,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  SEGMENT_BLOCKS,
  SegmentType,
  SUMMARY_JOURNAL_OFFSET,
  SummaryBlock,
  SummaryEntry,
  type Superblock,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { MetadataBlocks } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import type { Pack } from '../pack.ts';
import { emptySummary, Log } from './log.ts';
import type { Segment, SegmentTable } from './segment-table.ts';

/** What {@link loadLogs} found. */
export interface LoadedLogs {
  /** By type, 0..5. */
  readonly logs: Log[];
  /** The journal area of the hot node summary: statistics, which a checkpoint carries on. 507 bytes. */
  readonly hotNodeJournal: Uint8Array;
}

/** Throws Corruption and EIO as reading the pack and the segments does. */
export function* loadLogs(
  superblock: Superblock,
  pack: Pack,
  blocks: MetadataBlocks,
  segments: SegmentTable,
): Task<LoadedLogs> {
  const summaries = yield* packSummaries(pack, blocks);
  const { currentDataSegments, currentDataOffsets, currentNodeSegments, currentNodeOffsets, allocationTypes } =
    pack.checkpoint;
  const segnos = [...currentDataSegments, ...currentNodeSegments];
  const offsets = [...currentDataOffsets, ...currentNodeOffsets];
  const logs: Log[] = [];
  for (let type = 0; type < LOG_COUNT; type++) {
    const segment = yield* segments.get(segnos[type]!);
    const summary = summaries[type] ?? (yield* nodeSummary(superblock, segment, type, blocks));
    SummaryBlock.entryType.set(viewOf(summary), 0, isNodeSegmentType(type) ? 1 : 0);
    const log = new Log(type, segment, offsets[type]!, summary);
    log.allocation = allocationTypes[type]!;
    segments.setType(segment, type);
    logs.push(log);
  }
  const hotNode = summaries[SegmentType.hotNode];
  const hotNodeJournal =
    hotNode?.slice(SUMMARY_JOURNAL_OFFSET, SUMMARY_JOURNAL_OFFSET + JOURNAL_BYTES) ?? new Uint8Array(JOURNAL_BYTES);
  return { logs, hotNodeJournal };
}

/** The summaries that are in the pack, by type. */
function* packSummaries(pack: Pack, blocks: MetadataBlocks): Task<Array<Uint8Array | undefined>> {
  const { layout, address, checkpoint } = pack;
  const read = function* (index: number, count: number): Task<Uint8Array> {
    const bytes = new Uint8Array(count * BLOCK_SIZE);
    for (let block = 0; block < count; block++) {
      bytes.set((yield* blocks.get(address + index + block)).bytes, block * BLOCK_SIZE);
    }
    return bytes;
  };
  const data = yield* read(layout.dataSummaryIndex, layout.dataSummaryBlocks);
  const summaries: Array<Uint8Array | undefined> = layout.compact
    ? [...expandCompactSummaries(checkpoint, data)]
    : [0, 1, 2].map((log) => data.slice(log * BLOCK_SIZE, (log + 1) * BLOCK_SIZE));
  if (layout.nodeSummaryBlocks > 0) {
    const nodes = yield* read(layout.nodeSummaryIndex, layout.nodeSummaryBlocks);
    for (const log of [0, 1, 2]) summaries.push(nodes.slice(log * BLOCK_SIZE, (log + 1) * BLOCK_SIZE));
  }
  return summaries;
}

/** The summary of a node log's segment, from its nodes. */
function* nodeSummary(
  superblock: Superblock,
  { segno, valid }: Segment,
  type: number,
  blocks: MetadataBlocks,
): Task<Uint8Array> {
  const summary = emptySummary(type);
  for (let offset = 0; offset < SEGMENT_BLOCKS; offset++) {
    if (!testMsb(valid, offset)) continue;
    const { view } = yield* blocks.get(superblock.mainAddress + segno * SEGMENT_BLOCKS + offset);
    const nid = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
    SummaryEntry.nid.set(viewOf(summary), SummaryBlock.entries.at(0, offset), nid);
  }
  return summary;
}
