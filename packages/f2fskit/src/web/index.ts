// f2fskit for browsers: everything of the platform-free entry, and file handles.

import { type FileHandleLike, openOpfsDevice } from '@f2fskit/block/web';
import { webCodecPool } from '@f2fskit/codecs/browser-pool';
import type { DriverMode } from '@f2fskit/task';
import { type CompressWorkersOption, takeCompressWorkers } from '../codec-workers.ts';
import { blobFile, type ImageFile, type VolumeSource } from '../image.ts';
import { coreVolume, type OpenOptions, openFile } from '../open.ts';
import type { Volume } from '../volume.ts';

export type { FileHandleLike } from '@f2fskit/block/web';
export * from '../index.ts';

export interface BrowserOpenOptions extends OpenOptions, CompressWorkersOption {
  /**
   * Of a file handle. `sync`: synchronous access, in a dedicated worker and for files of OPFS only; the sync methods work.
   * `async`: the file as it is now; once it is changed, reads fail with EIO. Default: `sync` where there is synchronous
   * access, else `async`.
   */
  mode?: DriverMode;
}

/**
 * Opens a volume for reading: a `FileSystemFileHandle` (of OPFS or picked by a person), a Blob or File, bytes, or a device.
 * Rejects also as `openOpfsDevice` of `@f2fskit/block/web` does: EBUSY for a file that somebody writes. With synchronous
 * access the volume holds the file's lock, shared with other readers, until it is closed.
 */
export async function openVolume(
  source: VolumeSource | FileHandleLike,
  options: BrowserOpenOptions = {},
): Promise<Volume> {
  const { pool, rest } = takeCompressWorkers(options, (workers) => webCodecPool({ workers }));
  const { mode, ...others } = rest;
  const file = await (isHandle(source) ? handleFile(source, mode) : blobFile(source));
  return openFile(file, others, coreVolume, pool);
}

function isHandle(source: VolumeSource | FileHandleLike): source is FileHandleLike {
  return 'getFile' in source;
}

/** The device of a file, and the bytes behind its last whole sector. */
async function handleFile(handle: FileHandleLike, mode: DriverMode | undefined): Promise<ImageFile> {
  const device = await openOpfsDevice(handle, mode === undefined ? {} : { mode });
  try {
    return { device, tail: (await blobFile(await handle.getFile())).tail };
  } catch {
    return { device, tail: new Uint8Array(0) }; // the device is open: it will say what is wrong with the file
  }
}
