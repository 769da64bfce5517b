// A file on a golden volume, and beside it the bytes that it must have: what the tests of the numbered cases of the write path
// have in common. The device says what reaches it, can fail and hold requests, and sees to it that memory on its way stays as
// it is. What is read of a cache that was never filled is poison.

import { type Bio, BLOCK_SIZE, DeviceWrapper, FaultDevice, type MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type Folio, PAGE_SIZE, type PageCacheOptions } from '@f2fskit/pagecache';
import { fixedClock, type RandomSource, runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { Vfs } from '@f2fskit/vfs';
import { BytesSource, type WriteSource } from '@f2fskit/writeback';
import { expect } from 'vitest';
import { type BufferedIo, type F2fsInode, type F2fsVolume, type MountOptions, mountF2fs } from '../src/index.ts';
import { findSlot } from '../src/names/slots.ts';
import { judged, objections } from './judge.ts';

const LONG = process.env['F2FSKIT_FULL'] === '1';
export const ENGINES = ['iomap', 'page'] as const;
export const OWNER = { mode: 0o644, uid: 0, gid: 0 };
export const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);
export const nameOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that differ from place to place and from write to write; never 0. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = 1 + ((at * 7 + (at >> 8) * 13 + (at >> 12) * 5 + seed * 31) % 255);
  return bytes;
}

/** `toEqual` for a megabyte: says where they differ. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  if (actual.length !== expected.length) throw new Error(`${actual.length} bytes, not ${expected.length}`);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`byte ${at} (block ${at >> 12}) is ${actual[at]}, not ${expected[at]}`);
}

/** Remembers requests, holds some, and objects when memory changes between the submission of a write and its end. */
class WatchingDevice extends DeviceWrapper {
  /** Which requests happen only with {@link release}. */
  holds: ((bio: Bio) => boolean) | undefined = undefined;
  readonly problems: string[] = [];
  readonly reads: Bio[] = [];
  readonly writes: Bio[] = [];
  flushes = 0;
  inFlight = 0;
  #held: Bio[] = [];

  /** What is held happens, and nothing is held any more, or what `holds` says. */
  release(holds?: (bio: Bio) => boolean): void {
    this.holds = holds;
    for (const bio of this.#held.splice(0)) this.device.submit(bio);
  }

  /** Of what is held each happens with this chance, in any order. */
  releaseSome(random: RandomSource): void {
    const left = this.#held;
    this.#held = [];
    while (left.length > 0) {
      const [bio] = left.splice(random.below(left.length), 1) as [Bio];
      if (random.chance(0.5)) this.device.submit(bio);
      else this.#held.push(bio);
    }
  }

  submit(bio: Bio): void {
    this.inFlight++;
    if (bio.operation === 'read') this.reads.push(bio);
    else if (bio.operation === 'flush') this.flushes++;
    const before = bio.operation === 'write' ? bio.segments.map((segment) => segment.slice()) : [];
    if (bio.operation === 'write') this.writes.push(bio);
    bio.completion.subscribe(() => {
      this.inFlight--;
      if (before.some((segment, index) => Buffer.compare(segment, bio.segments[index]!) !== 0)) {
        this.problems.push(`memory of the write at ${bio.offset} has changed on its way`);
      }
    });
    if (this.holds?.(bio) === true) this.#held.push(bio);
    else this.device.submit(bio);
  }
}

export const isRead = ({ operation }: Bio): boolean => operation === 'read';
export const isWrite = ({ operation }: Bio): boolean => operation === 'write';

export interface CaseOptions {
  cache?: PageCacheOptions;
  /** Default 'plain'. */
  golden?: string;
  /** More options of the mount. */
  mount?: MountOptions;
}

export class CaseWorld {
  readonly medium: MemoryDevice;
  readonly faults: FaultDevice;
  readonly watch: WatchingDevice;
  readonly volume: F2fsVolume;
  readonly file: F2fsInode;
  model: Uint8Array = new Uint8Array(0);
  readonly #scheduler = new Scheduler('async');

