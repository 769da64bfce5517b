// The shapes of the surface: what node:fs has, written without Node's types, so that the same code compiles for a browser.
// `B` is the kind of byte array that the platform makes: Buffer in Node, Uint8Array elsewhere. A call that exists twice has
// one type: `R` maps what it returns, to itself for the sync form and to a promise for the other.

import type {
  AllocationMode,
  FileCompressionSettings,
  FileCompressionUsage,
  FileExtent,
  RangeSyncMode,
} from '@f2fskit/vfs';
import type { Dir } from './dir.ts';
import type { Dirent } from './dirent.ts';
import type { FileHandle } from './file-handle.ts';
import type { BigIntStats, Stats } from './stats.ts';
import type { BigIntStatsFs, StatsFs } from './stats-fs.ts';

/** What is read of a URL. */
export interface UrlLike {
  readonly href: string;
  readonly protocol: string;
  readonly hostname?: string;
  readonly pathname: string;
}

/** A path from the root of the volume: text, bytes for names that are not UTF-8, or a file URL. */
export type PathLike = string | Uint8Array | UrlLike;

/** What is read of an AbortSignal. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

export type BufferView = ArrayBufferView;

/** The encodings of Buffer. */
export type Encoding =
  | 'ascii'
  | 'utf8'
  | 'utf-8'
  | 'utf16le'
  | 'utf-16le'
  | 'ucs2'
  | 'ucs-2'
  | 'base64'
  | 'base64url'
  | 'latin1'
  | 'binary'
  | 'hex';

/** Text in this encoding; utf8 where none is named. */
export interface TextOptions {
  encoding?: Encoding | null | undefined;
}

/** Bytes instead of text. */
export interface BytesOptions {
  encoding: 'buffer';
}

export interface Abortable {
  /** Looked at between two reads: what has begun is finished first. */
  signal?: AbortSignalLike | undefined;
}

/** Seconds since 1970, as a number or as text, or a Date. */
export type TimeLike = string | number | Date;

export interface StatOptions {
  bigint?: boolean | undefined;
}

export interface StatSyncOptions extends StatOptions {
  /** `false`: undefined instead of ENOENT. */
  throwIfNoEntry?: boolean | undefined;
}

export interface ReaddirOptions {
  recursive?: boolean | undefined;
}

export interface OpendirOptions extends TextOptions {
  /** How many entries are read ahead. */
  bufferSize?: number | undefined;
  recursive?: boolean | undefined;
}

export interface ReadOptions {
  offset?: number | undefined;
  length?: number | undefined;
  /** Bytes from the start of the file; absent, null or -1: where the file's position is. */
  position?: number | bigint | null | undefined;
}

/** Which part of a buffer is written, and where. */
export interface WriteOptions {
  offset?: number | null | undefined;
  length?: number | null | undefined;
  /** Bytes from the start of the file; absent or null: where the file's position is. */
  position?: number | bigint | null | undefined;
}

export interface WriteFileOptions extends TextOptions, Abortable {
  /** Permissions of a file that is made, before the umask; default 0o666. */
  mode?: number | string | undefined;
  /** What the file is opened with; default `w`, of appendFile `a`. */
  flag?: string | number | undefined;
  /** Make it durable before the call returns. */
  flush?: boolean | undefined;
}

/** What writeFile of promises takes beyond text and bytes: parts that are written as they come. */
export type Parts = Iterable<string | BufferView> | AsyncIterable<string | BufferView>;

export interface MakeDirectoryOptions {
  /** Also what is absent above it; what is there is no error. */
  recursive?: boolean | undefined;
  /** Permissions, before the umask; default 0o777. */
  mode?: number | string | null | undefined;
}

export interface RmOptions {
  /** A directory with everything in it. */
  recursive?: boolean | undefined;
  /** What is absent is no error. */
  force?: boolean | undefined;
  maxRetries?: number | undefined;
  retryDelay?: number | undefined;
}

/** The flags of renameat2. */
export interface RenameOptions {
  /** EEXIST where the new name is taken. */
  noReplace?: boolean | undefined;
  /** Both names stay, and what they stand for changes places. */
  exchange?: boolean | undefined;
}

