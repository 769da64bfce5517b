// f2fskit for Node: everything of the platform-free entry, and paths.

import { type CodecPool, defaultCodecs } from '@f2fskit/codecs';
import { registerNodeCodecs } from '@f2fskit/codecs/node';
import { nodeCodecPool } from '@f2fskit/codecs/node-pool';
import type { DriverMode } from '@f2fskit/task';
import { type CompressWorkersOption, takeCompressWorkers } from '../codec-workers.ts';
import { blobFile, imageFile, type VolumeSource } from '../image.ts';
import { type OpenOptions, openFile, openFileSync } from '../open.ts';
import type { BuildInput, BuildOptions, BuildReport } from './build/index.ts';
import { isImagePath } from './image-file.ts';
import { openLockedImageFile } from './locked-image-file.ts';
import { type NodeVolume, nodeVolume } from './node-volume.ts';

export type { NodeFileHandle as FileHandle } from '@f2fskit/node-fs/node';
export * from '../index.ts';
export type {
  BuildExample,
  BuildFormatOptions,
  BuildInput,
  BuildOptions,
  BuildProgress,
  BuildReason,
  BuildReasonCount,
  BuildReport,
  VolumeSize,
} from './build/index.ts';
export { type ExtractOptions, type ExtractProgress, extract, tarStream } from './extract/index.ts';
export { loadCodecs } from './load-codecs.ts';
export { NodeVolume as Volume } from './node-volume.ts';
export { openImage } from './open-image.ts';
export { type LockOwner, WriterLock } from './writer-lock.ts';

export interface NodeOpenOptions extends OpenOptions, CompressWorkersOption {
  /**
   * `sync` (default): positional reads that finish at once, and the sync methods work. `async`: many reads in flight, and
   * the thread is never blocked by the medium.
   */
  mode?: DriverMode;
}

/**
 * Opens a volume, for reading unless `writable` is set: a path or file URL, bytes, a Blob, or a device. A path may name a partition: `disk.img#3`,
 * `disk.img#userdata`; a file whose name contains the `#` comes first.
 */
export async function openVolume(
  source: string | URL | VolumeSource,
  options: NodeOpenOptions = {},
): Promise<NodeVolume> {
  const { mode, pool, ...rest } = forNode(options);
  if (!isImagePath(source)) return openFile(await blobFile(source), rest, nodeVolume, pool);
  const { file, release, options: named } = openLockedImageFile(source, mode ?? 'sync', options);
  try {
    const volume = await openFile(file, { ...rest, ...named }, nodeVolume, pool);
    volume.whenClosed(release);
    return volume;
  } catch (error) {
    release();
    throw error;
  }
}

/** As {@link openVolume}, at once. Throws ERR_SYNC_UNAVAILABLE for what completes later. */
export function openVolumeSync(source: string | URL | VolumeSource, options: NodeOpenOptions = {}): NodeVolume {
  const { mode, pool, ...rest } = forNode(options);
  if (!isImagePath(source)) return openFileSync(imageFile(source), rest, nodeVolume, pool);
  const { file, release, options: named } = openLockedImageFile(source, mode ?? 'sync', options);
  try {
    const volume = openFileSync(file, { ...rest, ...named }, nodeVolume, pool);
    volume.whenClosed(release);
    return volume;
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Builds `image` from `input`. Nothing has its name before it is complete. What could not be taken is in the report; it is
 * no reason to stop. Rejects with ENOSPC for a size that is too small, saying how much is missing; EEXIST for what is there
 * already; EINVAL for wrong options and broken archives; EBUSY; with the signal's reason; and with what the host says about
 * the input and the image themselves.
 */
export async function buildImage(
  input: BuildInput,
  image: string | URL,
  options: BuildOptions = {},
): Promise<BuildReport> {
  // Loaded when it is wanted: who only reads has no memory for mkfs and all that comes with it.
  const build = await import('./build/index.ts');
  return build.buildImage(input, image, options);
}

/** The options with the codecs of Node, and a pool in place of its option. */
function forNode(options: NodeOpenOptions): Omit<NodeOpenOptions, 'compressWorkers'> & { pool: CodecPool | undefined } {
  const { pool, rest } = takeCompressWorkers(options, (workers) => nodeCodecPool({ workers }));
  const codecs = options.codecs ?? defaultCodecs();
  if (options.codecs === undefined) registerNodeCodecs(codecs);
  return { ...rest, codecs, pool };
}