  private constructor(medium: MemoryDevice, faults: FaultDevice, volume: F2fsVolume, file: F2fsInode) {
    this.medium = medium;
    this.faults = faults;
    this.watch = volume.device as WatchingDevice;
    this.volume = volume;
    this.file = file;
  }

  static open(bufferedIo: BufferedIo, { cache = {}, golden = 'plain', mount = {} }: CaseOptions = {}): CaseWorld {
    const medium = loadGolden(golden).device.clone();
    const faults = new FaultDevice(medium);
    const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(1), bufferedIo };
    const device = new WatchingDevice(faults);
    const volume = runSync(mountF2fs(device, { ...options, ...mount, cache: { poison: true, ...cache } }));
    const root = runSync(volume.readInode(volume.rootIno));
    const file = runSync(root.create(nameOf('file'), OWNER));
    return new CaseWorld(medium, faults, volume, file);
  }

  /** With a file of so many blocks, on the medium and not in the cache. */
  static stored(bufferedIo: BufferedIo, blocks: number, options?: CaseOptions): CaseWorld {
    const world = CaseWorld.open(bufferedIo, options);
    if (blocks > 0) world.write(0, pattern(blocks * BLOCK_SIZE, 1));
    runSync(world.volume.sync());
    world.drop();
    world.takeWrites();
    world.takeReads();
    return world;
  }

  get mapping(): ReturnType<F2fsInode['pages']>['mapping'] {
    return this.file.pages().mapping;
  }

  get writer(): NonNullable<F2fsVolume['writer']> {
    return this.volume.writer!;
  }

  /** Runs a task beside others. */
  start<T>(task: Task<T>): Promise<T> {
    return this.#scheduler.run(task);
  }

  /** Writes; the model follows what was taken. Returns how much that was. */
  write(position: number, bytes: Uint8Array, source: WriteSource = new BytesSource(bytes)): number {
    const written = runSync(this.file.write(position, source)).bytes;
    this.follow(position, bytes.subarray(0, written));
    return written;
  }

  follow(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (position + bytes.length > this.model.length) this.resize(position + bytes.length);
    this.model.set(bytes, position);
  }

  resize(size: number): void {
    const model = new Uint8Array(size);
    model.set(this.model.subarray(0, size));
    this.model = model;
  }

  truncate(size: number): void {
    runSync(this.file.truncate(size));
    this.resize(size);
  }

  read(position = 0, length = this.file.size - position): Uint8Array {
    const bytes = new Uint8Array(length).fill(0x55);
    return bytes.subarray(0, runSync(this.file.read(position, bytes)));
  }

  fsync(dataOnly = false): void {
    runSync(this.file.fsync(this.file.errorCursor(), dataOnly));
  }

  /** Writes what is dirty, and forgets what is cached. */
  drop(): void {
    runSync(this.file.writeBack());
    this.mapping.dropUnused();
    expect(this.mapping.index.size).toBe(0);
  }

