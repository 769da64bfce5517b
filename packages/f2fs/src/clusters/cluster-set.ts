// The clusters that a change works on, with everything that backs them:
//
//   held       the range lock of the clusters: nobody else changes them as units
//   folios     locked, with a reference, of this mapping, not under writeback; in ascending order
//
//   case A     a folio holds whole clusters: the set is that one folio, and the clusters of it that are wanted
//   case B     a cluster is tiled by several folios: the set is that one cluster, and all its tiles
//
// Folios and clusters are powers of two and aligned, so there is no other case. Order: the range lock, then folios in ascending
// order, then operations. Who finds no room for a tile gives everything up before waiting for room.
// Source: buffered I/O spec 10.1, 12.3, 12.4.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { type ByteRange, fillLocked } from '@f2fskit/iomap';
import { type Folio, lockOrCreateFolio } from '@f2fskit/pagecache';
import type { HeldRange, Task } from '@f2fskit/task';
import type { CachedFile } from '../cached-file.ts';

/** The part of a cluster that lies in one folio: blocks [from, to) of it, which are those from `at` on of the cluster. */
export interface Tile {
  readonly folio: Folio;
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

export class ClusterSet {
  readonly folios: Folio[];
  readonly held: HeldRange;
  readonly clusterBlocks: number;

  constructor(folios: Folio[], held: HeldRange, clusterBlocks: number) {
    this.folios = folios;
    this.held = held;
    this.clusterBlocks = clusterBlocks;
  }

  /** The folio that contains a file block; `undefined` where the set has none. */
  folioOf(block: number): Folio | undefined {
    return this.folios.find((folio) => folio.index <= block && block < folio.endIndex);
  }

  /** What the set has of a cluster. */
  tilesOf(cluster: number): Tile[] {
    return tilesOf(this.folios, cluster * this.clusterBlocks, this.clusterBlocks);
  }

  /** Unlocks and puts the folios, then the range. */
  release(): void {
    releaseFolios(this.folios);
    this.held.unlock();
  }
}

export function releaseFolios(folios: readonly Folio[]): void {
  for (const folio of folios) {
    folio.unlock();
    folio.put();
  }
}

/** The parts of [start, start + blocks) of a file that lie in `folios`. */
export function tilesOf(folios: readonly Folio[], start: number, blocks: number): Tile[] {
  const tiles: Tile[] = [];
  for (const folio of folios) {
    const from = Math.max(0, start - folio.index);
    const to = Math.min(folio.pages, start + blocks - folio.index);
    if (from < to) tiles.push({ folio, from, to, at: folio.index + from - start });
  }
  return tiles;
}

/**
 * The set for a change of [position, position + length), of clusters of `clusterBlocks` blocks: at least the one that contains
 * `position`, and of the others as many as lie in the same folio. A new folio has the order `order`, if it can be. The caller holds
 * the lock of the inode and nothing below it; waits for locks, writeback and room.
 */
export function* acquireClusters(
  file: CachedFile,
  clusterBlocks: number,
  position: number,
  length: number,
  order: number,
): Task<ClusterSet> {
  const first = Math.floor(position / BLOCK_SIZE / clusterBlocks);
  const last = Math.floor((position + length - 1) / BLOCK_SIZE / clusterBlocks);
  for (;;) {
    const held = file.clusterLocks.tryLock(first, last + 1) ?? (yield* file.clusterLocks.wait(first, last + 1));
    const folios = yield* lockBacking(file, clusterBlocks, first, Math.floor(position / BLOCK_SIZE), order);
    if (folios !== undefined) {
      // The clusters of the first folio, or the one cluster that it is a tile of.
      const end = Math.max(first + 1, Math.floor(folios.at(-1)!.endIndex / clusterBlocks));
      held.shrink(first, Math.min(last + 1, end));
      return new ClusterSet(folios, held, clusterBlocks);
    }
    held.unlock();
    yield* file.mapping.cache.waitForRoom();
  }
}

/** The folios behind cluster `cluster`, or the one that holds it and others; `undefined` where there is no room for a tile. */
function* lockBacking(
  { mapping }: CachedFile,
  clusterBlocks: number,
  cluster: number,
  block: number,
  order: number,
): Task<Folio[] | undefined> {
  const folio = yield* lockOrCreateFolio(mapping, block, order);
  if (folio === undefined) return undefined;
  if (folio.pages >= clusterBlocks) return [folio];
  // A tile: all of them, from the first on. Nobody else changes the cluster in between.
  folio.unlock();
  const folios = yield* lockTiles(mapping, cluster * clusterBlocks, (cluster + 1) * clusterBlocks);
  folio.put();
  return folios;
}

/** Every page of [start, end), in folios that lie within; `undefined`, with nothing locked, where there is no room. */
function* lockTiles(mapping: CachedFile['mapping'], start: number, end: number): Task<Folio[] | undefined> {
  const folios: Folio[] = [];
  for (let at = start; at < end; ) {
    const folio = yield* lockOrCreateFolio(mapping, at, 31 - Math.clz32(end - at));
    if (folio === undefined) {
      releaseFolios(folios);
      return undefined;
    }
    folios.push(folio);
    at = folio.endIndex;
  }
  return folios;
}

/** Whether every block of a cluster in `tiles` is uptodate. */
export function allUptodate(tiles: readonly Tile[]): boolean {
  return tiles.every(({ folio, from, to }) => folio.isUptodate(from * BLOCK_SIZE, to * BLOCK_SIZE));
}

/** Whether no block of a cluster in `tiles` is uptodate. */
export function noneUptodate(tiles: readonly Tile[]): boolean {
  return tiles.every(({ folio, from, to }) => {
    if (folio.uptodate) return false;
    return folio.blocks === undefined || folio.blocks.next(from, true) >= to;
  });
}

/**
 * Reads what is missing of whole clusters, all at once, into the locked folios that back them; behind the end of the file zeros
 * (I-57). Throws what reading met: then nothing has changed but that more may be uptodate (I-58).
 */
export function* completeClusters(
  file: CachedFile,
  folios: readonly Folio[],
  clusterBlocks: number,
  clusters: readonly number[],
): Task<void> {
  // A cleaner may have moved what was on its way: then it is read again.
  for (;;) {
    const ranges: ByteRange[] = [];
    for (const cluster of clusters) {
      ranges.push(...missingRanges(tilesOf(folios, cluster * clusterBlocks, clusterBlocks)));
    }
    if (ranges.length === 0) return;
    yield* fillLocked(file, folios, ranges);
  }
}

/** The bytes of a file that lie in tiles of which not all is uptodate: one that is may be newer than the medium (I-11). */
function missingRanges(tiles: readonly Tile[]): ByteRange[] {
  const ranges: Array<{ from: number; to: number }> = [];
  for (const tile of tiles) {
    if (allUptodate([tile])) continue;
    const { folio, from, to } = tile;
    const start = folio.position + from * BLOCK_SIZE;
    const end = folio.position + to * BLOCK_SIZE;
    const last = ranges.at(-1);
    if (last?.to === start) last.to = end;
    else ranges.push({ from: start, to: end });
  }
  return ranges;
}
