// Filling a volume with many files. Each is made in one step: its name, its inode with all attributes, and contents that are
// complete. Contents do not go through the page cache, and a node is written once, by the next checkpoint.

import { FsError } from '@f2fskit/errno';
import { InodeFlag, SegmentType } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { InodeRequest } from './build-inode.ts';
import { ContentStage } from './content-stage.ts';
import { blocksOutside, checkRequest, compressionOfNew, createLocked } from './create-entry.ts';

/** Bytes of contents at most: their addresses then lie in the inode. */
export const LOADED_BYTES_MAX = 1 << 20;

/** Blocks that are not filled with contents. */
const ROOM_KEPT = 128;

/** Requests on their way at most: the memory of their contents waits with them. */
const IN_FLIGHT_MAX = 4;

export class FileLoader {
  readonly #writer: VolumeWriter;
  readonly #stage: ContentStage;

  constructor(writer: VolumeWriter) {
    this.#writer = writer;
    this.#stage = new ContentStage(writer.bios);
  }

  /**
   * Makes a file that is no directory; returns its number. 0: nothing was made, because its contents are too long, or to be
   * compressed, or there is little room for them at once; it can be created and written to as usual. Its contents can be read after {@link flush}, or a
   * checkpoint. Throws as `create` does, and EIO when contents of before could not be written.
   */
  *add(directory: F2fsInode, request: InodeRequest): Task<number> {
    this.#throwFailure();
    if (request.contents !== undefined && request.contents.length > LOADED_BYTES_MAX) return 0;
    checkRequest(request);
    const writer = this.#writer;
    if (writer.bios.inFlight > IN_FLIGHT_MAX) yield* writer.bios.drain();
    const { locks } = writer;
    if (!locks.tryLockOne(directory.ino)) yield* locks.lockOne(directory.ino);
    try {
      return yield* writer.operation(this.#make(directory, request));
    } finally {
      locks.unlockOne(directory.ino);
    }
  }

  /** Waits until all contents are on the device. Throws EIO. */
  *flush(): Task<void> {
    yield* this.#writer.bios.drain();
    this.#throwFailure();
  }

  *#make(directory: F2fsInode, request: InodeRequest): Task<number> {
    const writer = this.#writer;
    const { allocator, directories, store } = writer;
    const { contents } = request;
    const filled = contents !== undefined && contents.length > 0;
    if (filled && compressionOfNew(writer, directory, request).flag === InodeFlag.compress) return 0;
    const blocks = blocksOutside(writer, contents);
    const kept = ROOM_KEPT + 2 * store.dirty.size + directories.count;
    if (blocks > 0 && allocator.roomFor(SegmentType.warmData) < blocks + kept) return 0;
    return yield* createLocked(writer, directory, request, this.#stage);
  }

  #throwFailure(): void {
    const { error } = this.#stage;
    if (error !== 0) throw new FsError(error, { syscall: 'write' });
  }
}
