// cp: files, and directories with everything in them, within one volume. Which errors there are, and what becomes of symlinks
// and of what is there already, is as in Node.
//
// Paths are handled as text with one character a byte: names need not be UTF-8.

import { FsError } from '@f2fskit/errno';
import { Completion, type Task } from '@f2fskit/task';
import { directoryEntries, holding, type Inode, utf8Decode, utf8Encode, type Vfs } from '@f2fskit/vfs';
import type { CopyFilter, CopyOptions, PathLike } from '../api.ts';
import {
  incompatibleOptions,
  invalidReturn,
  invalidType,
  SystemError,
  type SystemErrorInfo,
} from '../argument-error.ts';
import { checkInteger, toBoolean, toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath, withPaths } from '../edge.ts';
import { mkdir } from './change-names.ts';
import { copyFile } from './copy-file.ts';

/** A path with one character a byte. */
type BytePath = string;

/** What is said of a copy that is refused: the code of Node, and what it means. */
const REFUSALS = {
  ERR_FS_CP_DIR_TO_NON_DIR: ['Cannot overwrite non-directory with directory', 'EISDIR', 21],
  ERR_FS_CP_EEXIST: ['Target already exists', 'EEXIST', 17],
  ERR_FS_CP_EINVAL: ['Invalid src or dest', 'EINVAL', 22],
  ERR_FS_CP_FIFO_PIPE: ['Cannot copy a FIFO pipe', 'EINVAL', 22],
  ERR_FS_CP_NON_DIR_TO_DIR: ['Cannot overwrite directory with non-directory', 'ENOTDIR', 20],
  ERR_FS_CP_SOCKET: ['Cannot copy a socket file', 'EINVAL', 22],
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: ['Cannot overwrite symlink in subdirectory of self', 'EINVAL', 22],
  ERR_FS_EISDIR: ['Path is a directory', 'EISDIR', 22],
} as const;

export class Copy {
  readonly #context: FsContext;
  readonly #vfs: Vfs;
  readonly #filter: CopyFilter | undefined;
  readonly #mode: number;
  readonly #dereference: boolean;
  readonly #errorOnExist: boolean;
  readonly #force: boolean;
  readonly #preserveTimestamps: boolean;
  readonly #recursive: boolean;
  readonly #verbatimSymlinks: boolean;
  /** Whether the filter may return a promise. */
  readonly #mayWait: boolean;

