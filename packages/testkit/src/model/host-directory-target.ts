// A directory of the host as a target: what Linux does, to hold the model against. node:fs does what it can; the rest
// needs `HostCalls`, and is ENOSYS without.
//
// Times: after each operation `settle` gives every inode that the host has just touched the time of the injected clock,
// so that mtime says which operation changed it last and compares equal with the model's. What the host gave lies near
// now; an injected clock keeps away from there.
//
// Nothing leaves the directory: a symlink's target, or a path, that could is an assertion. See random-operations.ts,
// `confined`, for the argument. Special files are never opened.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assert, EBADF, EINVAL, ENOSYS, ENXIO, FsError } from '@f2fskit/errno';
import type { Clock } from '@f2fskit/task';
import type { HostCalls } from './host-calls.ts';
import { comparableManifest, type ManifestOptions } from './manifest.ts';
import { refuse } from './model-errors.ts';
import type { DeviceNumber, FileKind, FileTime, ModelStat } from './model-inode.ts';
import { decodeName, encodeName, keyOf } from './names.ts';
import type {
  AllocationMode,
  FileReference,
  MknodKind,
  OpenFlags,
  OperationTarget,
  RenameMode,
  XattrMode,
} from './operation-target.ts';
import type { Operation, OperationName } from './operations.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } =
  fs.constants;

const ALLOCATION_FLAGS = { allocate: 0, keepSize: 1, punch: 3, zero: 16, zeroKeepSize: 17 } as const;
const RENAME_FLAGS = { plain: 0, noReplace: 1, exchange: 2, whiteout: 4 } as const;
const XATTR_FLAGS = { set: 0, create: 1, replace: 2 } as const;
const KIND_BITS = { fifo: 0o10000, char: 0o20000, block: 0o60000, file: 0o100000, socket: 0o140000 } as const;

const OPERATIONS_OF_HOST_CALLS: readonly OperationName[] = [
  'mknod',
  'fallocate',
  'setxattr',
  'getxattr',
  'removexattr',
  'listxattr',
  'utimens',
];

/** What node:fs cannot do. */
export function needsHostCalls(operation: Operation): boolean {
  return OPERATIONS_OF_HOST_CALLS.includes(operation.op) || (operation.op === 'rename' && operation.mode !== 'plain');
}

/** Seconds around the host's now that an injected clock keeps away from. */
const NOW_MARGIN_SECONDS = 100_000;

export interface HostDirectoryOptions {
  clock: Clock;
  /** Where the directory is made. Default: that of temporary files. */
  parent?: string;
  /** Permission bits of the root. Default 0o755. */
  rootMode?: number;
}

export class HostDirectoryTarget implements OperationTarget {
  /** The directory. Its parent is made for it too, so that a mistake has nothing beside it. */
  readonly root: string;
  readonly #guard: string;
  readonly #clock: Clock;
  readonly #calls: HostCalls | undefined;
  readonly #handles = new Map<number, number>();
  readonly #umask: number;

