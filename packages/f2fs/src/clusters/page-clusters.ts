// Writeback of a compressed file by the page engine. Pages come one at a time, in ascending order, and those of a cluster are
// gathered, locked, until the next one belongs to another cluster (the compress context of the kernel):
//
//   prepare     the page begins a cluster: the range lock. A compressed cluster of which not every page is dirty is made whole
//               (`prepareCompressOverwrite` of writeback), and the pass gathers again from its first page
//   writePage   the page, locked and taken for writing, joins the others
//   write       all of the cluster are here, or the next page is of another: `writeMultiPages`, which compresses them if they are
//               whole (`writeCompressedPages`), and else, or if that does not make them smaller, sends them as they are
//               (`writeRawPages`)
//
// Source: buffered I/O spec 15.3, 15.4, 15.8; kernel fs/f2fs/data.c (f2fs_write_cache_pages), compress.c (f2fs_write_multi_pages).

import { EAGAIN, FsError } from '@f2fskit/errno';
import { cancelDirty, type Folio, Mark, markDirty, PAGE_SIZE, redirty } from '@f2fskit/pagecache';
import type { HeldRange, Task } from '@f2fskit/task';
import type { PageResult, PageWriter, WritebackPass } from '@f2fskit/writeback';
import { allDirty, blocksBelowEnd } from './cluster-plan.ts';
import { acquireClusters, completeClusters, tilesOf } from './cluster-set.ts';
import type { ClusterWritebackParts } from './folio-clusters.ts';
import { beginClusters, sendClusters } from './send-clusters.ts';

/** What `prepare` says where there is nothing to prepare. */
const GO_ON = -1;

export class PageClusters implements PageWriter {
  readonly #parts: ClusterWritebackParts;
  /** The cluster whose pages are being gathered, its range lock, and the pages: locked, clean, not under writeback. */
  #cluster = -1;
  #held: HeldRange | undefined = undefined;
  #pages: Folio[] = [];

  constructor(parts: ClusterWritebackParts) {
    this.#parts = parts;
  }

  lengthToWrite(folio: Folio): number {
    return this.#parts.lengthToWrite(folio);
  }

  shouldYield(): boolean {
    return this.#pages.length === 0 && this.#parts.shouldYield?.() === true;
  }

  submit(): void {
    this.#parts.writer.bios.submit();
  }

