// A mounted F2FS volume: the filesystem that the vfs walks, and what the layers below know of it.

import type { BlockDevice } from '@f2fskit/block';
import type { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, type Checkpoint, MAX_NAME_BYTES, SUPER_MAGIC, type Superblock } from '@f2fskit/f2fs-format';
import { NodeAddressTable, NodeStore } from '@f2fskit/f2fs-node';
import type { DeviceMapping, PageCache } from '@f2fskit/pagecache';
import { type Scheduler, systemClock, type Task, type Tracer } from '@f2fskit/task';
import type { Filesystem, FilesystemUsage, Timestamp } from '@f2fskit/vfs';
import type { Timer } from '@f2fskit/writeback';
import { BufferPool } from './buffer-pool.ts';
import type { BufferedIo } from './buffered-io.ts';
import type { CodecSource } from './cluster.ts';
import type { ClusterEncoder } from './clusters/encode-cluster.ts';
import { InodeCompression } from './compression/inode-compression.ts';
import type { FileReadContext } from './file-data.ts';
import { F2fsInode } from './inode.ts';
import { freeOrphan } from './names/free-inode.ts';
import type { Pack } from './pack.ts';
import type { VolumeWriter } from './volume-writer.ts';

/** Something about the volume that a person should know; the volume is readable all the same. */
export interface VolumeProblem {
  /**
   * - `recovery`: fsynced changes after the last checkpoint are not shown
   * - `recovered`: they were recovered, of a volume that is only read in memory
   * - `orphans`: deleted files that were still open are waiting to be freed
   * - `damage`: a structure is broken and was passed over
   * - `flag`: the volume itself asks for a check
   * - `truncated`: the device is shorter than the volume
   * - `unknown`: a feature bit we do not know
   * - `option`: an option of the mount means nothing for this volume
   */
  kind: 'recovery' | 'recovered' | 'orphans' | 'damage' | 'flag' | 'truncated' | 'unknown' | 'option';
  message: string;
  error?: FsError;
}

/** What a mount decided, given to {@link F2fsVolume}. */
export interface MountedState {
  device: BlockDevice;
  superblock: Superblock;
  /** Which copy of the superblock is in use. */
  superblockCopy: 0 | 1;
  pack: Pack;
  problems: VolumeProblem[];
  blocks: DeviceMapping;
  codecs: CodecSource;
  /** See `MountOptions`. */
  encoder?: ClusterEncoder | undefined;
  ignoreClusterChecksums: boolean;
  tracer: Tracer | undefined;
  bufferedIo: BufferedIo;
}

/** Usage as `statfs` shows it. */
export interface VolumeUsage {
  blockSize: number;
  /** Blocks that files may use. */
  blocks: number;
  blocksFree: number;
  /** Blocks of the whole volume, metadata and overprovision included. */
  blocksTotal: number;
  inodes: number;
  nodes: number;
  nodesMax: number;
}

/** The numbers 0, of the node inode and of the meta inode, which no file has. */
const RESERVED_NIDS = 3;

export class F2fsVolume implements Filesystem {
  readonly device: BlockDevice;
  readonly superblock: Superblock;
  readonly superblockCopy: 0 | 1;
  readonly pack: Pack;
  readonly problems: readonly VolumeProblem[];
  readonly store: NodeStore;
  readonly rootIno: number;
  /** The engine of buffered reads and writes. */
  readonly bufferedIo: BufferedIo;
  readonly nameBytesMax = MAX_NAME_BYTES;
  readonly #context: FileReadContext;

