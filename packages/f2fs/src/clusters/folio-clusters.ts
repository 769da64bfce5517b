// Writeback of a compressed file, with folios of any size: cluster by cluster, as many at once as a folio holds. A visit:
//
//   1. the range lock of the clusters of a folio, or of the cluster that it is a tile of; then the folios, ascending. A folio was
//      found without a lock, so it is looked at again
//   2. clusters with dirty blocks are planned; a compressed one that is dirty in part is made whole first: with what is missing
//      read, all of it is dirty
//   3. the folios are taken for writing, zeroed behind the end of the file, and under writeback; `beginClusters`
//   4. `sendClusters`
//   5. the folios' writeback ends when the last of their clusters has arrived; unlock, in the reverse order
//
// Where somebody else compresses meanwhile, visits overlap: 1 to 3 of the next ones come before 4 and 5 of this one, which stays the
// first to be sent. All that is begun is sent before anything is waited for; so nobody waits for who waits for us, as if visits did
// not overlap.
//
//   visit n      1 2 3                4 5
//   visit n + 1         1 2 3               4 5        where 1 or 2 waits: 4 and 5 of visit n come first
//
// With visits begun a pass may also rest, for a writer to go on (`WritebackControl.rest`).
//
// Whenever any of this waits, what is held is submitted first (`submitBeforeWaits`).
// Source: buffered I/O spec 18.

import { EAGAIN } from '@f2fskit/errno';
import {
  cancelDirty,
  cancelDirtyBlocks,
  clearDirtyForIo,
  type Folio,
  lockOrCreateFolio,
  markDirty,
  PAGE_SIZE,
  redirtyOthers,
  waitWriteback,
} from '@f2fskit/pagecache';
import type { HeldRange, Task } from '@f2fskit/task';
import {
  type PassResult,
  submitBeforeWaits,
  type WritebackControl,
  WritebackIterator,
  type WrittenFile,
} from '@f2fskit/writeback';
import type { CachedFile } from '../cached-file.ts';
import { bytesWithin } from '../data/file-writeback.ts';
import { allDirty, blocksBelowEnd, hasDirty } from './cluster-plan.ts';
import { completeClusters, releaseFolios, tilesOf } from './cluster-set.ts';
import type { ClusterSlots } from './cluster-slots.ts';
import {
  type BegunClusters,
  beginClusters,
  type PlannedCluster,
  type SendParts,
  sendClusters,
} from './send-clusters.ts';

/** What writeback of clusters has to do with. */
export interface ClusterWritebackParts extends SendParts, WrittenFile {
  readonly file: CachedFile;
  readonly slots: ClusterSlots;
  /** Whether whole clusters are to be compressed now. */
  wantsCompression(): boolean;
  /** Makes room, if that is needed; no folio is locked. */
  makeRoom(): Task<void> | undefined;
}

/** Writes dirty clusters of a file as `control` says. Errors are in the result; only bugs are thrown. */
export function* writeFolioClusters(parts: ClusterWritebackParts, control: WritebackControl): Task<PassResult> {
  const { mapping } = parts.file;
  const iterator = new WritebackIterator(mapping, control, parts);
  const { pass } = iterator;
  const { bios } = parts.writer;
  yield* submitBeforeWaits(new ClusterPass(parts, iterator, control).run(), () => bios.submit());
  const { tracer } = mapping.cache;
  if (tracer?.active) {
    const { mode, pagesWritten: written, pagesSkipped: skipped, error } = pass;
    tracer.emit('writeback:pass', { mapping: mapping.name, mode, written, skipped, error });
  }
  return pass;
}

/** Pages that are begun ahead of the visit that is sent, at most. */
const PAGES_AHEAD = (2 << 20) / PAGE_SIZE;

/** Clusters of a folio that are locked, taken for writing, and being compressed. */
interface Visit {
  readonly held: HeldRange;
  readonly folios: readonly Folio[];
  /** Those of them that are under writeback. */
  readonly taken: readonly Folio[];
  readonly begun: BegunClusters;
}

class ClusterPass {
  readonly #parts: ClusterWritebackParts;
  readonly #iterator: WritebackIterator;
  /** The visits that were begun and not sent, ascending. */
  readonly #begun: Visit[] = [];
  readonly #control: WritebackControl;

  constructor(parts: ClusterWritebackParts, iterator: WritebackIterator, control: WritebackControl) {
    this.#parts = parts;
    this.#iterator = iterator;
    this.#control = control;
  }

  *run(): Task<void> {
    const iterator = this.#iterator;
    const { pass } = iterator;
    try {
      yield* this.#round();
      // Again, as long as that brings it on: room for a folio may be no room for all of its clusters.
      for (let written = -1; pass.retry && pass.mode === 'all'; ) {
        if (pass.pagesWritten === written) {
          pass.fail(EAGAIN);
          break;
        }
        written = pass.pagesWritten;
        pass.retry = false;
        // What was sent is memory that can be used again when it has arrived.
        yield* iterator.wait();
        iterator.restart();
        yield* this.#round();
      }
    } finally {
      yield* this.#giveUp();
      iterator.end();
      this.#parts.writer.bios.submit();
    }
    yield* iterator.wait();
  }

