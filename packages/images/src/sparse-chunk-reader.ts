// The chunks of an Android sparse image, one after the other. The caller owns the loop:
//
//   const chunks = new SparseChunkReader(device, header);
//   while (yield* chunks.next()) use(chunks.type, chunks.startBlock, …);
//
// Every chunk has been checked when `next` returns: its size is the one its type and its blocks demand, it lies within
// the file, and its blocks within the raw image. At the end the blocks add up to what the header says.

import { BLOCK_SIZE, type BlockDevice, readBytes } from '@f2fskit/block';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import {
  SPARSE_WORD_SIZE,
  SparseChunkHeader,
  SparseChunkType,
  type SparseHeaderFields,
  sparseNextStep,
} from './android-sparse.ts';
import { sectorEnd, sectorStart } from './byte-range.ts';
import { corrupt } from './corruption.ts';

/** The least and the most that is read at once: chunk headers may be 4 GiB apart, or follow each other. */
const WINDOW_MIN = BLOCK_SIZE;
const WINDOW_MAX = 16 * BLOCK_SIZE;

export class SparseChunkReader {
  /** One of {@link SparseChunkType}. */
  type = 0;
  /** Where the chunk's header begins in the file. */
  offset = 0;
  /** The first block of the raw image that the chunk stands for. */
  startBlock = 0;
  /** How many; 0 for a checksum. */
  blocks = 0;
  /** Where the chunk's data begin in the file. */
  dataOffset = 0;
  /** The word of a fill or a checksum chunk. */
  word = 0;
  readonly #device: BlockDevice;
  readonly #header: SparseHeaderFields;
  /** A part of the file, and where it begins. */
  readonly #buffer = new Uint8Array(WINDOW_MAX);
  readonly #view = viewOf(this.#buffer);
  #windowStart = 0;
  #windowSize = 0;
  #index = 0;
  #next: number;
  #nextBlock = 0;

  constructor(device: BlockDevice, header: SparseHeaderFields) {
    this.#device = device;
    this.#header = header;
    this.#next = header.headerSize;
  }

  /** Goes on to the next chunk; false behind the last one. Throws Corruption, and what reading throws. */
  *next(): Task<boolean> {
    const { chunks, chunkHeaderSize, blocks } = this.#header;
    if (this.#index === chunks) {
      this.#checkTotal();
      return false;
    }
    this.#index++;
    this.offset = this.#next;
    const header = yield* this.#window(this.offset, SparseChunkHeader.$size);
    this.type = SparseChunkHeader.type.get(this.#view, header);
    this.blocks = SparseChunkHeader.blocks.get(this.#view, header);
    const size = SparseChunkHeader.size.get(this.#view, header);
    this.startBlock = this.#nextBlock;
    this.dataOffset = this.offset + chunkHeaderSize;

    const detail = sparseNextStep;
    const dataSize = this.#dataSize();
    if (size !== chunkHeaderSize + dataSize) {
      throw corrupt('sparseChunkSize', this.offset + 8, { expected: chunkHeaderSize + dataSize, found: size, detail });
    }
    if (this.blocks > blocks - this.startBlock) {
      const expected = `at most ${blocks - this.startBlock} blocks, to the end of the raw image`;
      throw corrupt('sparseBlockTotal', this.offset + 4, { expected, found: this.blocks, detail });
    }
    this.#next = this.offset + size;
    this.#nextBlock += this.blocks;
    this.#checkEnd(this.#next);
    const hasWord = this.type === SparseChunkType.fill || this.type === SparseChunkType.checksum;
    this.word = hasWord ? this.#view.getUint32(yield* this.#window(this.dataOffset, SPARSE_WORD_SIZE), true) : 0;
    return true;
  }

  /** How many bytes the chunk's type demands behind its header. */
  #dataSize(): number {
    if (this.type === SparseChunkType.raw) return this.blocks * this.#header.blockSize;
    if (this.type === SparseChunkType.fill) return SPARSE_WORD_SIZE;
    if (this.type === SparseChunkType.hole) return 0;
    if (this.type !== SparseChunkType.checksum) {
      const expected = '0xcac1 to 0xcac4';
      throw corrupt('sparseChunkType', this.offset, { expected, found: this.type, detail: sparseNextStep });
    }
    if (this.blocks !== 0) {
      const expected = 'no blocks in a checksum chunk';
      throw corrupt('sparseChunkSize', this.offset + 4, { expected, found: this.blocks, detail: sparseNextStep });
    }
    return SPARSE_WORD_SIZE;
  }

  #checkTotal(): void {
    const { blocks } = this.#header;
    if (this.#nextBlock === blocks) return;
    const expected = `${blocks} blocks in all chunks`;
    throw corrupt('sparseBlockTotal', this.#next, { expected, found: this.#nextBlock, detail: sparseNextStep });
  }

  #checkEnd(end: number): void {
    const { fileSize } = this.#header;
    if (end <= fileSize) return;
    const expected = `chunk ${this.#index} to end at ${end}`;
    throw corrupt('sparseTruncated', fileSize, { expected, found: 'the end of the image', detail: sparseNextStep });
  }

  /** Brings [offset, offset + size) into the window; where it begins in the buffer. */
  *#window(offset: number, size: number): Task<number> {
    this.#checkEnd(offset + size);
    const windowEnd = this.#windowStart + this.#windowSize;
    if (offset < this.#windowStart || offset + size > windowEnd) {
      // Headers that follow each other are read in growing steps; one that was skipped to, alone.
      const follows = offset >= this.#windowStart && offset <= windowEnd;
      const wanted = follows ? Math.min(2 * this.#windowSize, WINDOW_MAX) : WINDOW_MIN;
      const start = sectorStart(offset);
      const end = Math.min(Math.max(start + wanted, sectorEnd(offset + size)), this.#device.size);
      this.#windowSize = 0; // should the read fail, there is nothing
      yield* readBytes(this.#device, start, this.#buffer.subarray(0, end - start));
      this.#windowStart = start;
      this.#windowSize = end - start;
    }
    return offset - this.#windowStart;
  }
}
