// An inode of the model. Inodes are shared between a filesystem and its clones; the `owner` may change one in place,
// everybody else copies it first.

import type { SparseContent } from './sparse-content.ts';

export type FileKind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';

export interface FileTime {
  /** Since 1970, negative before. */
  seconds: number;
  /** 0 … 999,999,999, counted forward. */
  nanoseconds: number;
}

export interface DeviceNumber {
  major: number;
  minor: number;
}

export interface ModelInode {
  /** The filesystem that may change this object. */
  readonly owner: object;
  readonly ino: number;
  readonly kind: FileKind;
  /** The twelve bits of chmod. */
  mode: number;
  uid: number;
  gid: number;
  /** 0: no name is left, and the inode lives as long as it is open. */
  links: number;
  readonly device: DeviceNumber;
  /** Of a file; empty for other kinds. */
  readonly content: SparseContent;
  /** Of a directory: inode numbers by name (a key), without `.` and `..`. */
  readonly entries: Map<string, number>;
  /** Of a directory: where `..` leads. */
  parent: number;
  /** Of a symlink (a key). */
  readonly target: string;
  /** Values by name (a key). Values are never changed. */
  readonly xattrs: Map<string, Uint8Array>;
  atime: FileTime;
  mtime: FileTime;
  ctime: FileTime;
  readonly birthtime: FileTime;
}

/** The same inode for another owner; both change on their own from now on. */
export function copyInode(inode: ModelInode, owner: object): ModelInode {
  return {
    ...inode,
    owner,
    content: inode.content.share(),
    entries: new Map(inode.entries),
    xattrs: new Map(inode.xattrs),
  };
}

/** What `stat` shows, as far as it does not depend on the filesystem. */
export interface ModelStat {
  kind: FileKind;
  mode: number;
  links: number;
  uid: number;
  gid: number;
  /** Bytes; of a symlink the bytes of its target; of a directory 0, because every filesystem has its own idea of it. */
  size: number;
  device: DeviceNumber;
  mtime: FileTime;
}
