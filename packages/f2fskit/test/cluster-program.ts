// Random programs over a few files whose clusters they overwrite, cut and append to, at every alignment: the sizes and places
// that matter are those around blocks, clusters and the ends of files.

import { seededRandom } from '@f2fskit/task';
import type { DataSpec, Operation } from '@f2fskit/testkit/model';

export interface ClusterProgramOptions {
  seed: number;
  operations: number;
  /** log2 of the blocks of a cluster. */
  logClusterSize: number;
  /** Default `/file0.txt` and `/file1.txt`. They are created. */
  files?: readonly string[];
  /** Whether the files are made first. Default true. */
  create?: boolean;
  /** Clusters that a file has at most. */
  clusters?: number;
}

const BLOCK = 4096;

export function clusterProgram({
  seed,
  operations,
  logClusterSize,
  files = ['/file0.txt', '/file1.txt'],
  create = true,
  clusters = 12,
}: ClusterProgramOptions): Operation[] {
  const random = seededRandom(seed);
  const cluster = BLOCK << logClusterSize;
  const program: Operation[] = create ? files.map((path) => ({ op: 'create', path, mode: 0o644 })) : [];
  /** Where something begins or ends: at a cluster, at a block, beside one, anywhere. */
  const place = (): number => {
    const base = random.below(clusters) * cluster;
    const offset = [0, 0, random.below(cluster / BLOCK) * BLOCK, random.below(cluster), cluster - 1, 1][
      random.below(6)
    ]!;
    return base + offset;
  };
  const length = (): number =>
    [
      1,
      111,
      BLOCK,
      BLOCK + 1,
      cluster,
      cluster,
      2 * cluster,
      cluster + BLOCK,
      3 * cluster - 7,
      random.below(cluster) + 1,
    ][random.below(10)]!;
  const data = (bytes: number): DataSpec => ({ seed: random.u32() >>> 1, length: bytes });
  for (let index = 0; index < operations; index++) {
    const file = files[random.below(files.length)]!;
    const what = random.below(20);
    if (what < 9) program.push({ op: 'write', file, position: place(), data: data(length()) });
    else if (what < 11) program.push({ op: 'write', file, position: 'end', data: data(length()) });
    else if (what < 13) program.push({ op: 'truncate', file, size: place() });
    else if (what < 16) program.push({ op: 'read', file, position: place(), length: length() });
    else if (what === 16) program.push({ op: 'fsync', file });
    else if (what === 17) program.push({ op: 'sync' });
    else if (what === 18)
      program.push({ op: 'fallocate', file, mode: 'allocate', position: place(), length: length() });
    else program.push({ op: 'stat', file, noFollow: true });
  }
  return program;
}
