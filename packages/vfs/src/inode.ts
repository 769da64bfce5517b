// What a filesystem shows of a file. The vfs walks paths, opens files and walks trees over these two interfaces and knows
// nothing of the format below. Every method that may wait is a task.

import type { FsError } from '@f2fskit/errno';
import type { ErrorCursor, ReadaheadState } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { WriteSource } from '@f2fskit/writeback';
import type { FileCompression } from './file-compression.ts';

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

/** What `lseek` looks for. */
export type SeekTarget = 'data' | 'hole';

/** A run of a file that has blocks, as FIEMAP shows it. */
export interface FileExtent {
  /** Where it begins in the file, in bytes. */
  position: number;
  length: number;
  /** Where it begins on the device, in bytes; of no meaning where `inline` or `unwritten` is set. */
  deviceOffset: number;
  /** Space is reserved, nothing was written: reads as zeros. */
  unwritten: boolean;
  /** Stored in another form, for example compressed: the bytes at `deviceOffset` are not the file's. */
  encoded: boolean;
  /** Stored inside metadata, not in blocks of its own. */
  inline: boolean;
  /** The last extent of the file. */
  last: boolean;
}

/** A listing of extents in progress; the caller owns the loop. */
export interface ExtentReader {
  /** The next extent in the order of the file, `undefined` at the end. */
  next(): Task<FileExtent | undefined>;
}

/** Bits of {@link Inode.flags}: the attributes of chattr(1), with the values of FS_IOC_GETFLAGS. */
export const FileFlag = {
  compressed: 0x4,
  sync: 0x8,
  immutable: 0x10,
  appendOnly: 0x20,
  noDump: 0x40,
  noAtime: 0x80,
  noCompress: 0x400,
  encrypted: 0x800,
  indexed: 0x1000,
  dirSync: 0x10000,
  verity: 0x100000,
  noCow: 0x800000,
  inlineData: 0x10000000,
  projectInherit: 0x20000000,
  caseFold: 0x40000000,
} as const;

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
  /**
   * Fills `target` from `position` through the cache; returns the bytes read, fewer only at the end of the file.
   * `readahead` is the state of one reader (an open file has its own); without one every read is taken for a random one.
   */
  read(position: number, target: Uint8Array, readahead?: ReadaheadState): Task<number>;
  /**
   * The same for what needs no wait: a plain call. -1 when some of it is not in the cache (`target` may then be filled in
   * part), or the call would throw: `read` says why.
   */
  peekRead(position: number, target: Uint8Array): number;
  /** The same past the cache, from the device into `target`: for who reads a file once, from its start to its end. */
  readDirect(position: number, target: Uint8Array): Task<number>;
  /**
   * The first byte of data, or of a hole, at or after `position`; the end of the file counts as a hole. Throws ENXIO at or
   * behind the end, or where no data follows.
   */
  seek(position: number, what: SeekTarget): Task<number>;
  /** The extents that overlap [start, end) of the file. */
  extents(start: number, end: number): ExtentReader;
  /** Bits of {@link FileFlag}. */
  flags(): number;
  /** Every extended attribute, in the order of storage. */
  extendedAttributes(): Task<ExtendedAttribute[]>;
  /** It was freed: its number may belong to another file by now. Who finds it in a cache forgets it. */
  readonly gone?: boolean;

  // What follows changes the file; absent, or EROFS, where the filesystem is not written to. Names are single ones: they
  // have neither slash nor NUL, and are not `.` or `..`.

  /** chmod, chown, utimens. */
  setAttributes?(changes: AttributeChanges): Task<void>;
  /** Makes an empty regular file in this directory. Throws EEXIST, ENAMETOOLONG, ENOSPC, EPERM, ENOENT in a removed directory. */
  create?(name: Uint8Array, options: NewFileOptions): Task<Inode>;
  /** Makes a directory in this one. Throws as `create`. */
  mkdir?(name: Uint8Array, options: NewFileOptions): Task<Inode>;
  /** Makes a symlink in this directory, with permissions 0777 whatever is asked for. Throws as `create`, ENAMETOOLONG for the target. */
  symlink?(name: Uint8Array, target: Uint8Array, options: NewFileOptions): Task<Inode>;
  /** Makes a special file, or an empty regular one. Throws as `create`. */
  mknod?(name: Uint8Array, options: NewNodeOptions): Task<Inode>;
  /** Gives an inode another name, in this directory. Throws as `create`, EPERM for a directory, EXDEV. */
  link?(name: Uint8Array, inode: Inode): Task<void>;
  /** Takes a name out of this directory. Throws ENOENT, EISDIR, EPERM. */
  unlink?(name: Uint8Array): Task<void>;
  /** Removes an empty directory from this one. Throws ENOENT, ENOTDIR, ENOTEMPTY, EPERM. */
  rmdir?(name: Uint8Array): Task<void>;
  /**
   * Moves a name of this directory to another, or the same. Throws as renameat2: ENOENT, EEXIST (noReplace), EISDIR, ENOTDIR,
   * ENOTEMPTY, EINVAL for a move below itself, EXDEV, ENOSPC, EPERM.
   */
  rename?(name: Uint8Array, directory: Inode, newName: Uint8Array, mode?: RenameMode): Task<void>;
  /** Throws EEXIST, ENODATA by `mode`; ERANGE, E2BIG, ENOSPC, EOPNOTSUPP, EINVAL, EPERM. */
  setXattr?(name: Uint8Array, value: Uint8Array, mode?: XattrMode): Task<void>;
  /** Throws ENODATA, EOPNOTSUPP, EPERM. */
  removeXattr?(name: Uint8Array): Task<void>;
  /** chattr: bits of {@link FileFlag}; those that cannot be set are passed over. Throws EOPNOTSUPP, ENOTEMPTY. */
  setFlags?(flags: number): Task<void>;
  /** Throws EOPNOTSUPP where files have no project. */
  setProject?(projectId: number): Task<void>;
  /** An open file refers to it from now on: it stays when it loses its last name. */
  hold?(): void;
  /** An open file is closed. Frees a file that has lost its last name. */
  release?(): Task<void>;
  /**
   * Writes `source` at `position`, or at the end of the file as it is then. Fewer bytes than the source has mean that
   * something failed behind them: the next write says what.
   */
  write?(position: number | 'end', source: WriteSource): Task<Written>;
  /**
   * The same past the cache, as far as that is possible: for who writes blocks as a whole and does not read them again.
   * Throws as `write`, and at once what a device did not take.
   */
  writeDirect?(position: number | 'end', source: WriteSource): Task<Written>;
  /** Gives the file this many bytes: the rest is cut off, or zeros follow. */
  truncate?(size: number): Task<void>;
  /** fallocate. Throws EINVAL for an empty range, EOPNOTSUPP for a file that must stay as it is, and as `write` does. */
  allocate?(mode: AllocationMode, position: number, length: number): Task<void>;
  /** What `fsync` has told of failed writes: an open file has its own. */
  errorCursor?(): ErrorCursor;
  /**
   * Makes the file durable; with `dataOnly` what is needed to read its contents. Throws what failed, once for each cursor:
   * a write of long ago included.
   */
  fsync?(cursor: ErrorCursor, dataOnly: boolean): Task<void>;
  /**
   * sync_file_range: writes the pages that hold bytes [start, end) to the device, or waits for those on their way. Makes nothing
   * durable. Throws what failed, once for each cursor; `start` throws nothing of the kind.
   */
  syncRange?(cursor: ErrorCursor, mode: RangeSyncMode, start: number, end: number): Task<void>;
  /**
   * Begins an atomic write, which belongs to `owner`: what is written from now on is seen, and becomes durable all together or not
   * at all. Nothing where `owner` has begun one. Throws EINVAL for a file that cannot be written so, EBUSY where somebody else
   * has begun one.
   */
  startAtomicWrite?(owner: object): Task<void>;
  /** Ends it: all of it is durable. Throws EINVAL where there is none, and as `fsync`; before it is over as `write`. */
  commitAtomicWrite?(owner: object, cursor: ErrorCursor): Task<void>;
  /** Ends it: nothing of it is seen any more. False where `owner` has begun none. */
  abortAtomicWrite?(owner: object): Task<boolean>;
  /** The cache of inodes lets go of this one: what it holds in other caches may go. It stays usable. */
  evict?(): void;
}

