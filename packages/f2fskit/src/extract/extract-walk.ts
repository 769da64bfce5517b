// What is to be extracted, in an order in which it can be made: a directory before what is in it, and once more when
// everything in it is done; the first name of a file before its other names.

import { ENOTDIR, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { bytesEqual, type Inode, type PathLike, type TreeWalk, utf8Decode, type Vfs } from '@f2fskit/vfs';

/** One step. Paths have no leading slash; the root is the empty path. */
export type ExtractStep =
  | { type: 'enter'; path: Uint8Array; inode: Inode }
  /** The contents of the directory are done: now its mode and its times hold. */
  | { type: 'leave'; path: Uint8Array; inode: Inode }
  | { type: 'entry'; path: Uint8Array; inode: Inode }
  | { type: 'unreadable'; path: Uint8Array; error: FsError };

const SLASH = 0x2f;
const EMPTY = new Uint8Array(0);

interface Entered {
  path: Uint8Array;
  inode: Inode;
}

export class ExtractWalk {
  readonly #vfs: Vfs;
  /** Paths that were asked for and are not done. */
  readonly #wanted: PathLike[];
  #tree: TreeWalk | undefined = undefined;
  /** Directories that are open, the deepest last. */
  readonly #entered: Entered[] = [];
  /** Steps that are decided and were not returned, the next one first. */
  readonly #steps: ExtractStep[] = [];

  /** `paths` on the volume; the whole volume without any. */
  constructor(vfs: Vfs, paths: readonly PathLike[] = []) {
    this.#vfs = vfs;
    this.#wanted = paths.length === 0 ? ['/'] : [...paths];
  }

  /** The next step, `undefined` at the end. Throws for a path that was asked for and does not exist. */
  *next(): Task<ExtractStep | undefined> {
    for (;;) {
      const decided = this.#steps.shift();
      if (decided !== undefined) return decided;
      if (this.#tree === undefined) {
        if (this.#wanted.length === 0) {
          this.#leaveTo(EMPTY, true);
          return this.#steps.shift();
        }
        yield* this.#start(this.#wanted.shift()!);
        continue;
      }
      const event = yield* this.#tree.next();
      if (event === undefined) {
        this.#tree = undefined;
        continue;
      }
      const path = withoutSlash(event.path);
      if (event.type !== 'entry') {
        this.#steps.push({ type: 'unreadable', path, error: event.error });
        continue;
      }
      this.#leaveTo(path, false);
      if (event.inode.kind !== 'directory') this.#steps.push({ type: 'entry', path, inode: event.inode });
      else this.#enter({ path, inode: event.inode });
    }
  }

  /** Begins with one path: enters the directories that lead to it. */
  *#start(wanted: PathLike): Task<void> {
    const { path, inode } = yield* this.#vfs.walk(wanted, { followLast: false });
    for (let at = path.indexOf(SLASH, 1); at >= 0; at = path.indexOf(SLASH, at + 1)) {
      const parent = path.slice(0, at);
      const resolved = yield* this.#vfs.walk(parent);
      if (resolved.inode.kind !== 'directory') throw new FsError(ENOTDIR, { path: utf8Decode(parent) });
      this.#leaveTo(withoutSlash(parent), false);
      this.#enter({ path: withoutSlash(parent), inode: resolved.inode });
    }
    this.#tree = this.#vfs.tree(inode, path.length === 1 ? EMPTY : path, { order: 'names' });
  }

  /** Enters a directory, unless it is open already. */
  #enter(directory: Entered): void {
    const last = this.#entered.at(-1);
    if (last !== undefined && bytesEqual(last.path, directory.path)) return;
    this.#entered.push(directory);
    this.#steps.push({ type: 'enter', ...directory });
  }

  /** Leaves the directories in which `path` does not lie. */
  #leaveTo(path: Uint8Array, all: boolean): void {
    for (let last = this.#entered.at(-1); last !== undefined; last = this.#entered.at(-1)) {
      if (!all && (liesIn(path, last.path) || bytesEqual(path, last.path))) return;
      this.#entered.pop();
      this.#steps.push({ type: 'leave', ...last });
    }
  }
}

function liesIn(path: Uint8Array, directory: Uint8Array): boolean {
  if (directory.length === 0) return true;
  if (path.length <= directory.length || path[directory.length] !== SLASH) return false;
  return bytesEqual(path.subarray(0, directory.length), directory);
}

function withoutSlash(path: Uint8Array): Uint8Array {
  return path[0] === SLASH ? path.subarray(1) : path;
}
