// The inode block: what a file is, and the root of its node tree. Between the fixed head and the five nids lies the
// address area, 923 words that several things share:
//
//   [0 .. X-1]       extra attributes, when the inode has them      X = i_extra_isize / 4
//   [X .. 922-V]     addresses of the first data blocks, or one reserved word and then inline data or inline entries
//   [923-V .. 922]   inline xattrs                                   V words, 6.8
//
// decodeInode checks what Linux checks before it trusts an inode (10.7), so that every offset it returns lies in the
// block and every number is what it claims.

import type { Corruption } from '@f2fskit/errno';
import { bytes, type I64, i64, struct, structs, u8, u16, u32, u32s, u64, viewOf } from '@f2fskit/ondisk';
import {
  COMPRESS_CHECKSUM_FLAG,
  COMPRESS_LEVEL_SHIFT,
  CompressAlgorithm,
  compressLevels,
  LOG_CLUSTER_SIZE_MAX,
  LOG_CLUSTER_SIZE_MIN,
} from './cluster.ts';
import {
  ADDRESSES_PER_INODE_MAX,
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  EXTRA_ATTRIBUTES_SIZE,
  FileType,
  fileTypeOfMode,
  INLINE_XATTR_WORDS_DEFAULT,
  INLINE_XATTR_WORDS_MAX,
  INLINE_XATTR_WORDS_MIN,
  INODE_ADDRESSES_OFFSET,
  MAX_NAME_BYTES,
  NIDS_PER_INODE,
} from './constants.ts';
import { type CorruptionKind, corrupt, hex } from './corruption.ts';
import { f2fsCrc } from './crc.ts';
import { Feature, hasFeature } from './features.ts';
import { isMainAddress, mainEndAddress } from './geometry.ts';
import { Advise, InlineFlag, InodeFlag } from './inode-flags.ts';
import { isFileNid, maxNid } from './nat.ts';
import { maxFileBlocks, NODE_FOOTER_OFFSET, NodeFooter } from './node.ts';
import type { Superblock } from './superblock.ts';

/** A run of file blocks that lie one after the other. 12 bytes. */
export const RawExtent = struct('f2fs_extent', 12, {
  fileBlock: u32(0, 'first block of the file'),
  address: u32(4, 'its block address; may be stale while length is 0'),
  length: u32(8, 'blocks; 0 = no extent'),
});

/** An inode block, with its footer. */
export const RawInode = struct('f2fs_inode', 4096, {
  mode: u16(0, 'type and permissions'),
  advise: u8(2, 'advise bits'),
  inlineFlags: u8(3, 'inline bits'),
  uid: u32(4, 'owner'),
  gid: u32(8, 'owning group'),
  links: u32(12, 'names; 0 for an orphan'),
  size: u64(16, 'bytes'),
  blocks: u64(24, 'blocks of the file: this one, its other nodes, and its slots that are not holes'),
  accessSeconds: i64(32, 'last access'),
  changeSeconds: i64(40, 'last change of the inode'),
  modifySeconds: i64(48, 'last change of the contents'),
  accessNanoseconds: u32(56, 'counted forward, also before 1970'),
  changeNanoseconds: u32(60, 'counted forward'),
  modifyNanoseconds: u32(64, 'counted forward'),
  generation: u32(68, 'random; seeds the checksum'),
  currentDepth: u32(72, 'directories: hash levels in use. Regular files: the low half counts failed moves'),
  xattrNid: u32(76, 'xattr node, 0 = none'),
  flags: u32(80, 'inode flags, as lsattr shows them'),
  parentIno: u32(84, 'directory of its last known name'),
  nameLength: u32(88, 'bytes of that name'),
  name: bytes(92, MAX_NAME_BYTES, 'its last known name, for recovery'),
  dirLevel: u8(347, 'directories: levels the hash table starts with'),
  extent: structs(348, RawExtent, 1, 'the longest run of the file, remembered; believed before the addresses'),
  addresses: u32s(
    INODE_ADDRESSES_OFFSET,
    ADDRESSES_PER_INODE_MAX,
    'extra attributes, addresses or inline data, inline xattrs',
  ),
  nids: u32s(4052, NIDS_PER_INODE, 'direct, direct, indirect, indirect, double indirect; 0 = none'),
  footer: structs(NODE_FOOTER_OFFSET, NodeFooter, 1, 'identity and place'),
});

