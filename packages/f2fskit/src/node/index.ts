// f2fskit for Node: everything of the platform-free entry, and paths.

import { closeDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { registerNodeCodecs } from '@f2fskit/codecs/node';
import { type DriverMode, runAsync } from '@f2fskit/task';
import { blobFile, findVolume, type ImageOptions, type OpenImage, type VolumeSource } from '../image.ts';
import {
  type OpenOptions,
  openFile,
  openFileSync,
  openVolume as openSource,
  openVolumeSync as openSourceSync,
} from '../open.ts';
import type { Volume } from '../volume.ts';
import { openImageFile } from './image-file.ts';

export * from '../index.ts';
export { type ExtractOptions, type ExtractProgress, extract, tarStream } from './extract/index.ts';

export interface NodeOpenOptions extends OpenOptions {
  /**
   * `sync` (default): positional reads that finish at once, and the sync methods work. `async`: many reads in flight, and
   * the thread is never blocked by the medium.
   */
  mode?: DriverMode;
}

/**
 * Opens a volume for reading: a path or file URL, bytes, a Blob, or a device. A path may name a partition: `disk.img#3`,
 * `disk.img#userdata`; a file whose name contains the `#` comes first.
 */
export async function openVolume(source: string | URL | VolumeSource, options: NodeOpenOptions = {}): Promise<Volume> {
  const { mode, ...rest } = withNodeCodecs(options);
  if (!isPath(source)) return openSource(source, rest);
  const { file, options: named } = openImageFile(source, mode ?? 'sync', options);
  return openFile(file, { ...rest, ...named });
}

/** As {@link openVolume}, at once. Throws ERR_SYNC_UNAVAILABLE for what completes later. */
export function openVolumeSync(source: string | URL | VolumeSource, options: NodeOpenOptions = {}): Volume {
  const { mode, ...rest } = withNodeCodecs(options);
  if (!isPath(source)) return openSourceSync(source, rest);
  const { file, options: named } = openImageFile(source, mode ?? 'sync', options);
  return openFileSync(file, { ...rest, ...named });
}

/**
 * The device of the volume in a source, for what needs no mount. Whoever calls closes the device. Throws as
 * {@link openVolume} does, but looks into containers only.
 */
export async function openImage(
  source: string | URL | VolumeSource,
  options: ImageOptions & { mode?: DriverMode } = {},
): Promise<OpenImage> {
  const named = isPath(source) ? openImageFile(source, options.mode ?? 'sync', options) : undefined;
  const file = named?.file ?? (await blobFile(source as VolumeSource));
  try {
    return await runAsync(findVolume(file, { ...options, ...named?.options }));
  } catch (error) {
    await runAsync(closeDevice(file.device));
    throw error;
  }
}

function isPath(source: string | URL | VolumeSource): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

function withNodeCodecs(options: NodeOpenOptions): NodeOpenOptions {
  const codecs = options.codecs ?? defaultCodecs();
  if (options.codecs === undefined) registerNodeCodecs(codecs);
  return { ...options, codecs };
}
