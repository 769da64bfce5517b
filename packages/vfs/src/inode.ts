// What a filesystem shows of a file. The vfs walks paths, opens files and walks trees over these two interfaces and knows
// nothing of the format below. Every method that may wait is a task.

import type { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';

export type InodeKind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';

export interface Timestamp {
  /** Since 1970, negative before. */
  seconds: number;
  /** 0 … 999,999,999, counted forward. */
  nanoseconds: number;
}

/** What `stat` shows. */
export interface Attributes {
  ino: number;
  kind: InodeKind;
  /** POSIX mode, type bits included. */
  mode: number;
  links: number;
  uid: number;
  gid: number;
  /** Bytes; of a symlink the length of its target. */
  size: number;
  /** Allocated, in 512-byte units, as `st_blocks`. */
  blocks: number;
  /** Preferred I/O size in bytes. */
  blockSize: number;
  deviceMajor: number;
  deviceMinor: number;
  atime: Timestamp;
  mtime: Timestamp;
  ctime: Timestamp;
  birthtime?: Timestamp;
}

/** One name in a directory. `kind` is what the entry says, which a broken volume may contradict; the inode decides. */
export interface DirectoryEntry {
  /** Without a slash or NUL. The vfs trusts no listing here: a name that no path can have is damage to it. */
  name: Uint8Array;
  ino: number;
  kind: InodeKind | 'unknown';
}

/** Part of a listing: what was found, and what was found broken beside it. */
export interface DirectoryBatch {
  entries: DirectoryEntry[];
  /** Damage met in this part; the entries are still good, and the listing goes on behind it. */
  problems: FsError[];
}

/** A listing in progress; the caller owns the loop. `.` and `..` are not part of it. */
export interface DirectoryReader {
  /** The next part, `undefined` at the end. Parts may be empty. */
  next(): Task<DirectoryBatch | undefined>;
}

/** One extended attribute, as `getxattr` shows it. */
export interface ExtendedAttribute {
  /** With its prefix: `user.comment`. */
  name: Uint8Array;
  value: Uint8Array;
}

/** The directory and the name under which a directory says it is listed. */
export interface DirectoryHome {
  parentIno: number;
  name: Uint8Array;
}

/** A file of any kind. Methods that make no sense for its kind throw ENOTDIR, EISDIR or EINVAL. */
export interface Inode {
  readonly ino: number;
  readonly kind: InodeKind;
  /**
   * Of a directory: where it says it is listed, as far as the filesystem knows. A tree walk asks it when another directory
   * lists it too.
   */
  readonly home?: DirectoryHome | undefined;
  attributes(): Attributes;
  /** The inode number of a name in this directory; 0 = absent. */
  lookup(name: Uint8Array): Task<number>;
  list(): DirectoryReader;
  /** The target of a symlink, as bytes. */
  readLink(): Task<Uint8Array>;
  /** Fills `target` from `position`; returns the bytes read, fewer only at the end of the file. */
  read(position: number, target: Uint8Array): Task<number>;
  /** Every extended attribute, in the order of storage. */
  extendedAttributes(): Task<ExtendedAttribute[]>;
}

/** A mounted filesystem. */
export interface Filesystem {
  readonly rootIno: number;
  /** Longest name in bytes. */
  readonly nameBytesMax: number;
  /** Reads an inode from the medium. Throws FsError or Corruption. */
  readInode(ino: number): Task<Inode>;
}
