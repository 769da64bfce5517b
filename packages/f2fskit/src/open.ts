// Opening a volume from whatever holds it. This file knows no platform; `f2fskit` for Node adds paths.

import { closeDevice } from '@f2fskit/block';
import { type CodecPool, type CodecRegistry, defaultCodecs } from '@f2fskit/codecs';
import { type MountOptions, mountF2fs, PoolEncoder } from '@f2fskit/f2fs';
import { runAsync, runSync, SyncUnavailableError, type Task, Tracer } from '@f2fskit/task';
import { blobFile, findVolume, type ImageFile, type ImageOptions, imageFile, type VolumeSource } from './image.ts';
import { Volume, type VolumeFactory } from './volume.ts';

export interface OpenOptions extends Omit<MountOptions, 'codecs' | 'tracer'>, ImageOptions {
  /** Decoders; the default ones of `@f2fskit/codecs` unless given. */
  codecs?: CodecRegistry;
  tracer?: Tracer;
}

/** Volumes that make plain byte arrays. */
export const coreVolume: VolumeFactory<Volume> = (f2fs, tracer, image) => new Volume(f2fs, tracer, image);

/**
 * Opens a volume, for reading unless `writable` is set: a bare one, or one in an Android sparse image or a partition
 * (`partition`, `containers`). Rejects with EINVAL for what is not F2FS (naming what it is, if known), for a disk with several
 * volumes and for an unknown `bufferedIo`, EOPNOTSUPP for what has to be unpacked first and for a kind of volume that is not
 * supported, EROFS for what is to be written to and cannot be, ENXIO for a partition that does not exist, Corruption, EIO.
 * The volume owns the device: `close` closes it, and so does a failed open.
 */
export async function openVolume(source: VolumeSource, options: OpenOptions = {}): Promise<Volume> {
  return openFile(await blobFile(source), options, coreVolume);
}

/** As {@link openVolume}, for devices that finish at once. Throws ERR_SYNC_UNAVAILABLE for the others. */
export function openVolumeSync(source: VolumeSource, options: OpenOptions = {}): Volume {
  return openFileSync(imageFile(source), options, coreVolume);
}

/** As {@link openVolume}, for a source that is a device already. The volume also owns the pool. */
export async function openFile<V extends Volume>(
  file: ImageFile,
  options: OpenOptions,
  make: VolumeFactory<V>,
  pool?: CodecPool,
): Promise<V> {
  try {
    return await runAsync(openTask(file, options, make, pool));
  } catch (error) {
    pool?.close();
    await runAsync(closeDevice(file.device));
    throw error;
  }
}

/** As {@link openVolumeSync}, for a source that is a device already. */
export function openFileSync<V extends Volume>(
  file: ImageFile,
  options: OpenOptions,
  make: VolumeFactory<V>,
  pool?: CodecPool,
): V {
  const { device } = file;
  if (device.mode === 'async') throw new SyncUnavailableError(device.name);
  try {
    return runSync(openTask(file, options, make, pool));
  } catch (error) {
    pool?.close();
    runSync(closeDevice(device));
    throw error;
  }
}

function* openTask<V extends Volume>(
  file: ImageFile,
  options: OpenOptions,
  make: VolumeFactory<V>,
  pool: CodecPool | undefined,
): Task<V> {
  const { partition: _partition, containers: _containers, ...mountOptions } = options;
  const tracer = options.tracer ?? new Tracer();
  const image = yield* findVolume(file, options);
  const codecs = options.codecs ?? defaultCodecs();
  // A thread that finishes calls at once and may not sleep would do all that it gave away again.
  const helps = pool !== undefined && (pool.canBlock || image.device.mode === 'async');
  const encoder = options.encoder ?? (helps ? new PoolEncoder(codecs, pool) : undefined);
  const volume = make(yield* mountF2fs(image.device, { ...mountOptions, tracer, codecs, encoder }), tracer, image);
  if (pool !== undefined) volume.whenClosed(() => pool.close());
  return volume;
}
