// nat_bits: two bitmaps over the NAT blocks in the last blocks of a checkpoint pack. They only speed up the search for
// free nids; a reader may ignore them, and must when their key does not belong to the checkpoint in force.
//
//   8 bytes key | full bitmap | empty bitmap        both LSB-first, one bit a NAT block

import { bits64, struct } from '@f2fskit/ondisk';
import { BLOCK_SIZE, SEGMENT_BLOCKS } from './constants.ts';
import type { Superblock } from './superblock.ts';

/** What stands before the two bitmaps. 8 bytes. */
export const NatBitsHeader = struct('f2fs_nat_bits', 8, {
  key: bits64(0, 'checkpoint version OR checksum << 32 of the checkpoint it belongs to'),
});

type NatGeometry = Pick<Superblock, 'segmentCountNat'>;

/** NAT blocks of one copy of the table. */
export function natBlockCount(superblock: NatGeometry): number {
  return (superblock.segmentCountNat / 2) * SEGMENT_BLOCKS;
}

/** Bytes of one of the two bitmaps. */
export function natBitsBytes(superblock: NatGeometry): number {
  return natBlockCount(superblock) / 8;
}

/** Blocks that key and bitmaps take at the end of the pack's segment. */
export function natBitsBlocks(superblock: NatGeometry): number {
  return Math.ceil((NatBitsHeader.$size + 2 * natBitsBytes(superblock)) / BLOCK_SIZE);
}

/** Byte offset of the full bitmap: bit b is set when all 455 entries of NAT block b are in use. */
export const NAT_BITS_FULL_OFFSET = NatBitsHeader.$size;

/** Byte offset of the empty bitmap: bit b is set when no entry of NAT block b is in use. */
export function natBitsEmptyOffset(superblock: NatGeometry): number {
  return NAT_BITS_FULL_OFFSET + natBitsBytes(superblock);
}

/** The half of a checkpoint that makes the key. */
export interface NatBitsOwner {
  readonly versionLow: number;
  readonly versionHigh: number;
  readonly checksum: number;
}

/** True when the nat_bits at `at` were written together with this checkpoint. */
export function natBitsKeyMatches(checkpoint: NatBitsOwner, view: DataView, at: number): boolean {
  return (
    NatBitsHeader.key.low(view, at) === checkpoint.versionLow &&
    NatBitsHeader.key.high(view, at) === (checkpoint.versionHigh | checkpoint.checksum) >>> 0
  );
}

/** Stores the key that makes the nat_bits at `at` belong to this checkpoint. */
export function setNatBitsKey(checkpoint: NatBitsOwner, view: DataView, at: number): void {
  NatBitsHeader.key.set(view, at, checkpoint.versionLow, (checkpoint.versionHigh | checkpoint.checksum) >>> 0);
}
