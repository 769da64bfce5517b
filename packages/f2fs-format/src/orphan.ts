// Orphans: inodes whose last name is gone while somebody had them open. A checkpoint lists them, and the next
// read-write mount frees them; a read-only reader ignores the list.

import { struct, u16, u32, u32s, viewOf } from '@f2fskit/ondisk';
import { ORPHANS_PER_BLOCK } from './constants.ts';
import { corrupt } from './corruption.ts';

/** One block of the list, in a checkpoint pack. */
export const OrphanBlock = struct('f2fs_orphan_block', 4096, {
  inos: u32s(0, ORPHANS_PER_BLOCK, 'inodes to free'),
  reserved: u32(4080, 'zero'),
  blockIndex: u16(4084, 'number of this block, from 1'),
  blockCount: u16(4086, 'orphan blocks in this pack'),
  entryCount: u32(4088, 'entries in this block'),
  checksum: u32(4092, '0, never verified'),
});

/** Orphan blocks for `count` orphans. */
export function orphanBlocks(count: number): number {
  return Math.ceil(count / ORPHANS_PER_BLOCK);
}

/**
 * The inodes that one orphan block lists. Whether they exist is not known here.
 *
 * @throws Corruption orphanCount when it claims more than 1020 entries.
 */
export function decodeOrphanBlock(view: DataView, address: number, at = 0): number[] {
  const count = OrphanBlock.entryCount.get(view, at);
  if (count > ORPHANS_PER_BLOCK) {
    const where = { block: address, offset: OrphanBlock.entryCount.offset };
    throw corrupt('orphanCount', { where, expected: `at most ${ORPHANS_PER_BLOCK}`, found: count });
  }
  return Array.from({ length: count }, (_, index) => OrphanBlock.inos.get(view, at, index));
}

/** The blocks of the list that names these inodes; none for none. The inverse of {@link decodeOrphanBlock}. */
export function packOrphans(inos: readonly number[]): Uint8Array[] {
  const count = orphanBlocks(inos.length);
  return Array.from({ length: count }, (_, block) => {
    const bytes = new Uint8Array(OrphanBlock.$size);
    const view = viewOf(bytes);
    const entries = inos.slice(block * ORPHANS_PER_BLOCK, (block + 1) * ORPHANS_PER_BLOCK);
    for (const [index, ino] of entries.entries()) OrphanBlock.inos.set(view, 0, index, ino);
    OrphanBlock.blockIndex.set(view, 0, block + 1);
    OrphanBlock.blockCount.set(view, 0, count);
    OrphanBlock.entryCount.set(view, 0, entries.length);
    return bytes;
  });
}