  constructor(context: FsContext, options: CopyOptions = {}, mayWait = false) {
    if (typeof options !== 'object' || options === null) throw invalidType('options', 'of type object', options);
    this.#context = context;
    this.#vfs = context.vfs;
    this.#mayWait = mayWait;
    this.#dereference = toBoolean(options.dereference ?? false, 'options.dereference');
    this.#errorOnExist = toBoolean(options.errorOnExist ?? false, 'options.errorOnExist');
    this.#force = toBoolean(options.force ?? true, 'options.force');
    this.#preserveTimestamps = toBoolean(options.preserveTimestamps ?? false, 'options.preserveTimestamps');
    this.#recursive = toBoolean(options.recursive ?? false, 'options.recursive');
    this.#verbatimSymlinks = toBoolean(options.verbatimSymlinks ?? false, 'options.verbatimSymlinks');
    this.#mode = checkInteger(options.mode ?? 0, 'mode', 0, 7);
    if (this.#dereference && this.#verbatimSymlinks) throw incompatibleOptions('dereference', 'verbatimSymlinks');
    if (options.filter !== undefined && typeof options.filter !== 'function') {
      throw invalidType('options.filter', 'of type function', options.filter);
    }
    this.#filter = options.filter;
  }

  *run(from: PathLike, to: PathLike): Task<void> {
    const src = toBytePath(toPath(from, 'src'));
    const dest = toBytePath(toPath(to, 'dest'));
    if (!(yield* this.#accepts(src, dest))) return;
    const source = yield* this.#check(src, dest);
    yield* this.#checkParents(src, dest, source);
    const parent = dirname(dest);
    if ((yield* this.#find(parent, true)) === undefined) {
      yield* mkdir(this.#context, bytesOf(parent), { recursive: true });
    }
    yield* this.#copy(src, dest, source);
  }

  *#accepts(src: BytePath, dest: BytePath): Task<boolean> {
    if (this.#filter === undefined) return true;
    const answer = this.#filter(textOf(src), textOf(dest));
    if (!isPromise(answer)) return Boolean(answer);
    if (!this.#mayWait) throw invalidReturn('boolean', 'filter', answer);
    return Boolean(yield* settled(answer));
  }

  /** The source, if it may be copied to `dest`. */
  *#check(src: BytePath, dest: BytePath): Task<Inode> {
    const source = yield* this.#inode(src, this.#dereference);
    const target = yield* this.#find(dest, this.#dereference);
    if (target !== undefined) {
      if (target.ino === source.ino) throw refusal('ERR_FS_CP_EINVAL', dest, 'src and dest cannot be the same');
      const [one, other] = [source.kind === 'directory', target.kind === 'directory'];
      if (one && !other) {
        const message = `cannot overwrite non-directory ${textOf(dest)} with directory ${textOf(src)}`;
        throw refusal('ERR_FS_CP_DIR_TO_NON_DIR', dest, message);
      }
      if (other && !one) {
        const message = `cannot overwrite directory ${textOf(dest)} with non-directory ${textOf(src)}`;
        throw refusal('ERR_FS_CP_NON_DIR_TO_DIR', dest, message);
      }
    }
    if (source.kind === 'directory' && isBelow(resolve(dest), resolve(src))) throw intoItself(src, dest);
    return source;
  }

  /** A directory is not copied below itself, however the path to there is written. */
  *#checkParents(src: BytePath, dest: BytePath, source: Inode): Task<void> {
    const stop = resolve(dirname(src));
    for (let at = resolve(dirname(dest)); at !== stop && at !== '/'; at = dirname(at)) {
      const inode = yield* this.#find(at, true);
      if (inode === undefined) return;
      if (inode.ino === source.ino) throw intoItself(src, dest);
    }
  }

  *#copy(src: BytePath, dest: BytePath, source: Inode): Task<void> {
    switch (source.kind) {
      case 'directory':
        if (!this.#recursive) {
          throw refusal('ERR_FS_EISDIR', src, `${textOf(src)} is a directory (not copied)`);
        }
        return yield* this.#copyDirectory(src, dest, source);
      case 'symlink':
        return yield* this.#copyLink(src, dest);
      case 'socket':
        throw refusal('ERR_FS_CP_SOCKET', dest, `cannot copy a socket file: ${textOf(dest)}`);
      case 'fifo':
        throw refusal('ERR_FS_CP_FIFO_PIPE', dest, `cannot copy a FIFO pipe: ${textOf(dest)}`);
      default:
        return yield* this.#copyFile(src, dest);
    }
  }

  *#copyFile(src: BytePath, dest: BytePath): Task<void> {
    if ((yield* this.#find(dest, this.#dereference)) !== undefined) {
      if (!this.#force) {
        if (!this.#errorOnExist) return;
        throw refusal('ERR_FS_CP_EEXIST', dest, `${textOf(dest)} already exists`);
      }
      yield* this.#unlink(dest);
    }
    yield* copyFile(this.#context, bytesOf(src), bytesOf(dest), this.#mode);
    if (!this.#preserveTimestamps) return;
    const { atime, mtime } = (yield* this.#inode(src, true)).attributes();
    yield* withPath('utime', bytesOf(dest), this.#vfs.setAttributes(bytesOf(dest), { atime, mtime }));
  }

  *#copyDirectory(src: BytePath, dest: BytePath, source: Inode): Task<void> {
    const isNew = (yield* this.#find(dest, this.#dereference)) === undefined;
    if (isNew) yield* mkdir(this.#context, bytesOf(dest));
    for (const { name } of yield* withPath('opendir', bytesOf(src), directoryEntries(source))) {
      const item = join(src, toBytePath(name));
      const copy = join(dest, toBytePath(name));
      if (yield* this.#accepts(item, copy)) yield* this.#copy(item, copy, yield* this.#check(item, copy));
    }
    if (!isNew) return;
    const mode = source.attributes().mode & 0o7777;
    yield* withPath('chmod', bytesOf(dest), this.#vfs.setAttributes(bytesOf(dest), { mode }));
  }

  *#copyLink(src: BytePath, dest: BytePath): Task<void> {
    const target = yield* this.#readLink(src, !this.#verbatimSymlinks);
    const found = yield* this.#find(dest, false);
    if (found?.kind === 'symlink') {
      const old = yield* this.#readLink(dest, true);
      if (isBelow(resolve(old), resolve(target))) throw intoItself(target, old, dest);
      const leads = yield* this.#find(src, true);
      if (leads?.kind === 'directory' && isBelow(resolve(target), resolve(old))) {
        const message = `cannot overwrite ${textOf(old)} with ${textOf(target)}`;
        throw refusal('ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', dest, message);
      }
      yield* this.#unlink(dest);
    }
    const [to, where] = [bytesOf(target), bytesOf(dest)];
    yield* withPaths('symlink', to, where, this.#vfs.symlink(to, where));
  }

  /** The target of a symlink; with `absolute` as a path from the root. */
  *#readLink(path: BytePath, absolute: boolean): Task<BytePath> {
    const inode = yield* this.#inode(path, false);
    const target = toBytePath(
      yield* withPath(
        'readlink',
        bytesOf(path),
        holding(inode, () => inode.readLink()),
      ),
    );
    return absolute && !target.startsWith('/') ? resolve(join(dirname(path), target)) : target;
  }

  *#unlink(path: BytePath): Task<void> {
    yield* withPath('unlink', bytesOf(path), this.#vfs.unlink(bytesOf(path)));
  }

  *#inode(path: BytePath, followLast: boolean): Task<Inode> {
    const syscall = followLast ? 'stat' : 'lstat';
    return (yield* withPath(syscall, bytesOf(path), this.#vfs.walk(bytesOf(path), { followLast }))).inode;
  }

  /** `undefined` where nothing is. */
  *#find(path: BytePath, followLast: boolean): Task<Inode | undefined> {
    try {
      return yield* this.#inode(path, followLast);
    } catch (error) {
      if (error instanceof FsError && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function refusal(code: keyof typeof REFUSALS, path: BytePath, message: string): SystemError {
  const [what, name, errno] = REFUSALS[code];
  const info: SystemErrorInfo = { message, path: textOf(path), syscall: 'cp', errno, code: name };
  return new SystemError(code, what, info);
}

function intoItself(src: BytePath, dest: BytePath, where = dest): SystemError {
  return refusal('ERR_FS_CP_EINVAL', where, `cannot copy ${textOf(src)} to a subdirectory of self ${textOf(dest)}`);
}

function toBytePath(path: string | Uint8Array): BytePath {
  const bytes = typeof path === 'string' ? utf8Encode(path) : path;
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function bytesOf(path: BytePath): Uint8Array {
  return Uint8Array.from(path, (character) => character.charCodeAt(0));
}

function textOf(path: BytePath): string {
  return utf8Decode(bytesOf(path));
}

/** From the root, without `.`, `..` and double slashes. */
function resolve(path: BytePath): BytePath {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether a resolved path is `above` or lies below it. */
function isBelow(path: BytePath, above: BytePath): boolean {
  return above === '/' || path === above || path.startsWith(`${above}/`);
}

function dirname(path: BytePath): BytePath {
  const trimmed = path.replace(/\/+$/, '');
  const end = trimmed.lastIndexOf('/');
  if (end < 0) return trimmed === '' ? '/' : '.';
  return trimmed.slice(0, end).replace(/\/+$/, '') || '/';
}

function join(path: BytePath, name: BytePath): BytePath {
  return `${path.replace(/\/+$/, '')}/${name}`;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/** What a promise comes to. */
function* settled(promise: PromiseLike<unknown>): Task<unknown> {
  const done = new Completion();
  let value: unknown;
  let failure: { error: unknown } | undefined;
  promise.then(
    (result) => {
      value = result;
      done.complete();
    },
    (error: unknown) => {
      failure = { error };
      done.complete();
    },
  );
  yield done;
  if (failure !== undefined) throw failure.error;
  return value;
}
