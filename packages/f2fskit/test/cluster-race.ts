// Compressed files over a device that takes every liberty, and a model of each: writers, cuts, flusher passes, fsyncs and readers run
// beside each other as a seed decides. What is seen between two steps, at rest, and behind a power cut is checked:
//
//   readers         each byte is what was there, or what came meanwhile (I-56, I-57)
//   between steps   the cache's invariants; memory on its way does not change (I-40, I-50); nothing is held unsubmitted (I-45)
//   at rest         nobody holds anything; the slots of every cluster fit together, and what a file saves equals a recount (I-51, I-54)
//   behind a cut    the same of what a mount finds (I-52, I-53), and what was fsynced is there (I-64)
//
// Reads of payload may fail: then the call says so, and nothing of what it was to change has changed (I-58). See `interleave/`.

import { type Bio, BLOCK_SIZE, MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { assert, FsError } from '@f2fskit/errno';
import { type BufferedIo, type F2fsInode, type F2fsVolume, fileUsage, InlineEncoder, mountF2fs } from '@f2fskit/f2fs';
import { SEGMENT_BLOCKS, SegmentType } from '@f2fskit/f2fs-format';
import { checkVolume, findingText, formatVolume } from '@f2fskit/f2fs-tools';
import type { Mapping } from '@f2fskit/pagecache';
import { fixedClock, type RandomSource, runSync, seededRandom, type Task } from '@f2fskit/task';
import { OverlappingEncoder } from '@f2fskit/testkit';
import { BytesSource, utf8Encode } from '@f2fskit/vfs';
import { checkCacheAtRest, checkCacheInvariants } from './interleave/cache-invariants.ts';
import { type Change, FileModel } from './interleave/file-model.ts';
import { InterleaveDevice } from './interleave/interleave-device.ts';
import { breathe, SeededScheduler } from './interleave/seeded-scheduler.ts';
import { judged, objections } from './node-fs/judge.ts';

export interface RaceOptions {
  readonly seed: number;
  readonly bufferedIo: BufferedIo;
  readonly orderMax: number;
  /** log2 of the blocks of a cluster. */
  readonly logClusterSize: number;
  /** Clusters are compressed later than they are given to whoever does it: visits of writeback overlap. */
  readonly overlapping?: boolean;
  /** How likely a read of payload, or of a block of a file, fails. Default 0. */
  readonly failChance?: number;
  /** fsck.f2fs judges what is left, where it is installed. */
  readonly judge: boolean;
}

const MIB = 1 << 20;
const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const clock = fixedClock(1_900_000_000, 0);

let blank: MemoryDevice | undefined;

function freshMedium(): MemoryDevice {
  if (blank === undefined) {
    blank = new MemoryDevice(64 * MIB);
    const features = ['compression', 'extra_attr', 'inode_checksum'];
    runSync(formatVolume(blank, { random: seededRandom(1), clock, blank: true, features }));
  }
  return blank.clone();
}

export class RaceFile {
  readonly name: string;
  readonly inode: F2fsInode;
  readonly model = new FileModel();
  /** Failed writes and reads of its writeback so far. */
  errors = 0;

  constructor(name: string, inode: F2fsInode) {
    this.name = name;
    this.inode = inode;
  }

  get mapping(): Mapping {
    return this.inode.pages().mapping;
  }
}

export class ClusterRace {
  readonly random: RandomSource;
  readonly device: InterleaveDevice;
  readonly scheduler: SeededScheduler;
  readonly volume: F2fsVolume;
  readonly files: RaceFile[] = [];
  /** Where visits overlap. */
  readonly encoder: OverlappingEncoder | undefined;
  /** Bytes of a cluster. */
  readonly bytes: number;
  readonly #options: RaceOptions;
  #looked = 0;

  constructor(options: RaceOptions) {
    const { seed, bufferedIo, orderMax, logClusterSize } = options;
    this.#options = options;
    this.bytes = BLOCK_SIZE << logClusterSize;
    this.random = seededRandom(seed);
    const medium = freshMedium();
    this.device = new InterleaveDevice(medium, seededRandom(seed + 0x1_0000_0000));
    this.scheduler = new SeededScheduler(seededRandom(seed + 0x2_0000_0000), this.device);
    const turns = { random: seededRandom(seed + 0x3_0000_0000), turn: breathe };
    this.encoder =
      options.overlapping === true ? new OverlappingEncoder(new InlineEncoder(defaultCodecs()), turns) : undefined;
    this.volume = this.do(
      mountF2fs(this.device, {
        writable: true,
        encoder: this.encoder,
        clock,
        random: seededRandom(seed),
        bufferedIo,
        codecs: defaultCodecs(),
        compress: { extensions: ['*'], logClusterSize, checksum: seed % 2 === 0 },
        cache: {
          orderMax,
          poison: true,
          budgetBytes: 4 * MIB,
          // Little is dirty before somebody writes it, in some runs.
          ...(this.random.chance(0.5) ? { dirtyBytesBackground: 16 * this.bytes } : {}),
        },
      }),
    );
    this.scheduler.onStep = () => this.#onStep();
    this.device.mayFail = (bio) => this.#isFileData(bio);
    if (this.random.chance(0.5)) this.volume.startFlusher(this.scheduler, this.scheduler);
  }

  do<T>(task: Task<T>): T {
    let result: { value: T } | undefined;
    this.scheduler.spawn(
      'the test',
      (function* (): Task<void> {
        result = { value: yield* task };
      })(),
    );
    this.scheduler.runToEnd();
    return result!.value;
  }

  /** A new file of so many clusters. */
  create(name: string, clusters: number): RaceFile {
    const root = this.do(this.volume.readInode(this.volume.rootIno));
    const file = new RaceFile(name, this.do(root.create(utf8Encode(name), OWNER)));
    this.files.push(file);
    if (clusters > 0) this.do(this.write(file, 0, clusters * this.bytes));
    return file;
  }

  /** Runs tasks beside each other to their ends; then everything is checked. */
  race(tasks: Readonly<Record<string, Task<unknown>>>): void {
    this.device.failChance = this.#options.failChance ?? 0;
    for (const [name, task] of Object.entries(tasks)) this.scheduler.spawn(name, task);
    this.scheduler.runToEnd();
    this.device.failChance = 0;
    this.#rest();
  }

  *times(count: number, body: () => Task<unknown>): Task<void> {
    for (let turn = 0; turn < count; turn++) {
      yield* body();
      if (this.random.chance(0.7)) yield* breathe();
    }
  }

  /** A place in a file, often at an edge of a cluster or a block, or near its end. */
  position({ model }: RaceFile, clusters: number): number {
    const { random, bytes } = this;
    const base = random.chance(0.2) ? model.size : random.below(clusters) * bytes;
    const offset = [0, 0, random.below(bytes / BLOCK_SIZE) * BLOCK_SIZE, random.below(bytes), -1, 1][random.below(6)]!;
    return Math.max(0, Math.min(base + offset, clusters * bytes));
  }

  length(): number {
    const { random, bytes } = this;
    return [1, 111, BLOCK_SIZE, bytes, bytes, 2 * bytes, bytes + BLOCK_SIZE, 1 + random.below(bytes)][random.below(8)]!;
  }

  *write(file: RaceFile, position: number | 'end', length: number): Task<void> {
    const { model, inode } = file;
    const from = position === 'end' ? undefined : position;
    const bytes = this.#contents(length);
    const size = from === undefined ? model.size : Math.max(model.size, from + length);
    const change = this.#begin(file, { from, bytes, size });
    try {
      const written = yield* inode.write(position, new BytesSource(bytes));
      if (written.bytes < length) this.#expectReason();
      const start = written.end - written.bytes;
      model.end(change, start, written.bytes, Math.max(model.size, written.end));
    } catch (error) {
      this.#expectFailure(error);
      model.cancel(change);
    }
  }

  /** As a store to a shared mapping: dirties blocks, and no clusters. */
  *dirty(file: RaceFile, position: number, length: number): Task<void> {
    const { model, inode } = file;
    const bytes = this.#contents(length);
    const change = this.#begin(file, { from: position, bytes, size: model.size });
    let done = 0;
    try {
      yield* inode.dirtyRange(position, length, (memory, at) => {
        memory.set(bytes.subarray(at - position, at - position + memory.length));
        done += memory.length;
      });
    } catch (error) {
      if (!(error instanceof FsError && error.code === 'EFAULT')) this.#expectFailure(error);
    }
    model.end(change, position, done, model.size);
  }

  *truncate(file: RaceFile, size: number): Task<void> {
    const { model, inode } = file;
    const change = this.#begin(file, { from: size, bytes: { zeros: Infinity }, size });
    try {
      yield* inode.truncate(size);
      model.end(change, size, Infinity, size);
    } catch (error) {
      this.#expectFailure(error);
      // Zeros come first: in the cluster of the end that it was to get they may be there already.
      const end = Math.ceil(size / this.bytes) * this.bytes;
      for (let block = Math.floor(size / BLOCK_SIZE); block * BLOCK_SIZE < end; block++)
        model.lose(block, this.scheduler.steps);
      model.cancel(change);
    }
  }

  *read(file: RaceFile, position: number, length: number): Task<void> {
    const { model, inode } = file;
    const watch = model.watch(position, position + length);
    const target = new Uint8Array(length);
    try {
      const count = yield* inode.read(position, target);
      const objection = model.objection(watch, target.subarray(0, count), length);
      if (objection !== undefined) throw new Error(`${file.name}: a reader got ${objection}`);
    } catch (error) {
      model.unwatch(watch);
      this.#expectFailure(error);
    }
  }

  /** fsync; then what a mount finds if the power goes is what was there when it began, or came since (I-64). */
  *fsync(file: RaceFile): Task<void> {
    const { model, inode } = file;
    const watch = model.watch(0, Number.POSITIVE_INFINITY);
    try {
      yield* inode.fsync(inode.errorCursor(), false);
    } catch (error) {
      model.unwatch(watch);
      this.#expectFailure(error);
      return;
    }
    const found = this.#behindCut().get(file.name);
    if (found === undefined) throw new Error(`I-64: ${file.name} was fsynced, and is gone`);
    const objection = model.objection(watch, found, Number.POSITIVE_INFINITY);
    if (objection !== undefined) throw new Error(`I-64: ${file.name}: behind a cut there are ${objection}`);
  }

  /** A pass as the flusher makes them, over some of the file. */
  *flush(file: RaceFile, from: number, to: number): Task<void> {
    yield* file.inode.syncRange(file.inode.errorCursor(), 'start', from, to);
  }

  *writeBack(file: RaceFile, from: number, to: number): Task<void> {
    try {
      yield* file.inode.writeBack(from, to);
    } catch (error) {
      this.#expectFailure(error);
    }
  }

  *#sync(): Task<void> {
    try {
      yield* this.volume.sync();
    } catch (error) {
      this.#expectFailure(error);
    }
  }

  /** The power goes, in a copy of the medium, again and again. */
  *cuts(count: number): Task<void> {
    for (let cut = 0; cut < count; cut++) {
      for (let moment = this.random.below(40); moment > 0; moment--) yield* breathe();
      this.#behindCut();
    }
  }

  *evict(file: RaceFile): Task<void> {
    file.inode.evict();
  }

  /** Leaves the volume: it is sound, and holds what the models hold. */
  leave(): void {
    // What failed is told here, and once.
    this.do(this.#sync());
    this.do(this.volume.sync());
    this.#rest(true);
    this.do(this.volume.unmount());
    this.scheduler.settle();
    const { submitted, ended, medium } = this.device;
    assert(submitted === ended, 'every bio ends once (I-70)');
    const found = this.#behindCut();
    for (const { name, model } of this.files) {
      const objection = model.objection(model.watch(0, model.size), found.get(name)!, model.size);
      if (objection !== undefined) throw new Error(`${name}: on the medium are ${objection}`);
    }
    const { findings } = runSync(checkVolume(medium));
    if (findings.length > 0) throw new Error(findings.map(findingText).join('\n'));
    if (this.#options.judge && judged) {
      const said = objections(medium);
      if (said !== '') throw new Error(said);
    }
  }

  #begin({ model }: RaceFile, change: Omit<Change, 'began'>): Change {
    const begun = { ...change, began: this.scheduler.steps };
    model.begin(begun);
    return begun;
  }

  /** Bytes that compress, or that do not; none is zero. */
  #contents(length: number): Uint8Array {
    const { random } = this;
    if (random.chance(0.3)) return Uint8Array.from({ length }, () => 1 + random.below(255));
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 64) bytes.fill(1 + random.below(255), at, at + 64);
    return bytes;
  }

  #rest(clean = false): void {
    this.scheduler.settle();
    this.#throwProblems();
    const { writer, store, cache } = this.volume;
    assert(writer!.locks.size === 0, 'no inode is locked');
    assert((this.encoder?.underWay ?? 0) === 0, 'what is begun is finished');
    const { nodes, dirty } = store;
    checkCacheAtRest(this.#mappings(), {
      clean,
      references: (mapping, { index }) => (mapping === nodes && dirty.has(index) ? 1 : 0),
    });
    assert(cache.dirtyPages >= 0, 'pages are counted');
    for (const file of this.files) {
      const { inode, model, name } = file;
      assert(inode.pages().clusterLocks.holders === 0, 'no cluster is locked');
      if (inode.size !== model.size) throw new Error(`${name} has ${inode.size} bytes, not ${model.size}`);
      this.do(this.read(file, 0, model.size + 1));
      const { savedBlocks } = this.do(fileUsage(store, inode.raw));
      if (savedBlocks !== inode.savedBlocks)
        throw new Error(`I-54: ${name} saves ${savedBlocks}, not ${inode.savedBlocks}`);
    }
    this.scheduler.settle();
  }

  /** What a mount finds of each file, if the power goes now. */
  #behindCut(): Map<string, Uint8Array> {
    const volume = runSync(
      mountF2fs(this.device.medium.clone(), {
        writable: true,
        codecs: defaultCodecs(),
        cache: { budgetBytes: 4 * MIB },
      }),
    );
    const root = runSync(volume.readInode(volume.rootIno));
    const found = new Map<string, Uint8Array>();
    for (const { name } of this.files) {
      const ino = runSync(root.lookup(utf8Encode(name)));
      if (ino === 0) continue;
      const inode = runSync(volume.readInode(ino));
      const { savedBlocks } = runSync(fileUsage(volume.store, inode.raw));
      if (savedBlocks !== inode.savedBlocks)
        throw new Error(`I-54: behind a cut ${name} saves ${savedBlocks}, not ${inode.savedBlocks}`);
      const bytes = new Uint8Array(inode.size);
      runSync(inode.read(0, bytes));
      found.set(name, bytes);
    }
    return found;
  }

  #mappings(): Mapping[] {
    const { store } = this.volume;
    return [store.blocks.mapping, store.nodes, ...this.files.map(({ mapping }) => mapping)];
  }

  #onStep(): void {
    this.#throwProblems();
    if (this.volume.writer!.bios.held > 0) throw new Error('I-45: a task waits, and bios are not submitted');
    for (const file of this.files) {
      const { count } = file.mapping.errors;
      if (count === file.errors) continue;
      // A cluster could not be made whole: what was dirty of it is lost, and said to be.
      file.errors = count;
      this.#expectReason();
      const blocks = Math.ceil(Math.max(file.model.size, file.inode.size) / BLOCK_SIZE);
      for (let block = 0; block < blocks; block++) file.model.lose(block, this.scheduler.steps);
    }
    if (--this.#looked > 0) return;
    this.#looked = this.volume.cache.folioCount / 16;
    checkCacheInvariants(this.#mappings(), this.device.inFlight());
  }

  #throwProblems(): void {
    const problems = [...this.device.problems, ...(this.encoder?.problems ?? [])];
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  /** A read of what lies in the log of compressed files. */
  #isFileData(bio: Bio): boolean {
    if (bio.operation !== 'read') return false;
    const { superblock, segments } = this.volume.writer!.allocator;
    const block = bio.offset / BLOCK_SIZE - superblock.mainAddress;
    return block >= 0 && segments.types[Math.floor(block / SEGMENT_BLOCKS)] === SegmentType.coldData;
  }

  #expectReason(): void {
    if (this.device.failures === 0) throw new Error('something failed without a reason');
  }

  #expectFailure(error: unknown): void {
    if (!(error instanceof FsError && error.code === 'EIO' && this.device.failures > 0)) throw error;
  }
}
