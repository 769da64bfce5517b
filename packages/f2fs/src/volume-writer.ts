// What a volume has that is written to: tables, logs, space, the operation lock, and the checkpoint.
//
//   operation lock   shared: whoever changes nodes, tables or counts; exclusive: the checkpoint (spec 2.1, lock 5)
//
// After a write that failed, nothing more is written: the old checkpoint stays in force (decision 10).

import { EROFS, FsError } from '@f2fskit/errno';
import {
  type Checkpoint,
  CheckpointFlag,
  Feature,
  hasCheckpointFlag,
  KNOWN_FEATURES,
  SegmentType,
  type Superblock,
} from '@f2fskit/f2fs-format';
import { FreeNids, MetadataBlocks, type NodeStore } from '@f2fskit/f2fs-node';
import { type Clock, Lock, type RandomSource, SharedLock, seededRandom, systemClock, type Task } from '@f2fskit/task';
import { Flusher, PageBios, WritebackGate } from '@f2fskit/writeback';
import { CheckpointWriter, epochOf } from './checkpoint/checkpoint-writer.ts';
import { SpaceAccount } from './checkpoint/space.ts';
import { settleInodes } from './data/pending-attributes.ts';
import type { F2fsInode } from './inode.ts';
import { BlockAllocator } from './log/block-allocator.ts';
import { loadLogs } from './log/load-logs.ts';
import { NodeWriter } from './log/node-writer.ts';
import { SegmentTable } from './log/segment-table.ts';
import { DirtyDirectories } from './names/dirty-directories.ts';
import { flushDirectories } from './names/flush-directories.ts';
import { InodeLocks } from './names/inode-locks.ts';
import { LiveInodes } from './names/live-inodes.ts';
import type { Pack } from './pack.ts';

/** A checkpoint is taken when fewer blocks than these can be written before it, beside the dirty nodes. */
const ROOM_MIN_BLOCKS = 1024;

export interface WriterOptions {
  /** Times of inodes, and the age of segments. Default: the clock of the system. */
  clock?: Clock;
  /** Generations of new inodes. Default: seeded by the clock. */
  random?: RandomSource;
}

/** Why a volume cannot be written to, as a clause; `undefined` when it can. */
export function writeObstacle(superblock: Superblock, { checkpoint }: Pick<Pack, 'checkpoint'>): string | undefined {
  const unknown = superblock.features & ~KNOWN_FEATURES;
  if (unknown !== 0) return `it has unknown features (0x${unknown.toString(16)})`;
  if ((superblock.features & Feature.ro) !== 0) return 'it was made for reading only (feature ro)';
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.error)) return 'the last mount met an error (CP_ERROR)';
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.fsckNeeded)) return 'it asks for fsck (CP_FSCK)';
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.resizeFs)) return 'a resize was not finished (CP_RESIZEFS)';
  const problem = checkpoint.problems[0];
  return problem === undefined ? undefined : `its checkpoint is not sound: ${problem.message}`;
}

export class VolumeWriter {
  readonly store: NodeStore;
  readonly segments: SegmentTable;
  readonly allocator: BlockAllocator;
  readonly nids: FreeNids;
  readonly space: SpaceAccount;
  readonly clock: Clock;
  /** Inodes that somebody holds: all see the same state. */
  readonly inodes = new LiveInodes();
  /** Generations of new inodes. */
  readonly random: RandomSource;
  /** Dentry blocks that changed since the last checkpoint. */
  readonly directories = new DirtyDirectories();
  /** Taken before the operation lock. */
  readonly locks = new InodeLocks();
  /** Held while a directory moves below another one; before the inode locks. */
  readonly treeLock = new Lock();
  /** Data on its way to the device; a checkpoint waits for all of it. */
  readonly bios: PageBios;
  readonly gate = new WritebackGate();
  /** Files with dirty pages. */
  readonly flusher: Flusher;
  /** Files whose size or times are newer than their nodes. */
  readonly unsettled = new Set<F2fsInode>();
  /** Inodes without a name that are still open. */
  readonly orphans: Set<number>;
  /** Whether somebody has the inode open: it then stays when it loses its last name. */
  isOpen: (ino: number) => boolean = (ino) => (this.inodes.get(ino)?.openCount ?? 0) > 0;
  /** An inode was freed: what is cached of it is of no use. */
  onInodeFreed: (ino: number) => void = () => {};
  readonly #checkpoints: CheckpointWriter;
  readonly #operations = new SharedLock();
  /** Something changed since the last checkpoint. */
  #changed = false;
  /** The checkpoint in force was written by this writer, and not for leaving. */
  #mustLeave = false;
  #failure: FsError | undefined;

