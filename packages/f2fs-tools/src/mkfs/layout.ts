// How a volume of so many bytes is divided: pure numbers, no device. Source: spec 1.4 (f2fs-tools 1.15).
//
//   | SB0 | SB1 | gap to a zone | checkpoint packs | SIT | NAT | SSA, padded to a zone | main area |
//
// The two tables are sized by what the whole volume could need, and the version bitmaps of both must fit into the
// checkpoint block; where they do not, the packs get payload blocks, or the NAT stays smaller than it could be.

import { assert, EINVAL, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CHECKPOINT_BITMAP_OFFSET,
  CHECKPOINT_CHECKSUM_OFFSET,
  CHECKPOINT_SEGMENTS,
  MAX_SEGMENTS,
  MIN_SEGMENTS,
  NAT_ENTRIES_PER_BLOCK,
  SEGMENT_BLOCKS,
  SEGMENT_BYTES,
  SIT_ENTRIES_PER_BLOCK,
  SUPER_COPIES,
} from '@f2fskit/f2fs-format';
import { initialLogs, type LogSegments } from './logs.ts';
import { type Overprovision, overprovisionOf } from './overprovision.ts';

/** What decides about the layout, beside the size. */
export interface LayoutOptions {
  readonly segmentsPerSection: number;
  readonly sectionsPerZone: number;
  /** Percent; 0: searched. */
  readonly overprovision: number;
  /** A NAT for a fifth of all blocks, with bitmaps after the checksum of the checkpoint block. */
  readonly largeNatBitmap: boolean;
  readonly heap: boolean;
  /** Feature ro. */
  readonly readOnly: boolean;
  /** Bytes; what is left of the volume behind the last whole sector is not used. */
  readonly sectorSize: number;
}

/** All numbers of a new volume. Counts and addresses are in blocks or segments, as the names say. */
export interface Layout extends Overprovision {
  /** Bytes of the volume: whole sectors. */
  readonly bytes: number;
  readonly blockCount: number;
  readonly segmentCount: number;
  readonly segmentCountSit: number;
  readonly segmentCountNat: number;
  readonly segmentCountSsa: number;
  readonly segmentCountMain: number;
  readonly sectionCount: number;
  /** Main segments that blocks can be written to. */
  readonly usableSegments: number;
  readonly segment0Address: number;
  readonly sitAddress: number;
  readonly natAddress: number;
  readonly ssaAddress: number;
  readonly mainAddress: number;
  readonly checkpointPayloadBlocks: number;
  /** Blocks that files may use, nodes and directories included. */
  readonly userBlockCount: number;
  readonly logs: LogSegments;
}

/** Main segments that logs stand in. */
export const usedLogSegments = (readOnly: boolean): number => (readOnly ? 2 : 6);

const BITMAP_ROOM = CHECKPOINT_CHECKSUM_OFFSET - CHECKPOINT_BITMAP_OFFSET;
/** Bytes of a bitmap for one segment of table blocks. */
const BITMAP_BYTES_PER_SEGMENT = SEGMENT_BLOCKS / 8;
const VOLUME_BYTES_MAX = MAX_SEGMENTS * SEGMENT_BYTES;
/** Part of all blocks that a large NAT has entries for. */
const LARGE_NAT_PERCENT = 20;

/**
 * Divides `bytes` into areas.
 *
 * @throws FsError EINVAL when the volume would be too small or too large for the format or for the options.
 */
