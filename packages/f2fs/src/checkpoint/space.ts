// What is in use: blocks, nodes, inodes. A block is counted when it is promised, not when it is written, so that ENOSPC
// comes before it is too late: writing back what was accepted always finds room.
//
// Source: spec 3.1 (valid_block_count), 1.5; kernel fs/f2fs/f2fs.h (inc_valid_block_count).

import { ENOSPC, FsError } from '@f2fskit/errno';
import type { Checkpoint } from '@f2fskit/f2fs-format';

export class SpaceAccount {
  /** Blocks that files and nodes may have together. */
  readonly userBlocks: number;
  /** Nodes, their data, and slots that are reserved. */
  validBlocks: number;
  validNodes: number;
  validInodes: number;

  constructor({ userBlockCount, validBlockCount, validNodeCount, validInodeCount }: Checkpoint) {
    this.userBlocks = userBlockCount;
    this.validBlocks = validBlockCount;
    this.validNodes = validNodeCount;
    this.validInodes = validInodeCount;
  }

  get blocksFree(): number {
    return Math.max(0, this.userBlocks - this.validBlocks);
  }

  /** Promises `count` blocks. Throws ENOSPC, with nothing promised. */
  reserve(count: number): void {
    if (this.validBlocks + count > this.userBlocks) throw new FsError(ENOSPC);
    this.validBlocks += count;
  }

  release(count: number): void {
    this.validBlocks -= count;
  }
}
