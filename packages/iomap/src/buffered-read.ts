// Reading through the cache.
//
//   peekBuffered   what is cached is copied in a plain call: no task, no wait, no allocation but the windows on the folios
//   readBuffered   for each step: find the folio; absent → plan a window and read it; with the readahead marker → start the next
//              window; bytes not uptodate → wait for the lock, and read them if nobody else has; then copy
//
// A reader holds no lock while it copies, and looks at the size when the bytes are there. Between the last wait and the copy
// nothing can take the folio away, so a reference is held only across waits.
// Source: spec sections 7.1 and 7.3; kernel mm/filemap.c describes the idea.

import { EIO, FsError } from '@f2fskit/errno';
import {
  type Folio,
  FolioFlag,
  PAGE_SIZE,
  type ReadaheadState,
  type ReadaheadWindow,
  randomWindow,
} from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import { readBlocks, readFolios } from './read-folios.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** Pages of a file are being read: on demand, or `ahead` of who will want them. */
    'iomap:read': { mapping: string; start: number; pages: number; folios: number; ahead: boolean };
  }
}

/** Bytes of [position, position + target.length) that lie within the file. */
function readable(file: BufferedFile, position: number, target: Uint8Array): number {
  return Math.max(0, Math.min(target.length, file.size - position));
}

/**
 * Copies from the cache what a read would return; -1, with nothing copied, when some of it is not there, or a reader should
 * go the long way to start a readahead.
 */
export function peekBuffered(file: BufferedFile, position: number, target: Uint8Array): number {
  const length = readable(file, position, target);
  if (length === 0) return 0;
  const first = peekFolio(file, position, length);
  if (first === undefined) return -1;
  const from = position - first.position;
  const taken = Math.min(first.size - from, length);
  // All of it is looked at before the first copy: who goes the long way uses each folio once.
  for (let at = taken; at < length; ) {
    const folio = peekFolio(file, position + at, length - at);
    if (folio === undefined) return -1;
    at = folio.endIndex * PAGE_SIZE - position;
  }
  copyOut(first, from, from + taken, target, 0);
  for (let done = taken; done < length; ) {
    const folio = file.mapping.index.find(Math.floor((position + done) / PAGE_SIZE))!;
    const to = Math.min(folio.size, length - done);
    copyOut(folio, 0, to, target, done);
    done += to;
  }
  return length;
}

/** The folio at `position`, if it holds what there is of `length` bytes and nothing is to be started for who comes to it. */
function peekFolio({ mapping }: BufferedFile, position: number, length: number): Folio | undefined {
  const folio = mapping.index.find(Math.floor(position / PAGE_SIZE));
  if (folio === undefined || (folio.flags & FolioFlag.READAHEAD) !== 0) return undefined;
  if ((folio.flags & FolioFlag.UPTODATE) !== 0) return folio;
  const from = position - folio.position;
  return folio.isUptodate(from, Math.min(folio.size, from + length)) ? folio : undefined;
}

/**
 * Fills `target` from `position`; returns the bytes read, fewer only at the end of the file. Throws what the device or the
 * filesystem reports for bytes that are wanted; bytes before them are in `target` then.
 */
export function* readBuffered(
  file: BufferedFile,
  position: number,
  target: Uint8Array,
  readahead?: ReadaheadState,
): Task<number> {
  let done = 0;
  // Looked at again after each wait: the file may have been cut.
  for (let length = readable(file, position, target); done < length; length = readable(file, position, target)) {
    const at = position + done;
    const page = Math.floor(at / PAGE_SIZE);
    const pagesWanted = Math.ceil((position + length) / PAGE_SIZE) - page;
    let folio = file.mapping.find(page);
    if (folio === undefined) {
      const { orderMax, cache } = file.mapping;
      readahead?.fitTo(cache.budgetBytes);
      const window = readahead?.onMiss(page, pagesWanted, orderMax) ?? randomWindow(page, pagesWanted, orderMax);
      folio = yield* readWindow(file, window, page);
      if (folio === undefined) continue; // somebody else put one in, or there was no room and now there is
    } else if ((folio.flags & FolioFlag.READAHEAD) !== 0) {
      folio.flags &= ~FolioFlag.READAHEAD;
      if (readahead !== undefined) yield* readAhead(file, readahead, folio, pagesWanted);
    }
    const from = at - folio.position;
    const to = Math.min(folio.size, from + length - done);
    if (!folio.isUptodate(from, to) && !(yield* fillRange(file, folio, from, to))) continue;
    copyOut(folio, from, to, target, done);
    done += to - from;
    readahead?.advance(Math.ceil((position + done) / PAGE_SIZE));
  }
  return done;
}

function copyOut(folio: Folio, from: number, to: number, target: Uint8Array, at: number): void {
  const { bytes } = folio;
  target.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), at);
  folio.use(from, to);
}

