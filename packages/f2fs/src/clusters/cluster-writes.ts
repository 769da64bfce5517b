// Buffered writes to a compressed file, with folios of any size. Each stretch of clusters of one class is a mapping:
//
//   holes, plain     as in any file: reserve, copy, dirty what was touched. Clusters that are written whole are dirty as a whole, and
//                    that is what lets writeback compress them
//   compressed       a cluster changes as a whole. `getFolio` locks a set; of the clusters that the write covers in part, at most the
//                    first and the last, what is not cached is read, both in one go; those that it covers whole are not read.
//                    `putFolio` dirties all blocks of every cluster that was touched (I-55)
//
// A copy that falls short never leaves a cluster half filled: what was copied into one that had not been read does not count.
// Source: buffered I/O spec 12.

import { assert, ENOSPC, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { Iomap, WriteOperations } from '@f2fskit/iomap';
import { type Folio, markDirty } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { CachedFile } from '../cached-file.ts';
import { FolioWrites } from '../data/folio-writes.ts';
import { noteEnd } from '../data/pending-attributes.ts';
import { reserveInSteps } from '../data/reserve-blocks.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { acquireClusters, type ClusterSet, completeClusters, noneUptodate } from './cluster-set.ts';
import type { ClusterSlots } from './cluster-slots.ts';

/** Clusters that one mapping covers at most. */
const MAPPING_CLUSTERS = 512;

/** What `getFolio` has locked, for `putFolio`. */
interface Visit {
  readonly set: ClusterSet;
  /** Clusters that the write covers and that were not read: nothing of them is uptodate. */
  readonly unread: readonly number[];
}

export class ClusterWrites implements WriteOperations {
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #file: CachedFile;
  readonly #slots: ClusterSlots;
  /** For holes and plain clusters. */
  readonly #plain: FolioWrites;
  #visit: Visit | undefined = undefined;

  /** A write of the bytes [start, end). */
  constructor(writer: VolumeWriter, inode: F2fsInode, start: number, end: number) {
    this.#writer = writer;
    this.#inode = inode;
    this.#file = inode.pages();
    this.#slots = inode.clusterSlots();
    this.#plain = new FolioWrites(writer, inode, start, end);
  }

  /** Throws ENOSPC where not even one block can be had, Corruption clusterLayout, blockAddress. */
  *begin(position: number, length: number, request: number, map: Iomap): Task<void> {
    const slots = this.#slots;
    const { clusterBlocks } = slots;
    // Before anything is looked at: reserving may wait, and what was found out may not hold any more then.
    map.cookie = this.#file.clusterChanges;
    const bytes = clusterBlocks * BLOCK_SIZE;
    const cluster = Math.floor(position / bytes);
    const wanted = Math.min(Math.ceil((position + length) / bytes), cluster + MAPPING_CLUSTERS);
    const kind = slots.classNow(cluster) ?? (yield* slots.classOf(cluster));
    const end = slots.classEnd(cluster, kind, wanted);
    if (kind !== 'compressed') {
      const reserving = this.#plain.begin(position, Math.min(length, end * bytes - position), request, map);
      if (reserving !== undefined) yield* reserving;
      map.length = Math.min(map.length, end * bytes - map.offset);
    } else {
      map.kind = 'private';
      map.private = COMPRESSED;
      map.offset = cluster * bytes;
      map.length = (end - cluster) * bytes;
      // Released slots are refused before; others that are empty are somebody's mistake, which this mends.
      const reserved = yield* reserveInSteps(this.#writer, this.#inode, cluster * clusterBlocks, end * clusterBlocks);
      if (reserved < end * clusterBlocks) throw new FsError(ENOSPC);
    }
  }

  end(map: Iomap, position: number, processed: number): Task<void> | undefined {
    return map.private === COMPRESSED ? undefined : this.#plain.end(map, position, processed);
  }

  valid(map: Iomap): boolean {
    return map.cookie === this.#file.clusterChanges;
  }

  getFolio(map: Iomap, position: number, length: number, order: number): Task<Folio | undefined> | undefined {
    return map.private === COMPRESSED ? this.#getFolio(map, position, length, order) : undefined;
  }

  *#getFolio(map: Iomap, position: number, length: number, order: number): Task<Folio | undefined> {
    const { clusterBlocks } = this.#slots;
    const set = yield* acquireClusters(this.#file, clusterBlocks, position, length, order);
    let kept = false;
    try {
      // What was compressed may have been written as it is while nothing was locked.
      if (!this.valid(map)) return undefined;
      const folio = set.folioOf(Math.floor(position / BLOCK_SIZE))!;
      const end = Math.min(position + length, folio.position + folio.size);
      const { read, unread } = this.#sort(set, position, end);
      if (read.length > 0) yield* completeClusters(this.#file, set.folios, clusterBlocks, read);
      this.#visit = { set, unread };
      kept = true;
      return folio;
    } finally {
      if (!kept) set.release();
    }
  }

  /** Of the clusters that a write of [position, end) touches: those that have to be whole before, and those that need not. */
  #sort(set: ClusterSet, position: number, end: number): { read: number[]; unread: number[] } {
    const bytes = set.clusterBlocks * BLOCK_SIZE;
    const read: number[] = [];
    const unread: number[] = [];
    for (let cluster = Math.floor(position / bytes); cluster * bytes < end; cluster++) {
      const covered = position <= cluster * bytes && (cluster + 1) * bytes <= end;
      // One that is uptodate in part is made whole: a copy that is refused must change nothing that is.
      if (covered && noneUptodate(set.tilesOf(cluster))) unread.push(cluster);
      else read.push(cluster);
    }
    return { read, unread };
  }

  putFolio(folio: Folio, position: number, length: number, copied: number): number {
    assert(this.#visit !== undefined, 'what ends has begun');
    const { set, unread } = this.#visit;
    this.#visit = undefined;
    try {
      const bytes = set.clusterBlocks * BLOCK_SIZE;
      const reached = Math.floor((position + copied) / bytes);
      const half = copied < length && unread.includes(reached);
      const taken = half ? Math.max(0, reached * bytes - position) : copied;
      if (taken === 0) return 0;
      const end = position + taken;
      const from = Math.floor((position - folio.position) / BLOCK_SIZE);
      folio.markUptodate(from, Math.ceil((end - folio.position) / BLOCK_SIZE));
      for (let cluster = Math.floor(position / bytes); cluster * bytes < end; cluster++) {
        for (const tile of set.tilesOf(cluster)) markDirty(tile.folio, tile.from, tile.to);
      }
      this.grow(end);
      return taken;
    } finally {
      set.release();
    }
  }

  grow(end: number): void {
    noteEnd(this.#writer, this.#inode, end);
  }

  throttle(): Task<void> | undefined {
    return this.#writer.flusher.throttle();
  }
}

/** Marks the mappings whose clusters change as wholes. */
const COMPRESSED = Symbol('compressed clusters');
