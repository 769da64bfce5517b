// Random overwrites, cuts and appends of the compressed files that a volume has already.

import type { F2fsInode, F2fsVolume } from '@f2fskit/f2fs';
import { InlineFlag } from '@f2fskit/f2fs-format';
import { runSync, seededRandom } from '@f2fskit/task';
import { encodeName, type ModelFilesystem, type Operation } from '@f2fskit/testkit/model';
import { Vfs } from '@f2fskit/vfs';
import { clusterProgram } from './cluster-program.ts';

/** Files that are changed; what they grow to is bounded by the clusters of the program. */
const FILES_MAX = 6;
const FILE_BYTES_MAX = 4 << 20;

/** A program over compressed files of `volume`, which `model` knows. */
export function fixtureProgram(volume: F2fsVolume, model: ModelFilesystem, seed: number, count: number): Operation[] {
  const random = seededRandom(seed);
  const vfs = new Vfs(volume);
  const found: Array<{ path: string; logClusterSize: number }> = [];
  for (const { path, stat } of model.paths()) {
    if (stat.kind !== 'file' || stat.size === 0 || stat.size > FILE_BYTES_MAX) continue;
    const inode = runSync(vfs.walk(encodeName(path), { followLast: false })).inode as F2fsInode;
    const { compressed, logClusterSize, inlineFlags } = inode.fields;
    if (compressed && (inlineFlags & InlineFlag.compressReleased) === 0) found.push({ path, logClusterSize });
  }
  // The volumes are small, and have little room for clusters of a MiB.
  const most = found[0]?.logClusterSize === 8 ? 1 : FILES_MAX;
  while (found.length > most) found.splice(random.below(found.length), 1);
  const [first] = found;
  if (first === undefined) throw new Error('the volume has no compressed file to change');
  const { logClusterSize } = first;
  const options = { seed, operations: count, logClusterSize, clusters: logClusterSize === 8 ? 2 : 12 };
  return clusterProgram({ ...options, files: found.map(({ path }) => path), create: false });
}