/** The head of the address area of an inode with extra attributes; only the first `size` bytes of it exist. */
export const ExtraAttributes = struct('f2fs_extra_attributes', EXTRA_ATTRIBUTES_SIZE, {
  size: u16(0, 'bytes of this area, 4..36, a multiple of 4'),
  inlineXattrWords: u16(2, 'words of inline xattrs, with feature flexible_inline_xattr'),
  projectId: u32(4, 'with feature project_quota'),
  checksum: u32(8, 'with feature inode_checksum'),
  createSeconds: i64(12, 'creation time, with feature inode_crtime'),
  createNanoseconds: u32(20, 'creation time'),
  compressedBlocks: u64(24, 'blocks saved by compression'),
  compressAlgorithm: u8(32, 'compression algorithm'),
  logClusterSize: u8(33, 'log2 of the blocks of a cluster, 2..8'),
  compressFlag: u16(34, 'bit 0: clusters carry checksums; bits 8-15: level'),
});

/** A point in time: seconds since 1970, negative before it; nanoseconds always count forward. */
export interface InodeTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A run of file blocks on consecutive block addresses. */
export interface InodeExtent {
  readonly fileBlock: number;
  readonly address: number;
  /** Blocks; 0: no extent is known, the other two mean nothing. */
  readonly length: number;
}

/** Bytes `[offset, offset + size)` of the inode block. */
export interface InodeArea {
  readonly offset: number;
  readonly size: number;
}

/** Every field of a valid inode. Byte fields are copies. */
export interface InodeFields {
  readonly nid: number;
  readonly mode: number;
  /** From the mode; never `unknown`. */
  readonly fileType: FileType;
  /** {@link Advise} bits. */
  readonly advise: number;
  /** {@link InlineFlag} bits. */
  readonly inlineFlags: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** Bytes. */
  readonly size: number;
  /** 4 KiB blocks, this one included. */
  readonly blocks: number;
  readonly atime: InodeTime;
  readonly ctime: InodeTime;
  readonly mtime: InodeTime;
  /** With feature inode_crtime, where the inode has the field. */
  readonly crtime: InodeTime | undefined;
  readonly generation: number;
  /** Directories: hash levels in use, not limited here. 0 for others. */
  readonly currentDepth: number;
  /** Regular files: how often cleaning could not move it. 0 for others. */
  readonly gcFailures: number;
  readonly xattrNid: number;
  /** {@link InodeFlag} bits. */
  readonly flags: number;
  readonly parentIno: number;
  /** The last known name, at most 255 bytes. */
  readonly nameBytes: Uint8Array;
  readonly dirLevel: number;
  readonly extent: InodeExtent;
  /** X: words of extra attributes. */
  readonly extraWords: number;
  /** V: words kept for inline xattrs, in use or not. */
  readonly inlineXattrWords: number;
  readonly projectId: number | undefined;
  /** As stored and found right; `undefined` where the inode carries none. */
  readonly inodeChecksum: number | undefined;
  /** i_compr_blocks; 0 where the inode lacks the field. */
  readonly compressedBlocks: number;
  readonly compressAlgorithm: number;
  readonly logClusterSize: number;
  readonly compressFlag: { readonly checksum: boolean; readonly level: number };
  /** Regular file whose clusters may be compressed: the two counts below are then multiples of the cluster. */
  readonly compressed: boolean;
  /** Its data is exactly `extent`; the address area is not to be read. */
  readonly deviceAlias: boolean;
  /** Slots for data blocks in this inode. */
  readonly addressesPerInode: number;
  /** Slots for data blocks in each of its direct nodes. */
  readonly addressesPerNode: number;
  /** Byte of the inode block where its first slot is. */
  readonly addressesOffset: number;
  /** Where inline data or inline entries are, if it has any. */
  readonly inlineArea: InodeArea;
  /** Where inline xattrs are; size 0 where the inode has none. */
  readonly inlineXattrArea: InodeArea;
  /** Direct, direct, indirect, indirect, double indirect; 0 = none. */
  readonly nids: readonly number[];
}