  folios(): Folio[] {
    const folios: Folio[] = [];
    const { index } = this.mapping;
    for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) folios.push(folio);
    return folios;
  }

  /** Numbers of the blocks of the file that are dirty. */
  dirtyBlocks(): number[] {
    return this.folios().flatMap((folio) =>
      Array.from({ length: folio.pages }, (_, block) => block)
        .filter((block) => folio.dirty && (folio.dirtyBlocks === undefined || folio.dirtyBlocks.has(block)))
        .map((block) => folio.index + block),
    );
  }

  /** Where block `index` of the file lies: block of the device, 0 for a hole. */
  addressOf(index: number): number {
    return runSync(findSlot(this.writer, this.file.raw, index))?.address ?? 0;
  }

  /** Blocks of the device that were written since this was called last, in order. */
  takeWrites(): number[] {
    return blocksOf(this.watch.writes.splice(0));
  }

  takeReads(): number[] {
    return blocksOf(this.watch.reads.splice(0));
  }

  /** Nothing of the file is locked, held, or on its way. */
  expectQuiet(): void {
    for (const folio of this.folios()) {
      const { index, locked, references, writeback, writesPending } = folio;
      expect({ index, locked, references, writeback, writesPending }).toEqual({
        index,
        locked: false,
        references: 0,
        writeback: false,
        writesPending: 0,
      });
    }
    const { bios } = this.writer;
    expect([bios.held, bios.inFlight, this.watch.inFlight]).toEqual([0, 0, 0]);
    expect(this.watch.problems).toEqual([]);
  }

  /** The file is what it must be: in the cache, on the medium, and to a mount behind the end. */
  expectModel(): void {
    this.expectQuiet();
    expect(this.file.size).toBe(this.model.length);
    expectBytes(this.read(), this.model);
    this.drop();
    expectBytes(this.read(), this.model);
    this.expectQuiet();
  }

  /** What a mount finds if the power goes now, and everything has arrived. */
  behindCut(): Uint8Array {
    return contentOf(this.medium.clone(), true);
  }

  /** Leaves the volume: it is sound, and has the file. The judge takes its time: `asked` has it also outside of the long run. */
  leave(asked = false): void {
    runSync(this.volume.unmount());
    if (judged && (asked || LONG)) expect(objections(this.medium)).toBe('');
    expectBytes(contentOf(this.medium), this.model);
  }

  /** An open file. */
  open(mode: Parameters<Vfs['open']>[1]): ReturnType<Vfs['file']> {
    const vfs = new Vfs(this.volume);
    return vfs.file(runSync(vfs.open('/file', mode)));
  }
}

function blocksOf(bios: readonly Bio[]): number[] {
  return bios.flatMap(({ offset, size }) =>
    Array.from({ length: size / PAGE_SIZE }, (_, index) => offset / PAGE_SIZE + index),
  );
}

/** The file on a volume that nobody has mounted. */
export function contentOf(medium: MemoryDevice, writable = false): Uint8Array {
  const volume = runSync(mountF2fs(medium, { writable, codecs: defaultCodecs() }));
  const root = runSync(volume.readInode(volume.rootIno));
  const file = runSync(volume.readInode(runSync(root.lookup(nameOf('file')))));
  const bytes = new Uint8Array(file.size);
  runSync(file.read(0, bytes));
  return bytes;
}

/** Lets everything happen that can happen by itself now. */
export const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for a promise in turns of the event loop; throws when it does not end after many, so that a deadlock is no timeout. */
export async function settle<T>(promise: Promise<T>, turn: () => void = () => {}, turnsMax = 3000): Promise<T> {
  let over = false;
  const mark = (): void => {
    over = true;
  };
  promise.then(mark, mark);
  for (let turns = 0; !over; turns++) {
    if (turns === turnsMax) throw new Error('stuck');
    turn();
    await later();
  }
  return promise;
}

/** A source of which only some is there: `copyOf(at, length)` says how many bytes a copy gives. */
export class PartialSource extends BytesSource {
  readonly #copyOf: (at: number, length: number) => number;
  readonly #endsAt: number;
  readonly #failure: Error | undefined;
  readonly #look: () => void;

  constructor(
    bytes: Uint8Array,
    {
      copyOf = (_at, length) => length,
      endsAt = Number.POSITIVE_INFINITY,
      failure,
      look = () => {},
    }: {
      copyOf?: (at: number, length: number) => number;
      /** From here on there is nothing: `failure` is thrown. */
      endsAt?: number;
      failure?: Error;
      /** Called where anybody's code may run. */
      look?: () => void;
    },
  ) {
    super(bytes);
    this.#copyOf = copyOf;
    this.#endsAt = endsAt;
    this.#failure = failure;
    this.#look = look;
  }

  override *prepare(at: number): Task<number> {
    this.#look();
    if (at >= this.#endsAt) throw this.#failure!;
    return Math.min(this.length, this.#endsAt) - at;
  }

  override copy(at: number, target: Uint8Array): number {
    const there = Math.max(0, Math.min(target.length, this.#endsAt - at));
    return super.copy(at, target.subarray(0, Math.min(there, this.#copyOf(at, there))));
  }
}
