// Quota files: hidden inodes that the superblock names, in the format "vfsv1" of Linux. The file is a row of 1024-byte
// quota blocks: block 0 holds header and information, block 1 is the root of a tree over the four bytes of an id, most
// significant first, and the leaves hold entries.

import { bytes, struct, u16, u32, u32s, u64 } from '@f2fskit/ondisk';

export const QUOTA_BLOCK_SIZE = 1024;
export const QUOTA_TREE_DEPTH = 4;
/** Quota block of the root of the tree. */
export const QUOTA_TREE_ROOT = 1;

/** First four bytes of each file, by quota type. */
export const QuotaMagic = { user: 0xd9c0_1f11, group: 0xd9c0_1927, project: 0xd9c0_3f14 } as const;
export const QUOTA_VERSION = 1;

/** Byte 0 of the file. */
export const QuotaHeader = struct('v2_disk_dqheader', 8, {
  magic: u32(0, 'which of the three files this is'),
  version: u32(4, '1'),
});

/** Byte 8 of the file. */
export const QuotaInformation = struct('v2_disk_dqinfo', 24, {
  blockGraceSeconds: u32(0, 'how long a soft block limit may be exceeded'),
  inodeGraceSeconds: u32(4, 'how long a soft inode limit may be exceeded'),
  flags: u32(8, '0'),
  blockCount: u32(12, 'quota blocks of the file'),
  freeBlock: u32(16, 'head of the list of free blocks, 0 = none'),
  freeEntry: u32(20, 'head of the list of leaves with room, 0 = none'),
});

/** A tree block: for each value of one byte of the id, the next block; 0 = none. */
export const QuotaTreeBlock = struct('qtree_block', QUOTA_BLOCK_SIZE, {
  pointers: u32s(0, 256, 'quota block below, by the byte of the id'),
});

/** The start of a leaf. 16 bytes; entries follow. */
export const QuotaLeafHeader = struct('qt_disk_dqdbheader', 16, {
  nextFree: u32(0, 'next leaf with room'),
  previousFree: u32(4, 'previous leaf with room'),
  entryCount: u16(8, 'entries in use'),
  padding: bytes(10, 6, 'zero'),
});

/** Limits and usage of one id. 72 bytes. */
export const QuotaEntry = struct('v2r1_disk_dqblk', 72, {
  id: u32(0, 'uid, gid or project id'),
  padding: u32(4, 'zero'),
  inodesHard: u64(8, 'hard limit, 0 = none'),
  inodesSoft: u64(16, 'soft limit, 0 = none'),
  inodesUsed: u64(24, 'inodes of this id'),
  blocksHard: u64(32, 'hard limit in KiB, 0 = none'),
  blocksSoft: u64(40, 'soft limit in KiB, 0 = none'),
  bytesUsed: u64(48, 'sum of (i_blocks - 1) * 4096 over its inodes'),
  blocksDeadline: u64(56, 'when the soft block limit becomes hard'),
  inodesDeadline: u64(64, 'when the soft inode limit becomes hard'),
});

/** Entries of one leaf. */
export const QUOTA_ENTRIES_PER_LEAF: number = Math.floor((QUOTA_BLOCK_SIZE - QuotaLeafHeader.$size) / QuotaEntry.$size);

/** The byte of `id` that picks the pointer at `depth` (0 = root). */
export function quotaTreeIndex(id: number, depth: number): number {
  return (id >>> (8 * (QUOTA_TREE_DEPTH - 1 - depth))) & 0xff;
}
