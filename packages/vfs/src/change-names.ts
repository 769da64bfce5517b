// Making, removing and moving names by path, with the checks of Linux and in its order: the way to the last component, what
// kind of component that is, and only then whether the filesystem can be written to. The filesystem checks again, under its
// locks, what may change meanwhile.
//
// Source: kernel fs/namei.c (filename_create, do_rmdir, do_unlinkat, do_renameat2).

import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  FsError,
} from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Filesystem, Inode, NewNodeOptions, RenameMode } from './inode.ts';
import type { InodeCache } from './inode-cache.ts';
import { newFile, type Ownership } from './new-file.ts';
import { PATH_BYTES_MAX, type PathLike, PathWalk, pathBytes, walkPath } from './path.ts';

/** What `mknod` is told. */
export type NodeRequest = Pick<NewNodeOptions, 'kind' | 'major' | 'minor'> & {
  /** Permissions, before the umask; default 0o666. */
  mode?: number;
};

/** The permissions that mkdir takes: no set-user-ID, no set-group-ID. */
const DIRECTORY_MODE = 0o1777;

export class NameChanges {
  readonly #filesystem: Filesystem;
  readonly #inodes: InodeCache;
  readonly #ownership: Ownership;

  constructor(filesystem: Filesystem, inodes: InodeCache, ownership: Ownership) {
    this.#filesystem = filesystem;
    this.#inodes = inodes;
    this.#ownership = ownership;
  }

  *mkdir(path: PathLike, mode: number): Task<Inode> {
    const walk = yield* this.#toNewName(path, true);
    const directory = walk.inode;
    if (directory.mkdir === undefined) throw walk.fail(EROFS);
    const options = yield* newFile(directory, this.#ownership, mode & DIRECTORY_MODE);
    return this.#known(yield* directory.mkdir(walk.last.name, options));
  }

  *mknod(path: PathLike, { mode = 0o666, ...node }: NodeRequest): Task<Inode> {
    const walk = yield* this.#toNewName(path);
    const directory = walk.inode;
    if (directory.mknod === undefined) throw walk.fail(EROFS);
    const options = yield* newFile(directory, this.#ownership, mode & 0o7777);
    return this.#known(yield* directory.mknod(walk.last.name, { ...options, ...node }));
  }

  *symlink(target: PathLike, path: PathLike): Task<Inode> {
    const bytes = new Uint8Array(pathBytes(target)); // a copy: it is used after waits
    if (bytes.length === 0) throw new FsError(ENOENT);
    if (bytes.length > PATH_BYTES_MAX) throw new FsError(ENAMETOOLONG);
    if (bytes.includes(0)) throw new FsError(EINVAL);
    const walk = yield* this.#toNewName(path);
    const directory = walk.inode;
    if (directory.symlink === undefined) throw walk.fail(EROFS);
    const { uid, gid } = this.#ownership;
    return this.#known(yield* directory.symlink(walk.last.name, bytes, { mode: 0o777, uid, gid }));
  }

  *link(existing: PathLike, path: PathLike, followLast: boolean): Task<void> {
    const { inode } = yield* walkPath(this.#filesystem, this.#inodes, existing, { followLast });
    const walk = yield* this.#toNewName(path);
    if (inode.kind === 'directory') throw walk.fail(EPERM);
    if (walk.inode.link === undefined) throw walk.fail(EROFS);
    yield* walk.inode.link(walk.last.name, inode);
  }

  *unlink(path: PathLike): Task<void> {
    const walk = yield* this.#toName(path, EISDIR, EISDIR, EISDIR);
    this.#requireWritable(walk);
    if (walk.endsInSlash) {
      const inode = yield* walk.lookupLast();
      throw walk.fail(inode === undefined ? ENOENT : inode.kind === 'directory' ? EISDIR : ENOTDIR);
    }
    this.#checkLength(walk);
    if (walk.inode.unlink === undefined) throw walk.fail(EROFS);
    yield* walk.inode.unlink(walk.last.name);
  }

  *rmdir(path: PathLike): Task<void> {
    const walk = yield* this.#toName(path, EINVAL, ENOTEMPTY, EBUSY);
    this.#requireWritable(walk);
    this.#checkLength(walk);
    if (walk.inode.rmdir === undefined) throw walk.fail(EROFS);
    yield* walk.inode.rmdir(walk.last.name);
  }

  *rename(from: PathLike, to: PathLike, mode: RenameMode): Task<void> {
    const source = this.#walk(from);
    const target = this.#walk(to);
    yield* source.toParent();
    yield* target.toParent();
    if (source.last.kind !== 'name') throw source.fail(EBUSY);
    if (target.last.kind !== 'name') throw target.fail(mode === 'noReplace' ? EEXIST : EBUSY);
    this.#requireWritable(source);
    const old = yield* source.lookupLast();
    if (old === undefined) throw source.fail(ENOENT);
    const replaced = yield* target.lookupLast();
    if (mode === 'noReplace' && replaced !== undefined) throw target.fail(EEXIST);
    if (mode === 'exchange') {
      if (replaced === undefined) throw target.fail(ENOENT);
      if (target.endsInSlash && replaced.kind !== 'directory') throw target.fail(ENOTDIR);
    }
    // A slash behind a name asks for a directory; the new name is to have what the old one has.
    if (old.kind !== 'directory' && (source.endsInSlash || (target.endsInSlash && mode !== 'exchange'))) {
      throw source.fail(ENOTDIR);
    }
    if (source.inode.rename === undefined) throw source.fail(EROFS);
    yield* source.inode.rename(source.last.name, target.inode, target.last.name, mode);
  }

  #walk(path: PathLike): PathWalk {
    return new PathWalk(this.#filesystem, this.#inodes, path);
  }

  /** A walk to the directory in which a new name is to be made. */
  *#toNewName(path: PathLike, directory = false): Task<PathWalk> {
    const walk = this.#walk(path);
    yield* walk.toParent();
    if (walk.last.kind !== 'name') throw walk.fail(EEXIST);
    if ((yield* walk.lookupLast()) !== undefined) throw walk.fail(EEXIST);
    if (walk.endsInSlash && !directory) throw walk.fail(ENOENT);
    this.#requireWritable(walk);
    return walk;
  }

  /** A walk to the directory that has the name; what its last component may be instead is an error, by its kind. */
  *#toName(path: PathLike, dot: number, dotDot: number, root: number): Task<PathWalk> {
    const walk = this.#walk(path);
    yield* walk.toParent();
    const { kind } = walk.last;
    if (kind !== 'name') throw walk.fail({ dot, dotDot, root }[kind]);
    return walk;
  }

  #requireWritable(walk: PathWalk): void {
    if (this.#filesystem.writable !== true) throw walk.fail(EROFS);
  }

  #checkLength(walk: PathWalk): void {
    if (walk.last.name.length > this.#filesystem.nameBytesMax) throw walk.fail(ENAMETOOLONG);
  }

  #known(inode: Inode): Inode {
    if (inode.gone !== true) this.#inodes.add(inode);
    return inode;
  }
}
