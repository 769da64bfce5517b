// The contents of a new file that is compressed, cluster by cluster, before it is made: all clusters that lie below its end are
// tried, the rest is blocks as in any file.

import { BLOCK_SIZE, clusterBlocks } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { ClusterEncoder, ClusterJob, CompressedFields } from '../clusters/encode-cluster.ts';
import type { CompressionContext } from '../compression-policy.ts';

/** What a new file is made of. */
export interface LoadedClusters {
  /** Blocks of a cluster. */
  readonly clusterBlocks: number;
  /** The payload of each cluster that lies below the end of the file; `undefined` for those that stay as they are. */
  readonly payloads: ReadonlyArray<Uint8Array | undefined>;
}

/** Compresses contents; payloads lie in `scratch`, which has room for the contents and one more block. */
export function* loadClusters(
  encoder: ClusterEncoder,
  context: CompressionContext,
  contents: Uint8Array,
  scratch: Uint8Array,
): Task<LoadedClusters> {
  const blocks = clusterBlocks(context.logClusterSize);
  const bytes = blocks * BLOCK_SIZE;
  const count = Math.floor(Math.ceil(contents.length / BLOCK_SIZE) / blocks);
  const jobs: ClusterJob[] = [];
  for (let cluster = 0; cluster < count; cluster++) {
    const part = contents.subarray(cluster * bytes, (cluster + 1) * bytes);
    jobs.push({ source: part.length === bytes ? part : padded(part, bytes), payload: undefined });
  }
  const encoding = jobs.length === 0 ? undefined : encoder.begin(jobs, fieldsOf(context), scratch).finish();
  if (encoding !== undefined) yield* encoding;
  return { clusterBlocks: blocks, payloads: jobs.map(({ payload }) => payload) };
}

function padded(part: Uint8Array, bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  whole.set(part);
  return whole;
}

function fieldsOf({ algorithm, level, checksum, logClusterSize }: CompressionContext): CompressedFields {
  return { compressAlgorithm: algorithm, compressFlag: { checksum, level }, logClusterSize };
}