  private constructor(
    store: NodeStore,
    segments: SegmentTable,
    allocator: BlockAllocator,
    nids: FreeNids,
    space: SpaceAccount,
    orphans: Set<number>,
    checkpoints: CheckpointWriter,
    clock: Clock,
    random: RandomSource,
  ) {
    this.store = store;
    this.segments = segments;
    this.allocator = allocator;
    this.nids = nids;
    this.space = space;
    this.orphans = orphans;
    this.clock = clock;
    this.random = random;
    this.bios = new PageBios(store.device);
    this.flusher = new Flusher(store.blocks.mapping.cache, { clock });
    this.#checkpoints = checkpoints;
  }

  /** Reads what writing needs. Throws EROFS with the reason, Corruption, EIO. */
  static *open(store: NodeStore, pack: Pack, options: WriterOptions = {}): Task<VolumeWriter> {
    const { superblock, blocks, nat } = store;
    const { clock = systemClock } = options;
    const { seconds, nanoseconds } = clock.now();
    const random = options.random ?? seededRandom(seconds * 1000 + nanoseconds / 1e6);
    const obstacle = writeObstacle(superblock, pack);
    if (obstacle !== undefined) throw new FsError(EROFS, obstacle);
    if (store.device.readOnly) throw new FsError(EROFS, `${store.device.name} is opened for reading only`);
    const metadata = new MetadataBlocks(blocks);
    const segments = new SegmentTable(superblock, metadata, pack.bitmaps.sit, pack.sitJournal);
    yield* segments.load();
    const { logs, hotNodeJournal } = yield* loadLogs(superblock, pack, metadata, segments);
    const { checkpoint } = pack;
    const started = clock.now().seconds;
    const elapsed = (): number => checkpoint.elapsedTime + Math.max(0, clock.now().seconds - started);
    const reservedSections = Math.ceil(checkpoint.reservedSegmentCount / superblock.segmentsPerSection);
    const allocator = new BlockAllocator(superblock, segments, logs, metadata, { reservedSections, now: elapsed });
    const nodes = new NodeWriter(store, allocator, epochOf(checkpoint));
    const nids = new FreeNids(nat, checkpoint.nextFreeNid);
    const space = new SpaceAccount(checkpoint);
    const orphans = new Set<number>();
    const parts = { superblock, metadata, nat, nids, segments, allocator, nodes, space, elapsed, orphans };
    const checkpoints = new CheckpointWriter(parts, checkpoint, pack.index, hotNodeJournal);
    return new VolumeWriter(store, segments, allocator, nids, space, orphans, checkpoints, clock, random);
  }

  /** The checkpoint in force. */
  get current(): Checkpoint {
    return this.#checkpoints.current;
  }

  /**
   * Makes room: takes a checkpoint when little can be written before the next one. Called with no lock held (L4). Throws EIO.
   */
  *balance(): Task<void> {
    const room = Math.min(this.allocator.roomFor(SegmentType.warmData), this.allocator.roomFor(SegmentType.warmNode));
    if (room < ROOM_MIN_BLOCKS + 2 * this.store.dirty.size + this.directories.count) yield* this.checkpoint();
  }

  /** Runs a change of nodes and tables: no checkpoint is taken in its middle. Makes room first: no folio is locked (L4). */
  *operation<T>(body: Task<T>): Task<T> {
    if (this.#failure !== undefined) throw this.#failure;
    yield* this.balance();
    return yield* this.operationUnderFolio(body);
  }

  /** As {@link operation}, for who holds a locked folio: room was made before. */
  *operationUnderFolio<T>(body: Task<T>): Task<T> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#operations.tryLockShared()) yield* this.#operations.waitShared();
    this.#changed = true;
    try {
      return yield* body;
    } finally {
      this.#operations.unlockShared();
    }
  }

  /**
   * What is in memory does not fit together any more, because a change could not be finished: nothing more is written.
   * Returns `error`.
   */
  abandon(error: unknown): unknown {
    this.#failure ??= new FsError(EROFS, {
      detail: 'a change could not be finished: the volume is read-only now',
      cause: error,
    });
    return error;
  }

  /**
   * Makes everything that was changed durable; writes nothing where nothing was. `unmount`: the volume is left. Throws EIO.
   */
  *checkpoint({ unmount = false }: { unmount?: boolean } = {}): Task<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#changed && !(unmount && this.#mustLeave)) return;
    if (!this.#operations.tryLockExclusive()) yield* this.#operations.waitExclusive();
    try {
      this.#changed = false;
      yield* settleInodes(this);
      yield* flushDirectories(this);
      // Slots change when a write is submitted: no checkpoint names a block whose write has not arrived.
      yield* this.bios.drain();
      yield* this.#checkpoints.write({ unmount });
      this.#mustLeave = !unmount;
    } catch (error) {
      this.#failure = new FsError(EROFS, { detail: 'a write failed: the volume is read-only now', cause: error });
      throw error;
    } finally {
      this.#operations.unlockExclusive();
    }
  }
}
