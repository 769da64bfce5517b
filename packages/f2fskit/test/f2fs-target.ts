// A writable volume as a target of operations: through the vfs, which does what Linux does above its filesystems. What that
// layer leaves to its callers, the target has: a list of handles, and the checks of getxattr and fallocate.
//
// Times are compared where the volume is mounted with the clock of the model.

import { EBADF, EINVAL, EISDIR, ENODATA, ENOTDIR, ENXIO, EOPNOTSUPP, ERANGE, EROFS, FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import { MAX_FILE_BYTES } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import {
  type AllocationMode,
  type DeviceNumber,
  decodeName,
  encodeName,
  type FileReference,
  type FileTime,
  type MknodKind,
  type ModelLimits,
  type ModelStat,
  type OpenFlags,
  type OperationTarget,
  type RenameMode,
  type XattrMode,
} from '@f2fskit/testkit/model';
import { bytesEqual, compareBytes, INODES_CACHED_MAX, type Inode, type OpenFile, Vfs } from '@f2fskit/vfs';

/** For a model that is compared with a volume. */
export const f2fsLimits: Partial<ModelLimits> = { moveTouchesDirectory: true, fileBytesMax: MAX_FILE_BYTES };

const XATTR_NAME_BYTES_MAX = 255;

export class F2fsTarget implements OperationTarget {
  readonly vfs: Vfs;
  readonly #volume: F2fsVolume;
  /** Descriptors of the vfs by the caller's numbers. */
  readonly #handles = new Map<number, number>();

  constructor(volume: F2fsVolume) {
    this.#volume = volume;
    this.vfs = new Vfs(volume, INODES_CACHED_MAX, { umask: 0 });
  }

  /** Closes every handle: before the volume is left. */
  *closeAll(): Task<void> {
    for (const fd of this.#handles.values()) yield* this.vfs.close(fd);
    this.#handles.clear();
  }

  // Open files

  *open(handle: number, path: string, { noFollow = false, ...flags }: OpenFlags, mode: number): Task<void> {
    const fd = yield* this.vfs.open(encodeName(path), { ...flags, followLast: !noFollow, mode });
    const replaced = this.#handles.get(handle);
    this.#handles.set(handle, fd);
    if (replaced !== undefined) yield* this.vfs.close(replaced);
  }

  *close(handle: number): Task<void> {
    const fd = this.#descriptor(handle);
    this.#handles.delete(handle);
    yield* this.vfs.close(fd);
  }

  *create(path: string, mode: number): Task<void> {
    yield* this.#with(path, { access: 'write', create: true, exclusive: true }, () => nothing(), mode);
  }

  write(file: FileReference, position: number | 'end', bytes: Uint8Array): Task<number> {
    const flags: OpenFlags = { access: 'write', append: position === 'end' };
    return this.#with(file, flags, (open) => {
      if (position !== 'end') return open.writeAt(position, bytes);
      return open.writeAt(open.inode.attributes().size, bytes);
    });
  }

  read(file: FileReference, position: number, length: number): Task<Uint8Array> {
    return this.#with(file, { access: 'read' }, function* (open) {
      const bytes = new Uint8Array(length);
      let done = 0;
      for (;;) {
        const count = yield* open.readAt(position + done, bytes.subarray(done));
        done += count;
        if (count === 0 || done === length) return bytes.subarray(0, done);
      }
    });
  }

  *truncate(file: FileReference, size: number): Task<void> {
    if (typeof file === 'string') yield* this.vfs.truncate(encodeName(file), size);
    else yield* this.vfs.file(this.#descriptor(file)).truncate(size);
  }

  fallocate(file: FileReference, mode: AllocationMode, position: number, length: number): Task<void> {
    return this.#with(file, { access: 'write' }, function* ({ writable, inode }) {
      if (length <= 0) throw new FsError(EINVAL);
      if (!writable) throw new FsError(EBADF);
      if (inode.kind === 'directory') throw new FsError(EISDIR);
      if (inode.kind !== 'file') throw new FsError(ENXIO);
      if (inode.allocate === undefined) throw new FsError(EROFS);
      yield* inode.allocate(mode, position, length);
    });
  }

  fsync(file: FileReference): Task<void> {
    return this.#with(file, { access: 'read' }, (open) => open.fsync());
  }

  sync(): Task<void> {
    return this.#volume.sync();
  }

  // Names

  link(from: string, to: string): Task<void> {
    return this.vfs.link(encodeName(from), encodeName(to));
  }

  *symlink(target: string, path: string): Task<void> {
    yield* this.vfs.symlink(encodeName(target), encodeName(path));
  }

  *mknod(path: string, kind: MknodKind, mode: number, device: DeviceNumber): Task<void> {
    yield* this.vfs.mknod(encodeName(path), { kind, mode, ...device });
  }

  *mkdir(path: string, mode: number): Task<void> {
    yield* this.vfs.mkdir(encodeName(path), mode);
  }

  unlink(path: string): Task<void> {
    return this.vfs.unlink(encodeName(path));
  }

  rmdir(path: string): Task<void> {
    return this.vfs.rmdir(encodeName(path));
  }

  rename(from: string, to: string, mode: RenameMode): Task<void> {
    return this.vfs.rename(encodeName(from), encodeName(to), mode);
  }

  // Attributes

  setxattr(path: string, name: string, value: Uint8Array, mode: XattrMode): Task<void> {
    return this.vfs.setXattr(encodeName(path), encodeName(name), value, { mode });
  }

  /** The kernel looks at the length of a name before it walks, and at its prefix before the filesystem is asked. */
  *getxattr(path: string, name: string): Task<Uint8Array> {
    const key = encodeName(name);
    if (key.length === 0 || key.length > XATTR_NAME_BYTES_MAX) throw new FsError(ERANGE);
    const inode = yield* this.#inode(path);
    const prefix = ['user.', 'trusted.', 'security.'].find((start) => name.startsWith(start));
    if (prefix === 'user.' && inode.kind !== 'file' && inode.kind !== 'directory') throw new FsError(ENODATA);
    if (prefix === undefined) throw new FsError(EOPNOTSUPP);
    if (prefix === name) throw new FsError(EINVAL);
    const found = (yield* inode.extendedAttributes()).find((attribute) => bytesEqual(attribute.name, key));
    if (found === undefined) throw new FsError(ENODATA);
    return found.value;
  }

  removexattr(path: string, name: string): Task<void> {
    return this.vfs.removeXattr(encodeName(path), encodeName(name));
  }

  *listxattr(path: string): Task<string[]> {
    const attributes = yield* (yield* this.#inode(path)).extendedAttributes();
    return sorted(attributes.map(({ name }) => name));
  }

  chmod(path: string, mode: number): Task<void> {
    return this.vfs.setAttributes(encodeName(path), { mode });
  }

  /** One that leaves both ids takes the set-user-ID bits all the same. */
  *chown(path: string, uid: number, gid: number, noFollow: boolean): Task<void> {
    const ids = { dropPowers: true, ...(uid === -1 ? {} : { uid }), ...(gid === -1 ? {} : { gid }) };
    yield* this.vfs.setAttributes(encodeName(path), ids, { followLast: !noFollow });
  }

  *utimens(path: string, atime: FileTime | null, mtime: FileTime | null, noFollow: boolean): Task<void> {
    if (atime === null && mtime === null) return; // Linux does not even look at the path
    const times = { ...(atime === null ? {} : { atime }), ...(mtime === null ? {} : { mtime }) };
    yield* this.vfs.setAttributes(encodeName(path), times, { followLast: !noFollow });
  }

  *stat(file: FileReference, noFollow: boolean): Task<ModelStat> {
    if (typeof file === 'number') return statOf(this.vfs.file(this.#descriptor(file)).inode);
    return statOf(yield* this.#inode(file, !noFollow));
  }

  *readdir(path: string): Task<string[]> {
    const inode = yield* this.#inode(path);
    if (inode.kind !== 'directory') throw new FsError(ENOTDIR);
    const entries = yield* this.vfs.readDirectory(encodeName(path));
    return sorted(entries.map(({ name }) => name));
  }

  *readlink(path: string): Task<string> {
    const inode = yield* this.#inode(path, false);
    if (inode.kind !== 'symlink') throw new FsError(EINVAL);
    return decodeName(yield* inode.readLink());
  }

  // Inside

  *#inode(path: string, followLast = true): Task<Inode> {
    return (yield* this.vfs.walk(encodeName(path), { followLast })).inode;
  }

  #descriptor(handle: number): number {
    const fd = this.#handles.get(handle);
    if (fd === undefined) throw new FsError(EBADF);
    return fd;
  }

  /** A handle, or a file opened for one operation. */
  *#with<T>(file: FileReference, flags: OpenFlags, action: (open: OpenFile) => Task<T>, mode = 0): Task<T> {
    if (typeof file === 'number') return yield* action(this.vfs.file(this.#descriptor(file)));
    const fd = yield* this.vfs.open(encodeName(file), { ...flags, mode });
    try {
      return yield* action(this.vfs.file(fd));
    } finally {
      yield* this.vfs.close(fd);
    }
  }
}

function* nothing(): Task<void> {}

/** As the model shows it: every filesystem has its own size of a directory. */
export function statOf(inode: Inode): ModelStat {
  const { kind, mode, links, uid, gid, size, deviceMajor, deviceMinor, mtime } = inode.attributes();
  const device = { major: deviceMajor, minor: deviceMinor };
  return { kind, mode: mode & 0o7777, links, uid, gid, size: kind === 'directory' ? 0 : size, device, mtime };
}

function sorted(names: readonly Uint8Array[]): string[] {
  return [...names].sort(compareBytes).map(decodeName);
}
