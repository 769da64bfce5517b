// What becomes of a cluster that has dirty blocks:
//
//   | on the device | dirty below the end of the file | whole, wanted, below the end | plan                             |
//   | ------------- | ------------------------------- | ---------------------------- | -------------------------------- |
//   | hole, plain   | all                             | yes                          | compress, else the dirty blocks  |
//   | hole, plain   | all, some                       | no                           | the dirty blocks                 |
//   | compressed    | some                            | –                            | made whole first, then as below  |
//   | compressed    | all                             | yes                          | compress, else all raw           |
//   | compressed    | all                             | no                           | all raw                          |
//
// Source: buffered I/O spec 18.2.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { dirtyRunEnd, nextDirtyBlock } from '@f2fskit/pagecache';
import type { F2fsInode } from '../inode.ts';
import type { Tile } from './cluster-set.ts';
import type { ClusterClass } from './cluster-slots.ts';

export interface ClusterPlan {
  readonly cluster: number;
  readonly kind: ClusterClass;
  /** To be compressed, if that makes it smaller. */
  readonly compress: boolean;
  /** Blocks of it that lie below the end of the file. */
  readonly blocks: number;
}

/** Blocks of a cluster below the end of the file. */
export function blocksBelowEnd({ gone, size }: F2fsInode, cluster: number, clusterBlocks: number): number {
  if (gone) return 0;
  return Math.max(0, Math.min(clusterBlocks, Math.ceil(size / BLOCK_SIZE) - cluster * clusterBlocks));
}

/** Whether one of the first `blocks` blocks of a cluster is dirty. */
export function hasDirty(tiles: readonly Tile[], blocks: number): boolean {
  return tiles.some(({ folio, from, to, at }) => {
    const end = Math.min(to, from + blocks - at);
    return from < end && folio.dirty && nextDirtyBlock(folio, from) < end;
  });
}

/** Whether all of the first `blocks` blocks of a cluster are dirty. */
export function allDirty(tiles: readonly Tile[], blocks: number): boolean {
  let covered = 0;
  for (const { folio, from, to, at } of tiles) {
    const end = Math.min(to, from + blocks - at);
    if (from >= end) continue;
    if (at > covered || !folio.dirty || nextDirtyBlock(folio, from) !== from || dirtyRunEnd(folio, from) < end)
      return false;
    covered = at + end - from;
  }
  return covered >= blocks;
}
