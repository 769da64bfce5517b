// The checkpoint block: the block that makes everything before it true. It opens and closes each of the two packs; a
// checkpoint is written to the pack that is not in force, so a torn one leaves the other.
//
// From blocks to the checkpoint in force (pack.ts goes on where this file ends):
//   1. decodeCheckpoint(first block): checksum, length of the pack; field rules go into `problems`, they are not thrown.
//   2. decodePack(first, last): both sound, same version; else the pack was torn.
//   3. selectPack(pack 0, pack 1): the newer one. Its `problems` are thrown here, and the older pack is no way out:
//      a newer pack with a right checksum and wrong fields is corruption, not a torn write.
//   4. versionBitmaps, packLayout: where the rest of the pack lies.

import { assert, type Corruption, type CorruptionDetails } from '@f2fskit/errno';
import { bits64, bytes, struct, u16s, u32, u32s, u64, viewOf } from '@f2fskit/ondisk';
import {
  AllocationType,
  BLOCK_SIZE,
  CHECKPOINT_SEGMENTS,
  LOG_COUNT,
  NAT_ENTRIES_PER_BLOCK,
  RESERVED_NIDS,
  SEGMENT_BLOCKS,
  SIT_ENTRIES_PER_BLOCK,
} from './constants.ts';
import { type CorruptionKind, corrupt, hex } from './corruption.ts';
import { CRC_SEED, f2fsCrc } from './crc.ts';
import { Feature, hasFeature } from './features.ts';
import { maskNames, snakeNames } from './mask.ts';
import { natBitsBlocks, natBlockCount } from './nat-bits.ts';
import { saturated } from './number.ts';
import type { Superblock } from './superblock.ts';

/** The fixed head of a checkpoint block. 192 bytes; version bitmaps and checksum follow. */
export const RawCheckpoint = struct('f2fs_checkpoint', 192, {
  version: bits64(0, 'grows with each checkpoint; the newer pack is in force'),
  userBlockCount: u64(8, 'blocks that files may use: (usable main segments - overprovision) * 512'),
  validBlockCount: u64(16, 'node and data blocks, plus reserved and compressed-head slots'),
  reservedSegmentCount: u32(24, 'segments kept for cleaning'),
  overprovisionSegmentCount: u32(28, 'segments that files cannot use, including the reserved ones'),
  freeSegmentCount: u32(32, 'main segments without a valid block that no log is in'),
  currentNodeSegments: u32s(36, 8, 'segment of the hot, warm, cold node log; the rest 0xFFFFFFFF'),
  currentNodeOffsets: u16s(68, 8, 'next block of each node log in its segment'),
  currentDataSegments: u32s(84, 8, 'segment of the hot, warm, cold data log; the rest 0xFFFFFFFF'),
  currentDataOffsets: u16s(116, 8, 'next block of each data log in its segment'),
  flags: u32(132, 'checkpoint flags'),
  packBlockCount: u32(136, 'blocks from the first to the last checkpoint block of the pack'),
  startSum: u32(140, 'index in the pack of the first data summary'),
  validNodeCount: u32(144, 'NAT entries in use, without nid 1 and 2'),
  validInodeCount: u32(148, 'inodes among them'),
  nextFreeNid: u32(152, 'where to start looking for a free nid'),
  sitBitmapBytes: u32(156, 'bytes of the SIT version bitmap'),
  natBitmapBytes: u32(160, 'bytes of the NAT version bitmap'),
  checksumOffset: u32(164, '4092, or 192 with a large NAT bitmap'),
  elapsedTime: u64(168, 'seconds this volume has been mounted, all mounts together'),
  allocationTypes: bytes(176, 16, 'for each log 0..5: 0 appends, 1 fills holes'),
});