/** Whether something is copied, with everything below it. */
export type CopyFilter = (source: string, destination: string) => boolean | Promise<boolean>;

export interface CopyOptions {
  /** Copy what symlinks lead to. */
  dereference?: boolean | undefined;
  /** With `force: false`: what is there already is an error. */
  errorOnExist?: boolean | undefined;
  filter?: CopyFilter | undefined;
  /** Copy over what is there already; default true. */
  force?: boolean | undefined;
  /** Bits of COPYFILE_EXCL and its like. */
  mode?: number | undefined;
  preserveTimestamps?: boolean | undefined;
  recursive?: boolean | undefined;
  /** Leave relative symlinks as they are. */
  verbatimSymlinks?: boolean | undefined;
}

/** The sync form: its filter answers at once. */
export interface CopySyncOptions extends Omit<CopyOptions, 'filter'> {
  filter?: ((source: string, destination: string) => boolean) | undefined;
}

/** What `mknod` makes. */
export interface MknodOptions {
  kind: 'file' | 'char' | 'block' | 'fifo' | 'socket';
  /** Permissions, before the umask; default 0o666. */
  mode?: number | string | undefined;
  /** Of a device. */
  major?: number | undefined;
  minor?: number | undefined;
}

export interface FollowOptions {
  /** Whether a symlink at the end is followed; default true. */
  followSymlinks?: boolean;
}

export interface SetXattrOptions extends FollowOptions {
  /** `create`: EEXIST where it is there; `replace`: ENODATA where it is not. */
  mode?: 'set' | 'create' | 'replace';
}

export interface WriteStreamOptions extends Abortable {
  encoding?: Encoding | null | undefined;
  autoClose?: boolean | undefined;
  emitClose?: boolean | undefined;
  /** Where the first byte goes. */
  start?: number | undefined;
  highWaterMark?: number | undefined;
  /** Make the file durable before it is closed. */
  flush?: boolean | undefined;
}

export interface ReadStreamOptions extends Abortable {
  encoding?: Encoding | null | undefined;
  autoClose?: boolean | undefined;
  emitClose?: boolean | undefined;
  start?: number | undefined;
  /** The last byte, itself included. */
  end?: number | undefined;
  highWaterMark?: number | undefined;
}

export interface GlobOptions {
  /** Where relative patterns begin; default `/`. */
  cwd?: string | UrlLike | undefined;
  /** Patterns, or a function of a name: what they accept is left out, and so is everything below it. */
  exclude?: readonly string[] | ((name: string) => boolean) | undefined;
}

export interface GlobDirentOptions {
  cwd?: string | UrlLike | undefined;
  exclude?: readonly string[] | ((entry: Dirent) => boolean) | undefined;
  withFileTypes: true;
}

export interface FiemapOptions {
  /** First byte asked for; default 0. */
  start?: number | undefined;
  /** Bytes asked for; default to the end. */
  length?: number | undefined;
  /** At most so many extents; default 4096. Go on behind the last one unless its `last` is set. */
  extentsMax?: number | undefined;
}

/** What `R` does to a result: nothing, or a promise of it. */
type Form = 'sync' | 'promise';
type Result<R extends Form, T> = { sync: T; promise: Promise<T> }[R];

export interface ReadFileCall<R extends Form, B extends Uint8Array, From> {
  (
    file: From,
    options?: ({ encoding?: null | undefined; flag?: string | number | undefined } & Abortable) | null,
  ): Result<R, B>;
  (
    file: From,
    options: ({ encoding: Encoding; flag?: string | number | undefined } & Abortable) | Encoding,
  ): Result<R, string>;
  (
    file: From,
    options?: (TextOptions & { flag?: string | number | undefined } & Abortable) | Encoding | null,
  ): Result<R, string | B>;
}

