// A checkpoint pack: the blocks between the two checkpoint blocks, and which of the two packs is in force.
//
//   index 0        checkpoint block
//   1 ..           payload: the version bitmaps go on here when they outgrow the checkpoint block
//   ..             orphan blocks
//   startSum ..    data summaries: compact (1 or 2 blocks) or full (3)
//   ..             node summaries (3), in packs of an unmount or a fastboot mount
//   last           checkpoint block again
//   .. 511         nat_bits, at the end of the segment

import { Corruption, FsError } from '@f2fskit/errno';
import {
  CHECKPOINT_BITMAP_OFFSET,
  CHECKPOINT_CHECKSUM_OFFSET,
  type Checkpoint,
  CheckpointFlag,
  decodeCheckpoint,
  hasCheckpointFlag,
  hasNodeSummaries,
  RawCheckpoint,
} from './checkpoint.ts';
import { BLOCK_SIZE, SEGMENT_BLOCKS } from './constants.ts';
import { type CorruptionKind, corrupt } from './corruption.ts';
import { natBitsBlocks } from './nat-bits.ts';
import {
  COMPACT_ENTRIES_MAX,
  COMPACT_SIT_JOURNAL_OFFSET,
  compactEntryCounts,
  compactSummaryBlocks,
  SUMMARY_JOURNAL_OFFSET,
} from './summary.ts';
import type { Superblock } from './superblock.ts';

/**
 * A pack is sound when its first and its last block are sound checkpoint blocks of the same version. `last` is the block
 * at index `packBlockCount - 1`, which decodeCheckpoint of the first block tells.
 *
 * @throws Corruption as decodeCheckpoint, or checkpointVersion when the pack was torn.
 */
export function decodePack(first: Uint8Array, last: Uint8Array, superblock: Superblock, address: number): Checkpoint {
  const checkpoint = decodeCheckpoint(first, superblock, address);
  const lastAddress = address + checkpoint.packBlockCount - 1;
  const closing = decodeCheckpoint(last, superblock, lastAddress);
  if (closing.version !== checkpoint.version) {
    throw corrupt('checkpointVersion', {
      where: { block: lastAddress, offset: RawCheckpoint.version.offset },
      expected: checkpoint.version,
      found: closing.version,
      detail: 'the pack was not written to its end',
    });
  }
  return checkpoint;
}

/** What {@link selectPack} found. */
export interface SelectedPack {
  readonly checkpoint: Checkpoint;
  readonly pack: 0 | 1;
  /** Why the other pack is unusable, when it is; an older sound pack is no problem. */
  readonly problems: Corruption[];
}

/**
 * Chooses the checkpoint in force. Each argument is a decoded pack or the error that decoding or reading it gave. Of two
 * sound packs the newer one wins, by the signed 64-bit difference of their versions; pack 0 wins a tie.
 *
 * @param tolerated kinds of field problems that the caller can live with: a dump or fsck passes them all.
 * @throws the first field problem of the chosen pack that is not tolerated.
 * @throws the error of pack 0, with that of pack 1 as `cause`, when neither is sound.
 */
export function selectPack(
  pack0: Checkpoint | FsError,
  pack1: Checkpoint | FsError,
  tolerated: readonly CorruptionKind[] = [],
): SelectedPack {
  const selected = choosePack(pack0, pack1);
  const fatal = selected.checkpoint.problems.find((problem) => !tolerated.includes(problem.kind));
  if (fatal !== undefined) throw fatal;
  return selected;
}

function choosePack(pack0: Checkpoint | FsError, pack1: Checkpoint | FsError): SelectedPack {
  if (pack0 instanceof FsError) {
    if (pack1 instanceof FsError) {
      Object.defineProperty(pack0, 'cause', { value: pack1, configurable: true, writable: true, enumerable: false });
      throw pack0;
    }
    return { checkpoint: pack1, pack: 1, problems: [asProblem(pack0)] };
  }
  if (pack1 instanceof FsError) return { checkpoint: pack0, pack: 0, problems: [asProblem(pack1)] };
  return BigInt.asIntN(64, pack1.version - pack0.version) > 0n
    ? { checkpoint: pack1, pack: 1, problems: [] }
    : { checkpoint: pack0, pack: 0, problems: [] };
}

