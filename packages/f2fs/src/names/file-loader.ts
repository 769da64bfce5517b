// Filling a volume with many files. Each is made in one step: its name, its inode with all attributes, and contents that are
// complete. Contents do not go through the page cache, and a node is written once, by the next checkpoint.

import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, clusterBlocks, InodeFlag, SegmentType } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { CodecSource } from '../cluster.ts';
import { type ClusterEncoder, requireEncoder } from '../clusters/encode-cluster.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { InodeRequest } from './build-inode.ts';
import { ContentStage } from './content-stage.ts';
import { blocksOutside, checkRequest, compressionOfNew, createLocked } from './create-entry.ts';
import { type LoadedClusters, loadClusters } from './loaded-clusters.ts';

/** Bytes of contents at most: their addresses then lie in the inode. */
export const LOADED_BYTES_MAX = 1 << 20;

/** Blocks that are not filled with contents. */
const ROOM_KEPT = 128;

/** Requests on their way at most: the memory of their contents waits with them. */
const IN_FLIGHT_MAX = 4;

export class FileLoader {
  readonly #writer: VolumeWriter;
  readonly #stage: ContentStage;
  readonly #codecs: CodecSource;
  readonly #encoder: ClusterEncoder;
  /** Payloads of the file that is being made. */
  #scratch: Uint8Array | undefined = undefined;

  /** `codecs` and `encoder`: for files that are compressed. */
  constructor(writer: VolumeWriter, codecs: CodecSource, encoder: ClusterEncoder) {
    this.#writer = writer;
    this.#codecs = codecs;
    this.#encoder = encoder;
    this.#stage = new ContentStage(writer.bios);
  }

  /**
   * Makes a file that is no directory; returns its number. 0: nothing was made, because its contents are too long, or there is
   * little room for them at once; it can be created and written to as usual. Its contents can be read after {@link flush}, or a
   * checkpoint. Throws as `create` does, EOPNOTSUPP where nobody can compress it, and EIO when contents of before could not be
   * written.
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
      const clusters = yield* this.#compress(directory, request);
      return yield* writer.operation(this.#make(directory, request, clusters));
    } finally {
      locks.unlockOne(directory.ino);
    }
  }

  /** Waits until all contents are on the device. Throws EIO. */
  *flush(): Task<void> {
    yield* this.#writer.bios.drain();
    this.#throwFailure();
  }

  /** Of a file that is to be compressed: its clusters. */
  *#compress(directory: F2fsInode, request: InodeRequest): Task<LoadedClusters | undefined> {
    const { contents } = request;
    if (contents === undefined || contents.length === 0) return undefined;
    const { flag, context } = compressionOfNew(this.#writer, directory, request);
    if (flag !== InodeFlag.compress) return undefined;
    if (this.#writer.compression.mode === 'user')
      return { clusterBlocks: clusterBlocks(context.logClusterSize), payloads: [] };
    requireEncoder(this.#codecs, { compressAlgorithm: context.algorithm });
    this.#scratch ??= new Uint8Array(LOADED_BYTES_MAX + BLOCK_SIZE);
    return yield* loadClusters(this.#encoder, context, contents, this.#scratch);
  }

  *#make(directory: F2fsInode, request: InodeRequest, clusters: LoadedClusters | undefined): Task<number> {
    const writer = this.#writer;
    const { allocator, directories, store } = writer;
    const { contents } = request;
    const blocks = blocksOutside(writer, contents, clusters !== undefined);
    const kept = ROOM_KEPT + 2 * store.dirty.size + directories.count;
    if (blocks > 0 && allocator.roomFor(SegmentType.warmData) < blocks + kept) return 0;
    return yield* createLocked(writer, directory, request, this.#stage, clusters);
  }

  #throwFailure(): void {
    const { error } = this.#stage;
    if (error !== 0) throw new FsError(error, { syscall: 'write' });
  }
}