/** Where the version bitmaps start, without a large NAT bitmap. */
export const CHECKPOINT_BITMAP_OFFSET = RawCheckpoint.$size;
/** The default place of the checksum: the last four bytes. */
export const CHECKPOINT_CHECKSUM_OFFSET = BLOCK_SIZE - 4;
/** The place of the checksum with a large NAT bitmap: before the bitmaps, which then start four bytes later. */
export const CHECKPOINT_CHECKSUM_OFFSET_MIN = RawCheckpoint.$size;

/** Bits of `flags`. */
export const CheckpointFlag = {
  umount: 0x1,
  orphanPresent: 0x2,
  compactSummary: 0x4,
  error: 0x8,
  fsckNeeded: 0x10,
  fastboot: 0x20,
  crcRecovery: 0x40,
  natBits: 0x80,
  trimmed: 0x100,
  noCrcRecovery: 0x200,
  largeNatBitmap: 0x400,
  quotaNeedFsck: 0x800,
  disabled: 0x1000,
  disabledQuick: 0x2000,
  resizeFs: 0x4000,
} as const;

export const checkpointFlagNotes: Readonly<Record<keyof typeof CheckpointFlag, string>> = {
  umount: 'written by a clean unmount; node summaries are in the pack. Says nothing of what came after',
  orphanPresent: 'orphan blocks are in the pack',
  compactSummary: 'data summaries are packed into one or two blocks',
  error: 'the filesystem met an error; Linux refuses to mount',
  fsckNeeded: 'fsck is wanted',
  fastboot: 'node summaries are in the pack although this was no unmount',
  crcRecovery: 'node footers written after it carry its checksum in the upper half of their version',
  natBits: 'nat_bits may be valid: their key tells',
  trimmed: 'all free space was discarded',
  noCrcRecovery: 'recovery compares only the low half of versions: fsck rewrote the pack',
  largeNatBitmap: 'the checksum comes before the version bitmaps',
  quotaNeedFsck: 'quota files are stale',
  disabled: 'mounted without checkpoints; what was written since is dropped',
  disabledQuick: 'the same, entered without cleaning first',
  resizeFs: 'a resize was under way',
};

const flagNames = snakeNames(CheckpointFlag);

/** `0x85` → `['umount', 'compact_summary', 'nat_bits']`; an unknown bit is shown as `unknown:0x…`. */
export function checkpointFlagNames(mask: number): string[] {
  return maskNames(flagNames, mask);
}

/** Every field of a checkpoint block whose checksum is right. */
export interface Checkpoint {
  /** Block this was decoded from: the first of its pack. */
  readonly address: number;
  readonly version: bigint;
  readonly versionLow: number;
  readonly versionHigh: number;
  readonly userBlockCount: number;
  readonly validBlockCount: number;
  readonly reservedSegmentCount: number;
  readonly overprovisionSegmentCount: number;
  readonly freeSegmentCount: number;
  /** Hot, warm, cold. */
  readonly currentNodeSegments: readonly [hot: number, warm: number, cold: number];
  readonly currentNodeOffsets: readonly [hot: number, warm: number, cold: number];
  readonly currentDataSegments: readonly [hot: number, warm: number, cold: number];
  readonly currentDataOffsets: readonly [hot: number, warm: number, cold: number];
  /** See {@link CheckpointFlag}. */
  readonly flags: number;
  readonly packBlockCount: number;
  readonly startSum: number;
  readonly validNodeCount: number;
  readonly validInodeCount: number;
  readonly nextFreeNid: number;
  readonly sitBitmapBytes: number;
  readonly natBitmapBytes: number;
  readonly checksumOffset: number;
  readonly checksum: number;
  /** Seconds; saturates at 2^53 - 1. */
  readonly elapsedTime: number;
  /** 16 bytes, a copy; index = segment type 0..5. */
  readonly allocationTypes: Uint8Array;
  /** Field rules of 3.4 that it breaks, in the order of the sheet; empty on a healthy volume. */
  readonly problems: readonly Corruption<CorruptionKind>[];
}

export function hasCheckpointFlag(checkpoint: Pick<Checkpoint, 'flags'>, flag: number): boolean {
  return (checkpoint.flags & flag) !== 0;
}

