// The path walk. A path is bytes between slashes; the walk keeps the chain of directories it came through, so `..` goes
// back that chain and never trusts the `..` entry of a directory, which a broken volume may point anywhere.
//
//   1. take the next component: empty and `.` change nothing, `..` pops the chain (the root is its own parent)
//   2. look the name up in the directory at the end of the chain
//   3. a symlink that is followed: its target's components go before the rest; an absolute one empties the chain first
//   4. 40 symlinks in one walk are ELOOP, a symlink at the end is followed only when asked
//
// Who makes or removes a name stops before the last component: what it says is looked at there, as Linux does.

import { EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Filesystem, Inode } from './inode.ts';
import type { InodeCache } from './inode-cache.ts';
import { utf8Decode, utf8Encode } from './utf8.ts';

/** As Linux: more in one walk are ELOOP. */
export const SYMLINKS_MAX = 40;
/** As Linux's PATH_MAX without the terminator. */
export const PATH_BYTES_MAX = 4095;

const SLASH = 0x2f;
const DOT = 0x2e;

/** Where a walk ended. */
export interface Resolved {
  inode: Inode;
  /** The absolute path without `.`, `..` and followed symlinks: `/` or `/a/b`. */
  path: Uint8Array;
}

export interface WalkOptions {
  /** Follow a symlink that is the last component. Default true. */
  followLast?: boolean;
}

/** A path as callers give it: text, or bytes for names that are not UTF-8. */
export type PathLike = string | Uint8Array;

export function pathBytes(path: PathLike): Uint8Array {
  return typeof path === 'string' ? utf8Encode(path) : path;
}

interface Step {
  name: Uint8Array;
  inode: Inode;
}

/** Walks `path` from the root. Throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL (a NUL byte), or what reading met. */
export function* walkPath(
  filesystem: Filesystem,
  inodes: InodeCache,
  path: PathLike,
  { followLast = true }: WalkOptions = {},
): Task<Resolved> {
  const walk = new PathWalk(filesystem, inodes, path);
  yield* walk.toEnd(followLast);
  return { inode: walk.inode, path: walk.path };
}

/** The kind of a path's last component: a name, or one that names nothing new. */
export type LastKind = 'name' | 'dot' | 'dotDot' | 'root';

/** A walk that may stop before the last component: for who makes, removes or replaces the name. */
export class PathWalk {
  readonly #filesystem: Filesystem;
  readonly #inodes: InodeCache;
  readonly #given: PathLike;
  readonly #chain: Step[] = [];
  /** Still to do, the next one last. */
  readonly #rest: Uint8Array[] = [];
  #root: Inode | undefined = undefined;
  #symlinks = 0;
  /** A slash stands behind the last component. */
  endsInSlash: boolean;

  /** Throws ENOENT for an empty path, ENAMETOOLONG, EINVAL (a NUL byte). */
  constructor(filesystem: Filesystem, inodes: InodeCache, path: PathLike) {
    // A copy: while the walk waits the caller may use its bytes again.
    const bytes = new Uint8Array(pathBytes(path));
    this.#filesystem = filesystem;
    this.#inodes = inodes;
    this.#given = typeof path === 'string' ? path : bytes;
    if (bytes.length === 0) throw this.fail(ENOENT);
    if (bytes.length > PATH_BYTES_MAX) throw this.fail(ENAMETOOLONG);
    if (bytes.includes(0)) throw this.fail(EINVAL);
    this.endsInSlash = bytes[bytes.length - 1] === SLASH;
    this.#push(bytes);
  }