export interface ReaddirCall<R extends Form, B extends Uint8Array> {
  (
    path: PathLike,
    options?: (TextOptions & ReaddirOptions & { withFileTypes?: false | undefined }) | Encoding | null,
  ): Result<R, string[]>;
  (
    path: PathLike,
    options: (BytesOptions & ReaddirOptions & { withFileTypes?: false | undefined }) | 'buffer',
  ): Result<R, B[]>;
  (
    path: PathLike,
    options?: (TextOptions & ReaddirOptions & { withFileTypes?: false | undefined }) | Encoding | null,
  ): Result<R, string[] | B[]>;
  (path: PathLike, options: TextOptions & ReaddirOptions & { withFileTypes: true }): Result<R, Dirent[]>;
  (path: PathLike, options: BytesOptions & ReaddirOptions & { withFileTypes: true }): Result<R, Array<Dirent<B>>>;
}

export interface ReadSyncCall {
  /** The bytes read; 0 at the end of the file. */
  (
    fd: number,
    buffer: BufferView,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): number;
  (fd: number, buffer: BufferView, options?: ReadOptions): number;
}

/** `readlink` and `realpath`. */
export interface PathCall<R extends Form, B extends Uint8Array> {
  (path: PathLike, options?: TextOptions | Encoding | null): Result<R, string>;
  (path: PathLike, options: BytesOptions | 'buffer'): Result<R, B>;
  (path: PathLike, options?: TextOptions | BytesOptions | string | null): Result<R, string | B>;
}

export interface StatCall<R extends Form, Of> {
  (of: Of, options?: StatOptions & { bigint?: false | undefined }): Result<R, Stats>;
  (of: Of, options: StatOptions & { bigint: true }): Result<R, BigIntStats>;
  (of: Of, options?: StatOptions): Result<R, Stats | BigIntStats>;
}

export interface StatSyncCall {
  (path: PathLike, options?: undefined): Stats;
  (
    path: PathLike,
    options?: StatSyncOptions & { bigint?: false | undefined; throwIfNoEntry: false },
  ): Stats | undefined;
  (path: PathLike, options: StatSyncOptions & { bigint: true; throwIfNoEntry: false }): BigIntStats | undefined;
  (path: PathLike, options?: StatSyncOptions & { bigint?: false | undefined }): Stats;
  (path: PathLike, options: StatSyncOptions & { bigint: true }): BigIntStats;
  (
    path: PathLike,
    options: StatSyncOptions & { bigint: boolean; throwIfNoEntry?: false | undefined },
  ): Stats | BigIntStats;
  (path: PathLike, options?: StatSyncOptions): Stats | BigIntStats | undefined;
}

export interface StatfsCall<R extends Form> {
  (path: PathLike, options?: StatOptions & { bigint?: false | undefined }): Result<R, StatsFs>;
  (path: PathLike, options: StatOptions & { bigint: true }): Result<R, BigIntStatsFs>;
  (path: PathLike, options?: StatOptions): Result<R, StatsFs | BigIntStatsFs>;
}

export interface MkdirCall<R extends Form> {
  /** The first directory that was made; undefined when all were there. */
  (path: PathLike, options: MakeDirectoryOptions & { recursive: true }): Result<R, string | undefined>;
  (
    path: PathLike,
    options?: (MakeDirectoryOptions & { recursive?: false | undefined }) | number | string | null,
  ): Result<R, void>;
  (path: PathLike, options?: MakeDirectoryOptions | number | string | null): Result<R, string | undefined>;
}

export interface WriteSyncCall {
  /** The bytes written; fewer than asked for when something failed behind them. */
  (
    fd: number,
    buffer: BufferView,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): number;
  (fd: number, text: string, position?: number | bigint | null, encoding?: Encoding | null): number;
  (fd: number, buffer: BufferView, options?: WriteOptions): number;
}

