// How one compressed file is compressed: asking, and choosing anew while it is empty.
//
// Source: spec 9.1; kernel fs/f2fs/file.c (f2fs_ioc_get_compress_option, f2fs_ioc_set_compress_option).

import { EBUSY, EFBIG, EINVAL, ENODATA, ENOENT, EOPNOTSUPP, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { changeInode } from '../change-inode.ts';
import { type CompressionContext, canCompress, defaultLevel, writeContext } from '../compression-policy.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { checkSizeOf, hasBlocks } from './set-compressed.ts';

/** What a compressed file says. Throws ENODATA for any other. */
export function contextOfFile({ fields }: F2fsInode): CompressionContext {
  const { compressed, compressAlgorithm: algorithm, logClusterSize, compressFlag } = fields;
  if (!compressed) throw new FsError(ENODATA, 'the file is not compressed');
  return { algorithm, logClusterSize, ...compressFlag };
}

/**
 * Chooses algorithm, cluster size, level and checksums of a compressed file without contents. Throws EINVAL for a file that is
 * not compressed, EBUSY with dirty pages, EFBIG with blocks, EOPNOTSUPP.
 */
export function* setFileOption(writer: VolumeWriter, inode: F2fsInode, context: CompressionContext): Task<void> {
  if (!canCompress(writer.store.superblock)) throw new FsError(EOPNOTSUPP, 'the volume has no compression');
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    if (!inode.fields.compressed) throw new FsError(EINVAL, 'the file is not compressed');
    if (inode.pages().mapping.dirtyPages > 0) throw new FsError(EBUSY, 'the file has contents');
    if (hasBlocks(inode)) throw new FsError(EFBIG, 'the file has contents');
    checkSizeOf(inode, context);
    yield* writer.operation(changeInode(writer, inode, (view) => void writeContext(view, context)));
    yield* inode.resetPages();
  } finally {
    held.unlock();
  }
}

/** The level that Linux takes where only an algorithm is named. */
export function levelOf({ compression: { context } }: VolumeWriter, algorithm: number): number {
  return context.algorithm === algorithm && context.level > 0 ? context.level : defaultLevel(algorithm);
}
