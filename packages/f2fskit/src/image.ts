// From what a user has to the device of the volume in it: a bare volume, or one in containers, found by looking.

import { BlobDevice, type BlobLike, type BlockDevice, MemoryDevice } from '@f2fskit/block';
import { EROFS, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, SUPER_MAGIC, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import { type OpenedContainer, openContainer, volumeByMagic } from '@f2fskit/images';
import type { Task } from '@f2fskit/task';

/** Bytes of a volume or of a container that holds one, a Blob or File, or any block device. */
export type VolumeSource = Uint8Array | BlobLike | BlockDevice;

export interface ImageOptions {
  /** Which partition of a disk: its number or its name. Unless given, the only one that holds an F2FS volume. */
  partition?: number | string;
  /**
   * Whether to look for the volume in Android sparse images and in partitions, where the source itself is none. Default
   * true. What is found in a container is read-only.
   */
  containers?: boolean;
  /** Opens for writing: EROFS for a volume in a container. Default false. */
  writable?: boolean;
}

/** A source as a device, and the bytes behind its last whole sector, which a device leaves out. */
export interface ImageFile {
  readonly device: BlockDevice;
  readonly tail: Uint8Array;
}

/** The volume's device, and what was found on the way to it. */
export interface OpenImage {
  readonly device: BlockDevice;
  /** The containers from outside to inside, one sentence each; empty for a bare volume. */
  readonly container: readonly string[];
  /** What is wrong with the containers although they could be used. */
  readonly problems: readonly string[];
}

const NOTHING = new Uint8Array(0);

/** The magic number in either copy of the superblock (spec 2.1). */
const f2fsFormat = volumeByMagic('F2FS', littleEndian(SUPER_MAGIC), [SUPER_OFFSET, BLOCK_SIZE + SUPER_OFFSET]);

function littleEndian(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}

export function isDevice(source: VolumeSource): source is BlockDevice {
  return 'submit' in source;
}

/** The device over a source: a memory device over the bytes themselves, a Blob device, or the device as it is. */
export function deviceOf(source: VolumeSource): BlockDevice {
  if (source instanceof Uint8Array) return MemoryDevice.from(source);
  return isDevice(source) ? source : new BlobDevice(source);
}

/** A source as a device with its tail. That of a Blob needs a promise: see {@link blobFile}. */
export function imageFile(source: VolumeSource): ImageFile {
  const device = deviceOf(source);
  return { device, tail: source instanceof Uint8Array ? source.subarray(device.size) : NOTHING };
}

/** As {@link imageFile}, with the tail of a Blob. A Blob that cannot be read has none; its device says so later. */
export async function blobFile(source: VolumeSource): Promise<ImageFile> {
  const file = imageFile(source);
  if (source instanceof Uint8Array || isDevice(source) || source.size === file.device.size) return file;
  try {
    return {
      device: file.device,
      tail: new Uint8Array(await source.slice(file.device.size, source.size).arrayBuffer()),
    };
  } catch {
    return file;
  }
}

/**
 * The device of the volume. Where nothing is known, that of the file: mounting it says what is missing. Never closes the
 * file. Throws what `openContainer` of `@f2fskit/images` throws.
 */
export function* findVolume({ device, tail }: ImageFile, options: ImageOptions): Task<OpenImage> {
  const { partition, containers = true, writable = false } = options;
  if (!containers) return { device, container: [], problems: [] };
  const wanted = partition === undefined ? {} : { partition };
  const opened: OpenedContainer = yield* openContainer(device, { format: f2fsFormat, tail, ...wanted });
  if (writable && opened.description.length > 0) {
    throw new FsError(
      EROFS,
      `the volume is inside a container, which is read-only: ${opened.description.join(', in ')}`,
    );
  }
  return { device: opened.device, container: opened.description, problems: opened.problems };
}