/** Where an inode block came from. */
export interface InodePlace {
  readonly nid: number;
  readonly address: number;
}

type ChecksumSeed = Pick<Superblock, 'uuidBytes'>;

/**
 * The checksum that belongs into an inode block: seeded by volume, inode number and generation, over the whole block
 * with the checksum field as zero. Covers the footer, so it is computed last.
 */
export function inodeChecksum(superblock: ChecksumSeed, block: Uint8Array): number {
  const field = INODE_ADDRESSES_OFFSET + ExtraAttributes.checksum.offset;
  let crc = f2fsCrc(0xffff_ffff, superblock.uuidBytes);
  const ino = NODE_FOOTER_OFFSET + NodeFooter.ino.offset;
  crc = f2fsCrc(crc, block, ino, ino + 4);
  crc = f2fsCrc(crc, block, RawInode.generation.offset, RawInode.generation.offset + 4);
  crc = f2fsCrc(crc, block, 0, field);
  crc = f2fsCrc(crc, zeroWord);
  return f2fsCrc(crc, block, field + 4, BLOCK_SIZE);
}

const zeroWord = new Uint8Array(4);

/** True when this inode block carries a checksum: the volume has the feature and the field exists. */
export function hasInodeChecksum(superblock: Pick<Superblock, 'features'>, view: DataView): boolean {
  if (!hasFeature(superblock, Feature.inodeChecksum)) return false;
  if ((RawInode.inlineFlags.get(view, 0) & InlineFlag.extraAttr) === 0) return false;
  return extraFieldExists(ExtraAttributes.size.get(view, INODE_ADDRESSES_OFFSET), ExtraAttributes.checksum);
}

/** Stores the checksum where the inode carries one. Writers call it last, after the footer is complete. */
export function sealInode(superblock: Pick<Superblock, 'features' | 'uuidBytes'>, block: Uint8Array): void {
  const view = viewOf(block);
  if (!hasInodeChecksum(superblock, view)) return;
  ExtraAttributes.checksum.set(view, INODE_ADDRESSES_OFFSET, inodeChecksum(superblock, block));
}

/** A field of the extra attributes exists when it ends inside the area. */
export function extraFieldExists(
  extraSize: number,
  field: { readonly offset: number; readonly size: number },
): boolean {
  return field.offset + field.size <= extraSize;
}

/** Bytes of inline data or entries that an inode with these areas can hold: M. */
export function inlineBytesMax(extraWords: number, inlineXattrWords: number): number {
  return 4 * (ADDRESSES_PER_INODE_MAX - extraWords - inlineXattrWords - 1);
}

/**
 * Decodes the inode block that the NAT gave for `place.nid`. `view` is a view on `block`.
 *
 * @throws Corruption with the first rule that fails; `where` has nid, block address and byte offset.
 */
