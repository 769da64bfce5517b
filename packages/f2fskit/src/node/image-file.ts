// Paths as images: `disk.img`, `disk.img#3`, `disk.img#userdata`, and file URLs with the partition behind their `#`.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FileDevice } from '@f2fskit/block/node';
import { EINVAL, FsError } from '@f2fskit/errno';
import { splitPartition } from '@f2fskit/images';
import type { DriverMode } from '@f2fskit/task';
import type { ImageFile, ImageOptions } from '../image.ts';
import { WriterLock } from './writer-lock.ts';

/** A file that is open, and which of its partitions its path names. */
export interface NamedImageFile {
  file: ImageFile;
  /** Gives back the writer's lock, if one was taken. */
  release: () => void;
  options: Pick<ImageOptions, 'partition'>;
}

/**
 * Opens a file or a block device; for writing under the lock of {@link WriterLock}. Throws what `FileDevice.open` and
 * `WriterLock.take` throw; EINVAL for a partition that is named in
 * two ways, or by nothing.
 */
export function openImageFile(source: string | URL, mode: DriverMode, options: ImageOptions): NamedImageFile {
  const { path, partition } = typeof source === 'string' ? splitPartition(source, fs.existsSync) : splitUrl(source);
  if (partition !== undefined && options.partition !== undefined && partition !== String(options.partition)) {
    const detail = `the path names partition '${partition}', the option '${options.partition}': name one`;
    throw new FsError(EINVAL, { syscall: 'open', path: String(source), detail });
  }
  const lock =
    options.writable === true ? WriterLock.take(path instanceof URL ? fileURLToPath(path) : path) : undefined;
  let device: FileDevice;
  try {
    device = FileDevice.open(path, { mode, writable: options.writable ?? false });
  } catch (error) {
    lock?.release();
    throw error;
  }
  return {
    release: () => lock?.release(),
    file: { device, tail: readTail(path, device.size) },
    options: partition === undefined ? {} : { partition },
  };
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
