// Dirty: content of a folio that is newer than the device. The folio flag says that some block is; bits say which, only while
// some are and others are not (as with uptodate blocks). So a write costs the blocks it touches (R15), and writeback sends
// those and no others (I-44).
//
//   markDirty          bits → flag → mark in the index → counts → the owner's list, in this order
//   clearDirtyForIo    flag and counts; bits and mark stay: the bits say what is to be written, the mark is still a way to find
//                      the folio. It stays locked until whoever writes it has called one of
//   startWriteback       (folio-writeback.ts) takes the marks away; then `forgetDirtyBlocks` when all is on its way
//   redirty              not now: flag and counts as they were, bits untouched; `redirtyFrom`: some not now
//   cancelDirty          not at all: truncated, beyond the end of the file, failed
//
// Pages are counted by folio: 2^order when the flag is set, the same when it is cleared (I-5).
// Source: spec sections 3.2, 3.3 and 14.

import { assert } from '@f2fskit/errno';
import { BlockBits } from './block-bits.ts';
import { type Folio, FolioFlag } from './folio.ts';
import { Mark } from './folio-index.ts';
import { PAGE_SIZE } from './frame-allocator.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A clean folio became dirty. */
    'folio:dirty': { mapping: string; index: number; order: number };
  }
}

/**
 * The blocks [from, to) of a locked folio have new content, which is uptodate (I-10). True when the folio was clean before.
 * In a stable mapping it is not under writeback (I-40).
 */
export function markDirty(folio: Folio, from = 0, to = folio.pages): boolean {
  assert(folio.locked && folio.mapping !== undefined, 'a folio becomes dirty in its mapping, under its lock');
  assert(from >= 0 && from < to && to <= folio.pages, 'the dirty blocks are blocks of the folio');
  assert(folio.isUptodate(from * PAGE_SIZE, to * PAGE_SIZE), 'a dirty block is uptodate');
  assert(!folio.writeback || !folio.mapping.stable, 'a stable folio does not change under writeback');
  const wasDirty = folio.dirty;
  assert(
    wasDirty || folio.dirtyBlocks === undefined,
    'blocks taken for writing are settled before others become dirty',
  );
  const before = wasDirty ? countOf(folio) : 0;
  if (to - from === folio.pages) folio.dirtyBlocks = undefined;
  else if (!wasDirty) {
    folio.dirtyBlocks = new BlockBits(folio.pages);
    folio.dirtyBlocks.set(from, to);
  } else if (folio.dirtyBlocks !== undefined) {
    folio.dirtyBlocks.set(from, to);
    if (folio.dirtyBlocks.full) folio.dirtyBlocks = undefined;
  }
  folio.mapping.dirtyBlocks += countOf(folio) - before;
  if (wasDirty) return false;
  setDirty(folio);
  return true;
}

/** A locked folio is about to be written; see the top of the file. False when it is clean. */
export function clearDirtyForIo(folio: Folio): boolean {
  assert(folio.locked && folio.mapping !== undefined, 'a folio is written from its mapping, under its lock');
  if (!folio.dirty) return false;
  folio.flags &= ~FolioFlag.DIRTY;
  folio.mapping.dirtyBlocks -= countOf(folio);
  folio.mapping.countDirty(-folio.pages);
  return true;
}

/** What `clearDirtyForIo` took stays dirty: the same blocks. */
export function redirty(folio: Folio): void {
  assert(
    folio.locked && folio.mapping !== undefined,
    'a folio is dirtied again under the lock under which it was taken',
  );
  assert(!folio.dirty, 'only what was taken for writing is dirtied again');
  folio.mapping.dirtyBlocks += countOf(folio);
  setDirty(folio);
}

/** All dirty blocks of a folio under writeback are on their way. Called under the lock under which it began. */
export function forgetDirtyBlocks(folio: Folio): void {
  assert(folio.locked && !folio.dirty, 'blocks are forgotten after they were taken for writing');
  folio.dirtyBlocks = undefined;
}

