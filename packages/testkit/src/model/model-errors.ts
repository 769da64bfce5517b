// How the model refuses, and its limits.

import { FsError } from '@f2fskit/errno';

/** Throws an FsError: what Linux answers, and for whom. */
export function refuse(errno: number, path?: string): never {
  throw new FsError(errno, path === undefined ? {} : { path });
}

/** Bytes of a name. */
export const NAME_BYTES_MAX = 255;
/** Bytes of a path and of a symlink's target, without the NUL that ends them. */
export const PATH_BYTES_MAX = 4095;
/** Symlinks followed in one walk. */
export const SYMLINKS_MAX = 40;
/** Bytes of the name of an extended attribute, with its prefix, and of a value. */
export const XATTR_NAME_BYTES_MAX = 255;
export const XATTR_VALUE_BYTES_MAX = 65536;

/** What differs between filesystems. */
export interface ModelLimits {
  /** The largest size of a file. Default 2^53 - 1. */
  fileBytesMax: number;
  /** The most names of an inode, and for a directory 2 + the most subdirectories. Default 2^32 - 1. */
  linksMax: number;
  /** fallocate can make a range zero (`zero`, `zeroKeepSize`); tmpfs cannot. Default true. */
  canZeroRange: boolean;
  /**
   * A directory that gets another parent gets a new mtime, because its `..` is written as an entry. So on F2FS; not on
   * ext4 and tmpfs. Default false.
   */
  moveTouchesDirectory: boolean;
}

export const defaultLimits: ModelLimits = {
  fileBytesMax: Number.MAX_SAFE_INTEGER,
  linksMax: 2 ** 32 - 1,
  canZeroRange: true,
  moveTouchesDirectory: false,
};
