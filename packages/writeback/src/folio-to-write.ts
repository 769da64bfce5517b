// What a pass of writeback decides about a folio under its lock, before it is written: the same for both engines.
// Source: spec sections 14 and 16.

import { cancelDirty, cancelDirtyBlocks, type Folio, PAGE_SIZE } from '@f2fskit/pagecache';
import type { WritebackPass } from './writeback-pass.ts';

/** Whether a folio, now locked, is to be written by a pass; else it is unlocked. */
export function isWanted(folio: Folio, pass: WritebackPass): boolean {
  const here = folio.mapping === pass.mapping;
  if (here && folio.dirty && !(folio.writeback && pass.mode === 'none')) return true;
  if (here && folio.dirty) pass.pagesSkipped += folio.pages;
  // Marks that nothing stands behind lead nobody here again.
  else if (here) cancelDirty(folio);
  folio.unlock();
  return false;
}

/**
 * Of a folio that was taken for writing, `length` bytes lie within the file: zeroes the rest (I-12), and drops what is dirty behind
 * the last of their blocks (I-48). False when nothing is left to write.
 */
export function cutAtEnd(folio: Folio, length: number): boolean {
  if (length >= folio.size) return true;
  if (length > 0) {
    folio.bytes.fill(0, length);
    return cancelDirtyBlocks(folio, Math.ceil(length / PAGE_SIZE), folio.pages);
  }
  cancelDirty(folio);
  return false;
}