  private constructor({ clock, parent = tmpdir(), rootMode = 0o755 }: HostDirectoryOptions, calls?: HostCalls) {
    this.#umask = process.umask(0);
    this.#clock = clock;
    this.#calls = calls;
    this.#guard = fs.mkdtempSync(path.join(parent, 'f2fskit-model-'));
    this.root = path.join(this.#guard, 'root');
    fs.mkdirSync(this.root, { mode: rootMode });
    this.settle();
  }

  /** An empty directory. `calls` stay the caller's. Sets the umask of the process to 0 until `dispose`. */
  static make(options: HostDirectoryOptions, calls?: HostCalls): HostDirectoryTarget {
    return new HostDirectoryTarget(options, calls);
  }

  /** Removes the directory and all that is in it. */
  dispose(): void {
    for (const fd of this.#handles.values()) fs.closeSync(fd);
    this.#handles.clear();
    fs.rmSync(this.#guard, { recursive: true });
    process.umask(this.#umask);
  }

  /** Gives what was touched just now the time of the injected clock. */
  settle(): void {
    const { seconds, nanoseconds } = this.#clock.now();
    assert(nanoseconds === 0, 'node:fs sets whole seconds without loss');
    assert(!isHostNow(seconds), "an injected clock keeps away from the host's now");
    for (const { bytes, stats } of this.#walk()) {
      if (isHostNow(secondsOf(stats))) fs.lutimesSync(bytes, seconds, seconds);
    }
    for (const fd of this.#handles.values()) {
      if (isHostNow(secondsOf(fs.fstatSync(fd, { bigint: true })))) fs.futimesSync(fd, seconds, seconds);
    }
  }

  /** As the model's. */
  manifest(options: ManifestOptions = {}): string[] {
    const lines: string[] = [];
    for (const { name, bytes, stats } of this.#walk()) {
      const { kind, mode, uid, gid, links, size, mtime, device } = statOf(stats);
      const isHashed = kind === 'file' && size <= 2 ** 30;
      const hash = kind === 'symlink' ? readLink(bytes) : isHashed ? digestOf(bytes) : '-';
      const number = `${device.major.toString(16)}:${device.minor.toString(16)}`;
      lines.push([kind, mode.toString(8), uid, gid, links, size, mtime.seconds, number, hash, name].join('\t'));
    }
    return comparableManifest(lines, options);
  }

  // Open files

  open(handle: number, name: string, flags: OpenFlags, mode: number): void {
    const fd = this.#openFile(name, flags, mode);
    const replaced = this.#handles.get(handle);
    this.#handles.set(handle, fd);
    if (replaced !== undefined) fs.closeSync(replaced);
  }

  close(handle: number): void {
    const fd = this.#handle(handle);
    this.#handles.delete(handle);
    fs.closeSync(fd);
  }

  create(name: string, mode: number): void {
    fs.closeSync(this.#openFile(name, { access: 'write', create: true, exclusive: true }, mode));
  }

  write(file: FileReference, position: number | 'end', bytes: Uint8Array): number {
    return this.#with(file, { access: 'write', append: position === 'end' }, (fd) => {
      const start = position === 'end' ? fs.fstatSync(fd).size : position;
      return fs.writeSync(fd, bytes, 0, bytes.byteLength, start);
    });
  }

  read(file: FileReference, position: number, length: number): Uint8Array {
    assert(length > 0, 'node:fs asks the host for at least one byte');
    return this.#with(file, { access: 'read' }, (fd) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, position));
    });
  }

  truncate(file: FileReference, size: number): void {
    // truncate(2) looks at the kind and opens nothing; node:fs opens.
    if (typeof file === 'string' && this.#isSpecial(file, true)) refuse(EINVAL);
    this.#with(file, { access: 'write' }, (fd) => fs.ftruncateSync(fd, size));
  }

  async fallocate(file: FileReference, mode: AllocationMode, position: number, length: number): Promise<void> {
    const name = typeof file === 'string' ? this.#path(file) : Buffer.alloc(0);
    if (typeof file === 'string' && this.#isSpecial(file, true)) refuse(ENXIO);
    const fd = typeof file === 'number' ? this.#handle(file) : -1;
    await this.#call('fallocate', name, process.pid, fd, ALLOCATION_FLAGS[mode], position, length);
  }

  /** Opens and closes: nobody asks here what a power cut leaves. */
  fsync(file: FileReference): void {
    this.#with(file, { access: 'read' }, () => {});
  }

  sync(): void {}

  // Names

  link(from: string, to: string): void {
    host(() => fs.linkSync(this.#path(from), this.#path(to)));
  }

  symlink(target: string, name: string): void {
    const names = target.split('/').filter((component) => component !== '' && component !== '.');
    if (target !== '') assert(!target.startsWith('/') && names.length > 0, 'a target leads below its directory');
    assert(!names.includes('..'), 'a target leads down');
    host(() => fs.symlinkSync(Buffer.from(encodeName(target)), this.#path(name)));
  }

  async mknod(name: string, kind: MknodKind, mode: number, { major, minor }: DeviceNumber): Promise<void> {
    await this.#call('mknod', this.#path(name), KIND_BITS[kind] | mode, major, minor);
  }

  mkdir(name: string, mode: number): void {
    host(() => fs.mkdirSync(this.#path(name), { mode }));
  }

  unlink(name: string): void {
    host(() => fs.unlinkSync(this.#inside(name)));
  }

  rmdir(name: string): void {
    host(() => fs.rmdirSync(this.#inside(name)));
  }

  async rename(from: string, to: string, mode: RenameMode): Promise<void> {
    const [source, target] = [this.#inside(from), this.#inside(to)];
    if (mode === 'plain') host(() => fs.renameSync(source, target));
    else await this.#call('rename', source, target, RENAME_FLAGS[mode]);
  }

  // Attributes

  async setxattr(name: string, attribute: string, value: Uint8Array, mode: XattrMode): Promise<void> {
    await this.#call('setxattr', this.#path(name), encodeName(attribute), value, XATTR_FLAGS[mode]);
  }

  async getxattr(name: string, attribute: string): Promise<Uint8Array> {
    const value = await this.#call('getxattr', this.#path(name), encodeName(attribute));
    return new Uint8Array(Buffer.from(value as string, 'hex'));
  }

  async removexattr(name: string, attribute: string): Promise<void> {
    await this.#call('removexattr', this.#path(name), encodeName(attribute));
  }

  async listxattr(name: string): Promise<string[]> {
    const names = (await this.#call('listxattr', this.#path(name))) as string[];
    return sorted(names.map((hex) => decodeName(Buffer.from(hex, 'hex'))));
  }

  chmod(name: string, mode: number): void {
    host(() => fs.chmodSync(this.#path(name), mode));
  }

  chown(name: string, uid: number, gid: number, noFollow: boolean): void {
    const change = noFollow ? fs.lchownSync : fs.chownSync;
    host(() => change(this.#path(name), uid, gid));
  }

  async utimens(name: string, atime: FileTime | null, mtime: FileTime | null, noFollow: boolean): Promise<void> {
    const pair = (time: FileTime | null) => (time === null ? null : ([time.seconds, time.nanoseconds] as const));
    await this.#call('utimens', this.#path(name), pair(atime), pair(mtime), noFollow);
  }

  stat(file: FileReference, noFollow: boolean): ModelStat {
    if (typeof file === 'number') return statOf(fs.fstatSync(this.#handle(file), { bigint: true }));
    const stat = noFollow ? fs.lstatSync : fs.statSync;
    return statOf(host(() => stat(this.#path(file), { bigint: true })));
  }

  readdir(name: string): string[] {
    return sorted(host(() => fs.readdirSync(this.#path(name), { encoding: 'buffer' })).map(decodeName));
  }

  readlink(name: string): string {
    return host(() => readLink(this.#path(name)));
  }

  // Inside

  /** Paths from the root on, parents first: as in a manifest, and for the host. */
  *#walk(): Generator<{ name: string; bytes: Buffer; stats: fs.BigIntStats }> {
    const pending: Array<{ name: string; bytes: Buffer }> = [{ name: '.', bytes: Buffer.from(this.root) }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { name, bytes } = next;
      const stats = fs.lstatSync(bytes, { bigint: true });
      yield { ...next, stats };
      if (!stats.isDirectory()) continue;
      for (const entry of fs.readdirSync(bytes, { encoding: 'buffer' })) {
        pending.push({ name: `${name}/${decodeName(entry)}`, bytes: Buffer.concat([bytes, SLASH, entry]) });
      }
    }
  }

  /** On the host. Asserts that no prefix of it has more `..` than names. */
  #path(name: string): Buffer {
    if (name === '') return Buffer.alloc(0);
    let depth = 0;
    for (const component of name.split('/')) {
      if (component === '..') depth--;
      else if (component !== '' && component !== '.') depth++;
      assert(depth >= 0, 'a path stays below the root');
    }
    // The root of a system has no name, as `.` has none.
    const inner = /^\/+$/.test(name) ? DOT : encodeName(name);
    return Buffer.concat([Buffer.from(this.root), SLASH, inner]);
  }

  /** For what would act on the root itself, which is one on the host only for us. */
  #inside(name: string): Buffer {
    assert(!/^\/+$/.test(name), 'the root stays where it is');
    return this.#path(name);
  }

  #handle(handle: number): number {
    return this.#handles.get(handle) ?? refuse(EBADF);
  }

  #isSpecial(name: string, follow: boolean): boolean {
    try {
      const stats = (follow ? fs.statSync : fs.lstatSync)(this.#path(name));
      return stats.isFIFO() || stats.isSocket() || stats.isBlockDevice() || stats.isCharacterDevice();
    } catch {
      return false; // whoever asked finds out why
    }
  }

  #openFile(name: string, flags: OpenFlags, mode: number): number {
    const exclusive = flags.create === true && flags.exclusive === true;
    const opens = !exclusive && flags.directory !== true; // those two refuse a special file themselves
    if (opens && this.#isSpecial(name, flags.noFollow !== true)) refuse(ENXIO);
    return host(() => fs.openSync(this.#path(name), openBits(flags) | O_NONBLOCK, mode));
  }

  #with<T>(file: FileReference, flags: OpenFlags, action: (fd: number) => T): T {
    if (typeof file === 'number') {
      const fd = this.#handle(file);
      return host(() => action(fd));
    }
    const fd = this.#openFile(file, flags, 0);
    try {
      return host(() => action(fd));
    } finally {
      fs.closeSync(fd);
    }
  }

  #call(...request: Parameters<HostCalls['call']>): Promise<unknown> {
    return this.#calls?.call(...request) ?? refuse(ENOSYS);
  }
}

const SLASH = Buffer.from('/');
const DOT = Buffer.from('.');
const startedSeconds = Date.now() / 1000;

function isHostNow(seconds: number): boolean {
  return seconds > startedSeconds - NOW_MARGIN_SECONDS && seconds < Date.now() / 1000 + NOW_MARGIN_SECONDS;
}

/** An error of node:fs as one that carries its number. */
function host<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno;
    if (error instanceof FsError || typeof errno !== 'number') throw error;
    throw new FsError(-errno, { cause: error });
  }
}

function openBits({ access, create, exclusive, truncate, append, noFollow, directory }: OpenFlags): number {
  let bits = access === 'read' ? O_RDONLY : access === 'write' ? O_WRONLY : O_RDWR;
  if (create) bits |= O_CREAT;
  if (exclusive) bits |= O_EXCL;
  if (truncate) bits |= O_TRUNC;
  if (append) bits |= O_APPEND;
  if (noFollow) bits |= O_NOFOLLOW;
  if (directory) bits |= O_DIRECTORY;
  return bits;
}

function secondsOf({ mtimeNs }: fs.BigIntStats): number {
  return Number(BigInt.asIntN(64, mtimeNs - (((mtimeNs % BILLION) + BILLION) % BILLION)) / BILLION);
}

const BILLION = 1_000_000_000n;

function statOf(stats: fs.BigIntStats): ModelStat {
  const kind = kindOf(stats);
  const { rdev } = stats;
  const isDevice = kind === 'char' || kind === 'block';
  const seconds = secondsOf(stats);
  return {
    kind,
    mode: Number(stats.mode & 0o7777n),
    links: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: kind === 'directory' ? 0 : Number(stats.size),
    device: {
      major: isDevice ? Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)) : 0,
      minor: isDevice ? Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)) : 0,
    },
    mtime: { seconds, nanoseconds: Number(stats.mtimeNs - BigInt(seconds) * BILLION) },
  };
}

function kindOf(stats: fs.BigIntStats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'char';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : 'socket';
}

function readLink(name: Buffer): string {
  return decodeName(fs.readlinkSync(name, { encoding: 'buffer' }));
}

function digestOf(name: Buffer): string {
  const hash = createHash('sha256');
  const fd = fs.openSync(name, O_RDONLY);
  try {
    const chunk = new Uint8Array(1 << 20);
    for (let count = 1; count > 0; ) {
      count = fs.readSync(fd, chunk);
      hash.update(chunk.subarray(0, count));
    }
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest('hex');
}

function sorted(names: string[]): string[] {
  return names.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
