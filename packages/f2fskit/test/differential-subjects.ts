// Who answers the calls of a differential test, each in the shape of node:fs: the model, a directory of the host through Node's own
// fs, and volumes, one for each engine.

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import nodePath from 'node:path';
import { type Bio, DeviceWrapper, type MemoryDevice } from '@f2fskit/block';
import type { BufferedIo } from '@f2fskit/f2fs';
import { CACHE_BYTES_MIN, type PageCacheOptions } from '@f2fskit/pagecache';
import { type Clock, type runSync, seededRandom } from '@f2fskit/task';
import { ModelFilesystem, type ModelStat, type OpenFlags } from '@f2fskit/testkit/model';
import { openVolumeSync, type Volume } from '../src/node/index.ts';
import type { AllocationMode } from './differential-calls.ts';
import { f2fsLimits } from './f2fs-target.ts';

/** What is looked at of a file's Stats. */
export interface StatsView {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  readonly mode: number;
  readonly nlink: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The calls of node:fs that are compared, in one form each, and fallocate. */
interface FileCalls {
  openSync(path: string, flags: number, mode: number): number;
  closeSync(fd: number): void;
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
  writevSync(fd: number, buffers: Uint8Array[], position: number | undefined): number;
  readSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
  ftruncateSync(fd: number, size: number): void;
  fsyncSync(fd: number): void;
  fdatasyncSync(fd: number): void;
  fstatSync(fd: number): StatsView;
  truncateSync(path: string, size: number): void;
  readFileSync(path: string): Uint8Array;
  writeFileSync(path: string, bytes: Uint8Array): void;
  appendFileSync(path: string, bytes: Uint8Array): void;
  readdirSync(path: string): string[];
  readlinkSync(path: string): string;
  statSync(path: string): StatsView;
  lstatSync(path: string): StatsView;
  unlinkSync(path: string): void;
  rmdirSync(path: string): void;
  mkdirSync(path: string, mode: number): void;
  chmodSync(path: string, mode: number): void;
  renameSync(from: string, to: string): void;
  linkSync(from: string, to: string): void;
  copyFileSync(from: string, to: string): void;
  symlinkSync(target: string, path: string): void;
  utimesSync(path: string, atime: number, mtime: number): void;
  fallocateSync(fd: number, position: number, length: number, mode: AllocationMode): void;
}

/** One who answers. Paths of calls begin at its root. */
export interface Subject {
  readonly name: string;
  readonly calls: FileCalls;
  /** Its own path of `/…`. */
  at(path: string): string;
  sync(): void;
  /** Makes everything durable, and gives up all pages, which are clean then: what is read next is read from the device. */
  dropCaches(paths: readonly string[], fds: readonly number[]): void;
  /** Leaves, and comes again. No file is open. */
  reopen(): void;
  /** Gives back what it has, also in the middle of everything. `fds`: what is still open. */
  dispose(fds: readonly number[]): void;
}

const nothing = (): void => {};

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;

// The model

function modelFlags(flags: number): OpenFlags {
  return {
    access: (['read', 'write', 'readWrite'] as const)[flags & 3]!,
    create: (flags & O_CREAT) !== 0,
    exclusive: (flags & O_EXCL) !== 0,
    truncate: (flags & O_TRUNC) !== 0,
    append: (flags & O_APPEND) !== 0,
  };
}

/** What no file of a test is long. */
const STRANGE_SIZE = 2 ** 40 + 1;

/** The model with descriptors that have a position, and what Node makes of several operations. */
class ModelCalls implements FileCalls {
  readonly model: ModelFilesystem;
  readonly #umask = process.umask();
  readonly #positions = new Map<number, { at: number; append: boolean }>();
  #next = 1;

  constructor(model: ModelFilesystem) {
    this.model = model;
  }

