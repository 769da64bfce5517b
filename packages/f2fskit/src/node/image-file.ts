// Paths as images: `disk.img`, `disk.img#3`, `disk.img#userdata`, and file URLs with the partition behind their `#`.

import fs from 'node:fs';
import { FileDevice } from '@f2fskit/block/node';
import { EINVAL, FsError } from '@f2fskit/errno';
import { splitPartition } from '@f2fskit/images';
import type { DriverMode } from '@f2fskit/task';
import type { ImageFile, ImageOptions, VolumeSource } from '../image.ts';

/** A file, and which of its partitions its path names. */
export interface NamedImage {
  path: string | URL;
  options: Pick<ImageOptions, 'partition'>;
}

export function isImagePath(source: string | URL | VolumeSource): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

/** Throws EINVAL for a partition that is named in two ways, or by nothing. */
export function nameImage(source: string | URL, options: Pick<ImageOptions, 'partition'>): NamedImage {
  const { path, partition } = typeof source === 'string' ? splitPartition(source, fs.existsSync) : splitUrl(source);
  if (partition !== undefined && options.partition !== undefined && partition !== String(options.partition)) {
    const detail = `the path names partition '${partition}', the option '${options.partition}': name one`;
    throw new FsError(EINVAL, { syscall: 'open', path: String(source), detail });
  }
  return { path, options: partition === undefined ? {} : { partition } };
}

/** Opens a file or a block device. Throws what `FileDevice.open` throws. */
export function openImageFile(path: string | URL, mode: DriverMode, writable: boolean): ImageFile {
  const device = FileDevice.open(path, { mode, writable });
  return { device, tail: readTail(path, device.size) };
}

function splitUrl(url: URL): { path: URL; partition?: string } {
  if (url.hash.length <= 1) return { path: url };
  try {
    return { path: url, partition: decodeURIComponent(url.hash.slice(1)) };
  } catch {
    const detail = 'what follows # names a partition, and is no URL encoding: write %23 for a # of the file name';
    throw new FsError(EINVAL, { syscall: 'open', path: String(url), detail });
  }
}

/** The bytes behind the last whole sector of a regular file; none where they cannot be had. */
function readTail(path: string | URL, deviceSize: number): Uint8Array {
  let fd = -1;
  try {
    const { size } = fs.statSync(path);
    if (size <= deviceSize) return new Uint8Array(0); // also a block device, whose size stat does not know
    fd = fs.openSync(path, 'r');
    const tail = new Uint8Array(size - deviceSize);
    return tail.subarray(0, fs.readSync(fd, tail, 0, tail.length, deviceSize));
  } catch {
    return new Uint8Array(0); // the device is open: it will say what is wrong with the file
  } finally {
    if (fd !== -1) fs.closeSync(fd);
  }
}
