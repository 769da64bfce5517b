// The superblock: 3072 bytes at byte 1024 of block 0, and again of block 1. It holds the geometry, which never changes
// while a volume is mounted, and a few counters of past trouble. It points to everything else:
//
//   | SB0 | SB1 | gap | checkpoint packs | SIT | NAT | SSA | main area |
//
// What holds after decodeSuperblock: the areas follow each other without gaps, every count fits into its area, and all
// the address arithmetic of this package stays inside the volume. Nothing here reads a device.

import { EOPNOTSUPP, FsError } from '@f2fskit/errno';
import { bytes, struct, structs, u8, u16, u32, u32s, u64, viewOf } from '@f2fskit/ondisk';
import {
  BLOCK_SIZE_LOG2,
  CHECKPOINT_SEGMENTS,
  LOG_COUNT,
  MAX_DEVICES,
  MAX_EXTENSIONS,
  MAX_SEGMENTS,
  META_INO,
  MIN_SEGMENTS,
  NODE_INO,
  ROOT_INO,
  SEGMENT_BLOCKS,
  SEGMENT_BLOCKS_LOG2,
  SUPER_CHECKSUM_OFFSET,
  SUPER_MAGIC,
  SUPER_OFFSET,
  SUPER_SIZE,
} from './constants.ts';
import { type CorruptionKind, corrupt, hex } from './corruption.ts';
import { CRC_SEED, f2fsCrc } from './crc.ts';
import { Feature } from './features.ts';
import { textOf, textOfUtf16, uuidText } from './text.ts';

/** One device of a volume that spans several. 68 bytes. */
export const RawDevice = struct('f2fs_device', 68, {
  path: bytes(0, 64, 'where the kernel opens it; ends at the first NUL, or fills the field'),
  segmentCount: u32(64, 'whole segments this device adds'),
});

/** 3072 bytes. Fields from 2185 on are unaligned. */
export const RawSuperblock = struct('f2fs_super_block', SUPER_SIZE, {
  magic: u32(0, '0xF2F52010'),
  majorVersion: u16(4, '1'),
  minorVersion: u16(6, 'minor version of the tools that formatted it'),
  logSectorSize: u32(8, 'log2 of the sector bytes, 9..12'),
  logSectorsPerBlock: u32(12, 'added to logSectorSize it gives logBlockSize'),
  logBlockSize: u32(16, '12: blocks of 4096 bytes'),
  logBlocksPerSegment: u32(20, '9: segments of 512 blocks'),
  segmentsPerSection: u32(24, 'segments that are cleaned and freed together, at least 1'),
  sectionsPerZone: u32(28, '1..sectionCount; the six logs start in different zones'),
  checksumOffset: u32(32, '3068 with feature sb_checksum, else 0'),
  blockCount: u64(36, 'blocks of all devices, including this one'),
  sectionCount: u32(44, 'sections of the main area'),
  segmentCount: u32(48, 'segments from segment0Address to the end'),
  segmentCountCheckpoint: u32(52, '2: one for each checkpoint pack'),
  segmentCountSit: u32(56, 'even: two copies, one after the other'),
  segmentCountNat: u32(60, 'even: two copies, interleaved segment by segment'),
  segmentCountSsa: u32(64, 'one summary block for each main segment'),
  segmentCountMain: u32(68, 'sectionCount * segmentsPerSection'),
  segment0Address: u32(72, 'where segment counting starts'),
  checkpointAddress: u32(76, 'equal to segment0Address'),
  sitAddress: u32(80, 'start of the segment information table'),
  natAddress: u32(84, 'start of the node address table'),
  ssaAddress: u32(88, 'start of the segment summary area'),
  mainAddress: u32(92, 'start of the main area: nodes and data'),
  rootIno: u32(96, '3'),
  nodeIno: u32(100, '1'),
  metaIno: u32(104, '2'),
  uuid: bytes(108, 16, 'in the order of its text form; seeds the inode checksums'),
  volumeName: bytes(124, 1024, 'label: 512 UTF-16LE units, zero padded'),
  extensionCount: u32(1148, 'cold extensions in the list'),
  extensions: bytes(1152, 512, '64 entries of 8 bytes, NUL padded: cold ones, then hot ones'),
  checkpointPayloadBlocks: u32(1664, 'blocks added to each pack for version bitmaps'),
  version: bytes(1668, 256, 'text: the kernel that used it last'),
  initVersion: bytes(1924, 256, 'text: the kernel or tool that formatted it'),
  features: u32(2180, 'feature bits'),
  encryptionLevel: u8(2184, '0'),
  encryptionPasswordSalt: bytes(2185, 16, 'zero until a kernel makes one on request'),
  devices: structs(2201, RawDevice, MAX_DEVICES, 'all empty on a volume of one device'),
  quotaInos: u32s(2745, 3, 'quota files: user, group, project; 0 = none'),
  hotExtensionCount: u8(2757, 'hot extensions after the cold ones'),
  encoding: u16(2758, '0 none, 1 UTF-8 12.1: how casefolded names compare'),
  encodingFlags: u16(2760, 'bit 0 strict, bit 1 no lookup without hash'),
  stopReasons: bytes(2762, 32, 'for each reason, how often checkpoints were stopped (up to 255)'),
  errorBits: bytes(2794, 16, 'LSB-first: kinds of errors met while mounted'),
  reserved: bytes(2810, 258, 'zero'),
  checksum: u32(SUPER_CHECKSUM_OFFSET, 'CRC of the bytes before it, with feature sb_checksum'),
});