  *#round(): Task<void> {
    const { pass } = this.#iterator;
    for (;;) {
      let making = this.#parts.makeRoom();
      // Room is made while no folio is locked; and what was begun may be all that the pass may write.
      if (this.#begun.length > 0 && (making !== undefined || pass.budgetPages <= pagesOf(this.#begun))) {
        yield* this.#finish();
        making = this.#parts.makeRoom();
      }
      let failure: { cause: unknown } | undefined;
      try {
        if (making !== undefined) yield* making;
      } catch (cause) {
        failure = { cause };
      }
      const folio = this.#iterator.find();
      if (folio === undefined) break;
      // A tile of what was begun: it is locked.
      if (this.#begun.some(({ folios }) => folios.includes(folio))) continue;
      const visit = yield* this.#finishBeforeWaits(this.#begin(folio, failure));
      if (visit === undefined) continue;
      this.#begun.push(visit);
      const ahead = this.#parts.encoder.overlaps && visit.begun.encoding !== undefined ? PAGES_AHEAD : 0;
      yield* this.#finish(ahead);
      if (this.#begun.length === 0) continue;
      const rest = this.#control.rest?.(pass.pagesWritten + pagesOf(this.#begun));
      if (rest !== undefined) yield rest;
    }
    yield* this.#finish();
  }

  /** Runs `task`; before it has to wait, what was begun is sent. */
  *#finishBeforeWaits<T>(task: Task<T>): Task<T> {
    for (;;) {
      const step = task.next();
      if (step.done) return step.value;
      if (!step.value.done) yield* this.#finish();
      if (!step.value.done) yield step.value;
    }
  }

