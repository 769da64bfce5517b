// Every way a volume can contradict its format, as one closed union: the kinds this package reports and, in a list of
// their own, the kinds of the layers above it. fsck, dump and tests share the names.

import { Corruption, type CorruptionDetails } from '@f2fskit/errno';

/** Kinds that decoding one structure can find. */
export const formatKinds = [
  // superblock (2.4)
  'superblockMagic',
  'superblockChecksumOffset',
  'superblockChecksum',
  'superblockBlockSize',
  'superblockSegmentSize',
  'superblockSectorSize',
  'superblockSegmentCount',
  'superblockSectionSize',
  'superblockSectionCount',
  'superblockZoneSize',
  'superblockBlockCount',
  'superblockDevices',
  'superblockExtensions',
  'superblockPayload',
  'superblockReservedIno',
  'superblockArea',
  'superblockCopies',
  'superblockRead',
  // checkpoint (3.4)
  'checkpointChecksumOffset',
  'checkpointChecksum',
  'checkpointPackBlockCount',
  'checkpointVersion',
  'checkpointSegmentCounts',
  'checkpointReserve',
  'checkpointUserBlocks',
  'checkpointValidBlocks',
  'checkpointValidNodes',
  'checkpointCurrentSegment',
  'checkpointCurrentOffset',
  'checkpointBitmapSize',
  'checkpointStartSum',
  'checkpointAllocationType',
  'checkpointLargeNatBitmap',
  'checkpointNatBits',
  'checkpointErrorFlag',
  'packLayout',
  'packRead',
  'compactSummary',
  // tables
  'natJournalCount',
  'sitJournalCount',
  'sitValidBlocks',
  'sitType',
  'nidRange',
  'segmentRange',
  'orphanCount',
  // nodes and inodes (10.7)
  'nodeFooterNid',
  'nodeFooterIno',
  'nodeOffset',
  'inodeChecksum',
  'inodeMode',
  'inodeBlocks',
  'inodeSize',
  'inodeTime',
  'inodeExtraSize',
  'inodeExtraFeature',
  'inodeInlineXattrSize',
  'inodeXattrNid',
  'inodeExtent',
  'inodeCasefold',
  'inodeInlineData',
  'inodeInlineDentry',
  'compressAlgorithm',
  'compressClusterSize',
  'compressLevel',
  'compressBlocks',
  // values inside files and attributes
  'acl',
  'cryptContext',
  'verityLocation',
  'quotaFile',
  'numberRange',
] as const;

/** Kinds that need more than one structure to be seen: reported by the layers above. */
export const higherKinds = [
  'natEntry',
  'blockAddress',
  'blockNotValid',
  'sitValidMap',
  'clusterLayout',
  'clusterHeader',
  'clusterData',
  'clusterLength',
  'clusterChecksum',
  'dentry',
  'dentryName',
  'dentryIno',
  'directoryLoop',
  'directoryHash',
  'directoryDepth',
  'xattrEntry',
  'xattrNode',
  'inlineData',
  'symlink',
  'orphan',
  'summary',
  'sitJournalSegment',
  'sitCounts',
  'currentSegment',
  'linkCount',
  'rootInode',
  'recovery',
  'verity',
] as const;

export type FormatCorruptionKind = (typeof formatKinds)[number];
export type CorruptionKind = FormatCorruptionKind | (typeof higherKinds)[number];

/** Builds the error; the caller throws it. Give the place and the two values that find the byte. */
export function corrupt<Kind extends CorruptionKind>(kind: Kind, details: CorruptionDetails = {}): Corruption<Kind> {
  return new Corruption(kind, details);
}

/** A 32-bit value as messages show patterns: `0x67a1ed89`. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
