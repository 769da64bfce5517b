// An image that is a path, as a volume opens it: for writing under the writer's lock.

import { fileURLToPath } from 'node:url';
import type { DriverMode } from '@f2fskit/task';
import type { ImageFile, ImageOptions } from '../image.ts';
import { type NamedImage, nameImage, openImageFile } from './image-file.ts';
import { WriterLock } from './writer-lock.ts';

export interface LockedImageFile {
  file: ImageFile;
  /** Gives back the writer's lock, if one was taken. */
  release: () => void;
  /** Which partition the path names. */
  options: NamedImage['options'];
}

/** Opens a file or a block device. Throws what `nameImage`, `WriterLock.take` and `FileDevice.open` throw. */
export function openLockedImageFile(source: string | URL, mode: DriverMode, options: ImageOptions): LockedImageFile {
  const { path, options: named } = nameImage(source, options);
  const writable = options.writable ?? false;
  const lock = writable ? WriterLock.take(path instanceof URL ? fileURLToPath(path) : path) : undefined;
  const release = () => lock?.release();
  try {
    return { file: openImageFile(path, mode, writable), release, options: named };
  } catch (error) {
    release();
    throw error;
  }
}