  openSync(path: string, flags: number, mode: number): number {
    const fd = this.#next++;
    const wanted = modelFlags(flags);
    this.model.open(fd, path, wanted, mode & ~this.#umask);
    this.#positions.set(fd, { at: 0, append: wanted.append === true });
    return fd;
  }

  closeSync(fd: number): void {
    this.model.close(fd);
    this.#positions.delete(fd);
  }

  writeSync(fd: number, bytes: Uint8Array, _offset: number, _length: number, position: number | null): number {
    const open = this.#positions.get(fd);
    const count = this.model.write(fd, position ?? open?.at ?? 0, bytes);
    if (position === null && open !== undefined && count > 0) {
      open.at = open.append ? this.model.stat(fd).size : open.at + count;
    }
    return count;
  }

  writevSync(fd: number, buffers: Uint8Array[], position: number | undefined): number {
    // Node asks nobody when there is nothing to write.
    if (buffers.length === 0) return 0;
    const bytes = Buffer.concat(buffers);
    return this.writeSync(fd, bytes, 0, bytes.length, position ?? null);
  }

  readSync(fd: number, bytes: Uint8Array, _offset: number, _length: number, position: number | null): number {
    const open = this.#positions.get(fd);
    const found = this.model.read(fd, position ?? open?.at ?? 0, bytes.length);
    bytes.set(found);
    if (position === null && open !== undefined) open.at += found.length;
    return found.length;
  }

  ftruncateSync(fd: number, size: number): void {
    this.model.truncate(fd, size);
  }

  fsyncSync(fd: number): void {
    this.model.fsync(fd);
  }

  fdatasyncSync(fd: number): void {
    this.model.fsync(fd);
  }

  fstatSync(fd: number): StatsView {
    return statsView(this.model.stat(fd));
  }

  truncateSync(path: string, size: number): void {
    this.#with(path, O_RDWR, 0, (fd) => this.model.truncate(fd, size));
  }

  readFileSync(path: string): Uint8Array {
    return this.#with(path, O_RDONLY, 0, (fd) => this.model.read(fd, 0, Number.MAX_SAFE_INTEGER));
  }

  writeFileSync(path: string, bytes: Uint8Array): void {
    this.#with(path, O_WRONLY | O_CREAT | O_TRUNC, 0o666, (fd) => this.model.write(fd, 0, bytes));
  }

  appendFileSync(path: string, bytes: Uint8Array): void {
    this.#with(path, O_WRONLY | O_CREAT | O_APPEND, 0o666, (fd) => this.model.write(fd, 0, bytes));
  }

  readdirSync(path: string): string[] {
    return this.model.readdir(path);
  }

  readlinkSync(path: string): string {
    return this.model.readlink(path);
  }

  statSync(path: string): StatsView {
    return statsView(this.model.stat(path));
  }

  lstatSync(path: string): StatsView {
    return statsView(this.model.stat(path, true));
  }

  unlinkSync(path: string): void {
    this.model.unlink(path);
  }

  rmdirSync(path: string): void {
    this.model.rmdir(path);
  }

  mkdirSync(path: string, mode: number): void {
    this.model.mkdir(path, mode & ~this.#umask);
  }

  chmodSync(path: string, mode: number): void {
    this.model.chmod(path, mode);
  }

  renameSync(from: string, to: string): void {
    this.model.rename(from, to);
  }

  linkSync(from: string, to: string): void {
    this.model.link(from, to);
  }

  /** Of a file. What is there already is cut off first; a file is a copy of itself. */
  copyFileSync(from: string, to: string): void {
    const mode = this.model.stat(from).mode;
    const bytes = this.readFileSync(from);
    const same = this.#isSame(from, to);
    this.#with(to, O_WRONLY | O_CREAT, mode, (fd) => {
      if (same) return;
      this.model.truncate(fd, 0);
      this.model.chmod(to, mode);
      this.model.write(fd, 0, bytes);
    });
  }

  symlinkSync(target: string, path: string): void {
    this.model.symlink(target, path);
  }

  utimesSync(path: string, atime: number, mtime: number): void {
    this.model.utimens(path, { seconds: atime, nanoseconds: 0 }, { seconds: mtime, nanoseconds: 0 });
  }

  fallocateSync(fd: number, position: number, length: number, mode: AllocationMode): void {
    this.model.fallocate(fd, mode, position, length);
  }

