// The two checkpoint packs of a new volume. Pack 1 is in force; pack 2 is sound, but of version 0, and has nothing
// between its two checkpoint blocks.
//
//   pack 1   checkpoint | payload, zero | packed data summaries | hot, warm, cold node summary | checkpoint … nat_bits
//   pack 2   checkpoint | payload, zero | not written                                          | checkpoint

import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CHECKPOINT_CHECKSUM_OFFSET,
  CHECKPOINT_CHECKSUM_OFFSET_MIN,
  CheckpointFlag,
  checkpointChecksum,
  type DataSummaries,
  NAT_BITS_FULL_OFFSET,
  natBitsBlocks,
  natBitsBytes,
  natBitsEmptyOffset,
  packCompactSummaries,
  RawCheckpoint,
  SEGMENT_BLOCKS,
  SUMMARY_JOURNAL_OFFSET,
  SummaryBlock,
  SummaryEntry,
  SummaryType,
  sealCheckpoint,
  setNatBitsKey,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { dataBlockCount, type FreshBlock, type FreshFiles } from './fresh-files.ts';
import { type Layout, usedLogSegments } from './layout.ts';
import { natJournal, sitJournal } from './node-table.ts';
import type { FormatSettings } from './options.ts';

const NO_SEGMENT = 0xffff_ffff;
/** Fields of a checkpoint for logs that do not exist. */
const LOG_FIELDS = 8;
/** Two checkpoint blocks, one block of packed data summaries, three node summaries. */
const PACK_BLOCKS = 6;

/** The blocks of both packs. `trimmed`: everything that is free was discarded, or never written. */
export function checkpointPacks(
  layout: Layout,
  settings: FormatSettings,
  files: FreshFiles,
  trimmed: boolean,
): FreshBlock[] {
  const pack1 = layout.segment0Address;
  const pack2 = pack1 + SEGMENT_BLOCKS;
  const blocks = PACK_BLOCKS + layout.checkpointPayloadBlocks;
  const bitsIndex = SEGMENT_BLOCKS - natBitsBlocks(layout);
  const hasNatBits = blocks <= bitsIndex;
  const flags =
    CheckpointFlag.umount |
    CheckpointFlag.compactSummary |
    (hasNatBits ? CheckpointFlag.natBits : 0) |
    (trimmed ? CheckpointFlag.trimmed : 0) |
    (settings.largeNatBitmap ? CheckpointFlag.largeNatBitmap : 0);

  const checkpoint = checkpointBlock(layout, settings, files, flags);
  const summaries = [compactSummary(layout, settings, files), ...nodeSummaries(files)];
  const firstSummary = pack1 + 1 + layout.checkpointPayloadBlocks;
  const older = checkpoint.slice();
  RawCheckpoint.version.set(viewOf(older), 0, 0, 0);
  sealCheckpoint(older);
  return [
    { address: pack1, bytes: checkpoint },
    ...summaries.map((bytes, index) => ({ address: firstSummary + index, bytes })),
    { address: pack1 + blocks - 1, bytes: checkpoint },
    ...(hasNatBits ? natBits(layout, settings, checkpoint, pack1 + bitsIndex) : []),
    { address: pack2, bytes: older },
    { address: pack2 + blocks - 1, bytes: older },
  ];
}

