// A filesystem in memory: what POSIX and Linux say must happen, with Linux's errors, and nothing else. No blocks, no
// journal, no space that could run out. What the real filesystem does is compared with this.
//
// It is a caller with every right (root), with umask 0, whose clock is injected. A read changes no time (noatime).
// A clone costs nothing until one of the two is changed, so a test may keep one for every moment.

import {
  E2BIG,
  EBADF,
  EBUSY,
  EEXIST,
  EFBIG,
  EINVAL,
  EISDIR,
  ELOOP,
  ENODATA,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '@f2fskit/errno';
import type { Clock } from '@f2fskit/task';
import { type ManifestOptions, manifestOf } from './manifest.ts';
import {
  defaultLimits,
  type ModelLimits,
  refuse,
  XATTR_NAME_BYTES_MAX,
  XATTR_VALUE_BYTES_MAX,
} from './model-errors.ts';
import type { DeviceNumber, FileTime, ModelInode, ModelStat } from './model-inode.ts';
import { renameInTree } from './model-rename.ts';
import { checkTree, ModelTree } from './model-tree.ts';
import { keyOf, textOf } from './names.ts';
import type {
  AllocationMode,
  FileReference,
  MknodKind,
  OpenFlags,
  OperationTarget,
  RenameMode,
  XattrMode,
} from './operation-target.ts';
import { PathWalk, type Place, pathKey, ROOT } from './path-walk.ts';

export interface ModelOptions extends Partial<ModelLimits> {
  clock: Clock;
  /** Who makes files. Default 0 and 0. */
  uid?: number;
  gid?: number;
  /** Of the root. Default 0o755. */
  rootMode?: number;
}

interface OpenFile {
  readonly ino: number;
  readonly flags: OpenFlags;
}

export class ModelFilesystem implements OperationTarget {
  readonly #clock: Clock;
  readonly #tree: ModelTree;
  readonly #handles = new Map<number, OpenFile>();

  /** `tree` is for `clone`; without it a filesystem is an empty root. */
  constructor({ clock, uid = 0, gid = 0, rootMode = 0o755, ...limits }: ModelOptions, tree?: ModelTree) {
    this.#clock = clock;
    this.#tree = tree ?? new ModelTree({ ...defaultLimits, ...limits }, uid, gid);
    if (tree === undefined) this.#tree.plant(rootMode, this.#now());
  }

  /** The same, open files included, and independent from now on; the clock is shared. */
  clone(): ModelFilesystem {
    const clone = new ModelFilesystem({ clock: this.#clock }, this.#tree.clone());
    for (const [handle, open] of this.#handles) clone.#handles.set(handle, open);
    return clone;
  }

  /** What is left when the machine stops: a clone in which nothing is open, and files without a name are gone. */
  withoutHandles(): ModelFilesystem {
    const clone = this.clone();
    for (const handle of [...clone.#handles.keys()]) clone.close(handle);
    return clone;
  }

  /** The lines of the tree in the format of tools/oracle/guest/manifest.sh. */
  manifest(options: ManifestOptions = {}): string[] {
    return manifestOf(this.#tree, options);
  }

  /** Throws an assertion where the model contradicts itself. */
  check(): void {
    checkTree(this.#tree, new Set([...this.#handles.values()].map(({ ino }) => ino)));
  }

  /** Every path and what is there, parents first, names in the order of bytes; the root is `/`. */
  *paths(): Generator<{ path: string; stat: ModelStat }> {
    const tree = this.#tree;
    function* below(ino: number, path: string): Generator<{ path: string; stat: ModelStat }> {
      yield { path: path === '' ? '/' : path, stat: statOf(tree.inode(ino)) };
      for (const [name, child] of sorted(tree.inode(ino).entries)) yield* below(child, `${path}/${textOf(name)}`);
    }
    yield* below(ROOT, '');
  }

  /** Numbers of the handles that are open. */
  get openHandles(): number[] {
    return [...this.#handles.keys()];
  }

  /** Inodes, those that are only open included. */
  get inodeCount(): number {
    return this.#tree.size;
  }

  // Open files

  open(handle: number, path: string, flags: OpenFlags, mode: number): void {
    const ino = this.#openInode(path, flags, mode);
    const replaced = this.#handles.get(handle);
    this.#handles.set(handle, { ino, flags });
    if (replaced !== undefined) this.#release(replaced.ino);
  }

  close(handle: number): void {
    const { ino } = this.#handle(handle);
    this.#handles.delete(handle);
    this.#release(ino);
  }

  create(path: string, mode: number): void {
    this.#openInode(path, { access: 'write', create: true, exclusive: true }, mode);
  }

  write(file: FileReference, position: number | 'end', bytes: Uint8Array): number {
    const { ino, flags } = this.#openFile(file, { access: 'write', append: position === 'end' });
    if (flags.access === 'read') refuse(EBADF);
    if (bytes.byteLength === 0) return 0;
    const { size } = this.#tree.inode(ino).content;
    const start = flags.append === true || position === 'end' ? size : position;
    const { fileBytesMax } = this.#tree.limits;
    if (start >= fileBytesMax) refuse(EFBIG);
    const written = bytes.subarray(0, Math.min(bytes.byteLength, fileBytesMax - start));
    const inode = this.#touch(ino);
    inode.content.write(start, written);
    return written.byteLength;
  }

  read(file: FileReference, position: number, length: number): Uint8Array {
    const { ino, flags } = this.#openFile(file, { access: 'read' });
    if (flags.access === 'write') refuse(EBADF);
    const inode = this.#tree.inode(ino);
    if (inode.kind === 'directory') refuse(EISDIR);
    return inode.content.read(position, length);
  }

  /** The page of a file from which on it is not equal to the same file of another model, in bytes, however large it is. */
  differsAt(path: string, other: ModelFilesystem): number | undefined {
    const { content } = other.#tree.inode(other.#inodeAt(path, false));
    return this.#tree.inode(this.#inodeAt(path, false)).content.differsAt(content);
  }

  truncate(file: FileReference, size: number): void {
    if (typeof file === 'string') {
      const { kind } = this.#tree.inode(this.#inodeAt(file, true));
      if (kind === 'directory') refuse(EISDIR);
      if (kind !== 'file') refuse(EINVAL);
    }
    const { ino, flags } = this.#openFile(file, { access: 'write' });
    const { kind, content } = this.#tree.inode(ino);
    if (kind !== 'file' || flags.access === 'read') refuse(EINVAL);
    if (size > content.size && size > this.#tree.limits.fileBytesMax) refuse(EFBIG);
    this.#touch(ino).content.resize(size);
  }

  fallocate(file: FileReference, mode: AllocationMode, position: number, length: number): void {
    const { ino, flags } = this.#openFile(file, { access: 'write' });
    if (length <= 0) refuse(EINVAL);
    if (flags.access === 'read') refuse(EBADF);
    const { fileBytesMax, canZeroRange } = this.#tree.limits;
    if (position + length > fileBytesMax) refuse(EFBIG);
    const zeroes = mode === 'zero' || mode === 'zeroKeepSize';
    if (zeroes && !canZeroRange) refuse(EOPNOTSUPP);
    const { content } = this.#touch(ino);
    if (mode === 'punch' || zeroes) {
      const end = Math.min(position + length, content.size);
      if (position < end) content.zero(position, end - position);
    }
    const grows = mode === 'allocate' || mode === 'zero';
    if (grows && position + length > content.size) content.resize(position + length);
  }

  /** Changes nothing; refuses what cannot be opened. What is durable is not the model's to know. */
  fsync(file: FileReference): void {
    this.#openFile(file, { access: 'read' });
  }

  sync(): void {}

  // Names

  link(from: string, to: string): void {
    const ino = this.#inodeAt(from, false);
    const place = this.#free(to, false);
    if (this.#tree.inode(ino).kind === 'directory') refuse(EPERM);
    const now = this.#now();
    this.#tree.addLink(ino, now);
    this.#tree.setEntry(place.directory, place.name, ino, now);
  }

  symlink(target: string, path: string): void {
    const key = pathKey(target);
    if (key === '') refuse(ENOENT);
    this.#tree.create(this.#free(path, false), 'symlink', { mode: 0o777, target: key }, this.#now());
  }

  mknod(path: string, kind: MknodKind, mode: number, device: DeviceNumber): void {
    const place = this.#free(path, false);
    const has = kind === 'char' || kind === 'block';
    this.#tree.create(place, kind, has ? { mode, device } : { mode }, this.#now());
  }

  mkdir(path: string, mode: number): void {
    this.#tree.create(this.#free(path, true), 'directory', { mode: mode & 0o1777 }, this.#now());
  }

  unlink(path: string): void {
    const { place, walk } = this.#placeOf(path);
    if (place.last !== 'name') refuse(EISDIR);
    const ino = walk.lookup(place);
    if (ino === 0) refuse(ENOENT);
    if (this.#tree.inode(ino).kind === 'directory') refuse(EISDIR);
    if (place.slash) refuse(ENOTDIR);
    const now = this.#now();
    this.#tree.removeEntry(place.directory, place.name, now);
    this.#tree.dropName(ino, now);
    this.#release(ino);
  }

  rmdir(path: string): void {
    const { place, walk } = this.#placeOf(path);
    if (place.last === 'dotdot') refuse(ENOTEMPTY);
    if (place.last === 'dot') refuse(EINVAL);
    if (place.last === 'root') refuse(EBUSY);
    const ino = walk.lookup(place);
    if (ino === 0) refuse(ENOENT);
    const { kind, entries } = this.#tree.inode(ino);
    if (kind !== 'directory') refuse(ENOTDIR);
    if (entries.size > 0) refuse(ENOTEMPTY);
    const now = this.#now();
    this.#tree.removeEntry(place.directory, place.name, now);
    this.#tree.change(place.directory).links--;
    this.#tree.dropName(ino, now);
    this.#release(ino);
  }

  rename(from: string, to: string, mode: RenameMode = 'plain'): void {
    const source = this.#placeOf(from);
    const target = this.#placeOf(to);
    const walk = new PathWalk(this.#tree);
    const replaced = renameInTree(this.#tree, walk, source.place, target.place, mode, () => this.#now());
    if (replaced !== 0) this.#release(replaced);
  }

  // Attributes

  setxattr(path: string, name: string, value: Uint8Array, mode: XattrMode = 'set'): void {
    const key = xattrKey(name);
    if (value.byteLength > XATTR_VALUE_BYTES_MAX) refuse(E2BIG);
    const ino = this.#inodeAt(path, true);
    const { kind, xattrs } = this.#tree.inode(ino);
    if (isUserXattr(key) && kind !== 'file' && kind !== 'directory') refuse(EPERM);
    refuseXattrName(key);
    if (mode === 'create' && xattrs.has(key)) refuse(EEXIST);
    if (mode === 'replace' && !xattrs.has(key)) refuse(ENODATA);
    const inode = this.#tree.change(ino);
    inode.xattrs.set(key, value.slice());
    inode.ctime = this.#now();
  }

  getxattr(path: string, name: string): Uint8Array {
    const key = xattrKey(name);
    const { kind, xattrs } = this.#tree.inode(this.#inodeAt(path, true));
    if (isUserXattr(key) && kind !== 'file' && kind !== 'directory') refuse(ENODATA);
    refuseXattrName(key);
    return xattrs.get(key)?.slice() ?? refuse(ENODATA);
  }

  removexattr(path: string, name: string): void {
    const key = xattrKey(name);
    const ino = this.#inodeAt(path, true);
    const { kind, xattrs } = this.#tree.inode(ino);
    if (isUserXattr(key) && kind !== 'file' && kind !== 'directory') refuse(EPERM);
    refuseXattrName(key);
    if (!xattrs.has(key)) refuse(ENODATA);
    const inode = this.#tree.change(ino);
    inode.xattrs.delete(key);
    inode.ctime = this.#now();
  }

  listxattr(path: string): string[] {
    return sorted(this.#tree.inode(this.#inodeAt(path, true)).xattrs).map(([name]) => textOf(name));
  }

  chmod(path: string, mode: number): void {
    const inode = this.#tree.change(this.#inodeAt(path, true));
    inode.mode = mode & 0o7777;
    inode.ctime = this.#now();
  }

  chown(path: string, uid: number, gid: number, noFollow = false): void {
    const inode = this.#tree.change(this.#inodeAt(path, !noFollow));
    if (uid !== -1) inode.uid = uid;
    if (gid !== -1) inode.gid = gid;
    // A program does not keep its special rights for a new owner. The group's bit without x means something else.
    if (inode.kind !== 'directory') {
      inode.mode &= (inode.mode & 0o0010) !== 0 ? ~0o6000 : ~0o4000;
      inode.xattrs.delete(CAPABILITY);
    }
    inode.ctime = this.#now();
  }

  utimens(path: string, atime: FileTime | null, mtime: FileTime | null, noFollow = false): void {
    if (atime === null && mtime === null) return; // Linux does not even look at the path
    const inode = this.#tree.change(this.#inodeAt(path, !noFollow));
    if (atime !== null) inode.atime = atime;
    if (mtime !== null) inode.mtime = mtime;
    inode.ctime = this.#now();
  }

  stat(file: FileReference, noFollow = false): ModelStat {
    const ino = typeof file === 'number' ? this.#handle(file).ino : this.#inodeAt(file, !noFollow);
    return statOf(this.#tree.inode(ino));
  }

  /** All times of a file, which `stat` of other targets does not promise. */
  times(path: string): Pick<ModelInode, 'atime' | 'mtime' | 'ctime' | 'birthtime'> {
    const { atime, mtime, ctime, birthtime } = this.#tree.inode(this.#inodeAt(path, false));
    return { atime, mtime, ctime, birthtime };
  }

  readdir(path: string): string[] {
    const { kind, entries } = this.#tree.inode(this.#inodeAt(path, true));
    if (kind !== 'directory') refuse(ENOTDIR);
    return sorted(entries).map(([name]) => textOf(name));
  }

  readlink(path: string): string {
    const { kind, target } = this.#tree.inode(this.#inodeAt(path, false));
    if (kind !== 'symlink') refuse(EINVAL);
    return textOf(target);
  }

  // Inside

  #now(): FileTime {
    const { seconds, nanoseconds } = this.#clock.now();
    return { seconds, nanoseconds };
  }

  #inodeAt(path: string, follow: boolean): number {
    return new PathWalk(this.#tree).inodeAt(ROOT, pathKey(path), follow);
  }

  #placeOf(path: string): { place: Place; walk: PathWalk } {
    const walk = new PathWalk(this.#tree);
    return { place: walk.parentOf(ROOT, pathKey(path)), walk };
  }

  /** A name that does not exist, in a directory that does: for what makes something. */
  #free(path: string, makesDirectory: boolean): Place {
    const { place, walk } = this.#placeOf(path);
    if (place.last !== 'name') refuse(EEXIST);
    if (walk.lookup(place) !== 0) refuse(EEXIST);
    if (place.slash && !makesDirectory) refuse(ENOENT);
    return place;
  }

  #handle(handle: number): OpenFile {
    return this.#handles.get(handle) ?? refuse(EBADF);
  }

  /** A handle, or a file opened for one operation. */
  #openFile(file: FileReference, flags: OpenFlags): OpenFile {
    return typeof file === 'number' ? this.#handle(file) : { ino: this.#openInode(file, flags, 0), flags };
  }

  /** Linux: fs/namei.c, path_openat. */
  #openInode(path: string, flags: OpenFlags, mode: number): number {
    const { create = false, exclusive = false, truncate = false, noFollow = false, directory = false, access } = flags;
    if (create && directory) refuse(EINVAL);
    const follow = !noFollow && !(create && exclusive);
    const walk = new PathWalk(this.#tree);
    let mustBeDirectory = directory;
    let start = ROOT;
    let at = pathKey(path);
    let ino: number;
    for (;;) {
      const place = walk.parentOf(start, at);
      if (place.last !== 'name') {
        ino = walk.special(place);
        break;
      }
      if (create && place.slash) refuse(EISDIR);
      mustBeDirectory ||= place.slash;
      ino = walk.lookup(place);
      if (ino === 0) {
        if (!create) refuse(ENOENT);
        return this.#tree.create(place, 'file', { mode }, this.#now());
      }
      const inode = this.#tree.inode(ino);
      if (inode.kind !== 'symlink' || !(follow || place.slash)) break;
      at = walk.countSymlink(inode);
      start = place.directory;
    }
    const { kind } = this.#tree.inode(ino);
    if (create && exclusive) refuse(EEXIST);
    if (create && kind === 'directory') refuse(EISDIR);
    if (mustBeDirectory && kind !== 'directory') refuse(ENOTDIR);
    if (kind === 'symlink') refuse(ELOOP);
    if (kind === 'directory' && (access !== 'read' || truncate)) refuse(EISDIR);
    if (kind !== 'file' && kind !== 'directory') refuse(ENXIO);
    if (truncate) this.#touch(ino).content.resize(0);
    return ino;
  }

  /** The inode, to be changed in its contents, with new mtime and ctime. Capabilities were given to the old contents. */
  #touch(ino: number): ModelInode {
    const inode = this.#tree.change(ino);
    inode.xattrs.delete(CAPABILITY);
    inode.mtime = inode.ctime = this.#now();
    return inode;
  }

  /** After a name or a handle went: the inode goes with the last of both. */
  #release(ino: number): void {
    if (this.#tree.inode(ino).links > 0) return;
    for (const open of this.#handles.values()) if (open.ino === ino) return;
    this.#tree.forget(ino);
  }
}

function statOf({ kind, mode, links, uid, gid, content, target, device, mtime }: ModelInode): ModelStat {
  const size = kind === 'symlink' ? target.length : content.size;
  return { kind, mode, links, uid, gid, size, device, mtime };
}

/** By the bytes of the names. */
function sorted<T>(map: ReadonlyMap<string, T>): Array<[string, T]> {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function xattrKey(name: string): string {
  const key = keyOf(name);
  if (key === '' || key.length > XATTR_NAME_BYTES_MAX) refuse(ERANGE);
  return key;
}

/** What a program may do: given to its contents and its owner, gone with a change of either. */
const CAPABILITY = 'security.capability';

const isUserXattr = (key: string): boolean => key.startsWith('user.');

/** Only namespaces that need no handler of their own; a prefix alone is no name. */
function refuseXattrName(key: string): void {
  const prefix = ['user.', 'trusted.', 'security.'].find((start) => key.startsWith(start));
  if (prefix === undefined) refuse(EOPNOTSUPP);
  if (key === prefix) refuse(EINVAL);
}
