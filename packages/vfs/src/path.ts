// The path walk. A path is bytes between slashes; the walk keeps the chain of directories it came through, so `..` goes
// back that chain and never trusts the `..` entry of a directory, which a broken volume may point anywhere.
//
//   1. take the next component: empty and `.` change nothing, `..` pops the chain (the root is its own parent)
//   2. look the name up in the directory at the end of the chain
//   3. a symlink that is followed: its target's components go before the rest; an absolute one empties the chain first
//   4. 40 symlinks in one walk are ELOOP, a symlink at the end is followed only when asked

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
  const given = new Uint8Array(pathBytes(path)); // a copy: while the walk waits the caller may use its bytes again
  const fail = (errno: number): FsError =>
    new FsError(errno, { path: typeof path === 'string' ? path : utf8Decode(given) });
  if (given.length === 0) throw fail(ENOENT);
  if (given.length > PATH_BYTES_MAX) throw fail(ENAMETOOLONG);
  if (given.includes(0)) throw fail(EINVAL);

  const root = inodes.peek(filesystem.rootIno) ?? (yield* inodes.get(filesystem.rootIno));
  const chain: Step[] = [];
  /** Still to do, the next one last. */
  const rest = components(given).reverse();
  let mustBeDirectory = given[given.length - 1] === SLASH;
  let symlinks = 0;

  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    const directory = chain[chain.length - 1]?.inode ?? root;
    if (directory.kind !== 'directory') throw fail(ENOTDIR);
    if (name.length === 1 && name[0] === DOT) continue;
    if (name.length === 2 && name[0] === DOT && name[1] === DOT) {
      chain.pop();
      continue;
    }
    if (name.length > filesystem.nameBytesMax) throw fail(ENAMETOOLONG);
    const ino = yield* directory.lookup(name);
    if (ino === 0) throw fail(ENOENT);
    const inode = inodes.peek(ino) ?? (yield* inodes.get(ino));
    if (inode.kind === 'symlink' && (rest.length > 0 || followLast || mustBeDirectory)) {
      if (++symlinks > SYMLINKS_MAX) throw fail(ELOOP);
      const target = yield* inode.readLink();
      if (target.length === 0) throw fail(ENOENT);
      if (target.length > PATH_BYTES_MAX) throw fail(ENAMETOOLONG);
      if (target[0] === SLASH) chain.length = 0;
      if (rest.length === 0 && target[target.length - 1] === SLASH) mustBeDirectory = true;
      rest.push(...components(target).reverse());
      continue;
    }
    chain.push({ name, inode });
  }
  const inode = chain[chain.length - 1]?.inode ?? root;
  if (mustBeDirectory && inode.kind !== 'directory') throw fail(ENOTDIR);
  return { inode, path: chainPath(chain) };
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