function checkpointBlock(layout: Layout, settings: FormatSettings, files: FreshFiles, flags: number): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  const raw = RawCheckpoint;
  const { logs } = layout;
  const nodes = files.files.length;
  const data = dataBlockCount(files);
  raw.version.set(view, 0, settings.checkpointVersion, 0);
  raw.userBlockCount.set(view, 0, layout.userBlockCount);
  raw.validBlockCount.set(view, 0, nodes + data);
  raw.reservedSegmentCount.set(view, 0, layout.reservedSegmentCount);
  raw.overprovisionSegmentCount.set(view, 0, layout.overprovisionSegmentCount);
  raw.freeSegmentCount.set(view, 0, layout.usableSegments - usedLogSegments(settings.readOnly));
  for (let log = 0; log < LOG_FIELDS; log++) {
    raw.currentNodeSegments.set(view, 0, log, [logs.hotNode, logs.warmNode, logs.coldNode][log] ?? NO_SEGMENT);
    raw.currentDataSegments.set(view, 0, log, [logs.hotData, logs.warmData, logs.coldData][log] ?? NO_SEGMENT);
  }
  raw.currentNodeOffsets.set(view, 0, 0, nodes);
  raw.currentDataOffsets.set(view, 0, 0, data);
  raw.flags.set(view, 0, flags);
  raw.packBlockCount.set(view, 0, PACK_BLOCKS + layout.checkpointPayloadBlocks);
  raw.startSum.set(view, 0, 1 + layout.checkpointPayloadBlocks);
  raw.validNodeCount.set(view, 0, nodes);
  raw.validInodeCount.set(view, 0, nodes);
  raw.nextFreeNid.set(view, 0, files.nextFreeNid);
  raw.sitBitmapBytes.set(view, 0, (layout.segmentCountSit / 2) * (SEGMENT_BLOCKS / 8));
  raw.natBitmapBytes.set(view, 0, (layout.segmentCountNat / 2) * (SEGMENT_BLOCKS / 8));
  raw.checksumOffset.set(view, 0, checksumOffsetOf(settings));
  sealCheckpoint(block);
  return block;
}

const checksumOffsetOf = ({ largeNatBitmap }: FormatSettings): number =>
  largeNatBitmap ? CHECKPOINT_CHECKSUM_OFFSET_MIN : CHECKPOINT_CHECKSUM_OFFSET;

/** Journals and the entries of the hot data log; the other two data logs are empty. */
function compactSummary(layout: Layout, settings: FormatSettings, files: FreshFiles): Uint8Array {
  const summaries: DataSummaries = [new Uint8Array(BLOCK_SIZE), new Uint8Array(BLOCK_SIZE), new Uint8Array(BLOCK_SIZE)];
  const [hot, , cold] = summaries;
  hot.set(natJournal(files), SUMMARY_JOURNAL_OFFSET);
  cold.set(sitJournal(layout, files, settings.readOnly), SUMMARY_JOURNAL_OFFSET);
  const view = viewOf(hot);
  let entry = 0;
  for (const { ino, data } of files.files) {
    for (const index of data.keys()) {
      const at = SummaryBlock.entries.at(0, entry++);
      SummaryEntry.nid.set(view, at, ino);
      SummaryEntry.offsetInNode.set(view, at, index);
    }
  }
  const packed = packCompactSummaries(
    { allocationTypes: new Uint8Array(LOG_FIELDS), currentDataOffsets: [entry, 0, 0] },
    summaries,
  );
  assert(packed?.length === BLOCK_SIZE, 'the summaries of a new volume fit one block');
  return packed;
}

function nodeSummaries({ files }: FreshFiles): Uint8Array[] {
  const [hot, warm, cold] = [0, 1, 2].map(() => {
    const block = new Uint8Array(BLOCK_SIZE);
    SummaryBlock.entryType.set(viewOf(block), 0, SummaryType.node);
    return block;
  });
  for (const [index, { ino }] of files.entries()) {
    SummaryEntry.nid.set(viewOf(hot!), SummaryBlock.entries.at(0, index), ino);
  }
  return [hot!, warm!, cold!];
}

/** nat_bits: no NAT block is full, all but the first are empty. */
function natBits(layout: Layout, settings: FormatSettings, checkpoint: Uint8Array, address: number): FreshBlock[] {
  const bytes = new Uint8Array(natBitsBlocks(layout) * BLOCK_SIZE);
  const checksum = checkpointChecksum(checkpoint, checksumOffsetOf(settings));
  const owner = { versionLow: settings.checkpointVersion, versionHigh: 0, checksum };
  setNatBitsKey(owner, viewOf(bytes), 0);
  assert(natBitsEmptyOffset(layout) === NAT_BITS_FULL_OFFSET + natBitsBytes(layout), 'the empty map follows the full');
  const empty = natBitsEmptyOffset(layout);
  bytes.fill(0xff, empty, empty + natBitsBytes(layout));
  bytes[empty]! &= ~1;
  return Array.from({ length: bytes.length / BLOCK_SIZE }, (_, index) => ({
    address: address + index,
    bytes: bytes.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE),
  }));
}