/** What changes names and files, by path. EROFS on a volume that is not opened for writing. */
export interface WriteCalls<R extends Form, B extends Uint8Array> {
  copyFile(src: PathLike, dest: PathLike, mode?: number): Result<R, void>;
  link(existingPath: PathLike, newPath: PathLike): Result<R, void>;
  mkdir: MkdirCall<R>;
  mkdtemp: PathCall<R, B>;
  rename(oldPath: PathLike, newPath: PathLike, options?: RenameOptions): Result<R, void>;
  rm(path: PathLike, options?: RmOptions): Result<R, void>;
  rmdir(path: PathLike): Result<R, void>;
  symlink(target: PathLike, path: PathLike, type?: string | null): Result<R, void>;
  truncate(path: PathLike, length?: number): Result<R, void>;
  unlink(path: PathLike): Result<R, void>;
  /** Beyond Node: a special file. */
  mknod(path: PathLike, options: MknodOptions): Result<R, void>;
}

/** What Linux has and node:fs has not, by path. */
export interface LinuxCalls<R extends Form, B extends Uint8Array> {
  /** The value of an extended attribute. ENODATA when there is none of that name. */
  getxattr(path: PathLike, name: string | Uint8Array, options?: FollowOptions): Result<R, B>;
  /** Text is taken as UTF-8. EOPNOTSUPP for a prefix that does not exist, ERANGE, E2BIG, ENOSPC. */
  setxattr(
    path: PathLike,
    name: string | Uint8Array,
    value: string | Uint8Array,
    options?: SetXattrOptions,
  ): Result<R, void>;
  /** ENODATA when there is none of that name. */
  removexattr(path: PathLike, name: string | Uint8Array, options?: FollowOptions): Result<R, void>;
  /** The names of the extended attributes, with their prefixes, in the order of storage. */
  listxattr(path: PathLike, options?: FollowOptions): Result<R, string[]>;
  /** The attributes of chattr(1): bits of `FileFlag` of `@f2fskit/vfs`. */
  getFlags(path: PathLike): Result<R, number>;
  /** Sets them; what cannot be set is passed over. */
  setFlags(path: PathLike, flags: number): Result<R, void>;
}

/** Compressed files, by path. EOPNOTSUPP where the filesystem has none, EISDIR, EINVAL for what holds no data. */
export interface CompressionCalls<R extends Form> {
  /** How a file is compressed. ENODATA for one that is not. */
  getCompression(path: PathLike): Result<R, FileCompressionSettings>;
  /** Chooses for a compressed file without contents. EINVAL for one that is not compressed, EFBIG for one with contents. */
  setCompression(path: PathLike, settings: Partial<FileCompressionSettings>): Result<R, void>;
  /** What a file takes, and what compression saves. */
  compressionUsage(path: PathLike): Result<R, FileCompressionUsage>;
  /** Gives saved blocks back to the volume; returns how many. The file cannot be written to then. EINVAL, EPERM. */
  releaseSavedBlocks(path: PathLike): Result<R, number>;
  /** Takes them again; returns how many. EINVAL where none were given back, ENOSPC with nothing changed. */
  reserveSavedBlocks(path: PathLike): Result<R, number>;
  /**
   * Compresses what a file holds; what settings leave out is as the file says itself, or as new files are. False where that
   * saves nothing. EINVAL, EPERM, EBUSY, ENOSPC with nothing changed.
   */
  compressFile(path: PathLike, settings?: Partial<FileCompressionSettings>): Result<R, boolean>;
  /** Makes it an ordinary file; false for one that is. */
  decompressFile(path: PathLike): Result<R, boolean>;
}

