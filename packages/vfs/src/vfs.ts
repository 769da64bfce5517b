// The vfs of one mounted filesystem: path walks, the inode cache and open files together. Everything here is a task or a
// plain function; promises and sync calls are made by whoever owns the scheduler.

import { EBADF, EFBIG, EINVAL, EISDIR, EMFILE, ENOTDIR, FsError } from '@f2fskit/errno';
import { ReadaheadState } from '@f2fskit/pagecache';
import { Lock, type Task } from '@f2fskit/task';
import { entryNameProblem } from './entry-name.ts';
import type { DirectoryEntry, Filesystem, Inode } from './inode.ts';
import { InodeCache } from './inode-cache.ts';
import { type PathLike, type Resolved, type WalkOptions, walkPath } from './path.ts';
import { TreeWalk, type TreeWalkOptions } from './tree-walk.ts';

/** As the usual soft limit of a process. */
export const OPEN_FILES_MAX = 1024;
/** How much `readFile` reads at a time: the largest cluster and a multiple of every folio order. */
const READ_CHUNK_BYTES = 1 << 20;
/** `readFile` refuses more than this, as Node does: a sparse file of terabytes costs an image nothing. */
export const READ_FILE_BYTES_MAX = 2 ** 31 - 1;

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
  *open(path: PathLike): Task<number> {
    const { inode } = yield* this.walk(path);
    const free = this.#files.indexOf(undefined);
    const fd = free >= 0 ? free : this.#files.length;
    if (fd >= OPEN_FILES_MAX) throw new FsError(EMFILE);
    this.#files[fd] = new OpenFile(inode);
    return fd;
  }

  /** The open file of a descriptor. Throws EBADF. */
  file(fd: number): OpenFile {
    const file = this.#files[fd];
    if (file === undefined) throw new FsError(EBADF);
    return file;
  }

  /** Throws EBADF for a descriptor that is not open. */
  close(fd: number): void {
    this.file(fd);
    this.#files[fd] = undefined;
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
    if (size <= READ_CHUNK_BYTES) {
      const whole = new Uint8Array(size);
      const count = yield* inode.read(0, whole);
      return whole.subarray(0, count);
    }
    const readahead = new ReadaheadState();
    const chunks: Uint8Array[] = [];
    let position = 0;
    while (position < size) {
      const chunk = new Uint8Array(Math.min(READ_CHUNK_BYTES, size - position));
      const count = yield* inode.read(position, chunk, readahead);
      if (count === 0) break;
      chunks.push(count === chunk.length ? chunk : chunk.subarray(0, count));
      position += count;
    }
    const whole = new Uint8Array(position);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}