/** One device of the volume, in address order. */
export interface SuperblockDevice {
  readonly path: string;
  readonly segmentCount: number;
}

/** Every field of a valid superblock. Addresses and counts are in blocks or segments, as the names say. */
export interface Superblock {
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly logSectorSize: number;
  readonly logSectorsPerBlock: number;
  readonly logBlockSize: number;
  readonly logBlocksPerSegment: number;
  readonly segmentsPerSection: number;
  readonly sectionsPerZone: number;
  readonly checksumOffset: number;
  readonly blockCount: number;
  readonly sectionCount: number;
  readonly segmentCount: number;
  readonly segmentCountCheckpoint: number;
  readonly segmentCountSit: number;
  readonly segmentCountNat: number;
  readonly segmentCountSsa: number;
  readonly segmentCountMain: number;
  readonly segment0Address: number;
  readonly checkpointAddress: number;
  readonly sitAddress: number;
  readonly natAddress: number;
  readonly ssaAddress: number;
  readonly mainAddress: number;
  readonly rootIno: number;
  readonly nodeIno: number;
  readonly metaIno: number;
  /** Text form: `00112233-4455-6677-8899-aabbccddeeff`. */
  readonly uuid: string;
  /** 16 bytes, a copy. */
  readonly uuidBytes: Uint8Array;
  readonly volumeName: string;
  readonly coldExtensions: readonly string[];
  readonly hotExtensions: readonly string[];
  readonly checkpointPayloadBlocks: number;
  readonly version: string;
  readonly initVersion: string;
  readonly features: number;
  readonly encryptionLevel: number;
  readonly encryptionPasswordSalt: Uint8Array;
  /** Empty on a volume of one device. */
  readonly devices: readonly SuperblockDevice[];
  /** Inodes of the quota files: user, group, project; 0 = none. */
  readonly quotaInos: readonly [user: number, group: number, project: number];
  readonly encoding: number;
  readonly encodingFlags: number;
  /** 32 counters, a copy; see {@link stopReasonNames}. */
  readonly stopReasons: Uint8Array;
  /** 16 bytes, LSB-first, a copy; see {@link errorNames}. */
  readonly errorBits: Uint8Array;
  readonly checksum: number;
}

/** Values of `encodingFlags`. */
export const EncodingFlag = { strict: 0x1, noHashlessLookup: 0x2 } as const;

/** Index in {@link Superblock.stopReasons}. */
export const stopReasonTable = [
  'shutdown',
  'fault injection',
  'meta page read',
  'write failure',
  'corrupted summary',
  'inode update',
  'flush failure',
  'no segment',
  'corrupted free bitmap',
  'corrupted nid',
  'metadata block unreadable',
  'node block unreadable',
  'data block unreadable',
] as const;

/** Bit number in {@link Superblock.errorBits}. */
export const errorTable = [
  'corrupted cluster',
  'decompression failure',
  'invalid block address',
  'corrupted directory entry',
  'corrupted inode',
  'inconsistent summary',
  'inconsistent footer',
  'inconsistent summary type',
  'corrupted journal',
  'inconsistent node count',
  'inconsistent block count',
  'invalid current segment',
  'inconsistent SIT',
  'corrupted verity xattr',
  'corrupted xattr',
  'invalid node reference',
  'inconsistent NAT',
  'inconsistent orphan',
] as const;