/** fallocate: no flag, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE, ZERO_RANGE | KEEP_SIZE. */
export type AllocationMode = 'allocate' | 'keepSize' | 'punch' | 'zero' | 'zeroKeepSize';

/** sync_file_range: WRITE; WAIT_BEFORE; WAIT_BEFORE | WRITE | WAIT_AFTER. */
export type RangeSyncMode = 'start' | 'wait' | 'write';

/** What became of a write. */
export interface Written {
  bytes: number;
  /** The position behind the last of them. */
  end: number;
}

/** What `setAttributes` changes; what is left out stays. */
export interface AttributeChanges {
  /** Permission bits; the type stays. */
  mode?: number;
  uid?: number;
  gid?: number;
  /**
   * What is no directory loses set-user-ID, set-group-ID where the group may execute it, and its capabilities. chown(2) asks for
   * it even where it leaves both ids; with a `uid` or a `gid` it comes of itself.
   */
  dropPowers?: boolean;
  atime?: Timestamp;
  mtime?: Timestamp;
}

/** Whose a new file is. */
export interface NewFileOptions {
  /** Permission bits; the umask is the caller's business. */
  mode: number;
  uid: number;
  gid: number;
}

/** What `mknod` makes. */
export interface NewNodeOptions extends NewFileOptions {
  kind: 'file' | 'char' | 'block' | 'fifo' | 'socket';
  /** Of a device. */
  major?: number;
  minor?: number;
}

/** renameat2: no flag, NOREPLACE, EXCHANGE, WHITEOUT. */
export type RenameMode = 'plain' | 'noReplace' | 'exchange' | 'whiteout';

/** setxattr: no flag, CREATE, REPLACE. */
export type XattrMode = 'set' | 'create' | 'replace';

/** What `statfs` shows. */
export interface FilesystemUsage {
  /** The magic number of the filesystem, as `f_type`. */
  type: number;
  blockSize: number;
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  /** Longest name in bytes. */
  nameBytesMax: number;
}

/** A mounted filesystem. */
export interface Filesystem {
  readonly rootIno: number;
  /** Longest name in bytes. */
  readonly nameBytesMax: number;
  /** Reads an inode from the medium. Throws FsError or Corruption. */
  readInode(ino: number): Task<Inode>;
  statfs(): FilesystemUsage;
  /** Whether files can be changed. */
  readonly writable?: boolean;
  /** What compression does for a regular file, where the filesystem has it. */
  compressionOf?(inode: Inode): FileCompression;
  /** Makes every change durable. */
  sync?(): Task<void>;
  /** The time that changes are stamped with. */
  now?(): Timestamp;
  /** Called by the filesystem when it has freed an inode: set by whoever keeps inodes by their numbers. */
  onInodeFreed?: ((ino: number) => void) | undefined;
}
