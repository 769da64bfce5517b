// Decoders on clusters that Linux compressed: ours against each other, and against a plain copy.

import { readBytes } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import type { F2fsInode } from '@f2fskit/f2fs';
import { BLOCK_SIZE, ClusterHeader } from '@f2fskit/f2fs-format';
import { BlockMapping, mapBlocks } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import { runSync, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { openVolumeSync } from 'f2fskit';
import { type BenchResult, compare, type Ratio } from './report.ts';

interface Cluster {
  data: Uint8Array;
  bytes: number;
}

/** The compressed clusters of one file, as they lie on the volume. */
function* clustersOf(volumeName: string, path: string): Task<{ algorithm: number; clusters: Cluster[] }> {
  const volume = openVolumeSync(loadGolden(volumeName).device);
  const { inode } = yield* volume.vfs.walk(path);
  const { raw, fields } = inode as F2fsInode;
  const mapping = new BlockMapping();
  const clusters: Cluster[] = [];
  const end = Math.ceil(fields.size / BLOCK_SIZE);
  for (let at = 0; at < end; at = mapping.end) {
    yield* mapBlocks(volume.f2fs.store, raw, at, end, mapping);
    if (mapping.kind !== 'compressed') continue;
    const payload = new Uint8Array(mapping.payloadLength * BLOCK_SIZE);
    for (let index = 0; index < mapping.payloadLength; index++) {
      const window = payload.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE);
      yield* readBytes(volume.device, mapping.payload[index]! * BLOCK_SIZE, window);
    }
    const length = ClusterHeader.length.get(viewOf(payload), 0);
    const data = payload.slice(ClusterHeader.$size, ClusterHeader.$size + length);
    clusters.push({ data, bytes: mapping.length * BLOCK_SIZE });
  }
  return { algorithm: fields.compressAlgorithm, clusters };
}

function decodeRatio(rounds: number, volumeName: string): Ratio {
  const { algorithm, clusters } = runSync(clustersOf(volumeName, '/c/big'));
  const codec = defaultCodecs().get(algorithm)!;
  const bytes = clusters.reduce((sum, cluster) => sum + cluster.bytes, 0);
  const target = new Uint8Array(clusters[0]!.bytes);
  const source = new Uint8Array(clusters[0]!.bytes).fill(7);
  return compare(
    rounds,
    bytes,
    {
      what: `${codec.name} decode, clusters of ${clusters[0]!.bytes / 1024} KiB (${volumeName})`,
      run: () => {
        for (const { data } of clusters) codec.decompress(data, target);
      },
    },
    {
      what: 'a copy',
      run: () => {
        for (const _ of clusters) target.set(source);
      },
    },
  );
}

export function codecBench(rounds: number): BenchResult {
  const names = ['compress-lz4-16', 'compress-lzo-rle-4', 'compress-zstd-8'];
  return { name: 'codecs', counts: [], ratios: names.map((name) => decodeRatio(rounds, name)) };
}