/** `[{ reason: 'shutdown', count: 1 }]` for every counter that is not zero. */
export function stopReasonNames(counters: Uint8Array): Array<{ reason: string; count: number }> {
  const shown: Array<{ reason: string; count: number }> = [];
  counters.forEach((count, index) => {
    if (count > 0) shown.push({ reason: stopReasonTable[index] ?? `unknown:${index}`, count });
  });
  return shown;
}

/** The names of the error bits that are set; an unknown bit is shown as `unknown:<number>`. */
export function errorNames(bits: Uint8Array): string[] {
  const shown: string[] = [];
  for (let bit = 0; bit < 8 * bits.length; bit++) {
    if ((bits[bit >>> 3]! & (1 << (bit & 7))) !== 0) shown.push(errorTable[bit] ?? `unknown:${bit}`);
  }
  return shown;
}

/** What the `checksum` field should hold: CRC of bytes 0..3067 of the copy. */
export function superblockChecksum(copy: Uint8Array): number {
  return f2fsCrc(CRC_SEED, copy, 0, SUPER_CHECKSUM_OFFSET);
}

/** Stores the checksum that the copy's other bytes need. Writers call it last. */
export function sealSuperblock(copy: Uint8Array): void {
  RawSuperblock.checksum.set(viewOf(copy), 0, superblockChecksum(copy));
}

/**
 * Decodes one copy. `copy` is the 3072 bytes at byte 1024 of block 0 or 1, `block` says which, for messages.
 *
 * @throws Corruption with the kind of the first rule (2.4) that fails, `where.block` and `where.offset`.
 * @throws FsError EOPNOTSUPP for a sound superblock of a volume whose blocks are not 4 KiB.
 */
