// Opening a volume from whatever holds it. This file knows no platform; `f2fskit` for Node adds paths.

import { BlobDevice, type BlobLike, type BlockDevice, closeDevice, MemoryDevice } from '@f2fskit/block';
import { type CodecRegistry, defaultCodecs } from '@f2fskit/codecs';
import { type MountOptions, mountF2fs } from '@f2fskit/f2fs';
import { runAsync, runSync, SyncUnavailableError, Tracer } from '@f2fskit/task';
import { Volume } from './volume.ts';

/** Bytes of a volume, a Blob or File, or any block device. */
export type VolumeSource = Uint8Array | BlobLike | BlockDevice;

export interface OpenOptions extends Omit<MountOptions, 'codecs' | 'tracer'> {
  /** Decoders; the default ones of `@f2fskit/codecs` unless given. */
  codecs?: CodecRegistry;
  tracer?: Tracer;
}

function isDevice(source: VolumeSource): source is BlockDevice {
  return 'submit' in source;
}

/** The device over a source: a memory device over the bytes themselves, a Blob device, or the device as it is. */
export function deviceOf(source: VolumeSource): BlockDevice {
  if (source instanceof Uint8Array) return MemoryDevice.from(source);
  return isDevice(source) ? source : new BlobDevice(source);
}

/**
 * Opens a volume for reading. Rejects with EINVAL for what is not F2FS (naming what it is, if known), EOPNOTSUPP for a
 * kind of volume that is not supported, Corruption, EIO. The volume owns the device: `close` closes it, and so does a
 * failed open.
 */
export async function openVolume(source: VolumeSource, options: OpenOptions = {}): Promise<Volume> {
  const device = deviceOf(source);
  const { tracer, mountOptions } = prepare(options);
  try {
    return new Volume(await runAsync(mountF2fs(device, mountOptions)), tracer);
  } catch (error) {
    await runAsync(closeDevice(device));
    throw error;
  }
}

/** As {@link openVolume}, for devices that finish at once. Throws ERR_SYNC_UNAVAILABLE for the others. */
export function openVolumeSync(source: VolumeSource, options: OpenOptions = {}): Volume {
  const device = deviceOf(source);
  if (device.mode === 'async') throw new SyncUnavailableError(device.name);
  const { tracer, mountOptions } = prepare(options);
  try {
    return new Volume(runSync(mountF2fs(device, mountOptions)), tracer);
  } catch (error) {
    runSync(closeDevice(device));
    throw error;
  }
}

function prepare(options: OpenOptions): { tracer: Tracer; mountOptions: MountOptions } {
  const tracer = options.tracer ?? new Tracer();
  return { tracer, mountOptions: { ...options, tracer, codecs: options.codecs ?? defaultCodecs() } };
}
