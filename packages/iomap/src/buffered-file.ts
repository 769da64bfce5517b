// What buffered I/O needs of a file: its pages, its size, and where its bytes are.

import type { BlockDevice } from '@f2fskit/block';
import type { Mapping } from '@f2fskit/pagecache';
import type { FolioRead } from './folio-read.ts';
import type { Iomap, IomapOperations } from './iomap.ts';
import type { ReadBatch } from './read-batch.ts';

/** Operations of a file that is read through the cache. */
export interface ReadOperations extends IomapOperations {
  /**
   * Fills the bytes [from, to) of the folio from a `private` mapping that covers them: adds what it reads to the batch, and
   * settles or fails each byte of the range once, now or when it has arrived. None of these blocks is uptodate, and only
   * they may be written. Must not wait and must not throw.
   */
  readPrivate?(batch: ReadBatch, map: Iomap, read: FolioRead, from: number, to: number): void;
}

export interface BufferedFile {
  readonly mapping: Mapping;
  readonly operations: ReadOperations;
  readonly device: BlockDevice;
  /** Bytes. */
  readonly size: number;
  /**
   * Of a filesystem that moves blocks while they are being read: changes when it has. What was asked for before and arrives
   * behind it is read again.
   */
  readonly cookie?: number;
  /** log2 of the pages that the filesystem reads at once in any case; windows are rounded to it. 0 = a page. */
  readonly unitOrder: number;
}
