// A volume over a device that takes every liberty, its files, and a model of each: tasks run beside each other as a seed decides,
// and whatever can be seen from outside between two steps is checked. See `docs/testing.md`.

import { type Bio, BLOCK_SIZE, MemoryDevice } from '@f2fskit/block';
import { assert, FsError } from '@f2fskit/errno';
import { type BufferedIo, type F2fsInode, type F2fsVolume, mountF2fs } from '@f2fskit/f2fs';
import { InlineFlag } from '@f2fskit/f2fs-format';
import { checkVolume, findingText, formatVolume } from '@f2fskit/f2fs-tools';
import type { ErrorCursor, Folio, Mapping, PageCacheOptions } from '@f2fskit/pagecache';
import { type Clock, type RandomSource, runSync, seededRandom, type Task, Tracer } from '@f2fskit/task';
import { BytesSource, utf8Encode, type WriteSource } from '@f2fskit/vfs';
import { judged, objections } from '../node-fs/judge.ts';
import { checkCacheAtRest, checkCacheInvariants, MemoryIndex } from './cache-invariants.ts';
import { CheckpointWatch, type FileBlock } from './checkpoint-watch.ts';
import { type Change, FileModel } from './file-model.ts';
import { InterleaveDevice } from './interleave-device.ts';
import { breathe, SeededScheduler } from './seeded-scheduler.ts';

export interface Engine {
  readonly bufferedIo: BufferedIo;
  readonly orderMax: number;
}

export const ENGINES: readonly Engine[] = [
  { bufferedIo: 'page', orderMax: 0 },
  { bufferedIo: 'iomap', orderMax: 0 },
  { bufferedIo: 'iomap', orderMax: 4 },
  { bufferedIo: 'iomap', orderMax: 9 },
];

export interface WorldOptions {
  readonly seed: number;
  readonly engine: Engine;
  readonly cache?: Omit<PageCacheOptions, 'orderMax' | 'poison'>;
  /** How likely a request of file data fails. Default 0. */
  readonly failChance?: number;
  /** The volume to begin with. Default: a fresh one of 64 MiB. */
  readonly medium?: MemoryDevice;
  /** Written back in the background as well: from a timer, and under pressure. Default: by the seed. */
  readonly flusher?: boolean;
  /** fsck.f2fs judges what is left, where it is installed. Default false. */
  readonly judge?: boolean;
}

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
/** Steps between two looks at a cache, for each folio in it. */
const STEPS_PER_FOLIO = 1 / 24;

/** A clock that moves on with every timer that fires. */
class TimerClock implements Clock {
  seconds = 1_900_000_000;

  now(): { seconds: number; nanoseconds: number } {
    return { seconds: this.seconds, nanoseconds: 0 };
  }
}

let blank: MemoryDevice | undefined;

/** A fresh volume of 64 MiB. */
export function freshMedium(): MemoryDevice {
  if (blank === undefined) {
    blank = new MemoryDevice(64 << 20);
    runSync(formatVolume(blank, { random: seededRandom(1), clock: new TimerClock(), blank: true }));
  }
  return blank.clone();
}

/** An open file, as far as failed writes are concerned. */
export interface Opened {
  readonly cursor: ErrorCursor;
  /** When it was told of errors last: the call began and was over. */
  began: number;
  ended: number;
}

export class WorldFile {
  readonly name: string;
  readonly inode: F2fsInode;
  readonly model = new FileModel();
  /** Steps in which a write of its data failed. */
  readonly failures: number[] = [];
  /** When somebody was told of one last. */
  told = -1;
  /** Truncations under way. */
  cuts = 0;

  constructor(name: string, inode: F2fsInode) {
    this.name = name;
    this.inode = inode;
  }
}