  /** An error with the path as it was given. */
  fail(errno: number): FsError {
    return new FsError(errno, { path: typeof this.#given === 'string' ? this.#given : utf8Decode(this.#given) });
  }

  /** Where the walk is. */
  get inode(): Inode {
    return this.#chain[this.#chain.length - 1]?.inode ?? this.#root!;
  }

  /** The path to where the walk is. */
  get path(): Uint8Array {
    return chainPath(this.#chain);
  }

  /** The last component, once {@link toParent} has come to it. */
  get last(): { kind: LastKind; name: Uint8Array } {
    const name = this.#rest[0];
    if (name === undefined) return { kind: 'root', name: new Uint8Array(0) };
    return { kind: isDot(name) ? 'dot' : isDotDot(name) ? 'dotDot' : 'name', name };
  }

  /** Walks everything; a symlink at the end only when asked, or when a slash stands behind it. */
  *toEnd(followLast = true): Task<void> {
    yield* this.#start();
    while (this.#rest.length > 0) yield* this.#step(followLast);
    if (this.endsInSlash && this.inode.kind !== 'directory') throw this.fail(ENOTDIR);
  }

  /** Walks everything but the last component: `inode` is then the directory that it is looked up in. */
  *toParent(): Task<void> {
    yield* this.#start();
    while (this.#rest.length > 1) yield* this.#step(true);
    if (this.inode.kind !== 'directory') throw this.fail(ENOTDIR);
  }

  /** Behind {@link toParent}: what the last component, a name, stands for; `undefined` where it is absent. */
  *lookupLast(): Task<Inode | undefined> {
    return yield* this.#lookup(this.inode, this.#rest[0]!);
  }

  /** Behind {@link toParent}: puts the target of `symlink`, the last component, in its place, and walks to its parent. */
  *followLast(symlink: Inode): Task<void> {
    this.#rest.pop();
    yield* this.#follow(symlink);
    yield* this.toParent();
  }

  *#start(): Task<void> {
    const { rootIno } = this.#filesystem;
    this.#root ??= this.#inodes.peek(rootIno) ?? (yield* this.#inodes.get(rootIno));
  }

  *#step(followLast: boolean): Task<void> {
    const name = this.#rest.pop()!;
    const directory = this.inode;
    if (directory.kind !== 'directory') throw this.fail(ENOTDIR);
    if (isDot(name)) return;
    if (isDotDot(name)) {
      this.#chain.pop();
      return;
    }
    const inode = yield* this.#lookup(directory, name);
    if (inode === undefined) throw this.fail(ENOENT);
    if (inode.kind === 'symlink' && (this.#rest.length > 0 || followLast || this.endsInSlash)) {
      yield* this.#follow(inode);
    } else this.#chain.push({ name, inode });
  }

  *#lookup(directory: Inode, name: Uint8Array): Task<Inode | undefined> {
    if (name.length > this.#filesystem.nameBytesMax) throw this.fail(ENAMETOOLONG);
    return yield* lookupInode(this.#inodes, directory, name);
  }

  *#follow(symlink: Inode): Task<void> {
    if (++this.#symlinks > SYMLINKS_MAX) throw this.fail(ELOOP);
    let target: Uint8Array;
    try {
      target = yield* symlink.readLink();
    } catch (error) {
      throw symlink.gone === true ? this.fail(ENOENT) : error;
    }
    if (target.length === 0) throw this.fail(ENOENT);
    if (target.length > PATH_BYTES_MAX) throw this.fail(ENAMETOOLONG);
    if (target[0] === SLASH) this.#chain.length = 0;
    if (this.#rest.length === 0 && target[target.length - 1] === SLASH) this.endsInSlash = true;
    this.#push(target);
  }

  #push(path: Uint8Array): void {
    this.#rest.push(...components(path).reverse());
  }
}

/**
 * The inode of a name in a directory; `undefined` where it is absent, or the directory goes meanwhile. Throws what reading
 * met.
 */
export function* lookupInode(inodes: InodeCache, directory: Inode, name: Uint8Array): Task<Inode | undefined> {
  for (;;) {
    const { freed } = inodes;
    try {
      const ino = yield* directory.lookup(name);
      if (ino === 0) return undefined;
      const inode = inodes.peek(ino) ?? (yield* inodes.get(ino));
      // Freed while it was waited for: its number may be another file's by now, so the name is asked again.
      if (inode.gone !== true && inodes.freed === freed) return inode;
    } catch (error) {
      if (directory.gone === true) return undefined;
      if (inodes.freed === freed) throw error;
    }
  }
}

function isDot(name: Uint8Array): boolean {
  return name.length === 1 && name[0] === DOT;
}

function isDotDot(name: Uint8Array): boolean {
  return name.length === 2 && name[0] === DOT && name[1] === DOT;
}

/** The parts between slashes, empty ones left out. */
function components(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < path.length; ) {
    let end = path.indexOf(SLASH, start);
    if (end < 0) end = path.length;
    if (end > start) parts.push(path.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

/** A loop, not one call over all names: in a directory that contains itself, 40 symlinks make a chain of 80,000 steps. */
function chainPath(chain: Step[]): Uint8Array {
  if (chain.length === 0) return Uint8Array.of(SLASH);
  const path = new Uint8Array(chain.reduce((sum, { name }) => sum + 1 + name.length, 0));
  let at = 0;
  for (const { name } of chain) {
    path[at] = SLASH;
    path.set(name, at + 1);
    at += 1 + name.length;
  }
  return path;
}