/** The same by descriptor. */
export interface LinuxFileCalls<R extends Form, From extends unknown[]> {
  /** The first byte of data at or after `position`. ENXIO where none follows. */
  seekData(...at: [...From, position: number]): Result<R, number>;
  /** The first byte of a hole at or after `position`; the end of the file is one. ENXIO at or behind the end. */
  seekHole(...at: [...From, position: number]): Result<R, number>;
  /**
   * fallocate(2): space for a range (`allocate`; `keepSize` leaves the size), a hole (`punch`), zeros (`zero`,
   * `zeroKeepSize`). EINVAL for an empty range, EOPNOTSUPP for a file that must stay as it is, ENOSPC.
   */
  fallocate(...at: [...From, position: number, length: number, mode?: AllocationMode]): Result<R, void>;
  /**
   * sync_file_range(2): begins to write what is dirty in a range to the device (`start`), waits for what is on its way (`wait`), or
   * does both (`write`, the default). `length` 0: up to the end. Nothing is durable by it: that is `fsync`.
   */
  syncRange(...at: [...From, position: number, length: number, mode?: RangeSyncMode]): Result<R, void>;
  /**
   * Begins an atomic write: what is written from now on is read by everybody at once, but a mount behind a power cut finds all
   * of it or nothing. EINVAL for what cannot be written so, EBUSY where another open file has begun one.
   */
  startAtomicWrite(...of: From): Result<R, void>;
  /** Ends it: all of it is durable. EINVAL where none has begun. */
  commitAtomicWrite(...of: From): Result<R, void>;
  /** Ends it, as closing the file does: nothing of it is seen any more. EINVAL where none has begun. */
  abortAtomicWrite(...of: From): Result<R, void>;
  /** The extents of the file, in its order. */
  fiemap(...of: [...From, options?: FiemapOptions]): Result<R, FileExtent[]>;
}

/** Changing attributes, by path. EROFS on a volume that is not opened for writing. */
export interface AttributeCalls<R extends Form> {
  chmod(path: PathLike, mode: number | string): Result<R, void>;
  chown(path: PathLike, uid: number, gid: number): Result<R, void>;
  lchown(path: PathLike, uid: number, gid: number): Result<R, void>;
  utimes(path: PathLike, atime: TimeLike, mtime: TimeLike): Result<R, void>;
  lutimes(path: PathLike, atime: TimeLike, mtime: TimeLike): Result<R, void>;
}

/** The shape of `node:fs/promises`. */
export interface FsPromises<B extends Uint8Array = Uint8Array, H extends FileHandle<B> = FileHandle<B>>
  extends LinuxCalls<'promise', B>,
    CompressionCalls<'promise'>,
    AttributeCalls<'promise'>,
    WriteCalls<'promise', B> {
  access(path: PathLike, mode?: number): Promise<void>;
  /** Behind what is there; a file that is absent is made. */
  appendFile(
    path: PathLike | { readonly fd: number },
    data: string | BufferView,
    options?: WriteFileOptions | Encoding | null,
  ): Promise<void>;
  cp(source: PathLike, destination: PathLike, options?: CopyOptions): Promise<void>;
  /** Makes a file, or writes over one. */
  writeFile(
    path: PathLike | { readonly fd: number },
    data: string | BufferView | Parts,
    options?: WriteFileOptions | Encoding | null,
  ): Promise<void>;
  glob(pattern: string | readonly string[], options: GlobDirentOptions): AsyncGenerator<Dirent, void, undefined>;
  glob(pattern: string | readonly string[], options?: GlobOptions): AsyncGenerator<string, void, undefined>;
  lstat: StatCall<'promise', PathLike>;
  open(path: PathLike, flags?: string | number, mode?: number | string | null): Promise<H>;
  opendir(path: PathLike, options?: OpendirOptions): Promise<Dir>;
  readdir: ReaddirCall<'promise', B>;
  readFile: ReadFileCall<'promise', B, PathLike | { readonly fd: number }>;
  readlink: PathCall<'promise', B>;
  realpath: PathCall<'promise', B>;
  stat: StatCall<'promise', PathLike>;
  statfs: StatfsCall<'promise'>;
}

