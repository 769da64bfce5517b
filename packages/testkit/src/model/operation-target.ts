// What runs a list of operations: the model, a directory of the host, a filesystem under test. One method for each kind of
// operation; what it returns may be there at once, later (a promise), or be a task.
//
// A path is absolute in the target, `/a/b`. A file is a path or the number of a handle: with a path, the operation opens
// the file as it needs it, follows symlinks, does its work, and closes it. Nobody opens special files: doing so is ENXIO,
// as for a device without a driver. Methods throw an error with a Linux number (FsError).

import type { Task } from '@f2fskit/task';
import type { DeviceNumber, FileKind, FileTime, ModelStat } from './model-inode.ts';

export type Outcome<T> = T | Promise<T> | Task<T>;

/** A path, or the number of an open handle. */
export type FileReference = string | number;

export interface OpenFlags {
  access: 'read' | 'write' | 'readWrite';
  create?: boolean;
  exclusive?: boolean;
  truncate?: boolean;
  append?: boolean;
  noFollow?: boolean;
  directory?: boolean;
}

/** fallocate: plain, KEEP_SIZE, PUNCH_HOLE (with KEEP_SIZE), ZERO_RANGE, ZERO_RANGE with KEEP_SIZE. */
export type AllocationMode = 'allocate' | 'keepSize' | 'punch' | 'zero' | 'zeroKeepSize';

/** renameat2: no flag, NOREPLACE, EXCHANGE, WHITEOUT. */
export type RenameMode = 'plain' | 'noReplace' | 'exchange' | 'whiteout';

/** setxattr: no flag, CREATE, REPLACE. */
export type XattrMode = 'set' | 'create' | 'replace';

export type MknodKind = Exclude<FileKind, 'directory' | 'symlink'>;

export interface OperationTarget {
  /** Opens under a number that the caller chooses; one that was open under it is closed (as dup2). */
  open(handle: number, path: string, flags: OpenFlags, mode: number): Outcome<void>;
  close(handle: number): Outcome<void>;
  /** open with O_CREAT and O_EXCL, and close. */
  create(path: string, mode: number): Outcome<void>;
  /** Returns the bytes written. With a handle that appends, the position does not matter. */
  write(file: FileReference, position: number | 'end', bytes: Uint8Array): Outcome<number>;
  read(file: FileReference, position: number, length: number): Outcome<Uint8Array>;
  truncate(file: FileReference, size: number): Outcome<void>;
  fallocate(file: FileReference, mode: AllocationMode, position: number, length: number): Outcome<void>;
  fsync(file: FileReference): Outcome<void>;
  sync(): Outcome<void>;
  link(from: string, to: string): Outcome<void>;
  symlink(target: string, path: string): Outcome<void>;
  mknod(path: string, kind: MknodKind, mode: number, device: DeviceNumber): Outcome<void>;
  mkdir(path: string, mode: number): Outcome<void>;
  unlink(path: string): Outcome<void>;
  rmdir(path: string): Outcome<void>;
  rename(from: string, to: string, mode: RenameMode): Outcome<void>;
  setxattr(path: string, name: string, value: Uint8Array, mode: XattrMode): Outcome<void>;
  getxattr(path: string, name: string): Outcome<Uint8Array>;
  removexattr(path: string, name: string): Outcome<void>;
  /** Sorted by bytes. */
  listxattr(path: string): Outcome<string[]>;
  chmod(path: string, mode: number): Outcome<void>;
  /** -1 leaves an id as it is. */
  chown(path: string, uid: number, gid: number, noFollow: boolean): Outcome<void>;
  /** `null` leaves a time as it is. */
  utimens(path: string, atime: FileTime | null, mtime: FileTime | null, noFollow: boolean): Outcome<void>;
  stat(file: FileReference, noFollow: boolean): Outcome<ModelStat>;
  /** Sorted by bytes, without `.` and `..`. */
  readdir(path: string): Outcome<string[]>;
  readlink(path: string): Outcome<string>;
}
