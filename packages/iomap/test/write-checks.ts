// What the tests of writing have in common: files on the device, and looks at what a write has left behind.

import { type Folio, lockFolioForWrite, type Mapping, PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync } from '@f2fskit/task';
import { expect } from 'vitest';
import { expectBytes, pattern, WritableToy, type WritableToyOptions } from './writable-toy.ts';

/** A file with `pages` pages on the device, and nothing in the cache. */
export function storedFile(pages: number, options?: WritableToyOptions): WritableToy {
  const file = new WritableToy(options);
  runSync(file.pwrite(0, pattern(pages * PAGE_SIZE, 1)));
  flushAndDrop(file);
  file.ends.length = 0;
  file.begins = 0;
  return file;
}

export function flushAndDrop(file: WritableToy): void {
  runSync(file.flush());
  file.mapping.dropUnused();
  expect(file.mapping.index.size).toBe(0);
  file.device.takeReads();
}

/** What the file holds is what it must, in the cache and on the device. */
export function expectModel(file: WritableToy): void {
  expect(file.problems()).toEqual([]);
  expect(file.size).toBe(file.model.length);
  expectBytes(runSync(file.pread(0, file.size + 10)), file.model);
  flushAndDrop(file);
  expectBytes(runSync(file.pread(0, file.size + 10)), file.model);
  expect(file.problems()).toEqual([]);
  flushAndDrop(file);
}

/** A folio of an order, in the cache, of which nothing is uptodate. */
export function emptyFolio(file: WritableToy, index: number, order: number): Folio {
  const folio = runSync(lockFolioForWrite(file.mapping, index, order));
  expect(folio.order).toBe(order);
  folio.unlock();
  folio.put();
  return folio;
}

export function foliosOf({ index }: Mapping): Folio[] {
  const folios: Folio[] = [];
  for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) folios.push(folio);
  return folios;
}

export function expectNothingHeld(mapping: Mapping): void {
  for (const folio of foliosOf(mapping)) expect([folio.locked, folio.references]).toEqual([false, 0]);
}
