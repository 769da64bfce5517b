// Android sparse images from a list of chunks: every layout the format allows, also those that no tool writes.

import { viewOf } from '@f2fskit/ondisk';
import { SPARSE_MAGIC, SPARSE_WORD_SIZE, SparseChunkHeader, SparseChunkType, SparseHeader } from '../android-sparse.ts';
import { wordBytes } from '../android-sparse-device.ts';
import { crc32 } from '../crc32.ts';

/** One chunk. Raw bytes are a whole number of blocks. */
export type SparsePiece =
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'fill'; readonly word: number; readonly blocks: number }
  | { readonly kind: 'hole'; readonly blocks: number }
  /** The checksum of what came before, unless another value is given. */
  | { readonly kind: 'checksum'; readonly value?: number };

export interface SparseOptions {
  /** Bytes; 4096 unless given. */
  blockSize?: number;
  /** 28 unless given; the bytes beyond are zeros. */
  headerSize?: number;
  /** 12 unless given. */
  chunkHeaderSize?: number;
  /** Put the checksum of the whole into the header. Default false, as Android's tools. */
  checksum?: boolean;
}

function blocksOf(piece: SparsePiece, blockSize: number): number {
  if (piece.kind === 'raw') return piece.bytes.length / blockSize;
  return piece.kind === 'checksum' ? 0 : piece.blocks;
}

/** The raw image that the pieces stand for. */
export function unpackPieces(pieces: readonly SparsePiece[], blockSize = 4096): Uint8Array {
  const blocks = pieces.reduce((sum, piece) => sum + blocksOf(piece, blockSize), 0);
  const image = new Uint8Array(blocks * blockSize);
  let at = 0;
  for (const piece of pieces) {
    const end = at + blocksOf(piece, blockSize) * blockSize;
    if (piece.kind === 'raw') image.set(piece.bytes, at);
    if (piece.kind === 'fill') {
      const word = wordBytes(piece.word);
      for (let i = at; i < end; i++) image[i] = word[(i - at) % SPARSE_WORD_SIZE]!;
    }
    at = end;
  }
  return image;
}

/** The sparse image. */
export function buildSparse(pieces: readonly SparsePiece[], options: SparseOptions = {}): Uint8Array {
  const { blockSize = 4096, headerSize = 28, chunkHeaderSize = 12, checksum = false } = options;
  const dataSizes = pieces.map((piece) => {
    if (piece.kind === 'raw') return piece.bytes.length;
    return piece.kind === 'hole' ? 0 : SPARSE_WORD_SIZE;
  });
  const file = new Uint8Array(dataSizes.reduce((sum, size) => sum + chunkHeaderSize + size, headerSize));
  const view = viewOf(file);
  const blocks = pieces.reduce((sum, piece) => sum + blocksOf(piece, blockSize), 0);
  SparseHeader.magic.set(view, 0, SPARSE_MAGIC);
  SparseHeader.majorVersion.set(view, 0, 1);
  SparseHeader.headerSize.set(view, 0, headerSize);
  SparseHeader.chunkHeaderSize.set(view, 0, chunkHeaderSize);
  SparseHeader.blockSize.set(view, 0, blockSize);
  SparseHeader.blocks.set(view, 0, blocks);
  SparseHeader.chunks.set(view, 0, pieces.length);
  if (checksum) SparseHeader.checksum.set(view, 0, crc32(unpackPieces(pieces, blockSize)));
  let at = headerSize;
  for (const [index, piece] of pieces.entries()) {
    const dataAt = at + chunkHeaderSize;
    SparseChunkHeader.type.set(view, at, SparseChunkType[piece.kind]);
    SparseChunkHeader.blocks.set(view, at, blocksOf(piece, blockSize));
    SparseChunkHeader.size.set(view, at, chunkHeaderSize + dataSizes[index]!);
    if (piece.kind === 'raw') file.set(piece.bytes, dataAt);
    if (piece.kind === 'fill') view.setUint32(dataAt, piece.word, true);
    if (piece.kind === 'checksum') {
      view.setUint32(dataAt, piece.value ?? crc32(unpackPieces(pieces.slice(0, index), blockSize)), true);
    }
    at = dataAt + dataSizes[index]!;
  }
  return file;
}

/**
 * Pieces for a raw image, as a writer of sparse images finds them: runs of zero blocks are holes, runs of blocks that one
 * word fills are fills, the rest is raw. The image is a whole number of blocks.
 */
export function sparsePieces(image: Uint8Array, blockSize = 4096): SparsePiece[] {
  const view = viewOf(image);
  const pieces: SparsePiece[] = [];
  let start = 0;
  let startKey: number | undefined;
  const flush = (end: number): void => {
    const blocks = (end - start) / blockSize;
    if (blocks === 0) return;
    if (startKey === undefined) pieces.push({ kind: 'raw', bytes: image.subarray(start, end) });
    else if (startKey === 0) pieces.push({ kind: 'hole', blocks });
    else pieces.push({ kind: 'fill', word: startKey, blocks });
  };
  for (let at = 0; at < image.length; at += blockSize) {
    const key = fillingWord(view, at, at + blockSize);
    if (at > 0 && key === startKey) continue;
    flush(at);
    start = at;
    startKey = key;
  }
  flush(image.length);
  return pieces;
}

/** The word that fills the range, if one does. */
function fillingWord(view: DataView, start: number, end: number): number | undefined {
  const word = view.getUint32(start, true);
  for (let at = start + SPARSE_WORD_SIZE; at < end; at += SPARSE_WORD_SIZE) {
    if (view.getUint32(at, true) !== word) return undefined;
  }
  return word;
}
