// The two ends of a page write into a file of F2FS. Its blocks were reserved before, so nothing is allocated here.
// Source: buffered I/O spec 5.2, 5.3; kernel fs/f2fs/data.c (f2fs_write_begin, f2fs_write_end).

import { lockWithEdges, tryLockWithEdges } from '@f2fskit/iomap';
import { type Folio, finishFolioWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import { finished, type Task } from '@f2fskit/task';
import type { PageWriteOperations } from '@f2fskit/writeback';
import type { CachedFile } from '../cached-file.ts';
import type { ClusterSlots } from '../clusters/cluster-slots.ts';
import { compressWriteEnd, type PreparedCluster, prepareCompressOverwrite } from '../clusters/compress-overwrite.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { noteEnd } from './pending-attributes.ts';

export class PageWrites implements PageWriteOperations {
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #file: CachedFile;
  /** Of a compressed file. */
  readonly #slots: ClusterSlots | undefined;
  /** The cluster that the page of the write in progress is part of, where that is compressed. */
  #prepared: PreparedCluster | undefined = undefined;

  constructor(writer: VolumeWriter, inode: F2fsInode, file: CachedFile) {
    this.#writer = writer;
    this.#inode = inode;
    this.#file = file;
    this.#slots = inode.fields.compressed && !hasInlineData(inode.raw) ? inode.clusterSlots() : undefined;
  }

  writeBegin(position: number, length: number): Task<Folio> {
    const index = Math.floor(position / PAGE_SIZE);
    if (this.#slots !== undefined) return this.#writeBeginCompressed(this.#slots, index, position, length);
    const folio = tryLockWithEdges(this.#file, index, position, position + length);
    return folio === undefined ? lockWithEdges(this.#file, index, position, position + length) : finished(folio);
  }

  *#writeBeginCompressed(slots: ClusterSlots, index: number, position: number, length: number): Task<Folio> {
    this.#prepared = yield* prepareCompressOverwrite(this.#file, slots, index);
    if (this.#prepared !== undefined) return this.#prepared.page;
    return yield* lockWithEdges(this.#file, index, position, position + length);
  }

  writeEnd(position: number, length: number, copied: number, folio: Folio): number {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (prepared !== undefined) return compressWriteEnd(prepared, copied, position + copied, this);
    return finishFolioWrite(folio, position, length, copied, this);
  }

  grow(end: number): void {
    noteEnd(this.#writer, this.#inode, end);
  }

  throttle(): Task<void> | undefined {
    return this.#writer.flusher.throttle();
  }
}