  *prepare(batch: readonly Folio[], at: number, pass: WritebackPass): Task<number> {
    const { file, slots } = this.#parts;
    const { index, mapping } = batch[at]!;
    const cluster = Math.floor(index / slots.clusterBlocks);
    if (this.#held !== undefined && cluster === this.#cluster) return GO_ON;
    yield* this.#write(pass);
    if (pass.exhausted) throw new FsError(EAGAIN, 'the pass has done what it may');
    const making = this.#parts.makeRoom();
    if (making !== undefined) yield* making;
    this.#cluster = cluster;
    this.#held = file.clusterLocks.tryLock(cluster, cluster + 1);
    if (this.#held === undefined) {
      if (pass.mode === 'none') throw new FsError(EAGAIN, 'somebody changes the cluster');
      this.#held = yield* file.clusterLocks.wait(cluster, cluster + 1);
    }
    if (mapping !== file.mapping) return GO_ON;
    // A pass that goes on where the last one stopped may begin in the middle.
    const first = mapping.index.next(cluster * slots.clusterBlocks, Mark.DIRTY);
    if (first !== undefined && first.index < index) {
      this.#held.unlock();
      this.#held = undefined;
      return cluster * slots.clusterBlocks;
    }
    return (yield* this.#makeWhole(cluster, batch, at)) ? cluster * slots.clusterBlocks : GO_ON;
  }

  /**
   * Makes a compressed cluster dirty as a whole. True where its pages have to be gathered again; false where they are all there, or
   * it is not compressed. The range lock is held.
   */
  *#makeWhole(cluster: number, batch: readonly Folio[], position: number): Task<boolean> {
    const { file, inode, slots } = this.#parts;
    const { clusterBlocks } = slots;
    const start = cluster * clusterBlocks;
    const blocks = blocksBelowEnd(inode, cluster, clusterBlocks);
    const kind = slots.classNow(cluster) ?? (yield* slots.classOf(cluster));
    if (kind !== 'compressed' || blocks === 0) return false;
    const present: Folio[] = [];
    for (let at = start; at < start + blocks; at++) {
      const page = file.mapping.find(at);
      if (page !== undefined) present.push(page);
    }
    if (allDirty(tilesOf(present, start, clusterBlocks), blocks)) {
      // Some may have become dirty behind the start of the pass: they belong to it all the same.
      for (let k = 0; k < blocks; k++) if (batch[position + k]?.index !== start + k) return true;
      return false;
    }
    const held = this.#held!;
    // The set takes the lock by itself.
    held.unlock();
    this.#held = undefined;
    const set = yield* acquireClusters(file, clusterBlocks, start * PAGE_SIZE, PAGE_SIZE, 0);
    try {
      yield* completeClusters(file, set.folios, clusterBlocks, [cluster]);
      for (const { folio, from, at } of set.tilesOf(cluster)) if (at < blocks) markDirty(folio, from, from + 1);
    } finally {
      set.release();
    }
    return true;
  }

  *writePage(folio: Folio, pass: WritebackPass): Task<PageResult> {
    const { slots } = this.#parts;
    this.#pages.push(folio);
    if (this.#pages.length === slots.clusterBlocks) yield* this.#write(pass);
    // Counted when they are sent: else a budget would end in the middle of a cluster.
    return 'skipped';
  }

  *finish(pass: WritebackPass): Task<void> {
    yield* this.#write(pass);
  }

  /** Writes the pages that were gathered, and gives the cluster up. */
  *#write(pass: WritebackPass): Task<void> {
    const pages = this.#pages;
    const held = this.#held;
    this.#pages = [];
    this.#held = undefined;
    try {
      if (pages.length > 0) yield* this.#writeMultiPages(pages, pass);
    } finally {
      held?.unlock();
    }
  }

  *#writeMultiPages(pages: readonly Folio[], pass: WritebackPass): Task<void> {
    const { inode, slots, writer } = this.#parts;
    const { clusterBlocks } = slots;
    const cluster = this.#cluster;
    const blocks = blocksBelowEnd(inode, cluster, clusterBlocks);
    const tiles = tilesOf(pages, cluster * clusterBlocks, clusterBlocks);
    try {
      const kind = slots.classNow(cluster) ?? (yield* slots.classOf(cluster));
      if (kind === 'compressed' && pages.length < blocks) throw new FsError(EAGAIN, 'not the whole cluster is here');
      const whole = this.#parts.wantsCompression() && pages.length === clusterBlocks && blocks === clusterBlocks;
      const plan = { cluster, kind, blocks, compress: whole && !slots.hasHole(cluster), tiles };
      for (const page of pages) writer.bios.begin(page);
      const begun = beginClusters(this.#parts, [plan], clusterBlocks);
      const sent = yield* sendClusters(this.#parts, begun, pass, clusterBlocks);
      for (const page of pages) {
        if (page.index >= sent.next) this.#keep(page, pass);
        writer.bios.finish(page);
        page.unlock();
      }
      pass.wrote(sent.blocks);
      if (sent.failure !== undefined) this.#fail(sent.failure, pass);
    } catch (cause) {
      for (const page of pages) {
        if (!page.locked) continue;
        if (isTooEarly(cause)) this.#keep(page, pass);
        else if (!page.writeback) cancelDirty(page);
        page.unlock();
      }
      if (!isTooEarly(cause)) this.#fail(cause, pass);
    }
  }

  /** It was too early for a page: it stays dirty, and is tried again. */
  #keep(page: Folio, pass: WritebackPass): void {
    redirty(page);
    pass.pagesSkipped++;
    pass.retry = true;
  }

  #fail(cause: unknown, pass: WritebackPass): void {
    if (!(cause instanceof FsError)) throw cause;
    pass.mapping.setError(-cause.errno);
    pass.fail(-cause.errno);
  }
}

const isTooEarly = (cause: unknown): boolean => cause instanceof FsError && cause.errno === -EAGAIN;
