// The end of a compressed file inside a cluster that is compressed: slots of it cannot go one by one, so what lies behind the end
// becomes zeros.
//
//   shorter   zeros from the new end to the end of the cluster, written back before the size changes: whenever the file grows again,
//             here or elsewhere, after a cut or not, it shows zeros (I-57)
//   longer    zeros behind the old end, dirty: another system may have left anything there
//
// Source: buffered I/O spec 9.1, 12.4, R8, R9; kernel fs/f2fs/compress.c (f2fs_truncate_partial_cluster).

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { type Folio, markDirty } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { F2fsInode } from '../inode.ts';
import { allDirty } from './cluster-plan.ts';
import { acquireClusters, completeClusters, tilesOf } from './cluster-set.ts';

/** Whether a byte of a compressed file lies in a cluster that is compressed, and not at its start. */
export function* isInsideCluster(inode: F2fsInode, position: number): Task<boolean> {
  const slots = inode.clusterSlots();
  const bytes = slots.clusterBlocks * BLOCK_SIZE;
  if (position % bytes === 0) return false;
  return (yield* slots.classOf(Math.floor(position / bytes))) === 'compressed';
}

/** The first block at or behind `block` that is not inside a compressed cluster: from there on slots may go one by one. */
export function* blockOutsideClusters(inode: F2fsInode, block: number): Task<number> {
  if (!inode.fields.compressed || !(yield* isInsideCluster(inode, block * BLOCK_SIZE))) return block;
  const { clusterBlocks } = inode.clusterSlots();
  return (Math.floor(block / clusterBlocks) + 1) * clusterBlocks;
}

/**
 * Makes what a compressed cluster holds from `position` on zeros, in the cache; all of it is dirty. The lock of the inode is held.
 * Throws Corruption, EIO: then nothing has changed.
 */
export function* zeroClusterFrom(inode: F2fsInode, position: number): Task<void> {
  const file = inode.pages();
  const { clusterBlocks } = inode.clusterSlots();
  const bytes = clusterBlocks * BLOCK_SIZE;
  const cluster = Math.floor(position / bytes);
  const length = (cluster + 1) * bytes - position;
  const set = yield* acquireClusters(file, clusterBlocks, position, length, 0);
  try {
    yield* completeClusters(file, set.folios, clusterBlocks, [cluster]);
    for (const { folio, from, to } of set.tilesOf(cluster)) {
      const start = Math.max(from * BLOCK_SIZE, position - folio.position);
      if (start < to * BLOCK_SIZE) folio.bytes.fill(0, start, to * BLOCK_SIZE);
      markDirty(folio, from, to);
    }
  } finally {
    set.release();
  }
}

/**
 * From here on, as long as the lock of the inode is held, the cluster of a byte is compressed, or it is not: one that background
 * writeback may be compressing, or could, is written first.
 */
function* endCompression(inode: F2fsInode, position: number): Task<void> {
  const { mapping } = inode.pages();
  const { clusterBlocks } = inode.clusterSlots();
  const bytes = clusterBlocks * BLOCK_SIZE;
  const start = Math.floor(position / bytes) * clusterBlocks;
  if (position % bytes === 0 || !inode.wantsCompression) return;
  const folios: Folio[] = [];
  for (let at = start; at < start + clusterBlocks; ) {
    const folio = mapping.find(at++);
    if (folio === undefined) continue;
    folios.push(folio);
    at = folio.endIndex;
  }
  const taken = folios.some(({ locked, writeback }) => locked || writeback);
  if (!taken && !allDirty(tilesOf(folios, start, clusterBlocks), clusterBlocks)) return;
  yield* inode.writeBack(start * BLOCK_SIZE, start * BLOCK_SIZE + bytes);
}

/** The file block from which on slots go when a compressed file gets `size` bytes; zeros are on the medium by then. */
export function* prepareCut(inode: F2fsInode, size: number): Task<number> {
  yield* endCompression(inode, size);
  if (!(yield* isInsideCluster(inode, size))) return Math.ceil(size / BLOCK_SIZE);
  if (size === inode.size) return yield* blockOutsideClusters(inode, Math.ceil(size / BLOCK_SIZE));
  const bytes = inode.clusterSlots().clusterBlocks * BLOCK_SIZE;
  yield* zeroClusterFrom(inode, size);
  const cluster = Math.floor(size / bytes);
  yield* inode.writeBack(cluster * bytes, (cluster + 1) * bytes);
  // It may have been written as it is: then its slots go one by one.
  return (yield* isInsideCluster(inode, size)) ? ((cluster + 1) * bytes) / BLOCK_SIZE : Math.ceil(size / BLOCK_SIZE);
}
