// The two ends of a page write into a file of F2FS. Its blocks were reserved before, so nothing is allocated here.
// Source: buffered I/O spec 5.2, 5.3; kernel fs/f2fs/data.c (f2fs_write_begin, f2fs_write_end).

import { lockWithEdges, tryLockWithEdges } from '@f2fskit/iomap';
import { type Folio, finishFolioWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import { finished, type Task } from '@f2fskit/task';
import type { PageWriteOperations } from '@f2fskit/writeback';
import type { CachedFile } from '../cached-file.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { noteEnd } from './pending-attributes.ts';

export class PageWrites implements PageWriteOperations {
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  readonly #file: CachedFile;

  constructor(writer: VolumeWriter, inode: F2fsInode, file: CachedFile) {
    this.#writer = writer;
    this.#inode = inode;
    this.#file = file;
  }

  writeBegin(position: number, length: number): Task<Folio> {
    const index = Math.floor(position / PAGE_SIZE);
    const folio = tryLockWithEdges(this.#file, index, position, position + length);
    return folio === undefined ? lockWithEdges(this.#file, index, position, position + length) : finished(folio);
  }

  writeEnd(position: number, length: number, copied: number, folio: Folio): number {
    return finishFolioWrite(folio, position, length, copied, this);
  }

  grow(end: number): void {
    noteEnd(this.#writer, this.#inode, end);
  }

  throttle(): Task<void> | undefined {
    return this.#writer.flusher.throttle();
  }
}