export function decodeInode(block: Uint8Array, view: DataView, superblock: Superblock, place: InodePlace): InodeFields {
  const raw = RawInode;
  const extra = ExtraAttributes;
  const at = INODE_ADDRESSES_OFFSET;
  const { nid, address } = place;
  function fail(
    kind: CorruptionKind,
    offset: number,
    expected: string | number,
    found: string | number | bigint,
    detail?: string,
  ): Corruption {
    const details = { where: { nid, block: address, offset }, expected, found };
    return corrupt(kind, detail === undefined ? details : { ...details, detail });
  }

  // identity and checksum first: what follows would only describe some other block, or a damaged one
  const footerNid = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
  const footerIno = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
  if (footerNid !== nid) throw fail('nodeFooterNid', NODE_FOOTER_OFFSET + NodeFooter.nid.offset, nid, footerNid);
  if (footerIno !== nid) throw fail('nodeFooterIno', NODE_FOOTER_OFFSET + NodeFooter.ino.offset, nid, footerIno);
  const hasChecksum = hasInodeChecksum(superblock, view);
  const checksum = extra.checksum.get(view, at);
  if (hasChecksum) {
    const expected = inodeChecksum(superblock, block);
    if (checksum !== expected) throw fail('inodeChecksum', at + extra.checksum.offset, hex(expected), hex(checksum));
  }

  // read
  const mode = raw.mode.get(view, 0);
  const fileType = fileTypeOfMode(mode);
  const advise = raw.advise.get(view, 0);
  const inlineFlags = raw.inlineFlags.get(view, 0);
  const flags = raw.flags.get(view, 0);
  const xattrNid = raw.xattrNid.get(view, 0);
  const extentAt = raw.extent.at(0, 0);
  const extent = {
    fileBlock: RawExtent.fileBlock.get(view, extentAt),
    address: RawExtent.address.get(view, extentAt),
    length: RawExtent.length.get(view, extentAt),
  };
  const regular = fileType === FileType.regular;
  const directory = fileType === FileType.directory;
  const hasExtra = (inlineFlags & InlineFlag.extraAttr) !== 0;
  const extraSize = hasExtra ? extra.size.get(view, at) : 0;
  const deviceAlias = hasFeature(superblock, Feature.deviceAlias) && (flags & InodeFlag.deviceAlias) !== 0;

  // validate: type, sizes, then the areas, because the later rules need them
  if (fileType === FileType.unknown)
    throw fail('inodeMode', raw.mode.offset, 'a known file type', `0o${mode.toString(8)}`);
  if (!raw.size.fits(view, 0)) {
    throw fail('inodeSize', raw.size.offset, 'below 2^53', view.getBigUint64(raw.size.offset, true));
  }
  if (!raw.blocks.fits(view, 0) || raw.blocks.get(view, 0) === 0) {
    throw fail('inodeBlocks', raw.blocks.offset, '1..2^53', view.getBigUint64(raw.blocks.offset, true));
  }
  const size = raw.size.get(view, 0);
  const blocks = raw.blocks.get(view, 0);
  if (hasExtra) {
    if (!hasFeature(superblock, Feature.extraAttr)) {
      throw fail(
        'inodeExtraFeature',
        raw.inlineFlags.offset,
        'no extra attributes: the volume lacks the feature',
        inlineFlags,
      );
    }
    if (extraSize < 4 || extraSize > EXTRA_ATTRIBUTES_SIZE || extraSize % 4 !== 0) {
      throw fail('inodeExtraSize', at + extra.size.offset, `4..${EXTRA_ATTRIBUTES_SIZE}, a multiple of 4`, extraSize);
    }
  }
  const inlineXattrWords = inlineXattrWordsOf(superblock, view, inlineFlags, deviceAlias, fail);
  if (xattrNid !== 0 && (xattrNid === nid || !isFileNid(superblock, xattrNid))) {
    throw fail('inodeXattrNid', raw.xattrNid.offset, `0, or another nid up to ${maxNid(superblock)}`, xattrNid);
  }
  if (extent.length > 0) {
    const last = extent.address + extent.length - 1;
    if (!isMainAddress(superblock, extent.address) || !isMainAddress(superblock, last)) {
      const main = `blocks ${superblock.mainAddress}..${mainEndAddress(superblock) - 1}`;
      throw fail('inodeExtent', raw.extent.offset, main, `${extent.address}..${last}`);
    }
  }
  if ((flags & InodeFlag.casefold) !== 0 && !hasFeature(superblock, Feature.casefold)) {
    throw fail('inodeCasefold', raw.flags.offset, 'no casefold flag: the volume lacks the feature', hex(flags));
  }

  const extraWords = extraSize / 4;
  const exists = (field: { readonly offset: number; readonly size: number }) => extraFieldExists(extraSize, field);
  const compressed =
    regular &&
    (flags & InodeFlag.compress) !== 0 &&
    hasFeature(superblock, Feature.compression) &&
    exists(extra.compressFlag);
  const compressFlag = exists(extra.compressFlag) ? extra.compressFlag.get(view, at) : 0;
  const compression = {
    compressedBlocks: exists(extra.compressedBlocks) ? compressedBlocksOf(view, compressed, blocks, fail) : 0,
    compressAlgorithm: exists(extra.compressAlgorithm) ? extra.compressAlgorithm.get(view, at) : 0,
    logClusterSize: exists(extra.logClusterSize) ? extra.logClusterSize.get(view, at) : 0,
    compressFlag: {
      checksum: (compressFlag & COMPRESS_CHECKSUM_FLAG) !== 0,
      level: compressFlag >>> COMPRESS_LEVEL_SHIFT,
    },
  };
  if (compressed) checkCompression(compression, fail);

  const clusterBlocks = compressed ? 1 << compression.logClusterSize : 1;
  const words = ADDRESSES_PER_INODE_MAX - extraWords - inlineXattrWords;
  const addressesPerInode = words - (words % clusterBlocks);
  const addressesPerNode = ADDRESSES_PER_NODE - (ADDRESSES_PER_NODE % clusterBlocks);
  const inlineArea = { offset: at + 4 * (extraWords + 1), size: inlineBytesMax(extraWords, inlineXattrWords) };
  const sizeMax = maxFileBlocks(addressesPerNode) * BLOCK_SIZE;
  if (!deviceAlias && size > sizeMax) throw fail('inodeSize', raw.size.offset, `at most ${sizeMax}`, size);

  if ((inlineFlags & InlineFlag.data) !== 0) {
    if (!regular && fileType !== FileType.symlink) {
      throw fail('inodeInlineData', raw.inlineFlags.offset, 'a regular file or symlink', `0o${mode.toString(8)}`);
    }
    if (size > inlineArea.size) {
      throw fail('inodeInlineData', raw.size.offset, `at most ${inlineArea.size}`, size, 'inline data');
    }
    if (regular && (compressed || (advise & (Advise.encrypt | Advise.verity)) !== 0)) {
      const expected = 'no inline data in a compressed, encrypted or verity file';
      throw fail('inodeInlineData', raw.inlineFlags.offset, expected, inlineFlags);
    }
  }
  if ((inlineFlags & InlineFlag.dentry) !== 0 && !directory) {
    throw fail('inodeInlineDentry', raw.inlineFlags.offset, 'a directory', `0o${mode.toString(8)}`);
  }
  const time = (seconds: I64, nanoseconds: number, base: number): InodeTime => {
    if (!seconds.fits(view, base)) {
      const offset = base + seconds.offset;
      throw fail('inodeTime', offset, 'a magnitude below 2^53', view.getBigInt64(offset, true));
    }
    return { seconds: seconds.get(view, base), nanoseconds };
  };

  // build
  const depth = raw.currentDepth.get(view, 0);
  const hasInlineXattr = (inlineFlags & InlineFlag.xattr) !== 0;
  return {
    nid,
    mode,
    fileType,
    advise,
    inlineFlags,
    uid: raw.uid.get(view, 0),
    gid: raw.gid.get(view, 0),
    links: raw.links.get(view, 0),
    size,
    blocks,
    atime: time(raw.accessSeconds, raw.accessNanoseconds.get(view, 0), 0),
    ctime: time(raw.changeSeconds, raw.changeNanoseconds.get(view, 0), 0),
    mtime: time(raw.modifySeconds, raw.modifyNanoseconds.get(view, 0), 0),
    crtime:
      hasFeature(superblock, Feature.inodeCrtime) && exists(extra.createNanoseconds)
        ? time(extra.createSeconds, extra.createNanoseconds.get(view, at), at)
        : undefined,
    generation: raw.generation.get(view, 0),
    currentDepth: directory ? depth : 0,
    gcFailures: regular ? depth & 0xffff : 0,
    xattrNid,
    flags,
    parentIno: raw.parentIno.get(view, 0),
    nameBytes: raw.name.get(view, 0).slice(0, Math.min(MAX_NAME_BYTES, raw.nameLength.get(view, 0))),
    dirLevel: raw.dirLevel.get(view, 0),
    extent,
    extraWords,
    inlineXattrWords,
    projectId:
      hasFeature(superblock, Feature.projectQuota) && exists(extra.projectId)
        ? extra.projectId.get(view, at)
        : undefined,
    inodeChecksum: hasChecksum ? checksum : undefined,
    ...compression,
    compressed,
    deviceAlias,
    addressesPerInode,
    addressesPerNode,
    addressesOffset: at + 4 * extraWords,
    inlineArea,
    inlineXattrArea: {
      offset: at + 4 * (ADDRESSES_PER_INODE_MAX - inlineXattrWords),
      size: hasInlineXattr ? 4 * inlineXattrWords : 0,
    },
    nids: raw.nids.decode(view, 0),
  };
}

