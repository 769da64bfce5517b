// The first step of a check: both copies of the superblock, and whether the areas that it names are large enough for each
// other and lie on the device. What comes later allocates by these sizes, so it may rely on them.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { EIO, errnoFrom, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  Feature,
  hasFeature,
  mainEndAddress,
  SEGMENT_BLOCKS,
  SIT_ENTRIES_PER_BLOCK,
  SUPER_OFFSET,
  type Superblock,
  selectSuperblock,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { Findings } from './report.ts';

/**
 * The superblock in force; `undefined`, with a finding, when the volume cannot be checked with it.
 *
 * @throws FsError EINVAL for what is not F2FS, EOPNOTSUPP for a block size or a set of devices that cannot be read.
 */
export function* checkSuperblocks(device: BlockDevice, findings: Findings): Task<Superblock | undefined> {
  const copies: Array<Uint8Array | number> = [];
  for (const block of [0, 1]) {
    const bytes = new Uint8Array(Math.max(0, Math.min(BLOCK_SIZE, device.size - block * BLOCK_SIZE)));
    try {
      if (bytes.length > 0) yield* readBytes(device, block * BLOCK_SIZE, bytes);
      copies.push(bytes.subarray(SUPER_OFFSET));
    } catch (error) {
      copies.push(errnoFrom(error, EIO));
    }
  }
  try {
    const { superblock, problems } = selectSuperblock(copies[0]!, copies[1]!);
    for (const problem of problems) {
      const code = problem.kind === 'superblockCopies' ? 'superblockDiffers' : 'superblockCopy';
      findings.addError(code, 'superblock', problem);
    }
    return checkAreas(superblock, device, findings) ? superblock : undefined;
  } catch (error) {
    if (!(error instanceof FsError) || error.code === 'EINVAL' || error.code === 'EOPNOTSUPP') throw error;
    findings.addError('superblock', 'superblock', error);
    return undefined;
  }
}

function checkAreas(superblock: Superblock, device: BlockDevice, findings: Findings): boolean {
  const { segmentCountSit, segmentCountSsa, segmentCountMain, mainAddress } = superblock;
  const place = { area: 'superblock' as const, block: 0 };
  const sitBlocks = Math.ceil(segmentCountMain / SIT_ENTRIES_PER_BLOCK);
  const sitRoom = (segmentCountSit / 2) * SEGMENT_BLOCKS;
  if (sitBlocks > sitRoom) {
    findings.add('areaSize', place, `${sitBlocks} SIT blocks`, sitRoom);
    return false;
  }
  // A read-only volume has no summaries.
  if (!hasFeature(superblock, Feature.ro) && segmentCountMain > segmentCountSsa * SEGMENT_BLOCKS) {
    findings.add('areaSize', place, `${segmentCountMain} SSA blocks`, segmentCountSsa * SEGMENT_BLOCKS);
    return false;
  }
  const blocks = Math.floor(device.size / BLOCK_SIZE);
  if (blocks < mainEndAddress(superblock)) {
    findings.add('truncated', { area: 'volume', block: blocks }, `${mainEndAddress(superblock)} blocks`, blocks);
  }
  return blocks >= mainAddress;
}