export class World {
  readonly random: RandomSource;
  readonly device: InterleaveDevice;
  readonly scheduler: SeededScheduler;
  readonly volume: F2fsVolume;
  readonly root: F2fsInode;
  readonly tracer = new Tracer();
  readonly files: WorldFile[] = [];
  /** Blocks of file data that were submitted for writing. */
  dataBlocks = 0;
  /** Reads that failed, as they may. */
  readFailures = 0;
  readonly #watch: CheckpointWatch;
  readonly #options: WorldOptions;
  readonly #clock = new TimerClock();
  /** Mappings of the volume and of files that were removed, as long as they may have folios. */
  readonly #mappings: Mapping[] = [];
  /** Memory that is written past the cache: whose it is. */
  readonly #direct = new Map<ArrayBufferLike, { file: WorldFile; position: number }>();
  #looked = 0;
  #value = 0;

  constructor(options: WorldOptions) {
    const { seed, engine, medium = freshMedium(), cache = {} } = options;
    this.#options = options;
    this.random = seededRandom(seed);
    this.device = new InterleaveDevice(medium, seededRandom(seed + 0x1_0000_0000));
    this.scheduler = new SeededScheduler(seededRandom(seed + 0x2_0000_0000), this.device);
    this.#watch = new CheckpointWatch(medium, () => this.#inos());
    this.device.onSubmit = (bio) => this.#onSubmit(bio);
    this.device.onWritten = (bio) => this.#onWritten(bio);
    this.volume = this.do(
      mountF2fs(this.device, {
        writable: true,
        clock: this.#clock,
        random: seededRandom(seed),
        bufferedIo: engine.bufferedIo,
        tracer: this.tracer,
        cache: { ...cache, orderMax: engine.orderMax, poison: true },
      }),
    );
    this.root = this.do(this.volume.readInode(this.volume.rootIno));
    const { store } = this.volume;
    this.#mappings.push(store.blocks.mapping, store.nodes);
    this.scheduler.onStep = () => this.#onStep();
    this.scheduler.onTimer = () => {
      this.#clock.seconds += 40;
    };
    if (options.flusher ?? this.random.chance(0.5)) this.volume.startFlusher(this.scheduler, this.scheduler);
    this.device.mayFail = (bio) => this.#isData(bio);
    this.device.onFailed = (bio, transferred) => this.#onFailed(bio, transferred);
  }

  get checkpoints(): number {
    return this.#watch.checkpoints;
  }

  /** Runs one task, and whatever goes on beside it. */
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

  /** Runs tasks beside each other to their ends; then everything is checked. Requests fail meanwhile, if they are to. */
  race(tasks: Readonly<Record<string, Task<unknown>>>): void {
    this.device.failChance = this.#options.failChance ?? 0;
    for (const [name, task] of Object.entries(tasks)) this.scheduler.spawn(name, task);
    this.scheduler.runToEnd();
    this.device.failChance = 0;
    this.rest();
  }

  /** A new file with `size` bytes. */
  create(name: string, size = 0): WorldFile {
    return this.do(this.creating(name, size));
  }

  *creating(name: string, size = 0): Task<WorldFile> {
    const file = new WorldFile(name, yield* this.root.create(utf8Encode(name), OWNER));
    this.files.push(file);
    if (size > 0) yield* this.write(file, 0, size);
    return file;
  }

  /** A file that the volume has already, in the root. */
  adopt(name: string, content: Uint8Array): WorldFile {
    const ino = this.do(this.root.lookup(utf8Encode(name)));
    const file = new WorldFile(name, this.do(this.volume.readInode(ino)));
    file.model.adopt(content);
    this.files.push(file);
    this.#watch.learn();
    return file;
  }

