// Inodes without a name that somebody had open when the last checkpoint was written. Nobody has them open any more.
//
// Source: spec 8.8; kernel fs/f2fs/checkpoint.c (f2fs_recover_orphan_inodes).

import { Corruption, type FsError } from '@f2fskit/errno';
import { corrupt, decodeOrphanBlock, RawInode } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { DeviceMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { freeInode } from '../names/free-inode.ts';
import type { Pack } from '../pack.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/** The inodes that a pack lists. Throws Corruption orphanCount, EIO. */
export function* readOrphans(
  { address, layout }: Pick<Pack, 'address' | 'layout'>,
  blocks: DeviceMapping,
): Task<number[]> {
  const inos: number[] = [];
  for (let index = 0; index < layout.orphanBlocks; index++) {
    const at = address + layout.orphanIndex + index;
    inos.push(...decodeOrphanBlock((yield* blocks.get(at)).view, at));
  }
  return inos;
}

/**
 * Frees them, as part of an operation. Returns what was wrong with the list: an inode that has a name after all, or does not
 * exist, is left as it is. Throws Corruption and EIO for one that cannot be freed.
 */
export function* freeOrphans(writer: VolumeWriter, inos: readonly number[]): Task<FsError[]> {
  const problems: FsError[] = [];
  for (const ino of new Set(inos)) {
    try {
      checkOrphan(yield* writer.store.readInode(ino));
    } catch (error) {
      if (!(error instanceof Corruption)) throw error;
      problems.push(error);
      continue;
    }
    yield* freeInode(writer, ino);
  }
  return problems;
}

function checkOrphan({ ino, address, fields }: DecodedInode): void {
  if (fields.links === 0) return;
  const where = { block: address, ino, offset: RawInode.links.offset };
  throw corrupt('orphan', { where, expected: 'no names', found: fields.links });
}
