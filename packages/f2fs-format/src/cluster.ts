// Compressed clusters: C = 4 .. 256 file blocks, compressed together. A compressed cluster's first slot is
// COMPRESS_ADDRESS; the slots after it hold the payload blocks, which concatenated are one header and one stream:
//
//   24-byte header | `length` bytes of compressed data | padding that means nothing

import { bytes, struct, u32 } from '@f2fskit/ondisk';
import { BLOCK_SIZE } from './constants.ts';
import { CRC_SEED, f2fsCrc } from './crc.ts';

/** The start of a compressed cluster's payload. 24 bytes. */
export const ClusterHeader = struct('compress_data', 24, {
  length: u32(0, 'bytes of compressed data'),
  checksum: u32(4, 'CRC of the compressed data where the inode asks for one, else 0'),
  reserved: bytes(8, 16, 'zero'),
});

/** i_compress_algorithm. */
export const CompressAlgorithm = { lzo: 0, lz4: 1, zstd: 2, lzoRle: 3 } as const;
export type CompressAlgorithm = (typeof CompressAlgorithm)[keyof typeof CompressAlgorithm];

const algorithmNames = ['lzo', 'lz4', 'zstd', 'lzo-rle'] as const;
export type CompressAlgorithmName = (typeof algorithmNames)[number];

/** `3` → `'lzo-rle'`; `undefined` for ids that no kernel knows. */
export function compressAlgorithmName(id: number): CompressAlgorithmName | undefined {
  return algorithmNames[id];
}

/** `'lzo-rle'` → `3`; `undefined` for other names. */
export function compressAlgorithmId(name: string): CompressAlgorithm | undefined {
  const id = (algorithmNames as readonly string[]).indexOf(name);
  return id < 0 ? undefined : (id as CompressAlgorithm);
}

export const LOG_CLUSTER_SIZE_MIN = 2;
export const LOG_CLUSTER_SIZE_MAX = 8;

/** Levels above 0 that an algorithm may carry; `undefined` when it has none. Level 0 is always allowed. */
export function compressLevels(algorithm: number): { min: number; max: number } | undefined {
  if (algorithm === CompressAlgorithm.lz4) return { min: 3, max: 16 };
  if (algorithm === CompressAlgorithm.zstd) return { min: 1, max: 22 };
  return undefined;
}

/** i_compress_flag: bit 0 asks for checksums, bits 8..15 are the level. */
export const COMPRESS_CHECKSUM_FLAG = 0x1;
export const COMPRESS_LEVEL_SHIFT = 8;

/** i_compress_flag from its two parts. */
export function compressFlag(checksum: boolean, level: number): number {
  return (level << COMPRESS_LEVEL_SHIFT) | (checksum ? COMPRESS_CHECKSUM_FLAG : 0);
}

/** Blocks that `length` bytes of compressed data take with their header. */
export function payloadBlocks(length: number): number {
  return Math.ceil((ClusterHeader.$size + length) / BLOCK_SIZE);
}

/** Bytes of compressed data that `blocks` payload blocks can hold. */
export function payloadBytesMax(blocks: number): number {
  return blocks * BLOCK_SIZE - ClusterHeader.$size;
}

/** Blocks of a cluster. */
export function clusterBlocks(logClusterSize: number): number {
  return 1 << logClusterSize;
}

/** What the header's `checksum` holds for the compressed data in `bytes[start, end)`. */
export function clusterChecksum(data: Uint8Array, start = 0, end: number = data.length): number {
  return f2fsCrc(CRC_SEED, data, start, end);
}
