// Writeback: bytes of a folio are on their way to the device. The flag is set before the first of them can leave and cleared
// after the last has arrived, or failed to; it has one end for each beginning (I-6). Meanwhile the folio is not locked (it may
// be read, and outside stable mappings changed), is not reclaimed and not removed.
//
// A folio whose parts travel in several requests counts them (`addWrite`, `endWrite`). Whoever adds the parts counts itself as
// one more, so that requests which end at once do not end the writeback too early, and drops that one at last.
// Ending needs no lock (I-41). A write that failed leaves the folio clean: the error is the mapping's (`Mapping.setError`).
// Source: spec sections 3.4, 3.5 and 16.

import { assert } from '@f2fskit/errno';
import { Completion, type Task } from '@f2fskit/task';
import { type Folio, FolioFlag } from './folio.ts';
import { Mark } from './folio-index.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A folio is being sent to the device, or no longer. */
    'folio:writeback': { mapping: string; index: number; order: number; begins: boolean };
  }
}

/**
 * The folio, locked and taken for writing (`clearDirtyForIo`), is being written. `keepToWrite`: the rest of its blocks is
 * still wanted by the pass that is under way.
 */
export function startWriteback(folio: Folio, keepToWrite = false): void {
  const { mapping } = folio;
  assert(folio.locked && mapping !== undefined, 'writeback begins under the lock');
  assert(!folio.writeback, 'a folio is written once at a time');
  assert(!folio.dirty, 'a folio is taken for writing before its writeback begins');
  folio.flags |= FolioFlag.WRITEBACK;
  mapping.index.setMark(folio, Mark.WRITEBACK);
  mapping.index.clearMark(folio, Mark.DIRTY);
  if (!keepToWrite) mapping.index.clearMark(folio, Mark.TOWRITE);
  mapping.countWriteback(folio.pages);
  trace(folio, true);
}

/** Everything that was sent has arrived, or failed. Whoever waited goes on. */
export function endWriteback(folio: Folio): void {
  const { mapping, cache } = folio;
  assert(folio.writeback && mapping !== undefined, 'writeback ends once');
  assert(folio.writesPending === 0, 'writeback ends after all its parts');
  folio.flags &= ~FolioFlag.WRITEBACK;
  mapping.index.clearMark(folio, Mark.WRITEBACK);
  mapping.countWriteback(-folio.pages);
  trace(folio, false);
  const waiting = folio.writebackEnd;
  folio.writebackEnd = undefined;
  waiting?.complete();
  cache.onCleaned();
  if (folio.reclaimable) cache.onReclaimable();
}

/** One more part of a folio under writeback: called before it can end. */
export function addWrite(folio: Folio): void {
  assert(folio.writeback, 'parts are written under writeback');
  folio.writesPending++;
}

/** A part has ended; the last one ends the writeback. */
export function endWrite(folio: Folio): void {
  assert(folio.writesPending > 0, 'a part ends once');
  if (--folio.writesPending === 0) endWriteback(folio);
}

/**
 * Waits for the end of the writeback in progress, if there is one. The caller holds a reference or the lock; without the
 * lock another one may have begun by then.
 */
export function* waitWriteback(folio: Folio): Task<void> {
  if (!folio.writeback) return;
  folio.writebackEnd ??= new Completion();
  yield folio.writebackEnd;
}

/** For who is about to change the content of a locked folio: waits while that must not change. */
export function* waitStable(folio: Folio): Task<void> {
  if (folio.writeback && folio.mapping?.stable) yield* waitWriteback(folio);
}

function trace(folio: Folio, begins: boolean): void {
  const { tracer } = folio.cache;
  if (!tracer?.active) return;
  tracer.emit('folio:writeback', { mapping: folio.mapping!.name, index: folio.index, order: folio.order, begins });
}