/** Starts the window behind a marker, holding the folio that the reader is about to use. */
function* readAhead(file: BufferedFile, readahead: ReadaheadState, folio: Folio, pagesWanted: number): Task<void> {
  folio.get();
  try {
    const window = readahead.onMarker(folio.index, pagesWanted, file.mapping.orderMax);
    yield* readWindow(file, window, undefined);
  } finally {
    folio.put();
  }
}

/**
 * Throws what another try cannot change. A device that failed may have failed for a block beside the wanted one; damage has
 * its place already.
 */
function throwIfFinal(error: FsError | undefined): void {
  if (error !== undefined && error.code !== 'EIO') throw error;
}

/**
 * Makes [from, to) of a folio uptodate; false when it has to be looked at again: it left its mapping, or could not be filled
 * at the first try. Whoever holds the lock may be reading it: then there is nothing left to do.
 */
function* fillRange(file: BufferedFile, folio: Folio, from: number, to: number): Task<boolean> {
  folio.get();
  try {
    if (!folio.tryLock()) yield* folio.lock();
    if (folio.mapping !== file.mapping || folio.isUptodate(from, to)) {
      folio.unlock();
      return folio.mapping === file.mapping;
    }
    trace(file, [folio], false);
    // The first try is for the whole folio. After that, what is wanted is read block by block, and then the error counts.
    const careful = (folio.flags & FolioFlag.FAILED) !== 0;
    const read = careful ? yield* readBlocks(file, folio, from, to) : (yield* readFolios(file, [folio]))[0]!;
    if (!read.completion.done) yield read.completion;
    if (folio.mapping !== file.mapping) return false;
    if (folio.isUptodate(from, to)) return true;
    const error = read.errorIn(from, to);
    if (careful) throw error ?? new FsError(EIO);
    throwIfFinal(error);
    return false;
  } finally {
    folio.put();
  }
}

/**
 * Puts the folios of a window into the cache and starts reading them. With `wanted`, returns the folio of that page once
 * the reader may look at it (it may still be locked); waits for room if there is none for it. Nobody waits for the other
 * folios, and errors are met by who wants the bytes.
 */
function* readWindow(file: BufferedFile, window: ReadaheadWindow, wanted: number | undefined): Task<Folio | undefined> {
  const { mapping } = file;
  const folios = createFolios(file, window, wanted);
  if (folios.length === 0) {
    if (wanted !== undefined && mapping.find(wanted) === undefined) yield* mapping.cache.waitForRoom();
    return undefined;
  }
  trace(file, folios, wanted === undefined);
  const first = wanted === undefined ? undefined : folios.find((folio) => wanted < folio.endIndex);
  first?.get();
  try {
    const reads = yield* readFolios(file, folios, { readahead: wanted === undefined });
    const read = reads.find(({ folio }) => folio === first);
    if (read === undefined) return undefined;
    if (!read.completion.done) yield read.completion;
    if (first!.mapping !== mapping) return undefined;
    const at = (wanted! - first!.index) * PAGE_SIZE;
    throwIfFinal(read.errorIn(at, at + PAGE_SIZE));
    return first;
  } finally {
    first?.put();
  }
}

/**
 * New, locked folios for a window, in ascending order and without a gap. It is widened to whole units of the filesystem, and
 * ends at the end of the file, at a page that has a folio already, and where there is no room.
 */
function createFolios(file: BufferedFile, window: ReadaheadWindow, wanted: number | undefined): Folio[] {
  const { mapping } = file;
  const unit = 2 ** file.unitOrder;
  const fileEnd = Math.ceil(file.size / PAGE_SIZE);
  const end = Math.min(fileEnd, Math.ceil((window.start + window.size) / unit) * unit);
  // Pages of the unit before the wanted one are read with it, if they are not there yet.
  let at = window.start - (window.start % unit);
  for (let page = at; page < window.start; page++) if (mapping.find(page) !== undefined) at = page + 1;
  const marker = window.asyncSize === 0 ? -1 : window.start + window.size - window.asyncSize;
  const folios: Folio[] = [];
  while (at < end) {
    const order = orderAt(at, end, window.order);
    const folio = mapping.create(at, order);
    if (folio === undefined) break;
    if (marker >= folio.index && marker < folio.endIndex) folio.flags |= FolioFlag.READAHEAD;
    folios.push(folio);
    at = folio.endIndex;
  }
  // Without the wanted page the others are of no use now.
  if (wanted !== undefined && (folios.length === 0 || folios.at(-1)!.endIndex <= wanted)) {
    for (const folio of folios) {
      mapping.remove(folio);
      folio.unlock();
    }
    return [];
  }
  return folios;
}

/** The largest order up to `order` that does not reach behind the end of the window. */
function orderAt(at: number, end: number, order: number): number {
  let result = order;
  while (result > 0 && 2 ** result > end - at) result--;
  return result;
}

function trace({ mapping }: BufferedFile, folios: readonly Folio[], ahead: boolean): void {
  const { tracer } = mapping.cache;
  if (!tracer?.active) return;
  const start = folios[0]!.index;
  const pages = folios.at(-1)!.endIndex - start;
  tracer.emit('iomap:read', { mapping: mapping.name, start, pages, folios: folios.length, ahead });
}
