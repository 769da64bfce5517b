// Sizes, limits and fixed values of F2FS with 4 KiB blocks. Everything here is a fact of the format; nothing is a choice
// of ours. A block address is a u32 that counts 4 KiB blocks from byte 0 of the volume (device 0 first).

/** Bytes of a block. Other block sizes exist (16 KiB); their volumes are refused by name. */
export const BLOCK_SIZE = 4096;
export const BLOCK_SIZE_LOG2 = 12;
/** Blocks of a segment, for every block size. */
export const SEGMENT_BLOCKS = 512;
export const SEGMENT_BLOCKS_LOG2 = 9;
export const SEGMENT_BYTES = BLOCK_SIZE * SEGMENT_BLOCKS;

/** Data slot: a hole. NAT entry: the nid is free. */
export const NULL_ADDRESS = 0;
/** Data slot: reserved, never written, reads as zeros; it counts as a valid block. Never in a NAT entry on disk. */
export const NEW_ADDRESS = 0xffff_ffff;
/** Data slot: head of a compressed cluster. It has no block, no SIT bit and no summary, but counts as a valid block. */
export const COMPRESS_ADDRESS = 0xffff_fffe;
/** What the NAT holds for nid 1 and 2, which have no node block. */
export const RESERVED_NODE_ADDRESS = 1;

/** First four bytes of a superblock, and the seed of most checksums. */
export const SUPER_MAGIC = 0xf2f5_2010;
/** First four bytes of an extended attribute area. */
export const XATTR_MAGIC = 0xf2f5_2011;
/** Where a superblock copy starts in its block (blocks 0 and 1). */
export const SUPER_OFFSET = 1024;
/** Bytes of a superblock copy. */
export const SUPER_SIZE = 3072;
/** The only place a superblock checksum may have, counted from the start of the copy. */
export const SUPER_CHECKSUM_OFFSET = 3068;
export const SUPER_COPIES = 2;

export const NODE_INO = 1;
export const META_INO = 2;
export const ROOT_INO = 3;
/** nids 0, 1 and 2 never belong to a file. */
export const RESERVED_NIDS = 3;

export const NAT_ENTRIES_PER_BLOCK = 455;
export const SIT_ENTRIES_PER_BLOCK = 55;
export const SUMMARY_ENTRIES_PER_BLOCK = 512;
export const ORPHANS_PER_BLOCK = 1020;

/** Bytes of the journal area of a summary block. */
export const JOURNAL_BYTES = 507;
export const NAT_JOURNAL_ENTRIES = 38;
export const SIT_JOURNAL_ENTRIES = 6;

/** Words of an inode's address area; extra attributes and inline xattrs take theirs from it. */
export const ADDRESSES_PER_INODE_MAX = 923;
/** Byte of an inode block where the address area starts. */
export const INODE_ADDRESSES_OFFSET = 360;
/** Addresses of a direct node. */
export const ADDRESSES_PER_NODE = 1018;
/** nids of an indirect or double indirect node. */
export const NIDS_PER_NODE = 1018;
/** nids at the end of an inode: direct, direct, indirect, indirect, double indirect. */
export const NIDS_PER_INODE = 5;
/** Words of the inline xattr area where the inode does not say. */
export const INLINE_XATTR_WORDS_DEFAULT = 50;
/** Fewest words of an inline xattr area in use: its 24-byte header. */
export const INLINE_XATTR_WORDS_MIN = 6;
/** 923 - 9 words of extra attributes - 1 reserved word - 10 words kept for data pointers. */
export const INLINE_XATTR_WORDS_MAX = 903;
/** Bytes of the longest extra attribute area. */
export const EXTRA_ATTRIBUTES_SIZE = 36;

/** Bytes of a file name. */
export const MAX_NAME_BYTES = 255;
/** Bytes of a name slot: a name takes as many consecutive slots as it needs. */
export const NAME_SLOT_BYTES = 8;
export const DENTRIES_PER_BLOCK = 214;
/** Deepest hash level of a directory. */
export const MAX_DIRECTORY_DEPTH = 63;

/**
 * Blocks of the longest file: what two direct, two indirect and one double indirect node reach. The slots of the inode
 * itself are not counted.
 */
export const MAX_FILE_BLOCKS =
  2 * ADDRESSES_PER_NODE + 2 * NIDS_PER_NODE * ADDRESSES_PER_NODE + NIDS_PER_NODE * NIDS_PER_NODE * ADDRESSES_PER_NODE;
/** Bytes of the longest file: 3.94 TiB. */
export const MAX_FILE_BYTES = MAX_FILE_BLOCKS * BLOCK_SIZE;

export const MIN_SEGMENTS = 9;
/** 16 TiB. */
export const MAX_SEGMENTS = 8_388_608;
/** Segments of the checkpoint area: one for each pack. */
export const CHECKPOINT_SEGMENTS = 2;
export const MAX_DEVICES = 8;
export const MAX_EXTENSIONS = 64;
/** Logs whose position a checkpoint stores. */
export const LOG_COUNT = 6;

/** What a log, and so a segment, holds. 6 and 7 exist in kernel memory only. */
export const SegmentType = {
  hotData: 0,
  warmData: 1,
  coldData: 2,
  hotNode: 3,
  warmNode: 4,
  coldNode: 5,
} as const;
export type SegmentType = (typeof SegmentType)[keyof typeof SegmentType];

const segmentTypeNames = ['hot data', 'warm data', 'cold data', 'hot node', 'warm node', 'cold node'] as const;

/** `4` → `'warm node'`; `'unknown 7'` for what is never on disk. */
export function segmentTypeName(type: number): string {
  return segmentTypeNames[type] ?? `unknown ${type}`;
}

/** True for the three node logs. */
export function isNodeSegmentType(type: number): boolean {
  return type >= SegmentType.hotNode;
}

/** How a log finds its next block. */
export const AllocationType = {
  /** Appends: every block at or after the offset is free. */
  lfs: 0,
  /** Fills the holes of a segment already in use. */
  ssr: 1,
} as const;

/** The file type byte of a directory entry. */
export const FileType = {
  unknown: 0,
  regular: 1,
  directory: 2,
  characterDevice: 3,
  blockDevice: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
} as const;
export type FileType = (typeof FileType)[keyof typeof FileType];

/** The type bits of a POSIX mode. */
export const ModeType = {
  mask: 0o170000,
  socket: 0o140000,
  symlink: 0o120000,
  regular: 0o100000,
  blockDevice: 0o060000,
  directory: 0o040000,
  characterDevice: 0o020000,
  fifo: 0o010000,
} as const;

/** The {@link FileType} of a mode; `unknown` where its type bits are none of the seven. */
export function fileTypeOfMode(mode: number): FileType {
  switch (mode & ModeType.mask) {
    case ModeType.regular:
      return FileType.regular;
    case ModeType.directory:
      return FileType.directory;
    case ModeType.symlink:
      return FileType.symlink;
    case ModeType.characterDevice:
      return FileType.characterDevice;
    case ModeType.blockDevice:
      return FileType.blockDevice;
    case ModeType.fifo:
      return FileType.fifo;
    case ModeType.socket:
      return FileType.socket;
    default:
      return FileType.unknown;
  }
}
