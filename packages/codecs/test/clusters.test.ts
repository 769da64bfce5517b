// Clusters that Linux compressed, in every format and with clusters of 4 to 256 blocks; and our decoders on all of them.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type CodecName, codecIds, defaultCodecs } from '../src/index.ts';
import { decode } from './support.ts';

interface Cluster {
  codec: CodecName;
  volume: string;
  file: string;
  cluster: number;
  at: number;
  length: number;
  outputBytes: number;
  sha256: string;
}

const { clusters } = JSON.parse(readFileSync(new URL('fixtures/clusters.json', import.meta.url), 'utf8')) as {
  clusters: Cluster[];
};
const packed = gunzipSync(readFileSync(new URL('fixtures/clusters.bin.gz', import.meta.url)));

describe('clusters written by Linux', () => {
  it.each(clusters)('$codec, $outputBytes bytes: cluster $cluster of $file in $volume', (cluster) => {
    const codec = defaultCodecs().get(cluster.codec)!;
    const source = packed.subarray(cluster.at, cluster.at + cluster.length);
    const { bytes, error } = decode(codec, source, cluster.outputBytes);
    if (error !== undefined) throw error;
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(cluster.sha256);
  });

  it('cover every format', () => {
    expect(new Set(clusters.map(({ codec }) => codec))).toEqual(new Set(Object.keys(codecIds)));
  });
});
