// What a volume has that is written to: tables, logs, space, the operation lock, and the checkpoint.
//
//   operation lock   shared: whoever changes nodes, tables or counts; exclusive: the checkpoint (spec 2.1, lock 5)
//
// After a write that failed, nothing more is written: the old checkpoint stays in force (decision 10).

import { flushDevice } from '@f2fskit/block';
import { ENOSPC, EROFS, FsError } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  type Checkpoint,
  CheckpointFlag,
  Feature,
  hasCheckpointFlag,
  KNOWN_FEATURES,
  RawInode,
  SEGMENT_BLOCKS,
  SegmentType,
  type Superblock,
} from '@f2fskit/f2fs-format';
import { FreeNids, MetadataBlocks, NatBits, type NodeStore } from '@f2fskit/f2fs-node';
import { type Clock, Lock, type RandomSource, SharedLock, seededRandom, systemClock, type Task } from '@f2fskit/task';
import { Flusher, PageBios, WritebackGate } from '@f2fskit/writeback';
import { BufferPool } from './buffer-pool.ts';
import { type BufferedIo, bufferedIoOf } from './buffered-io.ts';
import { changeInodeNode } from './change-inode.ts';
import { CheckpointWriter, epochOf } from './checkpoint/checkpoint-writer.ts';
import { SpaceAccount } from './checkpoint/space.ts';
import { CompressionPolicy } from './compression-policy.ts';
import { settleInode, settleInodes } from './data/pending-attributes.ts';
import type { F2fsInode } from './inode.ts';
import { BlockAllocator } from './log/block-allocator.ts';
import { cleanSegments } from './log/cleaner.ts';
import { loadLogs } from './log/load-logs.ts';
import { NodeWriter } from './log/node-writer.ts';
import { SegmentTable } from './log/segment-table.ts';
import { DirtyDirectories } from './names/dirty-directories.ts';
import { flushDirectories } from './names/flush-directories.ts';
import { InodeLocks } from './names/inode-locks.ts';
import { LiveInodes } from './names/live-inodes.ts';
import type { Pack } from './pack.ts';
import { decideFsync, type FsyncDecision } from './recovery/fsync-policy.ts';

/** A checkpoint is taken when fewer blocks than these can be written before it, beside the dirty nodes. */
const ROOM_MIN_BLOCKS = 1024;
/** … and on a small volume fewer than this part of it. */
const ROOM_SHARE = 32;
/** Memory for compressed clusters that is kept: what is on its way at once with a fast device. */
const PAYLOAD_BYTES_KEPT = 4 << 20;
/** A checkpoint is taken when so many segments have changed since the last one: 2 GiB of data in a row. */
const DIRTY_SEGMENTS_MAX = 1024;
/** Blocks for nodes that new nodes do not take. */
const NODE_ROOM_KEPT = 128;

export interface WriterOptions {
  /** Times of inodes, and the age of segments. Default: the clock of the system. */
  clock?: Clock;
  /** Generations of new inodes. Default: seeded by the clock. */
  random?: RandomSource;
  /** Default: see `bufferedIoOf`. */
  bufferedIo?: BufferedIo | undefined;
  /** Who is compressed, with what. Default: what Linux does without options. */
  compression?: CompressionPolicy | undefined;
  /** nat_bits that a recovery has kept: those of its checkpoint are not stored. Default: those of the pack. */
  natBits?: NatBits | undefined;
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
  /** The engine that moves the data of files. */
  readonly bufferedIo: BufferedIo;
  /** Who is compressed, with what. */
  readonly compression: CompressionPolicy;
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
  /**
   * Shared: whoever follows the slots of a file without its lock, to read it. Exclusive: who gives a file other slots altogether
   * (`recodeFile`), within an operation.
   */
  readonly layout = new SharedLock();
  /** Data on its way to the device; a checkpoint waits for all of it. */
  readonly bios: PageBios;
  /** Memory that compressed clusters are sent from. */
  readonly payloads = new BufferPool(PAYLOAD_BYTES_KEPT);
  readonly gate = new WritebackGate();
  /** Files with dirty pages. */
  readonly flusher: Flusher;
  /** Files whose size or times are newer than their nodes. */
  readonly unsettled = new Set<F2fsInode>();
  /** Files known to have no capability, since their attributes last changed: a write need not look. */
  readonly withoutCapability = new WeakSet<F2fsInode>();
  /** How often blocks were moved behind the back of readers. */
  moves = 0;
  /** Inodes without a name that are still open. */
  readonly orphans: Set<number>;
  /**
   * Inodes of which recovery could not bring back what happened to their names: files that were renamed or linked, and
   * directories from which a name went to another place, since the last checkpoint.
   */
  readonly checkpointFirst = new Set<number>();
  readonly nodes: NodeWriter;
  /** What is done now had its room before the volume was cut off: no node is refused. */
  recovering = false;
  /** Whether somebody has the inode open: it then stays when it loses its last name. */
  isOpen: (ino: number) => boolean = (ino) => (this.inodes.get(ino)?.openCount ?? 0) > 0;
  /** An inode was freed: what is cached of it is of no use. */
  onInodeFreed: (ino: number) => void = () => {};
  readonly #checkpoints: CheckpointWriter;
  readonly #operations = new SharedLock();
  /** Something changed since the last checkpoint. */
  #changed = false;
  /** The room at which cleaning did not help. */
  #cleanedInVainAt = -1;
  /** The checkpoint in force was written by this writer, and not for leaving. */
  #mustLeave = false;
  #checkpointed = false;
  #failure: FsError | undefined;

