// The two ends of a page write into a compressed cluster, as the page engine has them:
//
//   prepareCompressOverwrite   every page of the cluster, locked and uptodate: what is missing is read. A page that was truncated
//                              meanwhile, or a cluster that is plain by now, makes it begin again, or say that there is nothing to prepare
//   compressWriteEnd           all pages of the cluster become dirty, not only the one that was written: a compressed cluster is
//                              replaced as a whole, so what is not dirty would be lost with its old payload (D26)
//
// The same cluster is prepared again for each of its pages; from the second on nothing is read.
// Source: buffered I/O spec 5, 15.4; kernel fs/f2fs/compress.c (prepare_compress_overwrite, f2fs_compress_write_end).

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { type Folio, markDirty } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { CachedFile } from '../cached-file.ts';
import { acquireClusters, type ClusterSet, completeClusters } from './cluster-set.ts';
import type { ClusterSlots } from './cluster-slots.ts';

/** A cluster that is ready to be overwritten. */
export interface PreparedCluster {
  readonly set: ClusterSet;
  readonly cluster: number;
  /** The page that is written to. */
  readonly page: Folio;
}

/**
 * The cluster that contains page `index`, whole and locked; `undefined` where it is not compressed. Throws Corruption, EIO: then
 * nothing has changed.
 */
export function* prepareCompressOverwrite(
  file: CachedFile,
  slots: ClusterSlots,
  index: number,
): Task<PreparedCluster | undefined> {
  const { clusterBlocks } = slots;
  const cluster = Math.floor(index / clusterBlocks);
  if ((slots.classNow(cluster) ?? (yield* slots.classOf(cluster))) !== 'compressed') return undefined;
  const set = yield* acquireClusters(file, clusterBlocks, index * BLOCK_SIZE, BLOCK_SIZE, 0);
  let prepared = false;
  try {
    // It may have been written as it is while we waited.
    if ((slots.classNow(cluster) ?? (yield* slots.classOf(cluster))) !== 'compressed') return undefined;
    yield* completeClusters(file, set.folios, clusterBlocks, [cluster]);
    prepared = true;
    return { set, cluster, page: set.folioOf(index)! };
  } finally {
    if (!prepared) set.release();
  }
}

/**
 * Ends a write of `copied` bytes into a prepared cluster, up to `end` of the file: all of it is dirty, `file` is told where the
 * write ends, everything is unlocked. Returns the bytes that count: all, since every page was uptodate.
 */
export function compressWriteEnd(
  { set, cluster }: PreparedCluster,
  copied: number,
  end: number,
  file: { grow(end: number): void },
): number {
  if (copied > 0) {
    for (const { folio, from, to } of set.tilesOf(cluster)) markDirty(folio, from, to);
    file.grow(end);
  }
  set.release();
  return copied;
}