function asProblem(error: FsError): Corruption {
  return error instanceof Corruption ? error : corrupt('packRead', { detail: error.message, cause: error });
}

/** The version bitmaps of NAT and SIT: one bit a block, MSB-first, 0 = copy 0 is current, 1 = copy 1. */
export interface VersionBitmaps {
  readonly nat: Uint8Array;
  readonly sit: Uint8Array;
}

/** Where the two bitmaps start in the concatenation of checkpoint block and payload blocks (3.5). */
export function versionBitmapOffsets(
  checkpoint: Pick<Checkpoint, 'flags' | 'checksumOffset' | 'sitBitmapBytes' | 'natBitmapBytes'>,
  superblock: Pick<Superblock, 'checkpointPayloadBlocks'>,
): { nat: number; sit: number } {
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.largeNatBitmap)) {
    // Case B: the checksum comes first, unless the volume still has the deprecated layout with the checksum at the end.
    const deprecated = checkpoint.checksumOffset === CHECKPOINT_CHECKSUM_OFFSET;
    const nat = CHECKPOINT_BITMAP_OFFSET + (deprecated ? 0 : 4);
    return { nat, sit: nat + checkpoint.natBitmapBytes };
  }
  // Case A2: the SIT bitmap has outgrown the block and has the payload to itself. Case A1: both in the block, SIT first.
  if (superblock.checkpointPayloadBlocks > 0) return { nat: CHECKPOINT_BITMAP_OFFSET, sit: BLOCK_SIZE };
  return { nat: CHECKPOINT_BITMAP_OFFSET + checkpoint.sitBitmapBytes, sit: CHECKPOINT_BITMAP_OFFSET };
}

/**
 * Copies of both version bitmaps. `packBytes` is the checkpoint block followed by the payload blocks.
 *
 * @throws Corruption checkpointBitmapSize when a bitmap runs over what was given or over the checksum.
 */
export function versionBitmaps(
  checkpoint: Checkpoint,
  superblock: Pick<Superblock, 'checkpointPayloadBlocks'>,
  packBytes: Uint8Array,
): VersionBitmaps {
  const { nat, sit } = versionBitmapOffsets(checkpoint, superblock);
  // The deprecated large layout is spared the second test: there the bitmaps did run over the checksum.
  const large = hasCheckpointFlag(checkpoint, CheckpointFlag.largeNatBitmap);
  const slice = (start: number, size: number, offset: number) => {
    const limit = large || start >= BLOCK_SIZE ? packBytes.length : CHECKPOINT_CHECKSUM_OFFSET;
    if (start + size > limit) {
      const where = { block: checkpoint.address, offset };
      throw corrupt('checkpointBitmapSize', { where, expected: `an end at ${limit} or before`, found: start + size });
    }
    return packBytes.slice(start, start + size);
  };
  return {
    nat: slice(nat, checkpoint.natBitmapBytes, RawCheckpoint.natBitmapBytes.offset),
    sit: slice(sit, checkpoint.sitBitmapBytes, RawCheckpoint.sitBitmapBytes.offset),
  };
}

/** Where each part of a pack lies: block indices from the start of the pack, and block counts. */
export interface PackLayout {
  readonly payloadIndex: number;
  readonly payloadBlocks: number;
  readonly orphanIndex: number;
  /** 0 without orphans. */
  readonly orphanBlocks: number;
  /** Compact: the first packed block. Normal: the hot data summary; warm and cold follow. */
  readonly dataSummaryIndex: number;
  /** 1 or 2 compact, 3 normal. */
  readonly dataSummaryBlocks: number;
  readonly compact: boolean;
  /** The hot node summary; warm and cold follow. Without meaning when `nodeSummaryBlocks` is 0. */
  readonly nodeSummaryIndex: number;
  /** 3 in packs of an unmount or a fastboot mount, else 0: then the summaries are found through the SSA. */
  readonly nodeSummaryBlocks: number;
  /** The closing checkpoint block. */
  readonly lastIndex: number;
  readonly natBitsIndex: number;
  /** 0 when the flag is clear. The key still has to match: {@link natBitsKeyMatches}. */
  readonly natBitsBlocks: number;
}

