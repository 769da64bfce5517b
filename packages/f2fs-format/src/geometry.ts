// Address arithmetic of the main area and the checkpoint packs. All addresses are block addresses from the start of the
// volume; a segment number counts main segments from 0.

import { COMPRESS_ADDRESS, SEGMENT_BLOCKS } from './constants.ts';
import type { Superblock } from './superblock.ts';

/** The block after the last block of the main area. */
export function mainEndAddress(superblock: Pick<Superblock, 'mainAddress' | 'segmentCountMain'>): number {
  return superblock.mainAddress + superblock.segmentCountMain * SEGMENT_BLOCKS;
}

/** True for an address that a node or data block may have; the special addresses are none. */
export function isMainAddress(
  superblock: Pick<Superblock, 'mainAddress' | 'segmentCountMain'>,
  address: number,
): boolean {
  // The area of the largest volumes reaches beyond the two special values at the end of the address range.
  return address >= superblock.mainAddress && address < Math.min(mainEndAddress(superblock), COMPRESS_ADDRESS);
}

/** The main segment of a main address. */
export function segmentOf(superblock: Pick<Superblock, 'mainAddress'>, address: number): number {
  return Math.floor((address - superblock.mainAddress) / SEGMENT_BLOCKS);
}

/** The index of a main address in its segment. */
export function segmentOffsetOf(superblock: Pick<Superblock, 'mainAddress'>, address: number): number {
  return (address - superblock.mainAddress) % SEGMENT_BLOCKS;
}

/** The address of the first block of main segment `segno`. */
export function segmentAddress(superblock: Pick<Superblock, 'mainAddress'>, segno: number): number {
  return superblock.mainAddress + segno * SEGMENT_BLOCKS;
}

/** The address of checkpoint pack 0 or 1. */
export function packAddress(superblock: Pick<Superblock, 'checkpointAddress'>, pack: 0 | 1): number {
  return superblock.checkpointAddress + pack * SEGMENT_BLOCKS;
}