  private constructor(
    store: NodeStore,
    segments: SegmentTable,
    allocator: BlockAllocator,
    nids: FreeNids,
    space: SpaceAccount,
    orphans: Set<number>,
    nodes: NodeWriter,
    checkpoints: CheckpointWriter,
    clock: Clock,
    random: RandomSource,
    bufferedIo: BufferedIo,
    compression: CompressionPolicy,
  ) {
    this.store = store;
    this.bufferedIo = bufferedIo;
    this.compression = compression;
    this.segments = segments;
    this.allocator = allocator;
    this.nids = nids;
    this.space = space;
    this.orphans = orphans;
    this.nodes = nodes;
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
    nat.bits = options.natBits ?? (yield* NatBits.read(superblock, checkpoint, pack.address, metadata));
    const nids = new FreeNids(nat, checkpoint.nextFreeNid);
    const space = new SpaceAccount(checkpoint);
    const orphans = new Set<number>();
    const parts = { superblock, metadata, nat, nids, segments, allocator, nodes, space, elapsed, orphans };
    const checkpoints = new CheckpointWriter(parts, checkpoint, pack.index, hotNodeJournal);
    return new VolumeWriter(
      store,
      segments,
      allocator,
      nids,
      space,
      orphans,
      nodes,
      checkpoints,
      clock,
      random,
      bufferedIoOf(options.bufferedIo),
      options.compression ?? new CompressionPolicy(),
    );
  }

  /** The checkpoint in force. */
  get current(): Checkpoint {
    return this.#checkpoints.current;
  }

  /** The checkpoint in force was written by this writer. */
  get hasCheckpointed(): boolean {
    return this.#checkpointed;
  }

  /**
   * Makes room: takes a checkpoint when little can be written before the next one, and cleans segments when that is not
   * enough. Called with no lock held (L4). Throws EIO.
   */
  *balance(): Task<void> {
    if (this.hasRoom) return;
    yield* this.checkpoint();
    const room = this.#room;
    if (room >= this.#roomWanted || room === this.#cleanedInVainAt) return;
    yield* this.#writeCheckpoint(false, true);
    if (this.#room <= room) this.#cleanedInVainAt = this.#room;
  }

  /** Nothing is short: {@link balance} would do nothing. */
  get hasRoom(): boolean {
    return this.hasRoomFor(0);
  }

  /** As {@link hasRoom}, also when so many more blocks have been written. */
  hasRoomFor(blocks: number): boolean {
    // Dirty nodes cannot leave memory, nor can the maps of segments that changed.
    const crowded = this.store.dirty.size * BLOCK_SIZE > this.flusher.cache.budgetBytes / 4;
    if (crowded || this.segments.dirtyCount > DIRTY_SEGMENTS_MAX) return false;
    return this.#room >= this.#roomWanted + blocks;
  }

  /** Blocks that nodes, or data, can take before the next checkpoint: the fewer. */
  get #room(): number {
    return Math.min(this.allocator.roomFor(SegmentType.warmData), this.allocator.roomFor(SegmentType.warmNode));
  }

  get #roomWanted(): number {
    const share = Math.floor((this.allocator.superblock.segmentCountMain * SEGMENT_BLOCKS) / ROOM_SHARE);
    return Math.min(ROOM_MIN_BLOCKS, share) + 2 * this.store.dirty.size + this.directories.count;
  }

