// The device of a volume in an image, without what a mount needs: an entry of its own, and a small one.

import { closeDevice } from '@f2fskit/block';
import { type DriverMode, runAsync } from '@f2fskit/task';
import { blobFile, findVolume, type ImageOptions, type OpenImage, type VolumeSource } from '../image.ts';
import { isImagePath, nameImage, openImageFile } from './image-file.ts';

export type { ImageOptions, OpenImage, VolumeSource } from '../image.ts';

/**
 * The device of the volume in a source, for what needs no mount. Whoever calls closes the device. Throws as `openVolume`
 * does, but looks into containers only.
 */
export async function openImage(
  source: string | URL | VolumeSource,
  options: Omit<ImageOptions, 'writable'> & { mode?: DriverMode } = {},
): Promise<OpenImage> {
  const named = isImagePath(source) ? nameImage(source, options) : undefined;
  const file =
    named === undefined
      ? await blobFile(source as VolumeSource)
      : openImageFile(named.path, options.mode ?? 'sync', false);
  try {
    return await runAsync(findVolume(file, { ...options, ...named?.options }));
  } catch (error) {
    await runAsync(closeDevice(file.device));
    throw error;
  }
}
