// Where a new volume goes. A file that is not there yet has its name only when it is complete; what is there already, a
// file or a device, is written in place, because others may hold on to it.

import { constants, existsSync, rmSync } from 'node:fs';
import { access, lstat, open, rename, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type BlockDevice, closeDevice } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { splitPartition } from '@f2fskit/images';
import { runAsync } from '@f2fskit/task';
import { WriterLock } from 'f2fskit/writer-lock';
import { UsageError } from './errors.ts';

/** What the path of a target names. */
export type FormatTarget =
  | { readonly kind: 'new'; readonly path: string; readonly size: number }
  /** `size`: of the volume; the file may be longer. */
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly fileSize: number }
  | { readonly kind: 'disk'; readonly path: string; readonly size: number };

/**
 * Looks at the path and settles the size: the one that is asked for, or that of what exists. Changes nothing.
 *
 * @throws UsageError where there is no size, or where the path can hold no volume.
 * @throws FsError for a path that is neither file nor disk.
 */
export async function findTarget(path: string, wanted: number | undefined): Promise<FormatTarget> {
  if (path === '-') throw new UsageError('a volume is made in a file or on a device, not in a stream');
  if (path === '' || path.endsWith('/')) throw new UsageError(`'${path}' is the name of no file`);
  const { partition, path: disk } = splitPartition(path, existsSync);
  if (partition !== undefined && existsSync(disk)) {
    throw new UsageError(`${path} names a partition of ${disk}: volumes are made in whole files and devices`);
  }
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) {
    if (await isSymlink(path)) throw new UsageError(`${path} is a symbolic link to nothing`);
    if (wanted === undefined) throw new UsageError(`${path} does not exist: say how large it will be with --size`);
    return { kind: 'new', path, size: wanted };
  }
  if (there.isFile()) return { kind: 'file', path, size: wanted ?? there.size, fileSize: there.size };
  const device = FileDevice.open(path); // says what is wrong with directories, pipes and the like
  await runAsync(closeDevice(device));
  return { kind: 'disk', path, size: wanted ?? device.size };
}

async function isSymlink(path: string): Promise<boolean> {
  const entry = await lstat(path).catch(() => undefined);
  return entry?.isSymbolicLink() === true;
}

export interface WriteOptions {
  /** Nothing but zeros is in the file. */
  empty: boolean;
  /** Old content may be given up before anything is written. */
  discard: boolean;
}

/**
 * Opens the target, lets `write` make the volume, and closes it. A new file is made under another name beside its place
 * and removed unless all went well; what exists is written under the lock of a writer. `blank`: the device reads as zeros.
 */
export async function writeTarget<T>(
  target: FormatTarget,
  { empty, discard }: WriteOptions,
  write: (device: BlockDevice, blank: boolean) => Promise<T>,
): Promise<T> {
  const { kind, path, size } = target;
  if (kind === 'new') return await writeNewFile(path, size, (device) => write(device, true));
  const lock = WriterLock.take(path); // EBUSY, while somebody writes to the volume that is there
  try {
    let blank = kind === 'file' && empty;
    if (kind === 'file') {
      // Node cannot punch holes; cutting the file off and extending it again leaves one large hole.
      if (!blank && discard && size >= target.fileSize) {
        await truncate(path, 0);
        blank = true;
      }
      if (blank || size > target.fileSize) await truncate(path, Math.max(size, target.fileSize));
    }
    return await onDevice(path, (device) => write(device, blank));
  } finally {
    lock.release();
  }
}

async function writeNewFile<T>(path: string, size: number, write: (device: BlockDevice) => Promise<T>): Promise<T> {
  await access(dirname(path), constants.W_OK); // its error names what the user named
  const unfinished = `${path}.${process.pid}.f2fs-unfinished`;
  const file = await open(unfinished, 'wx');
  // Whatever ends the process: a signal between two steps, or a bug.
  const remove = (): void => rmSync(unfinished, { force: true });
  process.on('exit', remove);
  try {
    try {
      await file.truncate(size);
    } finally {
      await file.close();
    }
    const result = await onDevice(unfinished, write);
    if (existsSync(path)) throw new Error(`${path} has come into being meanwhile: nothing was changed`);
    await rename(unfinished, path);
    return result;
  } finally {
    remove();
    process.off('exit', remove);
  }
}

async function onDevice<T>(path: string, use: (device: BlockDevice) => Promise<T>): Promise<T> {
  const device = FileDevice.open(path, { writable: true });
  try {
    return await use(device);
  } finally {
    await runAsync(closeDevice(device));
  }
}
