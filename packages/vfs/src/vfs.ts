// The vfs of one mounted filesystem: path walks, the inode cache, open files, and changes by path. Everything here is a task or
// a plain function; promises and sync calls are made by whoever owns the scheduler.
//
// Whoever has the vfs is the superuser: permissions are kept and shown, and refuse nothing.

import { E2BIG, EBADF, EFBIG, EINVAL, EISDIR, EMFILE, EOPNOTSUPP, ERANGE, EROFS, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { NameChanges, type NodeRequest } from './change-names.ts';
import { directoryEntries } from './directory-entries.ts';
import type { FileCompression } from './file-compression.ts';
import { holding } from './hold.ts';
import type { AttributeChanges, DirectoryEntry, Filesystem, Inode, RenameMode, XattrMode } from './inode.ts';
import { INODES_CACHED_MAX, InodeCache } from './inode-cache.ts';
import type { Ownership } from './new-file.ts';
import { OpenFile } from './open-file.ts';
import { checkOpen, findToOpen, type OpenOptions } from './open-path.ts';
import { type PathLike, type Resolved, type WalkOptions, walkPath } from './path.ts';
import { READ_FILE_BYTES_MAX, readToEnd } from './read-to-end.ts';
import { TreeWalk, type TreeWalkOptions } from './tree-walk.ts';

/** As the usual soft limit of a process. */
export const OPEN_FILES_MAX = 1024;
/** As in a process, where three are taken: Node's streams take 0 for none. */
export const FIRST_DESCRIPTOR = 3;

/** As `XATTR_NAME_MAX` and `XATTR_SIZE_MAX`: what Linux looks at before it looks for the file. */
const XATTR_NAME_BYTES_MAX = 255;
const XATTR_VALUE_BYTES_MAX = 65536;

/** What `link` does with the file that gets another name. */
export interface LinkOptions {
  /** Follow a symlink that is the last component. Default false, as link(2). */
  followLast?: boolean;
}

export class Vfs implements Ownership {
  readonly filesystem: Filesystem;
  readonly inodes: InodeCache;
  /** Permission bits that new files do not get. */
  umask: number;
  /** Owner and group of new files. */
  uid: number;
  gid: number;
  readonly #names: NameChanges;
  /** Open files by descriptor; `opening` keeps the place of one that is being opened. */
  readonly #files: Array<OpenFile | 'opening' | undefined> = [];

  /** `ownership`: default the superuser, with the umask 0o022. */
  constructor(
    filesystem: Filesystem,
    inodesCachedMax: number = INODES_CACHED_MAX,
    { umask = 0o022, uid = 0, gid = 0 }: Partial<Ownership> = {},
  ) {
    this.filesystem = filesystem;
    this.inodes = new InodeCache(filesystem, inodesCachedMax);
    this.umask = umask;
    this.uid = uid;
    this.gid = gid;
    this.#names = new NameChanges(filesystem, this.inodes, this);
    const { onInodeFreed } = filesystem;
    filesystem.onInodeFreed = (ino) => {
      onInodeFreed?.(ino); // of another vfs over the same filesystem
      this.inodes.forget(ino);
    };
  }

  /** The inode a path leads to. Throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL (a NUL byte), or what reading met. */
  walk(path: PathLike, options?: WalkOptions): Task<Resolved> {
    return walkPath(this.filesystem, this.inodes, path, options);
  }

  /**
   * Runs `body` with the inode that a path leads to, which stays for that long. Throws what `walk` throws, and what `body`
   * does.
   */
  *use<T>(path: PathLike, options: WalkOptions | undefined, body: (inode: Inode) => Task<T>): Task<T> {
    const { inode } = yield* this.walk(path, options);
    return yield* holding(inode, body);
  }

  /** A walk over everything below `start`; its events call the start `path`. */
  tree(start: Inode, path: Uint8Array, options?: TreeWalkOptions): TreeWalk {
    return new TreeWalk(this.inodes, start, path, options);
  }

  /**
   * Opens, and makes where `create` asks for it: the lowest free descriptor. Throws what open(2) does; EMFILE before anything
   * is made, ENXIO for devices, fifos and sockets, which lead nowhere on a volume.
   */
  *open(path: PathLike, options: OpenOptions = {}): Task<number> {
    const free = this.#files.indexOf(undefined);
    const index = free >= 0 ? free : this.#files.length;
    if (index >= OPEN_FILES_MAX) throw new FsError(EMFILE);
    this.#files[index] = 'opening';
    let file: OpenFile | undefined;
    try {
      file = yield* this.#openFile(path, options);
    } finally {
      this.#files[index] = file;
    }
    return index + FIRST_DESCRIPTOR;
  }

  *#openFile(path: PathLike, options: OpenOptions): Task<OpenFile> {
    const found = yield* findToOpen(this.filesystem, this.inodes, this, path, options);
    checkOpen(this.filesystem, found, options);
    const { inode, created } = found;
    const file = new OpenFile(inode, options);
    if (options.truncate !== true || created || inode.kind !== 'file') return file;
    let failure: unknown;
    try {
      yield* inode.truncate!(0);
      return file;
    } catch (error) {
      failure = error;
    }
    yield* file.close();
    throw failure;
  }

  /** The open file of a descriptor. Throws EBADF. */
  file(fd: number): OpenFile {
    const file = this.#files[fd - FIRST_DESCRIPTOR];
    if (file === undefined || file === 'opening') throw new FsError(EBADF);
    return file;
  }

  /**
   * The descriptor is free at once; what has begun on the file is finished first. Frees a file without a name. Throws EBADF
   * for a descriptor that is not open, and what freeing met.
   */
  *close(fd: number): Task<void> {
    const file = this.file(fd);
    this.#files[fd - FIRST_DESCRIPTOR] = undefined;
    yield* file.close();
  }

  /** Every entry of a directory. Throws ENOTDIR, and the first damage met: use `inode.list()` to list around damage. */
  *readDirectory(path: PathLike): Task<DirectoryEntry[]> {
    return yield* this.use(path, undefined, directoryEntries);
  }

  /**
   * A whole file. Throws EISDIR, EINVAL for what holds no data, EFBIG from 2 GiB on, and what reading met. Memory grows
   * with what was read, not with the size that the volume claims.
   */
  *readFile(path: PathLike): Task<Uint8Array> {
    return yield* this.use(path, undefined, function* (inode) {
      if (inode.kind === 'directory') throw new FsError(EISDIR);
      if (inode.kind !== 'file') throw new FsError(EINVAL);
      const { size } = inode.attributes();
      if (size > READ_FILE_BYTES_MAX) throw new FsError(EFBIG, 'read it in parts');
      return yield* readToEnd(inode, 0);
    });
  }

  // Changes by path. Each throws what its namesake of Linux throws, EROFS where the filesystem is not written to, and has
  // then changed nothing.

  /** Makes a directory; permissions before the umask. */
  mkdir(path: PathLike, mode = 0o777): Task<Inode> {
    return this.#names.mkdir(path, mode);
  }

  /** Makes a special file, or an empty regular one. */
  mknod(path: PathLike, node: NodeRequest): Task<Inode> {
    return this.#names.mknod(path, node);
  }

  symlink(target: PathLike, path: PathLike): Task<Inode> {
    return this.#names.symlink(target, path);
  }

  /** Gives the file at `existing` another name. */
  link(existing: PathLike, path: PathLike, { followLast = false }: LinkOptions = {}): Task<void> {
    return this.#names.link(existing, path, followLast);
  }

  /** Removes a name that is no directory's. */
  unlink(path: PathLike): Task<void> {
    return this.#names.unlink(path);
  }

  /** Removes an empty directory. */
  rmdir(path: PathLike): Task<void> {
    return this.#names.rmdir(path);
  }

  rename(from: PathLike, to: PathLike, mode: RenameMode = 'plain'): Task<void> {
    return this.#names.rename(from, to, mode);
  }

  /** Gives the regular file at `path` this many bytes. */
  *truncate(path: PathLike, size: number): Task<void> {
    yield* this.use(path, undefined, (inode) => {
      if (inode.kind === 'directory') throw new FsError(EISDIR);
      if (inode.kind !== 'file') throw new FsError(EINVAL);
      return this.#change(inode.truncate?.(size));
    });
  }

  /** chmod, chown, utimens. */
  *setAttributes(path: PathLike, changes: AttributeChanges, options?: WalkOptions): Task<void> {
    yield* this.use(path, options, (inode) => this.#change(inode.setAttributes?.(changes)));
  }

  /** Throws ERANGE for a name and E2BIG for a value of a length that no filesystem takes, whatever the path is. */
  *setXattr(
    path: PathLike,
    name: Uint8Array,
    value: Uint8Array,
    { mode = 'set', ...options }: WalkOptions & { mode?: XattrMode } = {},
  ): Task<void> {
    checkXattrName(name);
    if (value.length > XATTR_VALUE_BYTES_MAX) throw new FsError(E2BIG);
    yield* this.use(path, options, (inode) => this.#change(inode.setXattr?.(name, value, mode)));
  }

  *removeXattr(path: PathLike, name: Uint8Array, options?: WalkOptions): Task<void> {
    checkXattrName(name);
    yield* this.use(path, options, (inode) => this.#change(inode.removeXattr?.(name)));
  }

  /** chattr: bits of `FileFlag`. */
  *setFlags(path: PathLike, flags: number, options?: WalkOptions): Task<void> {
    yield* this.use(path, options, (inode) => this.#change(inode.setFlags?.(flags)));
  }

  /**
   * Runs `body` with what compression does for the regular file at `path`, and with what can be done about it. Throws EOPNOTSUPP
   * where the filesystem has none, EISDIR, EINVAL.
   */
  *useCompression<T>(path: PathLike, body: (compression: FileCompression) => Task<T>): Task<T> {
    return yield* this.use(path, undefined, (inode) => {
      if (inode.kind === 'directory') throw new FsError(EISDIR);
      if (inode.kind !== 'file') throw new FsError(EINVAL);
      const compression = this.filesystem.compressionOf?.(inode);
      if (compression === undefined) throw new FsError(EOPNOTSUPP, 'the filesystem has no compression');
      return body(compression);
    });
  }

  /** A change of an inode, unless the filesystem is not written to, or has none of its kind. */
  #change(task: Task<void> | undefined): Task<void> {
    if (this.filesystem.writable !== true || task === undefined) throw new FsError(EROFS);
    return task;
  }
}

function checkXattrName({ length }: Uint8Array): void {
  if (length === 0 || length > XATTR_NAME_BYTES_MAX) throw new FsError(ERANGE);
}