/** True when the pack holds the three node summaries. */
export function hasNodeSummaries(checkpoint: Pick<Checkpoint, 'flags'>): boolean {
  return hasCheckpointFlag(checkpoint, CheckpointFlag.umount | CheckpointFlag.fastboot);
}

/**
 * What a checkpoint block's checksum should be, for a checksum at `checksumOffset`: all bytes before it, and, with a
 * large NAT bitmap, all bytes after it as well. Payload blocks are never covered.
 */
export function checkpointChecksum(block: Uint8Array, checksumOffset: number): number {
  const crc = f2fsCrc(CRC_SEED, block, 0, checksumOffset);
  return checksumOffset === CHECKPOINT_CHECKSUM_OFFSET ? crc : f2fsCrc(crc, block, checksumOffset + 4, BLOCK_SIZE);
}

/** Stores the checksum where the block's own `checksumOffset` says. Writers call it last. */
export function sealCheckpoint(block: Uint8Array): void {
  const view = viewOf(block);
  const offset = RawCheckpoint.checksumOffset.get(view, 0);
  assert(offset >= CHECKPOINT_CHECKSUM_OFFSET_MIN && offset <= CHECKPOINT_CHECKSUM_OFFSET, 'a place for the checksum');
  view.setUint32(offset, checkpointChecksum(block, offset), true);
}

/**
 * Decodes a checkpoint block of 4096 bytes. Throws only what makes the block no checkpoint at all; rules about its
 * fields end in `problems`.
 *
 * @throws Corruption checkpointChecksumOffset, checkpointChecksum, checkpointPackBlockCount.
 */
export function decodeCheckpoint(block: Uint8Array, superblock: Superblock, address: number): Checkpoint {
  const raw = RawCheckpoint;
  const view = viewOf(block);
  const fail = (kind: CorruptionKind, offset: number, expected: string | number, found: string | number) =>
    corrupt(kind, { where: { block: address, offset }, expected, found });

  const checksumOffset = raw.checksumOffset.get(view, 0);
  if (checksumOffset < CHECKPOINT_CHECKSUM_OFFSET_MIN || checksumOffset > CHECKPOINT_CHECKSUM_OFFSET) {
    const range = `${CHECKPOINT_CHECKSUM_OFFSET_MIN}..${CHECKPOINT_CHECKSUM_OFFSET}`;
    throw fail('checkpointChecksumOffset', raw.checksumOffset.offset, range, checksumOffset);
  }
  const checksum = view.getUint32(checksumOffset, true);
  const expected = checkpointChecksum(block, checksumOffset);
  if (checksum !== expected) throw fail('checkpointChecksum', checksumOffset, hex(expected), hex(checksum));
  const packBlockCount = raw.packBlockCount.get(view, 0);
  if (packBlockCount <= 2 || packBlockCount > SEGMENT_BLOCKS) {
    throw fail('checkpointPackBlockCount', raw.packBlockCount.offset, `3..${SEGMENT_BLOCKS}`, packBlockCount);
  }

  const three = (field: { get(view: DataView, at: number, index: number): number }) =>
    [field.get(view, 0, 0), field.get(view, 0, 1), field.get(view, 0, 2)] as const;
  const fields = {
    address,
    version: raw.version.decode(view, 0),
    versionLow: raw.version.low(view, 0),
    versionHigh: raw.version.high(view, 0),
    userBlockCount: saturated(raw.userBlockCount, view, 0),
    validBlockCount: saturated(raw.validBlockCount, view, 0),
    reservedSegmentCount: raw.reservedSegmentCount.get(view, 0),
    overprovisionSegmentCount: raw.overprovisionSegmentCount.get(view, 0),
    freeSegmentCount: raw.freeSegmentCount.get(view, 0),
    currentNodeSegments: three(raw.currentNodeSegments),
    currentNodeOffsets: three(raw.currentNodeOffsets),
    currentDataSegments: three(raw.currentDataSegments),
    currentDataOffsets: three(raw.currentDataOffsets),
    flags: raw.flags.get(view, 0),
    packBlockCount,
    startSum: raw.startSum.get(view, 0),
    validNodeCount: raw.validNodeCount.get(view, 0),
    validInodeCount: raw.validInodeCount.get(view, 0),
    nextFreeNid: raw.nextFreeNid.get(view, 0),
    sitBitmapBytes: raw.sitBitmapBytes.get(view, 0),
    natBitmapBytes: raw.natBitmapBytes.get(view, 0),
    checksumOffset,
    checksum,
    elapsedTime: saturated(raw.elapsedTime, view, 0),
    allocationTypes: raw.allocationTypes.get(view, 0).slice(),
  };
  return { ...fields, problems: checkpointProblems(fields, superblock) };
}

