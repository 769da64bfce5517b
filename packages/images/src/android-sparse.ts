// Android sparse images: what `img2simg` and `make_f2fs -S` write and fastboot sends. A header, then chunks; each chunk
// says how many blocks of the raw image it stands for, and gives their bytes, one 32-bit word that fills them, or nothing.
// All integers are little-endian. Source: the format's header file in AOSP, system/core/libsparse/sparse_format.h.
//
//   file header | chunk header, data | chunk header, data | …

import { EOPNOTSUPP, FsError } from '@f2fskit/errno';
import { struct, u16, u32, viewOf } from '@f2fskit/ondisk';
import { corrupt } from './corruption.ts';

export const SPARSE_MAGIC = 0xed26ff3a;

export const SparseHeader = struct('sparse_header', 28, {
  magic: u32(0),
  majorVersion: u16(4, '1; another one is another format'),
  minorVersion: u16(6, 'readers take any'),
  headerSize: u16(8, 'bytes of this header; 28, or more in a later minor version'),
  chunkHeaderSize: u16(10, 'bytes of each chunk header; 12, or more in a later minor version'),
  blockSize: u32(12, 'bytes; a multiple of 4, nearly always 4096'),
  blocks: u32(16, 'of the raw image'),
  chunks: u32(20, 'in this file'),
  checksum: u32(24, 'CRC-32 of the raw image, holes as zeros; 0 = not given'),
});

export const SparseChunkHeader = struct('chunk_header', 12, {
  type: u16(0, 'one of SparseChunkType'),
  reserved: u16(2),
  blocks: u32(4, 'of the raw image; 0 for a checksum'),
  size: u32(8, 'bytes of this chunk in the file, with this header'),
});

export const SparseChunkType = {
  /** The blocks themselves. */
  raw: 0xcac1,
  /** A 32-bit word that fills the blocks. */
  fill: 0xcac2,
  /** Nothing: the blocks are free, and read as zeros here. */
  hole: 0xcac3,
  /** CRC-32 of the raw image up to this chunk. */
  checksum: 0xcac4,
} as const;

/** Bytes behind the header of a fill and of a checksum chunk. */
export const SPARSE_WORD_SIZE = 4;

/** What to do about an image that is not whole. */
export const sparseNextStep =
  'the image is damaged or not complete: copy it again, or, if it came in pieces, join them first: simg2img PIECE… IMAGE';

/** A header that has been checked. */
export interface SparseHeaderFields {
  readonly minorVersion: number;
  /** Where the first chunk begins. */
  readonly headerSize: number;
  readonly chunkHeaderSize: number;
  /** Bytes. */
  readonly blockSize: number;
  readonly blocks: number;
  readonly chunks: number;
  /** 0 where the writer gave none. */
  readonly checksum: number;
  /** Bytes of the file, a partial last sector included. */
  readonly fileSize: number;
}

/**
 * Decodes and checks the first 28 bytes of an image that has `fileSize` bytes. Throws Corruption, and EOPNOTSUPP for
 * another major version.
 */
export function decodeSparseHeader(bytes: Uint8Array, fileSize: number): SparseHeaderFields {
  if (bytes.length < SparseHeader.$size) {
    const found = `${bytes.length} bytes`;
    throw corrupt('sparseTruncated', bytes.length, { expected: '28 bytes', found, detail: sparseNextStep });
  }
  const view = viewOf(bytes);
  const magic = SparseHeader.magic.get(view, 0);
  const majorVersion = SparseHeader.majorVersion.get(view, 0);
  const minorVersion = SparseHeader.minorVersion.get(view, 0);
  const headerSize = SparseHeader.headerSize.get(view, 0);
  const chunkHeaderSize = SparseHeader.chunkHeaderSize.get(view, 0);
  const blockSize = SparseHeader.blockSize.get(view, 0);
  const blocks = SparseHeader.blocks.get(view, 0);
  const chunks = SparseHeader.chunks.get(view, 0);
  const checksum = SparseHeader.checksum.get(view, 0);

  const detail = sparseNextStep;
  if (magic !== SPARSE_MAGIC) {
    throw corrupt('sparseMagic', 0, {
      expected: SPARSE_MAGIC,
      found: magic,
      detail: 'this is no Android sparse image',
    });
  }
  if (majorVersion !== 1) {
    const version = `${majorVersion}.${minorVersion}`;
    throw new FsError(
      EOPNOTSUPP,
      `Android sparse format ${version}, at offset 4; 1.x is supported: unpack it with the simg2img that belongs to it`,
    );
  }
  if (headerSize < SparseHeader.$size) {
    throw corrupt('sparseHeaderSize', 8, { expected: 'at least 28', found: headerSize, detail });
  }
  if (chunkHeaderSize < SparseChunkHeader.$size) {
    throw corrupt('sparseHeaderSize', 10, { expected: 'at least 12', found: chunkHeaderSize, detail });
  }
  if (blockSize === 0 || blockSize % 4 !== 0) {
    throw corrupt('sparseBlockSize', 12, { expected: 'a multiple of 4', found: blockSize, detail });
  }
  if (blocks * blockSize > Number.MAX_SAFE_INTEGER) {
    throw corrupt('sparseSize', 16, { expected: 'below 2^53 bytes', found: `${blocks} blocks`, detail });
  }
  // Each chunk has a header in the file: whoever claims more of them than fit is not believed.
  const chunksMax = Math.floor(Math.max(0, fileSize - headerSize) / chunkHeaderSize);
  if (chunks > chunksMax) {
    const expected = `at most ${chunksMax} in ${fileSize} bytes`;
    throw corrupt('sparseChunkCount', 20, { expected, found: chunks, detail });
  }
  return { minorVersion, headerSize, chunkHeaderSize, blockSize, blocks, chunks, checksum, fileSize };
}
