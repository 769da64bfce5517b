// Writes directories with dentry blocks: which entries lie in which file block is the test's to say.

import type { TestInode } from '@f2fskit/f2fs-node/test-volume';
import { dentryBlock, type HashDirectory, hashDirectory, type TestDentry } from './dentries.ts';
import { DIRECTORY, dots, type MountableVolume } from './mountable-volume.ts';

/** A directory whose file block n holds `blocks.get(n)`; what has no entries is a hole. Returns the slots. */
export function writeDirectory(
  volume: MountableVolume,
  ino: number,
  blocks: ReadonlyMap<number, readonly TestDentry[]>,
  description: TestInode = {},
): number[] {
  const end = Math.max(-1, ...blocks.keys()) + 1;
  const slots = new Array<number>(end).fill(0);
  for (const [fileBlock, entries] of blocks) {
    slots[fileBlock] = volume.allocate();
    volume.write(slots[fileBlock], dentryBlock(entries));
  }
  volume.file(ino, slots, { mode: DIRECTORY, links: 2, size: end * 4096, blocks: 1000, depth: 1, ...description });
  return slots;
}

/** A directory as Linux makes it by inserting one name after the other. */
export function writeHashDirectory(
  volume: MountableVolume,
  ino: number,
  entries: readonly TestDentry[],
  description: TestInode = {},
): HashDirectory & { slots: number[] } {
  const directory = hashDirectory([...dots(ino), ...entries], description.dirLevel ?? 0);
  const slots = writeDirectory(volume, ino, directory.blocks, { depth: directory.depth, ...description });
  return { ...directory, slots };
}