  /** Bytes that say where they belong and who wrote them; none is zero. */
  pattern(position: number, length: number): Uint8Array {
    const value = ++this.#value * 37;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const chunk = Math.floor((position + at) / 512);
      const end = Math.min(length, (chunk + 1) * 512 - position);
      bytes.fill(1 + ((value + chunk * 11) % 255), at, end);
      at = end;
    }
    return bytes;
  }

  *write(
    file: WorldFile,
    position: number | 'end',
    length: number,
    how: 'plain' | 'slow' | 'direct' = 'plain',
  ): Task<void> {
    const { model, inode } = file;
    const from = position === 'end' ? undefined : position;
    const bytes = this.pattern(from ?? 0, length);
    const size = from === undefined ? model.size : Math.max(model.size, from + length);
    const change: Change = { from, bytes, size, began: this.scheduler.steps };
    model.begin(change);
    const source = how === 'slow' ? new SlowSource(bytes, this.random) : new BytesSource(bytes);
    if (how === 'direct') this.#direct.set(bytes.buffer, { file, position: from! });
    try {
      const writing = how === 'direct' ? inode.writeDirect(position, source) : inode.write(position, source);
      const written = yield* writing;
      this.#expectShort(written.bytes < length);
      const start = written.end - written.bytes;
      if (from !== undefined) assert(start === from, 'a write begins where it was asked to');
      model.end(change, start, written.bytes, Math.max(model.size, written.end));
      // What failed past the cache.
      if (how === 'direct' && written.bytes < length) this.#lose(file, written.end, from! + length);
    } catch (error) {
      this.#expectFailure(error);
      if (how !== 'direct') model.cancel(change);
      else {
        // Some of it may have arrived, and the file may have grown by that.
        model.end(change, from!, 0, inode.size);
        this.#lose(file, from!, from! + length);
      }
    } finally {
      this.#direct.delete(bytes.buffer);
    }
  }

  /** As a store to a shared mapping. */
  *dirty(file: WorldFile, position: number, length: number): Task<void> {
    const { model, inode } = file;
    const bytes = this.pattern(position, length);
    const change: Change = { from: position, bytes, size: model.size, began: this.scheduler.steps };
    model.begin(change);
    let done = 0;
    try {
      yield* inode.dirtyRange(position, length, (memory, at) => {
        memory.set(bytes.subarray(at - position, at - position + memory.length));
        done += memory.length;
      });
    } catch (error) {
      // Somebody made the file shorter.
      if (!(error instanceof FsError && error.code === 'EFAULT')) this.#expectFailure(error);
    }
    model.end(change, position, done, model.size);
  }

  *truncate(file: WorldFile, size: number): Task<void> {
    const { model, inode } = file;
    const change: Change = { from: size, bytes: { zeros: Infinity }, size, began: this.scheduler.steps };
    model.begin(change);
    file.cuts++;
    try {
      yield* inode.truncate(size);
      model.end(change, size, Infinity, size);
    } catch (error) {
      this.#expectFailure(error);
      model.cancel(change);
    } finally {
      file.cuts--;
    }
  }

  *punch(file: WorldFile, position: number, length: number): Task<void> {
    const { model, inode } = file;
    const change: Change = { from: position, bytes: { zeros: length }, size: model.size, began: this.scheduler.steps };
    model.begin(change);
    try {
      yield* inode.allocate('punch', position, length);
      model.end(change, position, length, model.size);
    } catch (error) {
      this.#expectFailure(error);
      this.#lose(file, position, position + length);
      model.cancel(change);
    }
  }

  *read(file: WorldFile, position: number, length: number): Task<void> {
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
      this.readFailures++;
    }
  }

  open(file: WorldFile): Opened {
    // What nobody was told of is news to whoever comes.
    return { cursor: file.inode.errorCursor(), began: file.told + 1, ended: this.scheduler.steps };
  }

  /**
   * fsync: fails once for each open file and failed write, and not without one (I-46, R25). `cut`: what a mount finds if the power
   * goes then is what was there when it began, or came since (I-60).
   */
  *fsync(file: WorldFile, opened: Opened, { dataOnly = false, cut = false } = {}): Task<'fine' | 'EIO'> {
    const { model, failures } = file;
    const began = this.scheduler.steps;
    const watch = cut ? model.watch(0, Number.POSITIVE_INFINITY) : undefined;
    let outcome: 'fine' | 'EIO' = 'fine';
    try {
      yield* file.inode.fsync(opened.cursor, dataOnly);
    } catch (error) {
      this.#expectFailure(error);
      outcome = 'EIO';
    }
    const told = outcome === 'EIO';
    if (told && !failures.some((at) => at >= opened.began))
      throw new Error(`${file.name}: fsync failed without a reason`);
    if (!told && failures.some((at) => at > opened.ended && at < began))
      throw new Error(`I-46: ${file.name}: fsync did not tell of a write that failed`);
    if (told) file.told = began;
    opened.began = began;
    opened.ended = this.scheduler.steps;
    if (watch !== undefined) {
      if (told) model.unwatch(watch);
      else this.#expectDurable(file, watch);
    }
    return outcome;
  }

  /** sync; `cut` as for {@link fsync}, of every file. */
  *sync({ cut = false } = {}): Task<void> {
    const files = cut ? [...this.files] : [];
    const watches = files.map(({ model }) => model.watch(0, Number.POSITIVE_INFINITY));
    try {
      yield* this.volume.sync();
      for (const [index, file] of files.entries()) this.#expectDurable(file, watches[index]!);
    } catch (error) {
      for (const [index, { model }] of files.entries()) model.unwatch(watches[index]!);
      this.#expectFailure(error);
    }
  }

  /** The power goes now: the volume can be mounted, and behind the ends of files there is nothing. */
  cutNow(): void {
    for (const file of this.files) this.afterCut(file);
  }

  /** What the power would leave of a file now. */
  afterCut(file: WorldFile): Uint8Array | undefined {
    return runSync(contentAfterCut(this.device.medium.clone(), file.name));
  }

  /** Nobody is at work, all is as the models say, and nobody holds anything. */
  rest(): void {
    this.scheduler.settle();
    this.#throwProblems();
    this.#checkAtRest(false);
    assert(this.volume.writer!.locks.size === 0, 'no inode is locked');
    for (const file of this.files) this.do(this.#readAll(file));
    this.scheduler.settle();
  }

  /** At rest: everything is written, and no more than that (I-44), and lies on the medium. */
  syncAtRest(): void {
    this.scheduler.settle();
    const before = this.dataBlocks;
    let dirty = 0;
    for (const { inode } of this.files) {
      // Contents in the inode are written with it.
      if ((inode.fields.inlineFlags & InlineFlag.data) === 0) dirty += inode.pages().mapping.dirtyBlocks;
    }
    this.do(this.sync());
    this.scheduler.settle();
    const written = this.dataBlocks - before;
    if (written !== dirty) throw new Error(`I-44: ${written} blocks were written, and ${dirty} were dirty`);
    this.#checkAtRest(true);
    this.#throwProblems();
    this.#expectOnMedium();
  }

  /** Leaves the volume, and judges what is left. */
  leave(): void {
    // What failed is told here, and once.
    this.do(this.sync());
    this.do(this.volume.unmount());
    this.scheduler.settle();
    this.#throwProblems();
    this.#checkAtRest(true);
    const { submitted, ended, medium } = this.device;
    assert(submitted === ended, 'every bio ends once (I-70)');
    this.#expectOnMedium();
    const { findings } = runSync(checkVolume(medium));
    if (findings.length > 0) throw new Error(findings.map(findingText).join('\n'));
    if (this.#options.judge === true && judged) {
      const said = objections(medium);
      if (said !== '') throw new Error(said);
    }
  }

  /** A file that has been removed: it is of no interest any more, but for its mapping. */
  forget(file: WorldFile): void {
    this.files.splice(this.files.indexOf(file), 1);
    this.#mappings.push(file.inode.pages().mapping);
  }

  *#readAll(file: WorldFile): Task<void> {
    const { model, inode } = file;
    if (inode.size !== model.size) throw new Error(`${file.name} has ${inode.size} bytes, not ${model.size}`);
    yield* this.read(file, 0, model.size + 1);
  }

  #expectOnMedium(): void {
    const volume = runSync(mountF2fs(this.device.medium.clone()));
    const root = runSync(volume.readInode(volume.rootIno));
    for (const { name, model } of this.files) {
      const inode = runSync(volume.readInode(runSync(root.lookup(utf8Encode(name)))));
      const bytes = new Uint8Array(inode.size);
      runSync(inode.read(0, bytes));
      const objection = model.objection(model.watch(0, model.size), bytes, model.size);
      if (objection !== undefined || inode.size !== model.size)
        throw new Error(`${name}: on the medium are ${objection}`);
    }
  }

  #expectDurable(file: WorldFile, watch: ReturnType<FileModel['watch']>): void {
    const found = this.afterCut(file);
    if (found === undefined) throw new Error(`I-60: ${file.name} was fsynced, and is gone behind a cut`);
    const objection = file.model.objection(watch, found, Number.POSITIVE_INFINITY);
    if (objection !== undefined) throw new Error(`I-60: ${file.name}: behind a cut there are ${objection}`);
  }

  #checkAtRest(clean: boolean): void {
    const { nodes, dirty } = this.volume.store;
    // A dirty node stays in memory.
    const references = (mapping: Mapping, { index }: Folio): number => (mapping === nodes && dirty.has(index) ? 1 : 0);
    checkCacheAtRest(this.#allMappings(), { clean, references });
  }

  #allMappings(): Mapping[] {
    return [...this.#mappings, ...this.#fileMappings()];
  }

  #fileMappings(): Mapping[] {
    return this.files.map(({ inode }) => inode.pages().mapping);
  }

  #onStep(): void {
    this.#throwProblems();
    const { writer, cache } = this.volume;
    if (writer!.bios.held > 0) throw new Error('I-45: a task waits, and bios are not submitted');
    if (--this.#looked > 0) return;
    this.#looked = cache.folioCount * STEPS_PER_FOLIO;
    checkCacheInvariants(this.#allMappings(), this.device.inFlight());
  }

  #throwProblems(): void {
    const { problems } = this.device;
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  /** Files of which blocks may be overwritten in their places, those without a name too. */
  *#inos(): Generator<number> {
    for (const { inode } of this.files) {
      yield inode.ino;
      if (inode.atomic !== undefined) yield inode.atomic.cow.ino;
    }
  }

  #onSubmit(bio: Bio): void {
    if (bio.operation !== 'write') return;
    const memory = new MemoryIndex(this.files.length === 0 ? [] : this.#fileMappings());
    const { problems } = this.device;
    let address = bio.offset / BLOCK_SIZE;
    for (const place of this.#placesOf(bio, memory)) {
      if (place !== undefined) this.#checkData(place.file, place.block, place.bytes);
      const atomic = place?.file.inode.atomic;
      const found = place === undefined ? undefined : { ino: place.file.inode.ino, block: place.block };
      const objection = this.#watch.objection(address, found);
      const ofCow =
        atomic && this.#watch.objection(address, { ino: atomic.cow.ino, block: place!.block }) === undefined;
      if (objection !== undefined && ofCow !== true) problems.push(objection);
      address++;
    }
  }

  /** I-12, I-48: what is written of a block lies within the file, and zeros behind its end. */
  #checkData(file: WorldFile, block: number, bytes: Uint8Array | undefined): void {
    this.dataBlocks++;
    if (bytes === undefined) return;
    const { size } = file.inode;
    const where = `${file.name}, block ${block}`;
    const inside = size - block * BLOCK_SIZE;
    if (inside <= 0 && file.cuts === 0) this.device.problems.push(`I-48: ${where} lies behind the end`);
    if (inside > 0 && inside < BLOCK_SIZE && bytes.subarray(inside).some((byte) => byte !== 0))
      this.device.problems.push(`I-12: ${where} is not zero behind the end`);
  }

  #onWritten(bio: Bio): void {
    if (!this.#watch.onWritten(bio)) return;
    for (const other of this.device.unwritten()) {
      if (this.#isData(other)) this.device.problems.push('a checkpoint came into force before data it may refer to');
    }
  }

  #isData(bio: Bio): boolean {
    const memory = new MemoryIndex(this.#fileMappings());
    let any = false;
    for (const place of this.#placesOf(bio, memory)) {
      if (place === undefined) return false;
      any = true;
    }
    return any;
  }

  #onFailed(bio: Bio, transferred: number): void {
    if (bio.operation !== 'write') return;
    const { steps } = this.scheduler;
    let at = 0;
    for (const place of this.#placesOf(bio, new MemoryIndex(this.#fileMappings()))) {
      if (at >= transferred && place !== undefined) {
        place.file.model.lose(place.block, steps);
        // What failed past the cache is told at once.
        if (place.bytes !== undefined) place.file.failures.push(steps);
      }
      at += BLOCK_SIZE;
    }
  }

  /** The block of a file that each block of a bio's memory is; `bytes` where it is in the cache. */
  *#placesOf(
    bio: Bio,
    memory: MemoryIndex,
  ): Generator<(Pick<FileBlock, 'block'> & { file: WorldFile; bytes?: Uint8Array }) | undefined> {
    for (const { buffer, byteOffset, length } of bio.segments) {
      const direct = this.#direct.get(buffer);
      for (let at = byteOffset; at < byteOffset + length; at += BLOCK_SIZE) {
        if (direct !== undefined) {
          yield { file: direct.file, block: (direct.position + at) / BLOCK_SIZE };
          continue;
        }
        const found = memory.find(buffer, at);
        const file = this.files.find(({ inode }) => inode.pages().mapping === found?.mapping);
        if (found === undefined || file === undefined) yield undefined;
        else yield { file, block: found.folio.index + found.block, bytes: new Uint8Array(buffer, at, BLOCK_SIZE) };
      }
    }
  }

  #lose(file: WorldFile, from: number, to: number): void {
    for (let block = Math.floor(from / BLOCK_SIZE); block * BLOCK_SIZE < to; block++)
      file.model.lose(block, this.scheduler.steps);
  }

  #expectShort(short: boolean): void {
    if (short && this.device.failures === 0) throw new Error('a write was short without a reason');
  }

  #expectFailure(error: unknown): void {
    const expected = error instanceof FsError && error.code === 'EIO' && this.device.failures > 0;
    if (!expected) throw error;
  }
}

