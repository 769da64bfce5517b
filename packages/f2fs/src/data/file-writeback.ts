// Writing the dirty pages of one file back: into its inode, in place, or to the next block of a log. The slot changes when the
// write is submitted; the checkpoint waits until every such write has arrived, so that no slot in it names a block that was
// not written.
//
//   pass → folio lock → operation lock (shared) → slot, allocator → bios
//
// Nobody waits for a folio of a file while holding the operation lock, so waiting for that lock under a folio's is safe (L2).
// Which folios come, and how they are sent, is the engine's: `page-writeback.ts`, `folio-writeback.ts`.
// Source: buffered I/O spec 15, 17; kernel fs/f2fs/data.c (f2fs_write_data_pages).

import type { Folio, Mapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import {
  type DirtyFile,
  type PassResult,
  type WritebackControl,
  writeCachePages,
  writeFolios,
} from '@f2fskit/writeback';
import type { BufferPool } from '../buffer-pool.ts';
import type { CachedFile } from '../cached-file.ts';
import { ClusterWriteback } from '../clusters/cluster-writeback.ts';
import type { ClusterEncoder } from '../clusters/encode-cluster.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { BlockPlaces } from './block-places.ts';
import { FolioWriteback } from './folio-writeback.ts';
import { PageWriteback } from './page-writeback.ts';
import { dataLogOf } from './placement.ts';

export class FileWriteback implements DirtyFile {
  readonly mapping: Mapping;
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #places: BlockPlaces;
  readonly #pass: (control: WritebackControl) => Task<PassResult>;
  readonly #clusters: ClusterWriteback;

  constructor(writer: VolumeWriter, inode: F2fsInode, file: CachedFile, buffers: BufferPool, encoder: ClusterEncoder) {
    const { mapping } = file;
    this.#writer = writer;
    this.#inode = inode;
    this.mapping = mapping;
    const places = new BlockPlaces(writer, inode);
    this.#places = places;
    const folios = new FolioWriteback(writer, inode, places);
    if (writer.bufferedIo === 'iomap') this.#pass = (control) => writeFolios(mapping, control, folios);
    else {
      const pages = new PageWriteback(writer, inode, places);
      this.#pass = (control) => writeCachePages(mapping, control, pages);
    }
    this.#clusters = new ClusterWriteback(writer, inode, file, buffers, encoder, folios);
  }

  *write(control: WritebackControl): Task<PassResult> {
    const log = dataLogOf(this.#inode.fields, this.mapping.dirtyBlocks);
    this.#places.log = log;
    const compressed = this.#inode.fields.compressed && !hasInlineData(this.#inode.raw);
    const pass = (): Task<PassResult> => (compressed ? this.#clusters.write(control, log) : this.#pass(control));
    return yield* this.#writer.gate.enter(control, compressed, pass);
  }

  /** See `F2fsInode.hasSlots`. */
  hasSlots(first: number, end: number): boolean {
    return this.#places.hasSlots(first, end);
  }

  /** Runs `pass`; blocks that have a place are overwritten there. */
  *inPlace<T>(pass: Task<T>): Task<T> {
    this.#places.inPlace++;
    try {
      return yield* pass;
    } finally {
      this.#places.inPlace--;
    }
  }
}

/** Bytes of a folio that lie within the file. */
export function bytesWithin({ gone, size }: F2fsInode, folio: Folio): number {
  return gone ? 0 : Math.max(0, Math.min(folio.size, size - folio.position));
}

/** Whether background writeback is to let a sync go first. */
export function yieldsToSyncs({ gate }: VolumeWriter): boolean {
  return gate.syncs > 0;
}