  constructor(state: MountedState) {
    const { device, superblock, pack, blocks } = state;
    this.device = device;
    this.superblock = superblock;
    this.superblockCopy = state.superblockCopy;
    this.pack = pack;
    this.problems = state.problems;
    this.rootIno = superblock.rootIno;
    this.bufferedIo = state.bufferedIo;
    const nat = new NodeAddressTable(superblock, blocks, pack.bitmaps.nat, pack.natJournal);
    this.store = new NodeStore(superblock, blocks, nat, state.tracer);
    this.#context = {
      store: this.store,
      codecs: state.codecs,
      encoder: state.encoder,
      buffers: new BufferPool(),
      ignoreClusterChecksums: state.ignoreClusterChecksums,
      writer: undefined,
    };
  }

  /** Memory of this volume: file data, nodes and other metadata. */
  get cache(): PageCache {
    return this.store.blocks.mapping.cache;
  }

  get checkpoint(): Checkpoint {
    return this.pack.checkpoint;
  }

  /** Of a writable mount: tables, logs, checkpoints. */
  get writer(): VolumeWriter | undefined {
    return this.#context.writer;
  }

  /** Makes the volume writable. */
  attachWriter(writer: VolumeWriter): void {
    this.#context.writer = writer;
  }

  get writable(): boolean {
    return this.writer !== undefined;
  }

  /**
   * Makes every change durable. Throws EIO, also for a write of long ago that nobody has been told of; everything else is
   * durable then.
   */
  *sync(): Task<void> {
    yield* this.#writeAll(false);
  }

  *#writeAll(unmount: boolean): Task<void> {
    if (this.writer === undefined) return;
    try {
      yield* this.writer.flusher.sync();
    } finally {
      yield* this.writer.checkpoint({ unmount });
    }
  }

  now(): Timestamp {
    return (this.writer?.clock ?? systemClock).now();
  }

  /** Of a writable mount: writes dirty files in the background from now on, until {@link unmount}. */
  startFlusher(scheduler: Scheduler, timer: Timer): void {
    this.writer?.flusher.start(scheduler, timer);
  }

  /** Of a writable mount whose tasks `scheduler` runs, on a device that completes at once: writers and writeback take turns. */
  takeTurns(scheduler: Scheduler): void {
    this.writer?.flusher.takeTurns(scheduler);
  }

  /** Leaves a writable volume: everything that was changed is durable, and nothing is open any more. Throws EIO. */
  *unmount(): Task<void> {
    const { writer } = this;
    if (writer === undefined) return;
    yield* writer.flusher.stop();
    // What was begun and not committed has never been.
    const begun = new Map([...writer.inodes].map((inode) => [inode.atomic?.cow.ino, inode]));
    for (const ino of [...writer.orphans]) {
      const inode = begun.get(ino);
      if (inode?.atomic === undefined) yield* freeOrphan(writer, ino);
      else yield* inode.abortAtomicWrite(inode.atomic.owner);
    }
    yield* this.#writeAll(true);
  }

  *readInode(ino: number): Task<F2fsInode> {
    const read = new F2fsInode(this.#context, yield* this.store.readInode(ino));
    // Known before the next wait: a change must not pass it by.
    const inode = this.writer?.inodes.add(read) ?? read;
    yield* inode.measure();
    return inode;
  }

  /** What compression does for a file of this volume, and how to change that. */
  compressionOf(inode: F2fsInode): InodeCompression {
    return new InodeCompression(this.store, this.writer, inode, (raw) => {
      const made = new F2fsInode(this.#context, raw);
      return this.writer?.inodes.add(made) ?? made;
    });
  }

  /** As Linux shows it. Source: kernel fs/f2fs/super.c (f2fs_statfs). */
  statfs(): FilesystemUsage {
    const { blocks, blocksFree, nodes, nodesMax } = this.usage();
    const nodesUsable = nodesMax - RESERVED_NIDS;
    const files = Math.min(nodesUsable, blocks);
    return {
      type: SUPER_MAGIC,
      blockSize: BLOCK_SIZE,
      blocks: this.superblock.blockCount - this.superblock.segment0Address,
      blocksFree,
      blocksAvailable: blocksFree,
      files,
      filesFree: nodesUsable > blocks ? blocksFree : Math.max(0, Math.min(nodesUsable - nodes, blocksFree)),
      nameBytesMax: this.nameBytesMax,
    };
  }

  #counts(): Pick<Checkpoint, 'validBlockCount' | 'validInodeCount' | 'validNodeCount'> {
    if (this.writer === undefined) return this.checkpoint;
    const { validBlocks, validInodes, validNodes } = this.writer.space;
    return { validBlockCount: validBlocks, validInodeCount: validInodes, validNodeCount: validNodes };
  }

  usage(): VolumeUsage {
    const { userBlockCount } = this.checkpoint;
    const { validBlockCount, validInodeCount, validNodeCount } = this.#counts();
    return {
      blockSize: BLOCK_SIZE,
      blocks: userBlockCount,
      blocksFree: Math.max(0, userBlockCount - validBlockCount),
      blocksTotal: this.superblock.blockCount,
      inodes: validInodeCount,
      nodes: validNodeCount,
      nodesMax: this.store.nat.nidEnd,
    };
  }
}
