// The orphan list of the pack, and the inodes that need no name: the root and the quota files. Both are known before the
// walk, which then knows why an inode has no name.

import { BLOCK_SIZE, ORPHANS_PER_BLOCK, OrphanBlock, RawSuperblock, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import type { CheckState } from './check-state.ts';
import { InodeState } from './inode-table.ts';

/** Marks root and quota inodes; one that does not exist is a finding. */
export function markRooted({ superblock, nodes, inodes, findings, quota }: CheckState): void {
  const mark = (ino: number, field: { offset: number }, state: number) => {
    const index = nodes.inodeIndex(ino);
    const place = { area: 'superblock' as const, block: 0, offset: SUPER_OFFSET + field.offset, ino };
    if (index < 0) findings.add('nodePointer', place, 'an inode in use', ino);
    else inodes.mark(index, state);
  };
  mark(superblock.rootIno, RawSuperblock.rootIno, InodeState.rooted);
  for (const ino of superblock.quotaInos) {
    if (ino === 0) continue;
    mark(ino, RawSuperblock.quotaInos, InodeState.rooted | InodeState.quota);
    quota.files.set(ino, new Map());
  }
}

/** Marks the orphans of the pack. */
export function loadOrphans(state: CheckState): void {
  const { pack, findings } = state;
  const { orphanIndex, orphanBlocks } = pack.layout;
  for (let n = 0; n < orphanBlocks; n++) {
    const at = (orphanIndex + n) * BLOCK_SIZE;
    const block = pack.address + orphanIndex + n;
    const count = OrphanBlock.entryCount.get(pack.view, at);
    const place = { area: 'checkpoint' as const, block };
    if (count > ORPHANS_PER_BLOCK) {
      findings.add(
        'orphanBlock',
        { ...place, offset: OrphanBlock.entryCount.offset },
        `at most ${ORPHANS_PER_BLOCK}`,
        count,
      );
    }
    for (let entry = 0; entry < Math.min(count, ORPHANS_PER_BLOCK); entry++) {
      markOrphan(state, OrphanBlock.inos.get(pack.view, at, entry), { ...place, offset: 4 * entry });
    }
  }
}

function markOrphan(
  { nodes, inodes, findings }: CheckState,
  ino: number,
  place: { area: 'checkpoint'; block: number; offset: number },
): void {
  const index = nodes.inodeIndex(ino);
  if (index < 0 || inodes.has(index, InodeState.rooted)) findings.add('orphanIno', place, 'an inode of a file', ino);
  else if (inodes.has(index, InodeState.orphan)) findings.add('orphanLinks', { ...place, ino }, 'once', 'twice');
  else inodes.mark(index, InodeState.orphan);
}