/**
 * Where everything in the pack lies, by the reading rules of 3.3.
 *
 * @throws Corruption packLayout when parts would overlap or leave the pack, compactSummary when the packed summaries
 *   would need a third block.
 */
export function packLayout(checkpoint: Checkpoint, superblock: Superblock): PackLayout {
  const compact = hasCheckpointFlag(checkpoint, CheckpointFlag.compactSummary);
  const lastIndex = checkpoint.packBlockCount - 1;
  const nodeSummaryBlocks = hasNodeSummaries(checkpoint) ? 3 : 0;
  const nodeSummaryIndex = lastIndex - nodeSummaryBlocks;
  const payloadBlocks = superblock.checkpointPayloadBlocks;
  const orphanIndex = 1 + payloadBlocks;
  let dataSummaryBlocks = 3;
  if (compact) {
    const entries = compactEntryCounts(checkpoint).reduce((sum, count) => sum + count, 0);
    dataSummaryBlocks = compactSummaryBlocks(entries);
    if (dataSummaryBlocks === 0) {
      throw corrupt('compactSummary', {
        where: { block: checkpoint.address, offset: RawCheckpoint.currentDataOffsets.offset },
        expected: `at most ${COMPACT_ENTRIES_MAX} entries`,
        found: entries,
      });
    }
  }
  const dataSummaryIndex = compact ? checkpoint.startSum : nodeSummaryIndex - 3;
  const orphanPresent = hasCheckpointFlag(checkpoint, CheckpointFlag.orphanPresent);
  const orphanBlocks = orphanPresent ? checkpoint.startSum - orphanIndex : 0;
  if (dataSummaryIndex < orphanIndex + Math.max(0, orphanBlocks) || orphanBlocks < 0) {
    throw corrupt('packLayout', {
      where: { block: checkpoint.address, offset: RawCheckpoint.startSum.offset },
      expected: `data summaries at index ${orphanIndex + Math.max(0, orphanBlocks)} or after`,
      found: dataSummaryIndex,
    });
  }
  if (dataSummaryIndex + dataSummaryBlocks > nodeSummaryIndex) {
    throw corrupt('packLayout', {
      where: { block: checkpoint.address, offset: RawCheckpoint.packBlockCount.offset },
      expected: `at least ${dataSummaryIndex + dataSummaryBlocks + nodeSummaryBlocks + 1} blocks`,
      found: checkpoint.packBlockCount,
    });
  }
  const bits = hasCheckpointFlag(checkpoint, CheckpointFlag.natBits) ? natBitsBlocks(superblock) : 0;
  return {
    payloadIndex: 1,
    payloadBlocks,
    orphanIndex,
    orphanBlocks,
    dataSummaryIndex,
    dataSummaryBlocks,
    compact,
    nodeSummaryIndex,
    nodeSummaryBlocks,
    lastIndex,
    natBitsIndex: SEGMENT_BLOCKS - bits,
    natBitsBlocks: bits,
  };
}

/** A place in a checkpoint pack: block index from its start, and byte offset in that block. */
export interface PackPlace {
  readonly index: number;
  readonly offset: number;
}

/** Where the two journals lie: in the compact block, or in the hot and the cold data summary. */
export function journalsOfPack(layout: PackLayout): { nat: PackPlace; sit: PackPlace } {
  const { dataSummaryIndex: index, compact } = layout;
  return compact
    ? { nat: { index, offset: 0 }, sit: { index, offset: COMPACT_SIT_JOURNAL_OFFSET } }
    : {
        nat: { index, offset: SUMMARY_JOURNAL_OFFSET },
        sit: { index: index + 2, offset: SUMMARY_JOURNAL_OFFSET },
      };
}
