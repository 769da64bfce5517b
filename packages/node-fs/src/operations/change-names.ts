// mkdir, mkdtemp, rmdir, unlink, rename, link, symlink; and mknod, which Node has not.

import { EEXIST, EINVAL, ENOTDIR, FsError } from '@f2fskit/errno';
import { type RandomSource, seededRandom, type Task } from '@f2fskit/task';
import { joinBytes, utf8Decode, utf8Encode, type Vfs } from '@f2fskit/vfs';
import type {
  BytesOptions,
  Encoding,
  MakeDirectoryOptions,
  MknodOptions,
  PathLike,
  RenameOptions,
  TextOptions,
} from '../api.ts';
import { invalidSymlinkType, invalidValue } from '../argument-error.ts';
import { checkInteger, toBoolean, toMode, toPath } from '../arguments.ts';
import { bytesOrText, type FsContext } from '../context.ts';
import { withPath, withPaths } from '../edge.ts';
import { nameEncoding } from './links.ts';
import { FILE_MODE } from './open.ts';

const SLASH = 0x2f;
const DIRECTORY_MODE = 0o777;
const UINT32_MAX = 2 ** 32 - 1;

/** With `recursive` the first directory that was made; nothing when all were there. */
export function* mkdir(
  { vfs }: FsContext,
  path: PathLike,
  options?: MakeDirectoryOptions | number | string | null,
): Task<string | undefined> {
  const where = toPath(path);
  const given = typeof options === 'object' ? (options ?? {}) : { mode: options };
  const recursive = given.recursive === undefined ? false : toBoolean(given.recursive, 'options.recursive');
  const permissions = given.mode === undefined || given.mode === null ? DIRECTORY_MODE : toMode(given.mode);
  if (recursive) return yield* withPath('mkdir', where, makeAll(vfs, where, permissions));
  yield* withPath('mkdir', where, vfs.mkdir(where, permissions));
  return undefined;
}

/**
 * Makes a directory, and before it those above it that are absent. What is there already is a step done, if it is a
 * directory.
 */
function* makeAll(vfs: Vfs, path: string | Uint8Array, mode: number): Task<string | undefined> {
  const pending = [typeof path === 'string' ? utf8Encode(path) : path];
  let first: string | undefined;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    try {
      yield* vfs.mkdir(next, mode);
      first ??= utf8Decode(next);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      const parent = parentOf(next);
      if (error.code === 'ENOENT' && parent.length > 0) pending.push(next, parent);
      else if (error.code !== 'EEXIST') throw error;
      else if ((yield* vfs.walk(next)).inode.kind !== 'directory')
        throw new FsError(pending.length > 0 ? ENOTDIR : EEXIST);
    }
  }
  return first;
}

/** Without the last component and the slashes before it; of `a/` it is `a`. Empty where nothing is above. */
function parentOf(path: Uint8Array): Uint8Array {
  let end = path.lastIndexOf(SLASH);
  while (end > 0 && path[end - 1] === SLASH) end--;
  return path.subarray(0, Math.max(0, end));
}

/** Names that mkdtemp tries before it gives up. */
const TRIES = 10_000;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** Seeded by the clock of the volume: with a fixed clock the names are the same each time. */
const randoms = new WeakMap<Vfs, RandomSource>();

/** A new directory with permissions 0700, whose name is the prefix and six letters. */
export function* mkdtemp<B extends Uint8Array>(
  context: FsContext<B>,
  prefix: PathLike,
  options?: TextOptions | BytesOptions | Encoding | 'buffer' | null,
): Task<B | string> {
  const encoding = nameEncoding(options);
  const given = toPath(prefix, 'prefix');
  const bytes = typeof given === 'string' ? utf8Encode(given) : given;
  const made = yield* withPath('mkdtemp', joinBytes(bytes, utf8Encode('XXXXXX')), makeTemporary(context.vfs, bytes));
  return bytesOrText(context, made, encoding);
}

function* makeTemporary(vfs: Vfs, prefix: Uint8Array): Task<Uint8Array> {
  let random = randoms.get(vfs);
  if (random === undefined) {
    const { seconds, nanoseconds } = vfs.filesystem.now?.() ?? { seconds: 0, nanoseconds: 0 };
    random = seededRandom(seconds ^ nanoseconds);
    randoms.set(vfs, random);
  }
  for (let tries = 1; ; tries++) {
    const letters = Array.from({ length: 6 }, () => LETTERS.charCodeAt(random.below(LETTERS.length)));
    const path = joinBytes(prefix, Uint8Array.from(letters));
    try {
      yield* vfs.mkdir(path, 0o700);
      return path;
    } catch (error) {
      if (!(error instanceof FsError) || error.code !== 'EEXIST' || tries === TRIES) throw error;
    }
  }
}

/** An empty directory. Node's `recursive`, which it has given up, is not there: `rm` has it. */
export function* rmdir({ vfs }: FsContext, path: PathLike): Task<void> {
  const where = toPath(path);
  yield* withPath('rmdir', where, vfs.rmdir(where));
}

export function* unlink({ vfs }: FsContext, path: PathLike): Task<void> {
  const where = toPath(path);
  yield* withPath('unlink', where, vfs.unlink(where));
}

/** The options are those of renameat2, which Node has not. */
export function* rename(
  { vfs }: FsContext,
  oldPath: PathLike,
  newPath: PathLike,
  options: RenameOptions = {},
): Task<void> {
  const from = toPath(oldPath, 'oldPath');
  const to = toPath(newPath, 'newPath');
  const { noReplace = false, exchange = false } = options;
  if (noReplace && exchange) throw invalidValue('options', options, 'cannot have both noReplace and exchange');
  const mode = noReplace ? 'noReplace' : exchange ? 'exchange' : 'plain';
  yield* withPaths('rename', from, to, vfs.rename(from, to, mode));
}

/** Does not follow a symlink: it gets another name itself. */
export function* link({ vfs }: FsContext, existingPath: PathLike, newPath: PathLike): Task<void> {
  const from = toPath(existingPath, 'existingPath');
  const to = toPath(newPath, 'newPath');
  yield* withPaths('link', from, to, vfs.link(from, to));
}

/** `type` is Windows' and means nothing here; one that does not exist is refused all the same. */
export function* symlink({ vfs }: FsContext, target: PathLike, path: PathLike, type?: string | null): Task<void> {
  if (type !== undefined && type !== null && !['dir', 'file', 'junction'].includes(type))
    throw invalidSymlinkType(type);
  const to = toPath(target, 'target');
  const where = toPath(path);
  yield* withPaths('symlink', to, where, vfs.symlink(to, where));
}

/** A special file. */
export function* mknod({ vfs }: FsContext, path: PathLike, options: MknodOptions): Task<void> {
  const where = toPath(path);
  const { kind, mode = FILE_MODE, major = 0, minor = 0 } = options;
  if (!['file', 'char', 'block', 'fifo', 'socket'].includes(kind)) throw invalidValue('options.kind', kind);
  const permissions = toMode(mode);
  checkInteger(major, 'options.major', 0, UINT32_MAX);
  checkInteger(minor, 'options.minor', 0, UINT32_MAX);
  // As Linux: numbers that a device cannot have. Source: include/linux/kdev_t.h.
  if (major > 0xfff || minor > 0xfffff) throw new FsError(EINVAL, { syscall: 'mknod' });
  yield* withPath('mknod', where, vfs.mknod(where, { kind, mode: permissions, major, minor }));
}