/** The dirty content of a locked folio need not be written: before or after `clearDirtyForIo`. */
export function cancelDirty(folio: Folio): void {
  const { mapping } = folio;
  assert(folio.locked && mapping !== undefined, 'dirty content is dropped under the lock');
  if (folio.dirty) mapping.dirtyBlocks -= countOf(folio);
  folio.dirtyBlocks = undefined;
  if (folio.dirty) {
    folio.flags &= ~FolioFlag.DIRTY;
    mapping.countDirty(-folio.pages);
  }
  mapping.index.clearMark(folio, Mark.DIRTY);
  mapping.index.clearMark(folio, Mark.TOWRITE);
  folio.cache.onCleaned();
}

/**
 * Of a locked folio that is dirty or was taken for writing, the blocks [from, to) need not be written. False when no other
 * is left.
 */
export function cancelDirtyBlocks(folio: Folio, from: number, to: number): boolean {
  assert(folio.locked, 'dirty content is dropped under the lock');
  if (from >= to) return true;
  folio.dirtyBlocks ??= allBlocks(folio);
  const before = folio.dirtyBlocks.count;
  folio.dirtyBlocks.clear(from, to);
  if (folio.dirty && folio.mapping !== undefined) folio.mapping.dirtyBlocks -= before - folio.dirtyBlocks.count;
  if (folio.dirtyBlocks.count > 0) return true;
  cancelDirty(folio);
  return false;
}

/**
 * Of what `clearDirtyForIo` took, the blocks before `from` are on their way; the others stay dirty. Nothing has changed in them,
 * so this is right under writeback too, and in a stable mapping.
 */
export function redirtyFrom(folio: Folio, from: number): void {
  folio.dirtyBlocks ??= allBlocks(folio);
  folio.dirtyBlocks.clear(0, from);
  assert(folio.dirtyBlocks.count > 0, 'some block stays dirty');
  if (folio.dirtyBlocks.full) folio.dirtyBlocks = undefined;
  redirty(folio);
}

/** As {@link redirtyFrom}: the blocks [from, to) are on their way; the others, if there are any, stay dirty. */
export function redirtyOthers(folio: Folio, from: number, to: number): void {
  if (from === 0 && to === folio.pages) {
    folio.dirtyBlocks = undefined;
    return;
  }
  folio.dirtyBlocks ??= allBlocks(folio);
  folio.dirtyBlocks.clear(from, to);
  if (folio.dirtyBlocks.count > 0) redirty(folio);
  else folio.dirtyBlocks = undefined;
}

/**
 * The first dirty block at or after `from` of a folio that is dirty or was taken for writing; the number of its blocks when
 * there is none.
 */
export function nextDirtyBlock(folio: Folio, from: number): number {
  return folio.dirtyBlocks === undefined ? from : folio.dirtyBlocks.next(from, true);
}

/** The block behind the run of dirty blocks that contains `from`. */
export function dirtyRunEnd(folio: Folio, from: number): number {
  return folio.dirtyBlocks === undefined ? folio.pages : folio.dirtyBlocks.next(from, false);
}

/** Its dirty blocks, if it is dirty or was taken for writing. */
function countOf({ dirtyBlocks, pages }: Folio): number {
  return dirtyBlocks === undefined ? pages : dirtyBlocks.count;
}

function allBlocks(folio: Folio): BlockBits {
  const bits = new BlockBits(folio.pages);
  bits.set(0, folio.pages);
  return bits;
}

function setDirty(folio: Folio): void {
  const mapping = folio.mapping!;
  folio.flags |= FolioFlag.DIRTY;
  mapping.index.setMark(folio, Mark.DIRTY);
  const { tracer } = folio.cache;
  if (tracer?.active) tracer.emit('folio:dirty', { mapping: mapping.name, index: folio.index, order: folio.order });
  mapping.countDirty(folio.pages);
}