/** By so much a file is extended behind a cut. */
const MORE_BYTES = 128 << 10;
const ZEROS = new Uint8Array(MORE_BYTES);

/** The content of a file in the root behind a power cut; `undefined` where it is not there. */
function* contentAfterCut(medium: MemoryDevice, name: string): Task<Uint8Array | undefined> {
  const volume = yield* mountF2fs(medium, { writable: true, cache: { budgetBytes: 1 << 22 } });
  const root = yield* volume.readInode(volume.rootIno);
  const ino = yield* root.lookup(utf8Encode(name));
  if (ino === 0) return undefined;
  const inode = yield* volume.readInode(ino);
  const bytes = new Uint8Array(inode.size);
  yield* inode.read(0, bytes);
  // Longer again: what was cut off stays away (I-57).
  const more = new Uint8Array(MORE_BYTES);
  const { size } = inode;
  yield* inode.truncate(size + MORE_BYTES);
  yield* inode.read(size, more);
  if (Buffer.compare(more, ZEROS) !== 0)
    throw new Error(`I-57: ${name}: behind a cut, an extension shows old contents`);
  return bytes;
}

/** Bytes that have to be waited for, and of which some have gone again when they are copied (I-20, I-22). */
class SlowSource implements WriteSource {
  readonly #bytes: Uint8Array;
  readonly #random: RandomSource;

  constructor(bytes: Uint8Array, random: RandomSource) {
    this.#bytes = bytes;
    this.#random = random;
  }

  get length(): number {
    return this.#bytes.length;
  }

  *prepare(at: number, length: number): Task<number> {
    yield* breathe();
    return this.#random.chance(0.3) ? 1 + this.#random.below(length) : this.#bytes.length - at;
  }

  copy(at: number, target: Uint8Array): number {
    const whole = Math.min(target.length, this.#bytes.length - at);
    const count = this.#random.chance(0.2) ? this.#random.below(whole + 1) : whole;
    target.set(this.#bytes.subarray(at, at + count));
    return count;
  }
}
