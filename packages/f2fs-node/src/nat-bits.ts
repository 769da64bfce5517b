// nat_bits of a volume that is written to: which NAT blocks are full, and which are empty, kept up to date with the table
// so that leaving the volume costs no look at every NAT block.
//
// They are valid only behind the checkpoint of an unmount, which has no NAT journal then. A volume that comes without valid
// ones goes on without: fsck.f2fs writes them anew. Source: spec 3.6; kernel fs/f2fs/node.c.

import {
  BLOCK_SIZE,
  type Checkpoint,
  CheckpointFlag,
  clearLsb,
  hasCheckpointFlag,
  NAT_BITS_FULL_OFFSET,
  NAT_ENTRIES_PER_BLOCK,
  type NatBitsOwner,
  NatEntry,
  natBitsBlocks,
  natBitsEmptyOffset,
  natBitsKeyMatches,
  natEntryOffset,
  SEGMENT_BLOCKS,
  type Superblock,
  setLsb,
  setNatBitsKey,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import type { MetadataBlocks } from './metadata-blocks.ts';

export class NatBits {
  /** Key and both bitmaps as they are stored, in whole blocks. */
  readonly #bytes: Uint8Array;
  readonly #emptyOffset: number;

  private constructor(bytes: Uint8Array, emptyOffset: number) {
    this.#bytes = bytes;
    this.#emptyOffset = emptyOffset;
  }

  /** Those of the checkpoint whose pack begins at block `address`; `undefined` when it has no valid ones. Throws EIO. */
  static *read(
    superblock: Superblock,
    checkpoint: Checkpoint,
    address: number,
    blocks: MetadataBlocks,
  ): Task<NatBits | undefined> {
    if (!hasCheckpointFlag(checkpoint, CheckpointFlag.natBits)) return undefined;
    const count = natBitsBlocks(superblock);
    const bytes = new Uint8Array(count * BLOCK_SIZE);
    for (let block = 0; block < count; block++) {
      bytes.set((yield* blocks.get(address + SEGMENT_BLOCKS - count + block)).bytes, block * BLOCK_SIZE);
    }
    if (!natBitsKeyMatches(checkpoint, viewOf(bytes), 0)) return undefined;
    return new NatBits(bytes, natBitsEmptyOffset(superblock));
  }

  /** Blocks at the end of a pack's segment that they take. */
  get blockCount(): number {
    return this.#bytes.length / BLOCK_SIZE;
  }

  /** NAT block `index` has these contents from now on. */
  update(index: number, natBlock: DataView): void {
    // Nobody gets nid 0: it counts as used.
    let used = index === 0 ? 1 : 0;
    for (let entry = used; entry < NAT_ENTRIES_PER_BLOCK; entry++) {
      if (NatEntry.blockAddress.get(natBlock, natEntryOffset(entry)) !== 0) used++;
    }
    setBit(this.#bytes, index, NAT_BITS_FULL_OFFSET, used === NAT_ENTRIES_PER_BLOCK);
    setBit(this.#bytes, index, this.#emptyOffset, used === 0);
  }

  /** The blocks to be stored with the checkpoint `owner`. */
  blocksFor(owner: NatBitsOwner): Uint8Array[] {
    const bytes = this.#bytes.slice();
    setNatBitsKey(owner, viewOf(bytes), 0);
    return Array.from({ length: this.blockCount }, (_, block) =>
      bytes.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE),
    );
  }
}

function setBit(map: Uint8Array, bit: number, at: number, value: boolean): void {
  if (value) setLsb(map, bit, at);
  else clearLsb(map, bit, at);
}
