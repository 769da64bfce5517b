// Where each block of a raw image lies in its Android sparse file: 12 bytes a chunk, in order, found by halving. Chunks
// that change nothing for a reader (empty ones, checksums, a hole behind a hole) get no entry.

import type { BlockDevice } from '@f2fskit/block';
import { EFBIG, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { SparseChunkType, type SparseHeaderFields } from './android-sparse.ts';
import { SparseChunkReader } from './sparse-chunk-reader.ts';

/**
 * The most entries: 96 MiB of them. An image of 32 GiB whose every second block is a hole stays below; one that needs
 * more was made to be a burden.
 */
export const SPARSE_ENTRIES_MAX = 2 ** 23;

export class SparseChunkTable {
  /** The first block of each entry; the entry ends where the next one begins. */
  #starts = new Uint32Array(64);
  /** Where it comes from: a file offset, or -1 - word for blocks that one 32-bit word fills (0 for a hole). */
  #sources = new Float64Array(64);
  #length = 0;
  readonly #blocks: number;

  private constructor(blocks: number) {
    this.#blocks = blocks;
  }

  /** Reads and checks every chunk header. Throws Corruption, EFBIG, and what reading throws. */
  static *read(device: BlockDevice, header: SparseHeaderFields): Task<SparseChunkTable> {
    const table = new SparseChunkTable(header.blocks);
    const chunks = new SparseChunkReader(device, header);
    while (yield* chunks.next()) {
      if (chunks.blocks === 0) continue;
      table.#add(chunks.startBlock, chunks.type === SparseChunkType.raw ? chunks.dataOffset : -1 - chunks.word);
    }
    return table;
  }

  /** Entries. */
  get length(): number {
    return this.#length;
  }

  /** The entry that holds `block`, which is one of the raw image. */
  find(block: number): number {
    let low = 0;
    let high = this.#length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#starts[middle]! <= block) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  startBlock(entry: number): number {
    return this.#starts[entry]!;
  }

  /** The block after the last of the entry. */
  endBlock(entry: number): number {
    return entry + 1 < this.#length ? this.#starts[entry + 1]! : this.#blocks;
  }

  /** Where the entry's bytes begin in the file; `undefined` for blocks that a word fills. */
  fileOffset(entry: number): number | undefined {
    const source = this.#sources[entry]!;
    return source < 0 ? undefined : source;
  }

  /** The word that fills the blocks of an entry without a file offset. */
  word(entry: number): number {
    return -1 - this.#sources[entry]!;
  }

  #add(startBlock: number, source: number): void {
    const length = this.#length;
    if (source < 0 && length > 0 && this.#sources[length - 1] === source) return; // goes on
    if (length === SPARSE_ENTRIES_MAX) {
      throw new FsError(
        EFBIG,
        `an Android sparse image of more than ${SPARSE_ENTRIES_MAX} pieces: unpack it first: simg2img IMAGE RAW`,
      );
    }
    if (length === this.#starts.length) {
      const starts = new Uint32Array(2 * length);
      const sources = new Float64Array(2 * length);
      starts.set(this.#starts);
      sources.set(this.#sources);
      this.#starts = starts;
      this.#sources = sources;
    }
    this.#starts[length] = startBlock;
    this.#sources[length] = source;
    this.#length++;
  }
}
