// What `stat` shows, in Node's two shapes: numbers, and bigints with nanoseconds.

import type { Attributes, Timestamp } from '@f2fskit/vfs';
import { constants } from './constants.ts';

const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } = constants;

/** The device number that every file of a volume shows: a volume is not a device of the host. */
const VOLUME_DEVICE = 0;

/** `st_rdev` as glibc packs it. Exact: the parts do not overlap, and the sum stays below 2^53 for 12-bit majors. */
function packDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & ~0xfffn) << 32n) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | (low & 0xffn);
}

/** Milliseconds since 1970; a fraction has what a double keeps of the nanoseconds. */
function milliseconds({ seconds, nanoseconds }: Timestamp): number {
  return seconds * 1000 + nanoseconds / 1_000_000;
}

function nanoseconds({ seconds, nanoseconds }: Timestamp): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}

/** The Date as Node makes it: rounded to the next millisecond. */
function date(milliseconds: number): Date {
  return new Date(Math.round(milliseconds));
}

abstract class FileKind {
  protected abstract hasType(type: number): boolean;
  isFile(): boolean {
    return this.hasType(S_IFREG);
  }
  isDirectory(): boolean {
    return this.hasType(S_IFDIR);
  }
  isSymbolicLink(): boolean {
    return this.hasType(S_IFLNK);
  }
  isBlockDevice(): boolean {
    return this.hasType(S_IFBLK);
  }
  isCharacterDevice(): boolean {
    return this.hasType(S_IFCHR);
  }
  isFIFO(): boolean {
    return this.hasType(S_IFIFO);
  }
  isSocket(): boolean {
    return this.hasType(S_IFSOCK);
  }
}

export class Stats extends FileKind {
  dev = VOLUME_DEVICE;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  blksize: number;
  ino: number;
  size: number;
  /** In units of 512 bytes. */
  blocks: number;
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
  /** Where the volume keeps no time of birth: that of the last change of status. */
  birthtimeMs: number;
  atime: Date;
  mtime: Date;
  ctime: Date;
  birthtime: Date;

  constructor(from: Attributes) {
    super();
    this.mode = from.mode;
    this.nlink = from.links;
    this.uid = from.uid;
    this.gid = from.gid;
    this.rdev = Number(packDevice(from.deviceMajor, from.deviceMinor));
    this.blksize = from.blockSize;
    this.ino = from.ino;
    this.size = from.size;
    this.blocks = from.blocks;
    this.atimeMs = milliseconds(from.atime);
    this.mtimeMs = milliseconds(from.mtime);
    this.ctimeMs = milliseconds(from.ctime);
    this.birthtimeMs = milliseconds(from.birthtime ?? from.ctime);
    this.atime = date(this.atimeMs);
    this.mtime = date(this.mtimeMs);
    this.ctime = date(this.ctimeMs);
    this.birthtime = date(this.birthtimeMs);
  }

  protected hasType(type: number): boolean {
    return (this.mode & S_IFMT) === type;
  }
}

export class BigIntStats extends FileKind {
  dev = BigInt(VOLUME_DEVICE);
  mode: bigint;
  nlink: bigint;
  uid: bigint;
  gid: bigint;
  rdev: bigint;
  blksize: bigint;
  ino: bigint;
  size: bigint;
  /** In units of 512 bytes. */
  blocks: bigint;
  atimeMs: bigint;
  mtimeMs: bigint;
  ctimeMs: bigint;
  birthtimeMs: bigint;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  birthtimeNs: bigint;
  atime: Date;
  mtime: Date;
  ctime: Date;
  birthtime: Date;

  constructor(from: Attributes) {
    super();
    const birthtime = from.birthtime ?? from.ctime;
    this.mode = BigInt(from.mode);
    this.nlink = BigInt(from.links);
    this.uid = BigInt(from.uid);
    this.gid = BigInt(from.gid);
    this.rdev = packDevice(from.deviceMajor, from.deviceMinor);
    this.blksize = BigInt(from.blockSize);
    this.ino = BigInt(from.ino);
    this.size = BigInt(from.size);
    this.blocks = BigInt(from.blocks);
    this.atimeNs = nanoseconds(from.atime);
    this.mtimeNs = nanoseconds(from.mtime);
    this.ctimeNs = nanoseconds(from.ctime);
    this.birthtimeNs = nanoseconds(birthtime);
    this.atimeMs = this.atimeNs / 1_000_000n;
    this.mtimeMs = this.mtimeNs / 1_000_000n;
    this.ctimeMs = this.ctimeNs / 1_000_000n;
    this.birthtimeMs = this.birthtimeNs / 1_000_000n;
    this.atime = date(milliseconds(from.atime));
    this.mtime = date(milliseconds(from.mtime));
    this.ctime = date(milliseconds(from.ctime));
    this.birthtime = date(milliseconds(birthtime));
  }

  protected hasType(type: number): boolean {
    return (Number(this.mode) & S_IFMT) === type;
  }
}