  /** Refuses new nodes while the checkpoint could not write them; what exists can still be changed and removed. Throws ENOSPC. */
  requireNodeRoom(nodes: number): void {
    const room = this.allocator.roomFor(SegmentType.warmNode);
    if (!this.recovering && room < 2 * this.store.dirty.size + nodes + NODE_ROOM_KEPT) {
      throw new FsError(ENOSPC, 'nodes have no segment left to go to');
    }
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
      this.endOperation();
    }
  }

  /** Begins an operation that waits for nothing; false where that is not possible now. See {@link endOperation}. */
  tryOperation(): boolean {
    if (this.#failure !== undefined || !this.#operations.tryLockShared()) return false;
    this.#changed = true;
    return true;
  }

  endOperation(): void {
    this.#operations.unlockShared();
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
    const changed = this.#changed || this.unsettled.size > 0;
    if (!changed && !(unmount && this.#mustLeave)) {
      // One that is under way has what was changed before it began.
      if (!this.#operations.tryLockShared()) yield* this.#operations.waitShared();
      this.#operations.unlockShared();
      if (this.#failure !== undefined) throw this.#failure;
      return;
    }
    yield* this.#writeCheckpoint(unmount, false);
  }

  *#writeCheckpoint(unmount: boolean, clean: boolean): Task<void> {
    if (!this.#operations.tryLockExclusive()) yield* this.#operations.waitExclusive();
    try {
      this.#changed = false;
      yield* settleInodes(this);
      yield* flushDirectories(this);
      // Slots change when a write is submitted: no checkpoint names a block whose write has not arrived.
      yield* this.bios.drain();
      if (clean) yield* cleanSegments(this);
      yield* this.#checkpoints.write({ unmount });
      this.#mustLeave = !unmount;
      this.#checkpointed = true;
      this.checkpointFirst.clear();
    } catch (error) {
      this.#failure = new FsError(EROFS, { detail: 'a write failed: the volume is read-only now', cause: error });
      throw error;
    } finally {
      this.#operations.unlockExclusive();
    }
  }

  /**
   * fsync of an inode, whose dirty pages have been written back and waited for: makes durable what leads to them. `dataOnly`: as
   * fdatasync, times alone are not worth a write. Returns what it did. Throws EIO.
   */
  *fsyncInode(ino: number, dataOnly = false): Task<FsyncDecision> {
    const decision = yield* this.#tryChain(ino, dataOnly);
    if (decision.how === 'nothing') yield* flushDevice(this.store.device);
    if (decision.how !== 'checkpoint') return decision;
    const before = this.current.version;
    yield* this.checkpoint();
    // Nothing had changed but data in its place.
    if (this.current.version === before) yield* flushDevice(this.store.device);
    yield* this.#regainParent(ino);
    return decision;
  }

  /** Decides, and writes the chain if that is what was decided. */
  *#tryChain(ino: number, dataOnly: boolean): Task<FsyncDecision> {
    if (this.#failure !== undefined) throw this.#failure;
    yield* this.balance();
    // Exclusive: no slot changes between the copy of a node and the arrival of what it points to.
    if (!this.#operations.tryLockExclusive()) yield* this.#operations.waitExclusive();
    try {
      const inode = this.inodes.get(ino);
      if (inode?.pending !== undefined) {
        this.#changed = true;
        yield* settleInode(this, inode);
      }
      const decision = yield* decideFsync(this, ino, dataOnly);
      if (decision.how === 'chain') yield* this.#writeChain(ino);
      return decision;
    } finally {
      this.#operations.unlockExclusive();
    }
  }

  *#writeChain(ino: number): Task<void> {
    this.#changed = true;
    try {
      yield* this.nodes.writeChain(ino, () => this.bios.drain());
    } catch (error) {
      // Whatever is written behind a gap would not be found.
      this.#failure = new FsError(EROFS, { detail: 'a write failed: the volume is read-only now', cause: error });
      throw error;
    }
  }

  /** A checkpoint knows the one name of the file: from now on its fsyncs may be chains again. */
  *#regainParent(ino: number): Task<void> {
    const { fields } = yield* this.store.readInode(ino);
    if ((fields.advise & Advise.lostParent) === 0 || fields.links !== 1) return;
    yield* this.operation(
      changeInodeNode(this, ino, (view) => RawInode.advise.set(view, 0, fields.advise & ~Advise.lostParent)),
    );
  }
}