/**
 * The field rules of 3.4, each broken one as an error that is not thrown. `where.offset` is the byte in the checkpoint
 * block.
 */
export function checkpointProblems(
  checkpoint: Omit<Checkpoint, 'problems'>,
  superblock: Superblock,
): Corruption<CorruptionKind>[] {
  const raw = RawCheckpoint;
  const problems: Corruption<CorruptionKind>[] = [];
  const readOnly = hasFeature(superblock, Feature.ro);
  function expect(
    ok: boolean,
    kind: CorruptionKind,
    offset: number,
    expected: string | number,
    found: string | number,
    details: CorruptionDetails = {},
  ): void {
    if (!ok)
      problems.push(corrupt(kind, { ...details, where: { block: checkpoint.address, offset }, expected, found }));
  }

  const metaSegments =
    superblock.segmentCountCheckpoint +
    superblock.segmentCountSit +
    superblock.segmentCountNat +
    superblock.segmentCountSsa;
  const { reservedSegmentCount, overprovisionSegmentCount } = checkpoint;
  expect(
    metaSegments + reservedSegmentCount < superblock.segmentCount,
    'checkpointSegmentCounts',
    raw.reservedSegmentCount.offset,
    `below ${superblock.segmentCount - metaSegments}`,
    reservedSegmentCount,
  );
  if (!readOnly) {
    const { offset } = raw.reservedSegmentCount;
    expect(reservedSegmentCount !== 0, 'checkpointReserve', offset, 'not zero', reservedSegmentCount);
    const overprovision = raw.overprovisionSegmentCount.offset;
    expect(overprovisionSegmentCount !== 0, 'checkpointReserve', overprovision, 'not zero', overprovisionSegmentCount);
  }

  const mainBlocks = (superblock.segmentCountMain + (readOnly ? 1 : 0)) * SEGMENT_BLOCKS;
  const { userBlockCount, validBlockCount, validNodeCount } = checkpoint;
  expect(
    userBlockCount > 0 && userBlockCount < mainBlocks,
    'checkpointUserBlocks',
    raw.userBlockCount.offset,
    `1..${mainBlocks - 1}`,
    userBlockCount,
  );
  expect(
    validBlockCount <= userBlockCount,
    'checkpointValidBlocks',
    raw.validBlockCount.offset,
    `at most ${userBlockCount}`,
    validBlockCount,
  );
  const nodes = natBlockCount(superblock) * NAT_ENTRIES_PER_BLOCK - RESERVED_NIDS;
  const nodesOffset = raw.validNodeCount.offset;
  expect(validNodeCount <= nodes, 'checkpointValidNodes', nodesOffset, `at most ${nodes}`, validNodeCount);

  expectCurrentSegments(checkpoint, superblock, readOnly, expect);

  const sitBytes = (superblock.segmentCountSit / 2) * (SEGMENT_BLOCKS / 8);
  const natBytes = (superblock.segmentCountNat / 2) * (SEGMENT_BLOCKS / 8);
  const { sitBitmapBytes, natBitmapBytes } = checkpoint;
  expect(sitBitmapBytes === sitBytes, 'checkpointBitmapSize', raw.sitBitmapBytes.offset, sitBytes, sitBitmapBytes);
  expect(natBitmapBytes === natBytes, 'checkpointBitmapSize', raw.natBitmapBytes.offset, natBytes, natBitmapBytes);
  const sitBlocks = Math.ceil(superblock.segmentCountMain / SIT_ENTRIES_PER_BLOCK);
  expect(
    8 * sitBitmapBytes >= sitBlocks,
    'checkpointBitmapSize',
    raw.sitBitmapBytes.offset,
    `at least ${Math.ceil(sitBlocks / 8)}`,
    sitBitmapBytes,
  );

  const startMin = 1 + superblock.checkpointPayloadBlocks;
  const startMax = SEGMENT_BLOCKS - 1 - LOG_COUNT;
  const { startSum } = checkpoint;
  expect(
    startSum >= startMin && startSum <= startMax,
    'checkpointStartSum',
    raw.startSum.offset,
    `${startMin}..${startMax}`,
    startSum,
  );
  for (let log = 0; log < LOG_COUNT; log++) {
    const type = checkpoint.allocationTypes[log]!;
    const offset = raw.allocationTypes.offset + log;
    expect(type <= AllocationType.ssr, 'checkpointAllocationType', offset, '0 or 1', type);
  }
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.largeNatBitmap)) {
    const { checksumOffset } = checkpoint;
    expect(
      checksumOffset === CHECKPOINT_CHECKSUM_OFFSET_MIN,
      'checkpointLargeNatBitmap',
      raw.checksumOffset.offset,
      CHECKPOINT_CHECKSUM_OFFSET_MIN,
      checksumOffset,
      { detail: 'a deprecated layout that fsck.f2fs converts' },
    );
  }
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.natBits)) {
    const blocks = superblock.checkpointPayloadBlocks + CHECKPOINT_SEGMENTS + LOG_COUNT + natBitsBlocks(superblock);
    expect(blocks < SEGMENT_BLOCKS, 'checkpointNatBits', raw.flags.offset, `below ${SEGMENT_BLOCKS} blocks`, blocks);
  }
  expect(
    !hasCheckpointFlag(checkpoint, CheckpointFlag.error),
    'checkpointErrorFlag',
    raw.flags.offset,
    'the error flag clear',
    hex(checkpoint.flags),
    { detail: 'the volume recorded an error: it needs fsck' },
  );
  return problems;
}