  /** The model's inodes have no numbers that it shows: what happens to one name happens to the other. */
  #isSame(one: string, other: string): boolean {
    const probe = this.model.clone();
    try {
      probe.truncate(one, STRANGE_SIZE);
      return probe.stat(other).size === STRANGE_SIZE;
    } catch {
      return false;
    }
  }

  #with<T>(path: string, flags: number, mode: number, action: (fd: number) => T): T {
    const fd = this.openSync(path, flags, mode);
    try {
      return action(fd);
    } finally {
      this.closeSync(fd);
    }
  }
}

function statsView({ kind, mode, links, size, mtime }: ModelStat): StatsView {
  return {
    isFile: () => kind === 'file',
    isDirectory: () => kind === 'directory',
    isSymbolicLink: () => kind === 'symlink',
    mode,
    nlink: links,
    size,
    mtimeMs: mtime.seconds * 1000 + mtime.nanoseconds / 1e6,
  };
}

/** The clock is the volumes' as well: their times are compared. */
export function modelSubject(clock: Clock): Subject {
  const calls = new ModelCalls(new ModelFilesystem({ clock, ...f2fsLimits }));
  return {
    name: 'the model',
    calls,
    at: (path) => path,
    sync: nothing,
    dropCaches: nothing,
    reopen: nothing,
    dispose: nothing,
  };
}

// A directory of the host

/** What a read through `/proc` opens once more, without O_APPEND, a name or not. */
const ownFile = (fd: number): string => `/proc/self/fd/${fd}`;

/** Whether the host can take part: fallocate has to be done by other calls, which need this. */
export const hasHost = fs.existsSync('/proc/self/fd');

/** Node has no fallocate: what it comes to, by other calls. */
function hostFallocate(fd: number, position: number, length: number, mode: AllocationMode): void {
  fs.fstatSync(fd); // EBADF where it is not open
  if (length <= 0) throw Object.assign(new Error('no length'), { code: 'EINVAL' });
  fs.writeSync(fd, new Uint8Array(0)); // EBADF where it is open for reading only
  const again = fs.openSync(ownFile(fd), 'r+');
  try {
    const { size, atimeMs } = fs.fstatSync(again);
    const zeroes = mode !== 'allocate' && mode !== 'keepSize';
    const count = Math.min(position + length, size) - position;
    if (zeroes && count > 0) fs.writeSync(again, new Uint8Array(count), 0, count, position);
    const grows = mode === 'allocate' || mode === 'zero';
    if (grows && position + length > size) fs.ftruncateSync(again, position + length);
    fs.futimesSync(again, atimeMs / 1000, Date.now() / 1000);
  } finally {
    fs.closeSync(again);
  }
}

const hostCalls: FileCalls = { ...(fs as unknown as FileCalls), fallocateSync: hostFallocate };

/** In memory where there is such a filesystem. */
const hostParent = fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function hostSubject(): Subject {
  const top = fs.mkdtempSync(nodePath.join(hostParent, 'f2fskit-differential-'));
  fs.chmodSync(top, 0o755);
  return {
    name: 'the host',
    calls: hostCalls,
    at: (path) => top + path,
    sync: nothing,
    dropCaches: nothing,
    reopen: nothing,
    dispose(fds) {
      for (const fd of fds) fs.closeSync(fd);
      fs.rmSync(top, { recursive: true, force: true });
    },
  };
}

// Volumes

interface Engine {
  bufferedIo: BufferedIo;
  orderMax: number;
}

export const engines: readonly Engine[] = [
  { bufferedIo: 'page', orderMax: 9 },
  { bufferedIo: 'iomap', orderMax: 0 },
  { bufferedIo: 'iomap', orderMax: 4 },
  { bufferedIo: 'iomap', orderMax: 9 },
];

/**
 * - `still`: nothing is written before somebody asks for it
 * - `crowded`: the smallest cache, so that folios are reclaimed
 * - `restless`: and hardly anything may be dirty, so that writers wait for writeback
 */
export const cacheKinds = ['still', 'crowded', 'restless'] as const;
export type CacheKind = (typeof cacheKinds)[number];

const MIB = 1 << 20;

