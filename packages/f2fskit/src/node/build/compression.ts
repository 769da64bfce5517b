// How the files of a new volume are compressed, and the end of a volume that is only to be read.
//
//   all files       that have at least one whole cluster, unless extensions say which; a smaller one would only lose its place
//                   inside the inode
//   features        compression, and extra_attr, which it needs
//   for reading     what compression saves is given back file by file, as they come; in the end both superblocks get the
//                   feature `ro`, and nobody writes to the volume any more
//
// Source: spec 2.3, 9.8, 9.9.

import { type BlockDevice, readBytes, writeBytes } from '@f2fskit/block';
import { type CodecRegistry, defaultCodecs, type PoolWorkers } from '@f2fskit/codecs';
import { registerNodeCodecs } from '@f2fskit/codecs/node';
import { nodeCodecPool } from '@f2fskit/codecs/node-pool';
import {
  type ClusterEncoder,
  type CompressionOptions,
  CompressionPolicy,
  PoolEncoder,
  requireEncoder,
} from '@f2fskit/f2fs';
import {
  BLOCK_SIZE,
  clusterBlocks,
  Feature,
  hasFeature,
  RawSuperblock,
  SUPER_OFFSET,
  sealSuperblock,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';

/** What a build does about compression, checked. */
export interface BuildCompression {
  /** Options of the mount. */
  readonly mount: CompressionOptions;
  /** Blocks of a cluster: files with fewer are not compressed. */
  readonly clusterBlocks: number;
  readonly codecs: CodecRegistry;
  /** Compresses, with workers beside this thread where there are any. */
  readonly encoder: ClusterEncoder;
  /** Starts the workers, which takes them a while. */
  startWorkers(): void;
  /** Ends them. */
  close(): void;
}

const FEATURES = ['extra_attr', 'compression'];

/**
 * Looks at options before anything is done. Throws EINVAL, beginning with `compress`, for what cannot be, EOPNOTSUPP where nobody
 * here can write the algorithm.
 */
export function buildCompression(
  options: CompressionOptions | undefined,
  codecs = defaultNodeCodecs(),
  workers: PoolWorkers = 'auto',
): BuildCompression | undefined {
  if (options === undefined) return undefined;
  const mount = { ...options, extensions: options.extensions ?? ['*'] };
  const { context } = new CompressionPolicy(mount);
  requireEncoder(codecs, { compressAlgorithm: context.algorithm });
  const pool = nodeCodecPool({ workers });
  return {
    mount,
    clusterBlocks: clusterBlocks(context.logClusterSize),
    codecs,
    encoder: new PoolEncoder(codecs, pool),
    startWorkers: () => pool.startWorkers(),
    close: () => pool.close(),
  };
}

function defaultNodeCodecs(): CodecRegistry {
  const codecs = defaultCodecs();
  registerNodeCodecs(codecs);
  return codecs;
}

/** The features of a format, with those that compression needs. */
export function withCompression(features: readonly string[] = []): string[] {
  return [...features, ...FEATURES.filter((feature) => !features.includes(feature))];
}

/** Gives both superblocks of a volume that has been left the feature `ro`. Throws EIO. */
export function* markReadOnly(device: BlockDevice): Task<void> {
  for (const block of [0, 1]) {
    const copy = new Uint8Array(RawSuperblock.$size);
    yield* readBytes(device, block * BLOCK_SIZE + SUPER_OFFSET, copy);
    const view = new DataView(copy.buffer);
    const features = (RawSuperblock.features.get(view, 0) | Feature.ro) >>> 0;
    RawSuperblock.features.set(view, 0, features);
    if (hasFeature({ features }, Feature.sbChecksum)) sealSuperblock(copy);
    yield* writeBytes(device, block * BLOCK_SIZE + SUPER_OFFSET, copy);
  }
}
