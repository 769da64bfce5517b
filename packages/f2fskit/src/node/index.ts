// f2fskit for Node: everything of the platform-free entry, and paths.

import { FileDevice } from '@f2fskit/block/node';
import { defaultCodecs } from '@f2fskit/codecs';
import { registerNodeCodecs } from '@f2fskit/codecs/node';
import type { DriverMode } from '@f2fskit/task';
import {
  type OpenOptions,
  openVolume as openSource,
  openVolumeSync as openSourceSync,
  type VolumeSource,
} from '../open.ts';
import type { Volume } from '../volume.ts';

export * from '../index.ts';

export interface NodeOpenOptions extends OpenOptions {
  /**
   * `sync` (default): positional reads that finish at once, and the sync methods work. `async`: many reads in flight, and
   * the thread is never blocked by the medium.
   */
  mode?: DriverMode;
}

/** Opens a volume for reading: a path or file URL, bytes, a Blob, or a device. */
export async function openVolume(source: string | URL | VolumeSource, options: NodeOpenOptions = {}): Promise<Volume> {
  return openSource(sourceOf(source, options), withNodeCodecs(options));
}

/** As {@link openVolume}, at once. Throws ERR_SYNC_UNAVAILABLE for what completes later. */
export function openVolumeSync(source: string | URL | VolumeSource, options: NodeOpenOptions = {}): Volume {
  return openSourceSync(sourceOf(source, options), withNodeCodecs(options));
}

function sourceOf(source: string | URL | VolumeSource, { mode = 'sync' }: NodeOpenOptions): VolumeSource {
  return typeof source === 'string' || source instanceof URL ? FileDevice.open(source, { mode }) : source;
}

function withNodeCodecs(options: NodeOpenOptions): OpenOptions {
  const codecs = options.codecs ?? defaultCodecs();
  if (options.codecs === undefined) registerNodeCodecs(codecs);
  return { ...options, codecs };
}