type Fail = (
  kind: CorruptionKind,
  offset: number,
  expected: string | number,
  found: string | number | bigint,
  detail?: string,
) => Corruption;

/** V of 6.8. */
function inlineXattrWordsOf(
  superblock: Superblock,
  view: DataView,
  inlineFlags: number,
  deviceAlias: boolean,
  fail: Fail,
): number {
  const hasInlineXattr = (inlineFlags & InlineFlag.xattr) !== 0;
  if (!hasFeature(superblock, Feature.flexibleInlineXattr)) {
    return hasInlineXattr || (inlineFlags & InlineFlag.dentry) !== 0 ? INLINE_XATTR_WORDS_DEFAULT : 0;
  }
  if ((inlineFlags & InlineFlag.extraAttr) === 0) {
    // mkfs makes alias files without the bit; their address area is not read, so its shape does not matter.
    if (deviceAlias) return 0;
    const expected = 'extra attributes: the volume has feature flexible_inline_xattr';
    throw fail('inodeExtraFeature', RawInode.inlineFlags.offset, expected, inlineFlags);
  }
  const words = ExtraAttributes.inlineXattrWords.get(view, INODE_ADDRESSES_OFFSET);
  const min = hasInlineXattr ? INLINE_XATTR_WORDS_MIN : 0;
  if (words < min || words > INLINE_XATTR_WORDS_MAX) {
    const offset = INODE_ADDRESSES_OFFSET + ExtraAttributes.inlineXattrWords.offset;
    throw fail('inodeInlineXattrSize', offset, `${min}..${INLINE_XATTR_WORDS_MAX}`, words);
  }
  return words;
}