  /** Sends what was begun, but for the last so many pages. */
  *#finish(ahead = 0): Task<void> {
    while (this.#begun.length > 0 && (ahead === 0 || pagesOf(this.#begun) > ahead)) {
      yield* this.#send(this.#begun.shift()!);
    }
  }

  /** After a bug: nobody else is to wait for what was begun, so it is sent. What is thrown is the first bug. */
  *#giveUp(): Task<void> {
    for (let visit = this.#begun.shift(); visit !== undefined; visit = this.#begun.shift()) {
      try {
        yield* this.#send(visit);
      } catch {
        // As much of it as there is.
      }
    }
  }

  /** Begins with the clusters of one folio, or with the one that it is a tile of; `undefined` where there is nothing to send. */
  *#begin(found: Folio, failure: { cause: unknown } | undefined): Task<Visit | undefined> {
    const { file, slots } = this.#parts;
    const { pass } = this.#iterator;
    // A folio may reach beyond the range of the pass: clusters wholly behind its ends stay dirty.
    const first = Math.floor(Math.max(found.index, pass.startIndex) / slots.clusterBlocks);
    const end = Math.ceil(Math.min(found.endIndex, pass.endIndex) / slots.clusterBlocks);
    let held = file.clusterLocks.tryLock(first, end);
    if (held === undefined) {
      if (pass.mode === 'none') {
        pass.pagesSkipped += found.pages;
        return undefined;
      }
      held = yield* file.clusterLocks.wait(first, end);
    }
    return yield* this.#beginLocked(found, held, failure);
  }

  *#beginLocked(found: Folio, held: HeldRange, failure: { cause: unknown } | undefined): Task<Visit | undefined> {
    const { file, slots, writer } = this.#parts;
    const { pass } = this.#iterator;
    const folios: Folio[] = [];
    let visit: Visit | undefined;
    try {
      yield* this.#lock(folios, held.first * slots.clusterBlocks, held.end * slots.clusterBlocks);
      // Truncated while we waited: whatever is there now is not what was found.
      if (found.mapping !== file.mapping || !folios.includes(found)) return undefined;
      for (const folio of folios) {
        if (!folio.writeback) continue;
        if (pass.mode === 'none') {
          pass.pagesSkipped += found.pages;
          return undefined;
        }
        yield* waitWriteback(folio);
      }
      if (failure !== undefined) {
        // As one that could not be written: nobody ever would.
        for (const folio of folios) if (folio.dirty) cancelDirty(folio);
        this.#iterator.fail(failure.cause);
        return undefined;
      }
      const planned = yield* this.#plan(folios, held.first, held.end);
      if (planned === undefined) return undefined;
      const taken = this.#take(folios);
      for (const folio of taken) writer.bios.begin(folio);
      // Tiles of which nothing is dirty are not sent.
      if (taken.length < folios.length) {
        for (const plan of planned) plan.tiles = plan.tiles.filter(({ folio }) => taken.includes(folio));
      }
      visit = { held, folios, taken, begun: beginClusters(this.#parts, planned, slots.clusterBlocks) };
      return visit;
    } finally {
      if (visit === undefined) {
        releaseFolios(folios);
        held.unlock();
      }
    }
  }

  /** Locks the folios of the pages [start, end), those that are there, ascending. */
  *#lock(folios: Folio[], start: number, end: number): Task<void> {
    const { mapping } = this.#parts.file;
    for (let at = start; at < end; ) {
      const folio = mapping.index.next(at);
      if (folio === undefined || folio.index >= end) return;
      folio.get();
      if (!folio.tryLock()) yield* folio.lock();
      if (folio.mapping === mapping) {
        folios.push(folio);
        at = folio.endIndex;
      } else releaseFolios([folio]);
    }
  }

  /**
   * What becomes of each cluster with dirty blocks; `undefined` where it is too early. One that cannot be written is dropped, and the
   * pass goes on (I-46).
   */
  *#plan(folios: Folio[], first: number, end: number): Task<PlannedCluster[] | undefined> {
    const { inode, slots } = this.#parts;
    const { clusterBlocks } = slots;
    const planned: PlannedCluster[] = [];
    const wanted = this.#parts.wantsCompression();
    for (let cluster = first; cluster < end; cluster++) {
      const start = cluster * clusterBlocks;
      const blocks = blocksBelowEnd(inode, cluster, clusterBlocks);
      let tiles = tilesOf(folios, start, clusterBlocks);
      if (!hasDirty(tiles, blocks)) continue;
      try {
        const kind = slots.classNow(cluster) ?? (yield* slots.classOf(cluster));
        let all = allDirty(tiles, blocks);
        if (kind === 'compressed' && !all) {
          // A tile is missing: then this cluster is all that is visited.
          if (!(yield* this.#makeWhole(folios, cluster, blocks))) return undefined;
          tiles = tilesOf(folios, start, clusterBlocks);
          all = true;
          // Its node may have left memory meanwhile.
          yield* slots.classOf(cluster);
        }
        const whole = wanted && blocks === clusterBlocks && all;
        planned.push({ cluster, kind, blocks, compress: whole && !slots.hasHole(cluster), tiles });
      } catch (cause) {
        for (const { folio, from, to } of tilesOf(folios, start, clusterBlocks)) {
          if (folio.dirty) cancelDirtyBlocks(folio, from, to);
        }
        this.#iterator.fail(cause);
      }
    }
    return planned;
  }

  /** A compressed cluster that is dirty in part becomes dirty as a whole. False where it is too early: it stays as it is. */
  *#makeWhole(folios: Folio[], cluster: number, blocks: number): Task<boolean> {
    const { file, slots } = this.#parts;
    const { clusterBlocks } = slots;
    const start = cluster * clusterBlocks;
    for (let at = start; at < start + clusterBlocks; ) {
      let folio = folios.find(({ index, endIndex }) => index <= at && at < endIndex);
      if (folio === undefined) {
        folio = yield* lockOrCreateFolio(file.mapping, at, 31 - Math.clz32(start + clusterBlocks - at));
        if (folio === undefined) {
          this.#iterator.pass.retry = true;
          return false;
        }
        folios.push(folio);
        folios.sort((a, b) => a.index - b.index);
      }
      at = folio.endIndex;
    }
    yield* completeClusters(file, folios, clusterBlocks, [cluster]);
    for (const { folio, from, to, at } of tilesOf(folios, start, clusterBlocks)) {
      const last = Math.min(to, from + blocks - at);
      if (from < last) markDirty(folio, from, last);
    }
    return true;
  }

  /** Takes the dirty folios for writing: what lies behind the end of the file is zeroed (I-12), and not sent. */
  #take(folios: readonly Folio[]): Folio[] {
    const taken: Folio[] = [];
    for (const folio of folios) {
      if (!clearDirtyForIo(folio)) continue;
      const length = bytesWithin(this.#parts.inode, folio);
      folio.bytes.fill(0, length);
      if (length > 0 && cancelDirtyBlocks(folio, Math.ceil(length / PAGE_SIZE), folio.pages)) taken.push(folio);
      else if (length === 0) cancelDirty(folio);
    }
    return taken;
  }

  *#send({ held, folios, taken, begun }: Visit): Task<void> {
    const parts = this.#parts;
    const { pass } = this.#iterator;
    const { clusterBlocks } = parts.slots;
    try {
      const { blocks, next, failure } = yield* sendClusters(parts, begun, pass, clusterBlocks);
      pass.wrote(blocks);
      const tooEarly = next < held.end * clusterBlocks;
      const end = Math.min(next, held.end * clusterBlocks);
      for (const folio of taken) {
        // What was not sent stays dirty where it was too early; what could not be is dropped.
        const from = Math.max(0, held.first * clusterBlocks - folio.index);
        redirtyOthers(folio, from, Math.max(from, Math.min(folio.pages, end - folio.index)));
        if (tooEarly && folio.dirty) pass.pagesSkipped += folio.pages;
        parts.writer.bios.finish(folio);
      }
      if (tooEarly) pass.retry = true;
      if (failure !== undefined) this.#iterator.fail(failure);
    } finally {
      releaseFolios(folios);
      held.unlock();
    }
  }
}

/** Pages that visits write, at most. */
function pagesOf(visits: readonly Visit[]): number {
  let pages = 0;
  for (const { begun } of visits) for (const { blocks } of begun.planned) pages += blocks;
  return pages;
}
