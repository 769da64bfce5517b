// What compression did for a file, as info, stat and ls tell it. Blocks of 4096 bytes.

import type { F2fsInode } from '@f2fskit/f2fs';
import { compressAlgorithmName, InlineFlag, type InodeFields } from '@f2fskit/f2fs-format';
import type { Volume } from 'f2fskit';
import { showBytes } from './show.ts';

const BLOCK_BYTES = 4096;

export interface CompressionReport {
  algorithm: string;
  level: number;
  checksum: boolean;
  clusterBytes: number;
  /** The size of the file. */
  logicalBlocks: number;
  /** Blocks with contents or with what they were compressed to. */
  storedBlocks: number;
  /** Not needed, and kept for the file: i_compr_blocks. */
  savedBlocks: number;
  /** Not needed, and given back to the volume. */
  releasedBlocks: number;
  /** The file has given blocks back: it cannot be written to. */
  released: boolean;
}

/** Counts the slots of a compressed file. Rejects with what reading its nodes met. */
export async function compressionOf(volume: Volume, inode: F2fsInode): Promise<CompressionReport> {
  const { fields } = inode;
  const { compressAlgorithm, compressFlag, logClusterSize, compressedBlocks, size } = fields;
  const usage = await volume.scheduler.run(volume.f2fs.compressionOf(inode).usage());
  return {
    algorithm: compressAlgorithmName(compressAlgorithm) ?? `unknown ${compressAlgorithm}`,
    level: compressFlag.level,
    checksum: compressFlag.checksum,
    clusterBytes: BLOCK_BYTES << logClusterSize,
    logicalBlocks: Math.ceil(size / BLOCK_BYTES),
    storedBlocks: usage.storedBlocks,
    savedBlocks: compressedBlocks,
    releasedBlocks: usage.releasedBlocks,
    released: isReleased(fields),
  };
}

export function isReleased({ inlineFlags }: InodeFields): boolean {
  return (inlineFlags & InlineFlag.compressReleased) !== 0;
}

/** `lz4:9`. */
export function showMethod({ algorithm, level }: Pick<CompressionReport, 'algorithm' | 'level'>): string {
  return level > 0 ? `${algorithm}:${level}` : algorithm;
}

/** `36.0 KiB stored, 32.0 KiB saved (47 %)`: the share is of what would be stored without compression. */
export function showGain({
  storedBlocks,
  savedBlocks,
  releasedBlocks,
}: Pick<CompressionReport, 'storedBlocks' | 'savedBlocks' | 'releasedBlocks'>): string {
  const gained = savedBlocks + releasedBlocks;
  const share = gained === 0 ? 0 : Math.round((100 * gained) / (storedBlocks + gained));
  const parts = [`${showBytes(storedBlocks * BLOCK_BYTES)} stored`, `${showBytes(savedBlocks * BLOCK_BYTES)} saved`];
  if (releasedBlocks > 0) parts.push(`${showBytes(releasedBlocks * BLOCK_BYTES)} released`);
  return `${parts.join(', ')} (${share} %)`;
}