/** i_compr_blocks; where the inode is not compressed it means nothing, so nothing is refused then. */
function compressedBlocksOf(view: DataView, compressed: boolean, blocks: number, fail: Fail): number {
  const field = ExtraAttributes.compressedBlocks;
  const fits = field.fits(view, INODE_ADDRESSES_OFFSET);
  const value = fits ? field.get(view, INODE_ADDRESSES_OFFSET) : Number.MAX_SAFE_INTEGER;
  if (compressed && value > blocks) {
    const offset = INODE_ADDRESSES_OFFSET + field.offset;
    throw fail('compressBlocks', offset, `at most ${blocks}`, view.getBigUint64(offset, true));
  }
  return value;
}

function checkCompression(
  compression: Pick<InodeFields, 'compressAlgorithm' | 'logClusterSize' | 'compressFlag'>,
  fail: Fail,
): void {
  const at = INODE_ADDRESSES_OFFSET;
  const { compressAlgorithm, logClusterSize } = compression;
  if (compressAlgorithm > CompressAlgorithm.lzoRle) {
    throw fail('compressAlgorithm', at + ExtraAttributes.compressAlgorithm.offset, '0..3', compressAlgorithm);
  }
  if (logClusterSize < LOG_CLUSTER_SIZE_MIN || logClusterSize > LOG_CLUSTER_SIZE_MAX) {
    const range = `${LOG_CLUSTER_SIZE_MIN}..${LOG_CLUSTER_SIZE_MAX}`;
    throw fail('compressClusterSize', at + ExtraAttributes.logClusterSize.offset, range, logClusterSize);
  }
  const { level } = compression.compressFlag;
  const levels = compressLevels(compressAlgorithm);
  if (level !== 0 && (levels === undefined || level < levels.min || level > levels.max)) {
    const range = levels === undefined ? 0 : `0 or ${levels.min}..${levels.max}`;
    throw fail('compressLevel', at + ExtraAttributes.compressFlag.offset, range, level);
  }
}