/** The sync methods of `node:fs`. */
export interface FsSync<B extends Uint8Array = Uint8Array> {
  accessSync(path: PathLike, mode?: number): void;
  chmodSync: AttributeCalls<'sync'>['chmod'];
  chownSync: AttributeCalls<'sync'>['chown'];
  lchownSync: AttributeCalls<'sync'>['lchown'];
  utimesSync: AttributeCalls<'sync'>['utimes'];
  lutimesSync: AttributeCalls<'sync'>['lutimes'];
  fchmodSync(fd: number, mode: number | string): void;
  fchownSync(fd: number, uid: number, gid: number): void;
  futimesSync(fd: number, atime: TimeLike, mtime: TimeLike): void;
  closeSync(fd: number): void;
  /** Never throws. */
  existsSync(path: PathLike): boolean;
  fstatSync: StatCall<'sync', number>;
  globSync(pattern: string | readonly string[], options: GlobDirentOptions): Dirent[];
  globSync(pattern: string | readonly string[], options?: GlobOptions): string[];
  lstatSync: StatSyncCall;
  opendirSync(path: PathLike, options?: OpendirOptions): Dir;
  openSync(path: PathLike, flags?: string | number, mode?: number | string | null): number;
  readdirSync: ReaddirCall<'sync', B>;
  readSync: ReadSyncCall;
  readFileSync: ReadFileCall<'sync', B, PathLike | number>;
  readlinkSync: PathCall<'sync', B>;
  readvSync(fd: number, buffers: readonly BufferView[], position?: number | null): number;
  realpathSync: PathCall<'sync', B>;
  statSync: StatSyncCall;
  statfsSync: StatfsCall<'sync'>;
  getxattrSync: LinuxCalls<'sync', B>['getxattr'];
  listxattrSync: LinuxCalls<'sync', B>['listxattr'];
  getFlagsSync: LinuxCalls<'sync', B>['getFlags'];
  setxattrSync: LinuxCalls<'sync', B>['setxattr'];
  removexattrSync: LinuxCalls<'sync', B>['removexattr'];
  setFlagsSync: LinuxCalls<'sync', B>['setFlags'];
  getCompressionSync: CompressionCalls<'sync'>['getCompression'];
  setCompressionSync: CompressionCalls<'sync'>['setCompression'];
  compressionUsageSync: CompressionCalls<'sync'>['compressionUsage'];
  releaseSavedBlocksSync: CompressionCalls<'sync'>['releaseSavedBlocks'];
  reserveSavedBlocksSync: CompressionCalls<'sync'>['reserveSavedBlocks'];
  compressFileSync: CompressionCalls<'sync'>['compressFile'];
  decompressFileSync: CompressionCalls<'sync'>['decompressFile'];
  mknodSync: WriteCalls<'sync', B>['mknod'];
  appendFileSync(
    path: PathLike | number,
    data: string | BufferView,
    options?: WriteFileOptions | Encoding | null,
  ): void;
  copyFileSync: WriteCalls<'sync', B>['copyFile'];
  cpSync(source: PathLike, destination: PathLike, options?: CopySyncOptions): void;
  fdatasyncSync(fd: number): void;
  fsyncSync(fd: number): void;
  ftruncateSync(fd: number, length?: number): void;
  linkSync: WriteCalls<'sync', B>['link'];
  mkdirSync: MkdirCall<'sync'>;
  mkdtempSync: PathCall<'sync', B>;
  renameSync: WriteCalls<'sync', B>['rename'];
  rmSync: WriteCalls<'sync', B>['rm'];
  rmdirSync: WriteCalls<'sync', B>['rmdir'];
  symlinkSync: WriteCalls<'sync', B>['symlink'];
  truncateSync: WriteCalls<'sync', B>['truncate'];
  unlinkSync: WriteCalls<'sync', B>['unlink'];
  writeFileSync(path: PathLike | number, data: string | BufferView, options?: WriteFileOptions | Encoding | null): void;
  writeSync: WriteSyncCall;
  writevSync(fd: number, buffers: readonly BufferView[], position?: number | null): number;
  seekDataSync: LinuxFileCalls<'sync', [fd: number]>['seekData'];
  seekHoleSync: LinuxFileCalls<'sync', [fd: number]>['seekHole'];
  fallocateSync: LinuxFileCalls<'sync', [fd: number]>['fallocate'];
  syncRangeSync: LinuxFileCalls<'sync', [fd: number]>['syncRange'];
  startAtomicWriteSync: LinuxFileCalls<'sync', [fd: number]>['startAtomicWrite'];
  commitAtomicWriteSync: LinuxFileCalls<'sync', [fd: number]>['commitAtomicWrite'];
  abortAtomicWriteSync: LinuxFileCalls<'sync', [fd: number]>['abortAtomicWrite'];
  fiemapSync: LinuxFileCalls<'sync', [fd: number]>['fiemap'];
}
