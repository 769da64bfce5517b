// What Linux has and node:fs has not: extended attributes, the attributes of chattr(1), data and holes, extents, writing a range
// back, atomic writes.

import { ENODATA, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import {
  type AllocationMode,
  bytesEqual,
  type ExtendedAttribute,
  type FileExtent,
  type Inode,
  type OpenFile,
  type RangeSyncMode,
  type SeekTarget,
  utf8Decode,
  utf8Encode,
} from '@f2fskit/vfs';
import type { FiemapOptions, FollowOptions, PathLike, SetXattrOptions } from '../api.ts';
import { invalidType, invalidValue } from '../argument-error.ts';
import { checkInteger, toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath } from '../edge.ts';
import { openFile } from './read.ts';

/** What `fiemap` returns at most unless asked for more. */
const EXTENTS_MAX = 4096;

function attributesOf(
  { vfs }: FsContext,
  path: string | Uint8Array,
  options: FollowOptions | undefined,
): Task<ExtendedAttribute[]> {
  const followLast = options?.followSymlinks !== false;
  return vfs.use(path, { followLast }, (inode) => inode.extendedAttributes());
}

export function* getxattr<B extends Uint8Array>(
  context: FsContext<B>,
  path: PathLike,
  name: string | Uint8Array,
  options?: FollowOptions,
): Task<B> {
  const where = toPath(path);
  const bytes = textOrBytes('name', name);
  return context.platform.bytes(yield* withPath('getxattr', where, attributeValue(context, where, bytes, options)));
}

function* attributeValue(
  context: FsContext,
  path: string | Uint8Array,
  name: Uint8Array,
  options: FollowOptions | undefined,
): Task<Uint8Array> {
  const found = (yield* attributesOf(context, path, options)).find((attribute) => bytesEqual(attribute.name, name));
  if (found === undefined) throw new FsError(ENODATA);
  return found.value;
}

export function* listxattr(context: FsContext, path: PathLike, options?: FollowOptions): Task<string[]> {
  const where = toPath(path);
  const attributes = yield* withPath('listxattr', where, attributesOf(context, where, options));
  return attributes.map(({ name }) => utf8Decode(name));
}

export function* getFlags(context: FsContext, path: PathLike): Task<number> {
  const where = toPath(path);
  return (yield* withPath('ioctl', where, context.vfs.walk(where))).inode.flags();
}

/** `mode`: only where it is absent (create), only where it is there (replace). */
export function* setxattr(
  { vfs }: FsContext,
  path: PathLike,
  name: string | Uint8Array,
  value: string | Uint8Array,
  { followSymlinks = true, mode = 'set' }: SetXattrOptions = {},
): Task<void> {
  const where = toPath(path);
  const nameBytes = textOrBytes('name', name);
  const valueBytes = textOrBytes('value', value);
  if (!['set', 'create', 'replace'].includes(mode)) throw invalidValue('options.mode', mode);
  const set = vfs.setXattr(where, nameBytes, valueBytes, { followLast: followSymlinks, mode });
  yield* withPath('setxattr', where, set);
}

export function* removexattr(
  { vfs }: FsContext,
  path: PathLike,
  name: string | Uint8Array,
  options?: FollowOptions,
): Task<void> {
  const where = toPath(path);
  const nameBytes = textOrBytes('name', name);
  const followLast = options?.followSymlinks !== false;
  yield* withPath('removexattr', where, vfs.removeXattr(where, nameBytes, { followLast }));
}

/** What cannot be set is passed over, as chattr(1) does. */
export function* setFlags({ vfs }: FsContext, path: PathLike, flags: number): Task<void> {
  const where = toPath(path);
  checkInteger(flags, 'flags', 0, 2 ** 32 - 1);
  yield* withPath('ioctl', where, vfs.setFlags(where, flags));
}

function textOrBytes(name: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw invalidType(name, 'of type string or an instance of Uint8Array', value);
  return utf8Encode(value);
}

function seek(what: SeekTarget) {
  return function* (context: FsContext, fd: number, position: number): Task<number> {
    const { inode } = openFile(context, fd, 'lseek');
    checkInteger(position, 'position', 0);
    return yield* withPath('lseek', undefined, inode.seek(position, what));
  };
}

export const seekData = seek('data');
export const seekHole = seek('hole');

const ALLOCATION_MODES: readonly string[] = ['allocate', 'keepSize', 'punch', 'zero', 'zeroKeepSize'];

/** fallocate(2). */
export function* fallocate(
  context: FsContext,
  fd: number,
  position: number,
  length: number,
  mode: AllocationMode = 'allocate',
): Task<void> {
  const file = openFile(context, fd, 'fallocate');
  checkInteger(position, 'position', 0);
  checkInteger(length, 'length', 0);
  if (!ALLOCATION_MODES.includes(mode)) throw invalidValue('mode', mode);
  yield* withPath('fallocate', undefined, file.allocate(mode, position, length));
}

const RANGE_SYNC_MODES: readonly string[] = ['start', 'wait', 'write'];

/** sync_file_range(2). */
export function* syncRange(
  context: FsContext,
  fd: number,
  position: number,
  length: number,
  mode: RangeSyncMode = 'write',
): Task<void> {
  const file = openFile(context, fd, 'sync_file_range');
  checkInteger(position, 'position', 0);
  checkInteger(length, 'length', 0);
  if (!RANGE_SYNC_MODES.includes(mode)) throw invalidValue('mode', mode);
  yield* withPath('sync_file_range', undefined, file.syncRange(mode, position, length));
}

function atomicWrite(act: (file: OpenFile) => Task<void>) {
  return function* (context: FsContext, fd: number): Task<void> {
    yield* withPath('ioctl', undefined, act(openFile(context, fd, 'ioctl')));
  };
}

/** Linux has ioctls for these. */
export const startAtomicWrite = atomicWrite((file) => file.startAtomicWrite());
export const commitAtomicWrite = atomicWrite((file) => file.commitAtomicWrite());
export const abortAtomicWrite = atomicWrite((file) => file.abortAtomicWrite());

export function* fiemap(context: FsContext, fd: number, options: FiemapOptions = {}): Task<FileExtent[]> {
  const { inode } = openFile(context, fd, 'ioctl');
  const start = checkInteger(options.start ?? 0, 'options.start', 0);
  const length = checkInteger(options.length ?? Number.MAX_SAFE_INTEGER - start, 'options.length', 0);
  const extentsMax = checkInteger(options.extentsMax ?? EXTENTS_MAX, 'options.extentsMax', 1, 2 ** 31);
  const end = Math.min(start + length, Number.MAX_SAFE_INTEGER);
  return yield* withPath('ioctl', undefined, collect(inode, start, end, extentsMax));
}

function* collect(inode: Inode, start: number, end: number, extentsMax: number): Task<FileExtent[]> {
  const reader = inode.extents(start, end);
  const extents: FileExtent[] = [];
  while (extents.length < extentsMax) {
    const extent = yield* reader.next();
    if (extent === undefined) break;
    extents.push(extent);
  }
  return extents;
}
