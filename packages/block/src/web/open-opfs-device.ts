// From a FileSystemFileHandle to a device: the synchronous one where the browser can, else a snapshot that is read.

import { EOPNOTSUPP, FsError } from '@f2fskit/errno';
import type { DriverMode } from '@f2fskit/task';
import { BlobDevice } from '../blob-device.ts';
import type { BlockDevice } from '../device.ts';
import type { FileHandleLike, SyncAccessHandleLike } from './file-handle.ts';
import { OpfsDevice } from './opfs-device.ts';
import { webErrno } from './web-error.ts';

export interface OpenOpfsOptions {
  /**
   * `sync`: the synchronous access handle of a dedicated worker. `async`: the file as it is now, read-only; once
   * somebody changes it, reads end with EIO. Default: `sync` where the handle has it.
   */
  mode?: DriverMode;
  /** Needs mode `sync`, and takes the file's lock for this device alone. Default false. */
  writable?: boolean;
}

/**
 * Opens the device of a file handle. Rejects with an FsError with syscall `open` and the file's name: EBUSY when somebody
 * else has its lock, ENOENT when the file is gone, EACCES without permission, EOPNOTSUPP where synchronous access is
 * wanted (or needed to write) and there is none: on the main thread, and for files outside OPFS.
 */
export async function openOpfsDevice(
  handle: FileHandleLike,
  { mode, writable = false }: OpenOpfsOptions = {},
): Promise<BlockDevice> {
  if (mode !== 'async') {
    const access = await openAccess(handle, writable);
    if (access !== undefined) return new OpfsDevice(access, { name: handle.name, writable });
  }
  if (mode === 'sync' || writable) {
    const what = mode === 'async' ? 'an async device is read-only' : 'only workers have it, and only for OPFS';
    throw new FsError(EOPNOTSUPP, { syscall: 'open', path: handle.name, detail: `synchronous access: ${what}` });
  }
  return new BlobDevice(await named(handle, () => handle.getFile()), handle.name);
}

/** The access handle; undefined where this file cannot have one. */
async function openAccess(handle: FileHandleLike, writable: boolean): Promise<SyncAccessHandleLike | undefined> {
  const create = handle.createSyncAccessHandle;
  if (create === undefined) return undefined;
  return named(handle, async () => {
    try {
      return await create.call(handle, { mode: writable ? 'readwrite' : 'read-only' });
    } catch (error) {
      // So the standard answers for a file that is not in OPFS.
      if (error instanceof Error && error.name === 'InvalidStateError') return undefined;
      throw error;
    }
  });
}

/** Turns what the browser rejects with into an FsError that names the file. */
async function named<T>(handle: FileHandleLike, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new FsError(webErrno(error), { syscall: 'open', path: handle.name, cause: error });
  }
}
