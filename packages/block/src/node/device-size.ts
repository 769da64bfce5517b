// How many bytes an open file holds. For a regular file that is what stat says. For a block device stat says 0; Linux
// tells the size in sysfs, and everywhere else the end is found by reading: a read past it returns nothing.

import fs from 'node:fs';
import { EINVAL, EISDIR, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, SECTOR_SIZE } from '../bio.ts';

/** Reads up to `length` bytes at `position` and returns how many there were. May throw what node:fs throws. */
export type Probe = (position: number, length: number) => number;

/** What {@link fileSize} has to know about a file. `fs.Stats` is one. */
export interface FileKind {
  readonly size: number;
  readonly rdev: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isBlockDevice(): boolean;
  isCharacterDevice(): boolean;
}

/**
 * The size in bytes of a regular file, a block device, or a character device that ends somewhere (disks of macOS and
 * FreeBSD). FsError EISDIR for a directory, EINVAL for what has no size (pipes, sockets, terminals, `/dev/zero`).
 */
export function fileSize(kind: FileKind, probe: Probe, sysfs = '/sys'): number {
  if (kind.isDirectory()) throw new FsError(EISDIR);
  if (kind.isFile()) return kind.size;
  if (kind.isBlockDevice()) return sysfsSize(kind.rdev, sysfs) ?? sizeByBisection(probe);
  const size = kind.isCharacterDevice() ? sizeByBisection(probe) : 0;
  if (size === 0) throw new FsError(EINVAL, 'neither a file nor a disk');
  return size;
}

/**
 * What Linux says, or `undefined` where sysfs has no such device. The file counts sectors, whatever the device uses.
 */
function sysfsSize(rdev: number, sysfs: string): number | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`${sysfs}/dev/block/${deviceNumbers(rdev)}/size`, 'utf8');
  } catch {
    return undefined;
  }
  const sectors = Number.parseInt(text, 10);
  return Number.isSafeInteger(sectors) && sectors >= 0 ? sectors * SECTOR_SIZE : undefined;
}

/**
 * `major:minor`. Linux packs a device number as minor 0-7, major 8-19, minor 20-31, major 32 and up (glibc sysmacros).
 */
export function deviceNumbers(rdev: number): string {
  const low = rdev % 0x1_0000_0000;
  const high = Math.floor(rdev / 0x1_0000_0000);
  const major = ((low >>> 8) & 0xfff) + Math.floor(high / 0x1000) * 0x1000;
  const minor = (low & 0xff) + (low >>> 20) * 0x100;
  return `${major}:${minor}`;
}

/**
 * Looks for the end with reads of a block: doubles a position until nothing is there, then halves the distance. About a
 * hundred reads for any size. EINVAL for what has no end below 2^52 bytes.
 */
export function sizeByBisection(probe: Probe): number {
  const blocksMax = 2 ** 40;
  let beyond = 1; // in blocks: a position at which nothing is, once the first loop is through
  if (probe(0, BLOCK_SIZE) === 0) return 0;
  while (probe(beyond * BLOCK_SIZE, BLOCK_SIZE) > 0) {
    beyond *= 2;
    if (beyond > blocksMax) throw new FsError(EINVAL, 'no end found');
  }
  let last = Math.floor(beyond / 2); // a block that exists
  while (beyond - last > 1) {
    const middle = Math.floor((last + beyond) / 2);
    if (probe(middle * BLOCK_SIZE, BLOCK_SIZE) > 0) last = middle;
    else beyond = middle;
  }
  return last * BLOCK_SIZE + probe(last * BLOCK_SIZE, BLOCK_SIZE); // the last block may be cut short
}
