// The vfs of one mounted filesystem: path walks, the inode cache and open files together. Everything here is a task or a
// plain function; promises and sync calls are made by whoever owns the scheduler.

import { EBADF, EFBIG, EINVAL, EISDIR, EMFILE, ENOTDIR, FsError } from '@f2fskit/errno';
import { PAGE_SIZE, ReadaheadState } from '@f2fskit/pagecache';
import { Lock, type Task } from '@f2fskit/task';
import { entryNameProblem } from './entry-name.ts';
import type { DirectoryEntry, Filesystem, Inode } from './inode.ts';
import { InodeCache } from './inode-cache.ts';
import { type PathLike, type Resolved, type WalkOptions, walkPath } from './path.ts';
import { TreeWalk, type TreeWalkOptions } from './tree-walk.ts';

/** As the usual soft limit of a process. */
export const OPEN_FILES_MAX = 1024;
/** As in a process, where three are taken: Node's streams take 0 for none. */
export const FIRST_DESCRIPTOR = 3;
/** How much `readFile` reads at a time: the largest cluster and a multiple of every folio order. */
const READ_CHUNK_BYTES = 1 << 20;
/** `readFile` refuses more than this, as Node does: a sparse file of terabytes costs an image nothing. */
export const READ_FILE_BYTES_MAX = 2 ** 31 - 1;

/** What `open` does with what it finds. */
export interface OpenFileOptions extends WalkOptions {
  /** Called with the inode before it gets a descriptor: throw what speaks against opening it. */
  check?: (inode: Inode) => void;
}

/** One open file: an inode and a position of its own. */
export class OpenFile {
  readonly inode: Inode;
  position = 0;
  /** What this reader is likely to want next. */
  readonly readahead = new ReadaheadState();
  /** Held while a read moves the position: tasks that read one file together get its bytes once, in order of asking. */
  readonly #positionLock = new Lock();

  constructor(inode: Inode) {
    this.inode = inode;
  }

  /** Reads at a place of its own, for what needs no wait: -1 when it needs one, or would throw. */
  peekReadAt(position: number, target: Uint8Array): number {
    const count = this.inode.peekRead(position, target);
    if (count > 0) this.readahead.advance(Math.ceil((position + count) / PAGE_SIZE));
    return count;
  }

  /** Reads at the position and moves it, for what needs no wait: -1 when it needs one, or would throw. */
  peekRead(target: Uint8Array): number {
    if (this.#positionLock.held) return -1;
    const count = this.peekReadAt(this.position, target);
    if (count > 0) this.position += count;
    return count;
  }

  /** Reads at the position and moves it; returns the bytes read, 0 at the end. */
  *read(target: Uint8Array): Task<number> {
    if (!this.#positionLock.tryLock()) yield* this.#positionLock.wait();
    try {
      const count = yield* this.inode.read(this.position, target, this.readahead);
      this.position += count;
      return count;
    } finally {
      this.#positionLock.unlock();
    }
  }
}

export class Vfs {
  readonly filesystem: Filesystem;
  readonly inodes: InodeCache;
  readonly #files: Array<OpenFile | undefined> = [];

  constructor(filesystem: Filesystem, inodesCachedMax?: number) {
    this.filesystem = filesystem;
    this.inodes = new InodeCache(filesystem, inodesCachedMax);
  }

  /** The inode a path leads to. Throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL (a NUL byte), or what reading met. */
  walk(path: PathLike, options?: WalkOptions): Task<Resolved> {
    return walkPath(this.filesystem, this.inodes, path, options);
  }

  /** A walk over everything below `start`; its events call the start `path`. */
  tree(start: Inode, path: Uint8Array, options?: TreeWalkOptions): TreeWalk {
    return new TreeWalk(this.inodes, start, path, options);
  }

  /** Opens for reading; the lowest free descriptor. Throws EMFILE and what `walk` throws. */
  *open(path: PathLike, { check, ...walk }: OpenFileOptions = {}): Task<number> {
    const { inode } = yield* this.walk(path, walk);
    check?.(inode);
    const free = this.#files.indexOf(undefined);
    const index = free >= 0 ? free : this.#files.length;
    if (index >= OPEN_FILES_MAX) throw new FsError(EMFILE);
    this.#files[index] = new OpenFile(inode);
    return index + FIRST_DESCRIPTOR;
  }

  /** The open file of a descriptor. Throws EBADF. */
  file(fd: number): OpenFile {
    const file = this.#files[fd - FIRST_DESCRIPTOR];
    if (file === undefined) throw new FsError(EBADF);
    return file;
  }

  /** Throws EBADF for a descriptor that is not open. */
  close(fd: number): void {
    this.file(fd);
    this.#files[fd - FIRST_DESCRIPTOR] = undefined;
  }

  /** Every entry of a directory. Throws ENOTDIR, and the first damage met: use `inode.list()` to list around damage. */
  *readDirectory(path: PathLike): Task<DirectoryEntry[]> {
    const { inode } = yield* this.walk(path);
    if (inode.kind !== 'directory') throw new FsError(ENOTDIR);
    const entries: DirectoryEntry[] = [];
    const reader = inode.list();
    for (let batch = yield* reader.next(); batch !== undefined; batch = yield* reader.next()) {
      if (batch.problems.length > 0) throw batch.problems[0]!;
      for (const entry of batch.entries) {
        const problem = entryNameProblem(inode.ino, entry);
        if (problem !== undefined) throw problem;
        entries.push(entry);
      }
    }
    return entries;
  }

  /**
   * A whole file. Throws EISDIR, EINVAL for what holds no data, EFBIG from 2 GiB on, and what reading met. Memory grows
   * with what was read, not with the size that the volume claims.
   */
  *readFile(path: PathLike): Task<Uint8Array> {
    const { inode } = yield* this.walk(path);
    if (inode.kind === 'directory') throw new FsError(EISDIR);
    if (inode.kind !== 'file') throw new FsError(EINVAL);
    const { size } = inode.attributes();
    if (size > READ_FILE_BYTES_MAX) throw new FsError(EFBIG, 'read it in parts');
    return yield* readToEnd(inode, 0);
  }
}

/**
 * A file from `start` to its end, whatever its size; `between` runs before each part of it. Memory grows with what was
 * read: the array for the whole is made once the first part has been.
 */
export function* readToEnd(
  inode: Inode,
  start: number,
  readahead = new ReadaheadState(),
  between?: () => Task<void>,
): Task<Uint8Array> {
  const size = Math.max(0, inode.attributes().size - start);
  let whole = new Uint8Array(Math.min(READ_CHUNK_BYTES, size));
  for (let at = 0; at < size; ) {
    if (between !== undefined) yield* between();
    const count = yield* inode.read(start + at, whole.subarray(at, at + READ_CHUNK_BYTES), readahead);
    if (count === 0) return whole.slice(0, at);
    at += count;
    if (at < whole.length || at === size) continue;
    const larger = new Uint8Array(size);
    larger.set(whole);
    whole = larger;
  }
  return whole;
}