const caches: Readonly<Record<CacheKind, PageCacheOptions>> = {
  still: { budgetBytes: 256 * MIB, dirtyBytesBackground: 200 * MIB, dirtyBytesMax: 200 * MIB, poison: true },
  crowded: { budgetBytes: CACHE_BYTES_MIN, poison: true },
  restless: { budgetBytes: CACHE_BYTES_MIN, dirtyBytesBackground: 8192, dirtyBytesMax: 65_536, poison: true },
};

/** Bytes that are compared at once. */
const CHUNK_BYTES = 64 * 1024;
const BLOCK = 4096;

/** Knows where it was written to, so that two that began alike are compared without reading everything. */
class RecordingDevice extends DeviceWrapper {
  readonly chunks = new Set<number>();

  submit(bio: Bio): void {
    if (bio.operation !== 'read') {
      const end = bio.offset + bio.size;
      for (let chunk = Math.floor(bio.offset / CHUNK_BYTES); chunk * CHUNK_BYTES < end; chunk++) this.chunks.add(chunk);
    }
    this.device.submit(bio);
  }
}

export class VolumeSubject implements Subject {
  readonly name: string;
  readonly device: MemoryDevice;
  readonly #recorder: RecordingDevice;
  readonly #engine: Engine;
  readonly #cache: CacheKind;
  readonly #clock: Clock;
  #volume: Volume;
  #mounts = 0;
  /** Of the caches of all mounts. */
  foliosReclaimed = 0;
  throttles = 0;

  constructor(base: MemoryDevice, engine: Engine, cache: CacheKind, clock: Clock) {
    this.name = `${engine.bufferedIo}, order ${engine.orderMax}`;
    this.device = base.clone();
    this.#recorder = new RecordingDevice(this.device);
    this.#engine = engine;
    this.#cache = cache;
    this.#clock = clock;
    this.#volume = this.#open();
  }

  get volume(): Volume {
    return this.#volume;
  }

  get calls(): FileCalls {
    return this.#volume as unknown as FileCalls;
  }

  at(path: string): string {
    return path;
  }

  sync(): void {
    this.#run(this.#volume.f2fs.sync());
  }

  dropCaches(paths: readonly string[], fds: readonly number[]): void {
    const { vfs } = this.#volume;
    this.sync();
    for (const path of paths) this.#run(vfs.walk(path, { followLast: false })).inode.evict?.();
    for (const fd of fds) vfs.file(fd).inode.evict?.();
  }

  /** Leaves the volume; the device stays. */
  leave(): void {
    this.#run(this.#volume.f2fs.unmount());
    const { foliosReclaimed, throttles } = this.#volume.f2fs.cache.statistics;
    this.foliosReclaimed += foliosReclaimed;
    this.throttles += throttles;
  }

  reopen(): void {
    this.leave();
    this.#volume = this.#open();
  }

  /** The first block that differs from another volume's, both made of the same base. */
  differentBlock(other: VolumeSubject): number | undefined {
    const chunks = new Set([...this.#recorder.chunks, ...other.#recorder.chunks]);
    for (const chunk of [...chunks].sort((a, b) => a - b)) {
      const [mine, its] = [this, other].map(({ device }) =>
        Buffer.from(device.toBytes(chunk * CHUNK_BYTES, CHUNK_BYTES)),
      );
      if (mine!.equals(its!)) continue;
      const at = mine!.findIndex((byte, index) => byte !== its![index]);
      return Math.floor((chunk * CHUNK_BYTES + at) / BLOCK);
    }
    return undefined;
  }

  dispose(): void {
    try {
      // Where something failed the volume was not left: nobody shall go on writing in the background.
      this.#run(this.#volume.f2fs.writer!.flusher.stop());
    } catch {
      // What failed is known, or comes of it.
    }
  }

  #open(): Volume {
    const { bufferedIo, orderMax } = this.#engine;
    const volume = openVolumeSync(this.#recorder, {
      writable: true,
      clock: this.#clock,
      random: seededRandom(7 + this.#mounts++),
      bufferedIo,
      cache: { ...caches[this.#cache], orderMax },
    });
    volume.vfs.umask = process.umask();
    return volume;
  }

  #run<T>(task: Parameters<typeof runSync<T>>[0]): T {
    return this.#volume.scheduler.runSync(task);
  }
}
