// chattr +c and -c of a file. Its clusters and the places of its slots depend on the flag, so it changes only while the file
// has no block, no node and no dirty page (F10).
//
// Source: spec 9.1, buffered I/O spec 10; kernel fs/f2fs/file.c (f2fs_setflags_common), f2fs.h (f2fs_may_compress).

import { EFBIG, EINVAL, EOPNOTSUPP, FsError } from '@f2fskit/errno';
import {
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  clusterBlocks,
  ExtraAttributes,
  extraFieldExists,
  InlineFlag,
  maxFileBlocks,
  RawExtent,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { CompressionContext } from '../compression-policy.ts';
import { convertInline } from '../data/inline-file.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/** Whether a file has a block or a node beside the inode and that of its xattrs, or will have one. */
export function hasBlocks(inode: F2fsInode): boolean {
  const { blocks, xattrNid } = inode.fields;
  return blocks > 1 + (xattrNid === 0 ? 0 : 1) || inode.pages().mapping.dirtyPages > 0;
}

/** Whether the inode has a place for what compression says. */
export function hasCompressionFields({ fields: { extraWords } }: F2fsInode): boolean {
  return extraFieldExists(4 * extraWords, ExtraAttributes.compressFlag);
}

/** Throws EFBIG for a file that is too long for clusters of so many blocks: fewer of them have a place in a node. */
export function checkSizeOf({ size }: F2fsInode, { logClusterSize }: CompressionContext): void {
  const blocks = clusterBlocks(logClusterSize);
  const addresses = ADDRESSES_PER_NODE - (ADDRESSES_PER_NODE % blocks);
  if (Math.ceil(size / BLOCK_SIZE) > maxFileBlocks(addresses)) throw new FsError(EFBIG);
}

/**
 * Makes a regular file ready to become compressed, or not to be it any more: what is inside and empty moves out. The lock of the
 * inode is held. Throws EINVAL for a file that has contents, is pinned or written to atomically, EOPNOTSUPP, EFBIG; nothing has
 * changed then.
 */
export function* prepareFlagChange(writer: VolumeWriter, inode: F2fsInode, compress: boolean): Task<void> {
  const { inlineFlags, deviceAlias } = inode.fields;
  const inline = hasInlineData(inode.raw);
  // Linux moves contents out of the inode before it refuses; here a refusal changes nothing.
  if (hasBlocks(inode) || (inline && inode.size > 0)) throw new FsError(EINVAL, 'the file has contents');
  if (!compress) return;
  if ((inlineFlags & InlineFlag.pinFile) !== 0 || inode.atomic !== undefined || deviceAlias) {
    throw new FsError(EINVAL, 'such a file cannot be compressed');
  }
  if (!hasCompressionFields(inode)) throw new FsError(EOPNOTSUPP, 'the inode has no place for what compression says');
  checkSizeOf(inode, writer.compression.context);
  if (inline) yield* convertInline(writer, inode);
}

/** The block of an inode that has no blocks of data: no run is remembered that clusters would contradict. */
export function forgetExtent(view: DataView): void {
  RawExtent.length.set(view, RawInode.extent.at(0, 0), 0);
}