export function decodeSuperblock(copy: Uint8Array, block: number): Superblock {
  const raw = RawSuperblock;
  const view = viewOf(copy);
  function check(
    ok: boolean,
    kind: CorruptionKind,
    field: { readonly offset: number },
    expected: string | number,
    found: string | number,
  ): void {
    if (!ok) throw corrupt(kind, { where: { block, offset: SUPER_OFFSET + field.offset }, expected, found });
  }

  // read
  if (copy.length < SUPER_SIZE) {
    throw corrupt('superblockRead', { where: { block }, expected: `${SUPER_SIZE} bytes`, found: copy.length });
  }
  const magic = raw.magic.get(view, 0);
  const logSectorSize = raw.logSectorSize.get(view, 0);
  const logSectorsPerBlock = raw.logSectorsPerBlock.get(view, 0);
  const logBlockSize = raw.logBlockSize.get(view, 0);
  const logBlocksPerSegment = raw.logBlocksPerSegment.get(view, 0);
  const segmentsPerSection = raw.segmentsPerSection.get(view, 0);
  const sectionsPerZone = raw.sectionsPerZone.get(view, 0);
  const checksumOffset = raw.checksumOffset.get(view, 0);
  const sectionCount = raw.sectionCount.get(view, 0);
  const segmentCount = raw.segmentCount.get(view, 0);
  const segmentCountCheckpoint = raw.segmentCountCheckpoint.get(view, 0);
  const segmentCountSit = raw.segmentCountSit.get(view, 0);
  const segmentCountNat = raw.segmentCountNat.get(view, 0);
  const segmentCountSsa = raw.segmentCountSsa.get(view, 0);
  const segmentCountMain = raw.segmentCountMain.get(view, 0);
  const segment0Address = raw.segment0Address.get(view, 0);
  const checkpointAddress = raw.checkpointAddress.get(view, 0);
  const sitAddress = raw.sitAddress.get(view, 0);
  const natAddress = raw.natAddress.get(view, 0);
  const ssaAddress = raw.ssaAddress.get(view, 0);
  const mainAddress = raw.mainAddress.get(view, 0);
  const rootIno = raw.rootIno.get(view, 0);
  const nodeIno = raw.nodeIno.get(view, 0);
  const metaIno = raw.metaIno.get(view, 0);
  const extensionCount = raw.extensionCount.get(view, 0);
  const hotExtensionCount = raw.hotExtensionCount.get(view, 0);
  const checkpointPayloadBlocks = raw.checkpointPayloadBlocks.get(view, 0);
  const features = raw.features.get(view, 0);
  const checksum = raw.checksum.get(view, 0);

  // validate: magic and checksum first, so that a flipped bit is reported as such and not as odd geometry
  check(magic === SUPER_MAGIC, 'superblockMagic', raw.magic, hex(SUPER_MAGIC), hex(magic));
  if ((features & Feature.sbChecksum) !== 0) {
    const expected = superblockChecksum(copy);
    check(
      checksumOffset === SUPER_CHECKSUM_OFFSET,
      'superblockChecksumOffset',
      raw.checksumOffset,
      SUPER_CHECKSUM_OFFSET,
      checksumOffset,
    );
    check(checksum === expected, 'superblockChecksum', raw.checksum, hex(expected), hex(checksum));
  }
  refuseOtherBlockSize(logBlockSize, logSectorSize, logSectorsPerBlock);
  check(logBlockSize === BLOCK_SIZE_LOG2, 'superblockBlockSize', raw.logBlockSize, BLOCK_SIZE_LOG2, logBlockSize);
  check(
    logBlocksPerSegment === SEGMENT_BLOCKS_LOG2,
    'superblockSegmentSize',
    raw.logBlocksPerSegment,
    SEGMENT_BLOCKS_LOG2,
    logBlocksPerSegment,
  );
  check(
    logSectorSize >= 9 && logSectorSize <= BLOCK_SIZE_LOG2,
    'superblockSectorSize',
    raw.logSectorSize,
    `9..${BLOCK_SIZE_LOG2}`,
    logSectorSize,
  );
  check(
    logSectorSize + logSectorsPerBlock === BLOCK_SIZE_LOG2,
    'superblockSectorSize',
    raw.logSectorsPerBlock,
    BLOCK_SIZE_LOG2 - logSectorSize,
    logSectorsPerBlock,
  );
  check(
    segmentCount >= MIN_SEGMENTS && segmentCount <= MAX_SEGMENTS,
    'superblockSegmentCount',
    raw.segmentCount,
    `${MIN_SEGMENTS}..${MAX_SEGMENTS}`,
    segmentCount,
  );
  check(
    segmentsPerSection >= 1 && segmentsPerSection <= segmentCount,
    'superblockSectionSize',
    raw.segmentsPerSection,
    `1..${segmentCount}`,
    segmentsPerSection,
  );
  check(
    sectionCount >= 1 && sectionCount <= Math.floor(segmentCount / segmentsPerSection),
    'superblockSectionCount',
    raw.sectionCount,
    `1..${Math.floor(segmentCount / segmentsPerSection)}`,
    sectionCount,
  );
  check(
    segmentCountMain === sectionCount * segmentsPerSection,
    'superblockSectionCount',
    raw.segmentCountMain,
    sectionCount * segmentsPerSection,
    segmentCountMain,
  );
  check(
    raw.blockCount.fits(view, 0) && raw.blockCount.get(view, 0) >= segmentCount * SEGMENT_BLOCKS,
    'superblockBlockCount',
    raw.blockCount,
    `at least ${segmentCount * SEGMENT_BLOCKS}, below 2^53`,
    `${view.getBigUint64(raw.blockCount.offset, true)}`,
  );
  const devices = readDevices(view);
  const deviceSegments = devices.reduce((sum, device) => sum + device.segmentCount, 0);
  check(
    devices.length === 0 || deviceSegments === segmentCount,
    'superblockDevices',
    raw.devices,
    `${segmentCount} segments in all`,
    deviceSegments,
  );
  check(
    sectionsPerZone >= 1 && sectionsPerZone <= sectionCount,
    'superblockZoneSize',
    raw.sectionsPerZone,
    `1..${sectionCount}`,
    sectionsPerZone,
  );
  check(
    extensionCount + hotExtensionCount <= MAX_EXTENSIONS,
    'superblockExtensions',
    raw.extensionCount,
    `at most ${MAX_EXTENSIONS} with ${hotExtensionCount} hot ones`,
    extensionCount,
  );
  const payloadEnd = SEGMENT_BLOCKS - CHECKPOINT_SEGMENTS - LOG_COUNT;
  check(
    checkpointPayloadBlocks < payloadEnd,
    'superblockPayload',
    raw.checkpointPayloadBlocks,
    `below ${payloadEnd}`,
    checkpointPayloadBlocks,
  );
  check(rootIno === ROOT_INO, 'superblockReservedIno', raw.rootIno, ROOT_INO, rootIno);
  check(nodeIno === NODE_INO, 'superblockReservedIno', raw.nodeIno, NODE_INO, nodeIno);
  check(metaIno === META_INO, 'superblockReservedIno', raw.metaIno, META_INO, metaIno);
  check(
    segmentCountCheckpoint === CHECKPOINT_SEGMENTS,
    'superblockArea',
    raw.segmentCountCheckpoint,
    CHECKPOINT_SEGMENTS,
    segmentCountCheckpoint,
  );
  // Both tables have two copies of equal size; odd counts would let the second copy run into the next area.
  for (const [field, count] of [
    [raw.segmentCountSit, segmentCountSit],
    [raw.segmentCountNat, segmentCountNat],
  ] as const) {
    check(count >= 2 && count % 2 === 0, 'superblockArea', field, 'an even count, not 0', count);
  }
  let next = segment0Address;
  check(checkpointAddress === next, 'superblockArea', raw.checkpointAddress, next, checkpointAddress);
  next += segmentCountCheckpoint * SEGMENT_BLOCKS;
  check(sitAddress === next, 'superblockArea', raw.sitAddress, next, sitAddress);
  next += segmentCountSit * SEGMENT_BLOCKS;
  check(natAddress === next, 'superblockArea', raw.natAddress, next, natAddress);
  next += segmentCountNat * SEGMENT_BLOCKS;
  check(ssaAddress === next, 'superblockArea', raw.ssaAddress, next, ssaAddress);
  next += segmentCountSsa * SEGMENT_BLOCKS;
  check(mainAddress === next, 'superblockArea', raw.mainAddress, next, mainAddress);
  next += segmentCountMain * SEGMENT_BLOCKS;
  const end = segment0Address + segmentCount * SEGMENT_BLOCKS;
  check(next <= end, 'superblockArea', raw.segmentCountMain, `an end at ${end} or before`, next);

  // build
  const extensions = readExtensions(raw.extensions.get(view, 0), extensionCount + hotExtensionCount);
  return {
    majorVersion: raw.majorVersion.get(view, 0),
    minorVersion: raw.minorVersion.get(view, 0),
    logSectorSize,
    logSectorsPerBlock,
    logBlockSize,
    logBlocksPerSegment,
    segmentsPerSection,
    sectionsPerZone,
    checksumOffset,
    blockCount: raw.blockCount.get(view, 0),
    sectionCount,
    segmentCount,
    segmentCountCheckpoint,
    segmentCountSit,
    segmentCountNat,
    segmentCountSsa,
    segmentCountMain,
    segment0Address,
    checkpointAddress,
    sitAddress,
    natAddress,
    ssaAddress,
    mainAddress,
    rootIno,
    nodeIno,
    metaIno,
    uuid: uuidText(raw.uuid.get(view, 0)),
    uuidBytes: raw.uuid.get(view, 0).slice(),
    volumeName: textOfUtf16(raw.volumeName.get(view, 0)),
    coldExtensions: extensions.slice(0, extensionCount),
    hotExtensions: extensions.slice(extensionCount),
    checkpointPayloadBlocks,
    version: textOf(raw.version.get(view, 0)),
    initVersion: textOf(raw.initVersion.get(view, 0)),
    features,
    encryptionLevel: raw.encryptionLevel.get(view, 0),
    encryptionPasswordSalt: raw.encryptionPasswordSalt.get(view, 0).slice(),
    devices,
    quotaInos: [raw.quotaInos.get(view, 0, 0), raw.quotaInos.get(view, 0, 1), raw.quotaInos.get(view, 0, 2)],
    encoding: raw.encoding.get(view, 0),
    encodingFlags: raw.encodingFlags.get(view, 0),
    stopReasons: raw.stopReasons.get(view, 0).slice(),
    errorBits: raw.errorBits.get(view, 0).slice(),
    checksum,
  };
}

/** A consistent larger block size is a volume of another kind, not a broken one. */
function refuseOtherBlockSize(logBlockSize: number, logSectorSize: number, logSectorsPerBlock: number): void {
  if (logBlockSize <= BLOCK_SIZE_LOG2 || logBlockSize > 16) return;
  if (logSectorSize < 9 || logSectorSize + logSectorsPerBlock !== logBlockSize) return;
  throw new FsError(
    EOPNOTSUPP,
    `this F2FS volume has blocks of ${2 ** (logBlockSize - 10)} KiB; only volumes with 4 KiB blocks are supported`,
  );
}

function readDevices(view: DataView): SuperblockDevice[] {
  const devices: SuperblockDevice[] = [];
  for (let index = 0; index < MAX_DEVICES; index++) {
    const at = RawSuperblock.devices.at(0, index);
    const path = RawDevice.path.get(view, at);
    if (path[0] === 0) break;
    devices.push({ path: textOf(path), segmentCount: RawDevice.segmentCount.get(view, at) });
  }
  return devices;
}

function readExtensions(list: Uint8Array, count: number): string[] {
  return Array.from({ length: count }, (_, index) => textOf(list.subarray(8 * index, 8 * index + 8)));
}