export function layoutOf(bytes: number, options: LayoutOptions): Layout {
  assert(Number.isSafeInteger(bytes) && bytes >= 0, 'the size of a volume is a number of bytes');
  const { segmentsPerSection, sectionsPerZone, readOnly } = options;
  const zone = segmentsPerSection * sectionsPerZone;
  const usedBytes = bytes - (bytes % options.sectorSize);
  const tooSmall = (detail: string) => new FsError(EINVAL, `size: ${bytes} bytes are too few: ${detail}`);

  if (usedBytes > VOLUME_BYTES_MAX) {
    throw new FsError(EINVAL, `size: ${bytes} bytes are too many: 16 TiB are the most`);
  }
  const start = readOnly ? SUPER_COPIES * BLOCK_SIZE : zone * SEGMENT_BYTES;
  const segment0Address = start / BLOCK_SIZE;
  const deviceSegments = Math.max(0, Math.floor((usedBytes - start) / SEGMENT_BYTES));
  if (deviceSegments < MIN_SEGMENTS) throw tooSmall(`${deviceSegments} segments, and ${MIN_SEGMENTS} are the least`);
  const segmentCount = Math.floor(deviceSegments / zone) * zone;

  const tables = tableSegments(segmentCount, options);
  const sitAddress = segment0Address + CHECKPOINT_SEGMENTS * SEGMENT_BLOCKS;
  const natAddress = sitAddress + tables.sit * SEGMENT_BLOCKS;
  const ssaAddress = natAddress + tables.nat * SEGMENT_BLOCKS;
  const behindTables = segmentCount - CHECKPOINT_SEGMENTS - tables.sit - tables.nat;
  // One summary more than there can be segments: as f2fs-tools 1.15 counts.
  const ssa = readOnly ? 0 : Math.ceil((behindTables + 1) / SEGMENT_BLOCKS);
  const metaZones = Math.ceil((CHECKPOINT_SEGMENTS + tables.sit + tables.nat + ssa) / zone);
  const segmentCountSsa = metaZones * zone - (CHECKPOINT_SEGMENTS + tables.sit + tables.nat);
  const mainAddress = segment0Address + metaZones * zone * SEGMENT_BLOCKS;

  const zoneCount = segmentCount / zone - metaZones;
  const logSegments = usedLogSegments(readOnly);
  if (zoneCount <= logSegments) {
    throw tooSmall(`${Math.max(0, zoneCount)} zones for files, and ${logSegments + 1} are the least`);
  }
  const sectionCount = zoneCount * sectionsPerZone;
  const segmentCountMain = sectionCount * segmentsPerSection;
  // Of the device, not of the whole zones: with large zones this counts segments that do not exist, as 1.15 does.
  const usableSegments = deviceSegments - metaZones * zone;
  const overprovision = readOnly
    ? { percent: 0, reservedSegmentCount: 0, overprovisionSegmentCount: 0 }
    : overprovisionOf({ usableSegments, segmentCountMain, sectionCount }, options.overprovision);
  if (!readOnly) {
    if (overprovision.percent === 0) throw tooSmall('no room for files besides what cleaning needs');
    if (overprovision.reservedSegmentCount > segmentCountMain - logSegments) {
      throw tooSmall(`cleaning needs ${overprovision.reservedSegmentCount} of ${segmentCountMain} segments`);
    }
  }
  if (usableSegments <= overprovision.overprovisionSegmentCount) {
    const { overprovisionSegmentCount } = overprovision;
    throw new FsError(EINVAL, `overprovision: it takes ${overprovisionSegmentCount} of ${usableSegments} segments`);
  }

  return {
    bytes: usedBytes,
    blockCount: Math.floor(usedBytes / BLOCK_SIZE),
    segmentCount,
    segmentCountSit: tables.sit,
    segmentCountNat: tables.nat,
    segmentCountSsa,
    segmentCountMain,
    sectionCount,
    usableSegments,
    segment0Address,
    sitAddress,
    natAddress,
    ssaAddress,
    mainAddress,
    checkpointPayloadBlocks: tables.payloadBlocks,
    ...overprovision,
    userBlockCount: (usableSegments - overprovision.overprovisionSegmentCount) * SEGMENT_BLOCKS,
    logs: initialLogs(zoneCount, options),
  };
}

/** Segments of both copies of SIT and NAT, and the payload blocks that their bitmaps make necessary. */
function tableSegments(
  segmentCount: number,
  { largeNatBitmap }: LayoutOptions,
): { sit: number; nat: number; payloadBlocks: number } {
  const sitCopy = Math.ceil(Math.ceil(segmentCount / SIT_ENTRIES_PER_BLOCK) / SEGMENT_BLOCKS);
  const sit = 2 * sitCopy;
  const blocks = (segmentCount - CHECKPOINT_SEGMENTS - sit) * SEGMENT_BLOCKS;
  const wanted = Math.ceil(Math.ceil(blocks / NAT_ENTRIES_PER_BLOCK) / SEGMENT_BLOCKS);
  const sitBitmap = sitCopy * BITMAP_BYTES_PER_SEGMENT;
  if (largeNatBitmap) {
    const natCopy = Math.max(1, Math.floor((wanted * LARGE_NAT_PERCENT) / 100));
    const excess = sitBitmap + natCopy * BITMAP_BYTES_PER_SEGMENT - BITMAP_ROOM;
    return { sit, nat: 2 * natCopy, payloadBlocks: Math.max(0, Math.ceil(excess / BLOCK_SIZE)) };
  }
  // Where the SIT bitmap would leave no room for a NAT of one segment, it moves to the payload.
  const moved = sitBitmap > BITMAP_ROOM - BITMAP_BYTES_PER_SEGMENT;
  const natBitmap = moved ? BITMAP_ROOM : BITMAP_ROOM - sitBitmap;
  const natCopy = Math.min(wanted, Math.floor(natBitmap / BITMAP_BYTES_PER_SEGMENT));
  return { sit, nat: 2 * natCopy, payloadBlocks: moved ? Math.ceil(sitBitmap / BLOCK_SIZE) : 0 };
}
