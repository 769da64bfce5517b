// The quota files of a new volume: hidden, immutable, named by the superblock only. Each is a tree of one path, to the
// one id that owns what a format makes: the owner of the root directory, project 0.
//
//   0 header and information | 1..4 one tree block a byte of the id | 5 leaf with one entry
//
// For an owner other than 0 these are not the bytes of mkfs.f2fs 1.15, which always leads to the leaf as if for id 0: on
// its volume Linux 6.1 with quotas on reports `Quota for id 0 referenced but not present` and mkdir fails with EIO.

import {
  BLOCK_SIZE,
  InodeFlag,
  ModeType,
  QUOTA_BLOCK_SIZE,
  QUOTA_TREE_DEPTH,
  QUOTA_TREE_ROOT,
  QUOTA_VERSION,
  QuotaEntry,
  QuotaHeader,
  QuotaInformation,
  QuotaLeafHeader,
  QuotaMagic,
  QuotaTreeBlock,
  quotaTreeIndex,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { FreshInode } from './fresh-inode.ts';

/** Index of each quota type, in the superblock too. */
export const quotaTypeNames = ['user', 'group', 'project'] as const;

/** Blocks of each file; the last one is not full. */
const QUOTA_FILE_BLOCKS = 2;

const WEEK_SECONDS = 7 * 24 * 60 * 60;
const LEAF = QUOTA_TREE_ROOT + QUOTA_TREE_DEPTH;
const QUOTA_BLOCKS = LEAF + 1;

/** The inode of a quota file. */
export function quotaInode(ino: number): Omit<FreshInode, 'dataAddresses' | 'nextAddress'> {
  return {
    ino,
    mode: ModeType.regular | 0o600,
    links: 1,
    size: QUOTA_BLOCKS * QUOTA_BLOCK_SIZE,
    currentDepth: 0,
    flags: InodeFlag.immutable,
    parentIno: 0,
    name: '',
    // f2fs-tools 1.15 leaves it out, and nobody can ask a hidden file for it.
    hasCreateTime: false,
  };
}

/**
 * The content of a quota file, in whole blocks.
 *
 * @param id who owns the directories of the new volume.
 * @param directories how many there are; each has one block of entries.
 */
export function quotaContent(type: (typeof quotaTypeNames)[number], id: number, directories: number): Uint8Array {
  const bytes = new Uint8Array(QUOTA_FILE_BLOCKS * BLOCK_SIZE);
  const view = viewOf(bytes);
  QuotaHeader.magic.set(view, 0, QuotaMagic[type]);
  QuotaHeader.version.set(view, 0, QUOTA_VERSION);
  QuotaInformation.blockGraceSeconds.set(view, QuotaHeader.$size, WEEK_SECONDS);
  QuotaInformation.inodeGraceSeconds.set(view, QuotaHeader.$size, WEEK_SECONDS);
  QuotaInformation.blockCount.set(view, QuotaHeader.$size, QUOTA_BLOCKS);
  QuotaInformation.freeEntry.set(view, QuotaHeader.$size, LEAF);
  for (let depth = 0; depth < QUOTA_TREE_DEPTH; depth++) {
    const block = QUOTA_TREE_ROOT + depth;
    QuotaTreeBlock.pointers.set(view, block * QUOTA_BLOCK_SIZE, quotaTreeIndex(id, depth), block + 1);
  }
  const leaf = LEAF * QUOTA_BLOCK_SIZE;
  QuotaLeafHeader.entryCount.set(view, leaf, 1);
  const entry = leaf + QuotaLeafHeader.$size;
  QuotaEntry.id.set(view, entry, id);
  QuotaEntry.inodesUsed.set(view, entry, directories);
  QuotaEntry.bytesUsed.set(view, entry, directories * BLOCK_SIZE);
  return bytes;
}