/** Every log stands inside the main area, and no two in one segment. */
function expectCurrentSegments(
  checkpoint: Omit<Checkpoint, 'problems'>,
  superblock: Superblock,
  readOnly: boolean,
  expect: (ok: boolean, kind: CorruptionKind, offset: number, expected: string | number, found: number) => void,
): void {
  const raw = RawCheckpoint;
  const logs = [0, 1, 2].flatMap((log) => [
    {
      segno: checkpoint.currentDataSegments[log]!,
      at: raw.currentDataSegments.offset + 4 * log,
      next: checkpoint.currentDataOffsets[log]!,
      nextAt: raw.currentDataOffsets.offset + 2 * log,
    },
    {
      segno: checkpoint.currentNodeSegments[log]!,
      at: raw.currentNodeSegments.offset + 4 * log,
      next: checkpoint.currentNodeOffsets[log]!,
      nextAt: raw.currentNodeOffsets.offset + 2 * log,
    },
  ]);
  const segments = superblock.segmentCountMain;
  const seen = new Set<number>();
  for (const { segno, at, next, nextAt } of logs) {
    expect(segno < segments, 'checkpointCurrentSegment', at, `below ${segments}`, segno);
    expect(next < SEGMENT_BLOCKS, 'checkpointCurrentOffset', nextAt, `below ${SEGMENT_BLOCKS}`, next);
    // A read-only volume uses two logs; the others stand anywhere.
    if (!readOnly) expect(!seen.has(segno), 'checkpointCurrentSegment', at, 'a segment of its own', segno);
    seen.add(segno);
  }
}
