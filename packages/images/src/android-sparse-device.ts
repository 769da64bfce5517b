// The raw image inside an Android sparse file, as a device: random access, nothing unpacked ahead, read-only.

import {
  type Bio,
  type BlockDevice,
  checkBio,
  DeviceWrapper,
  endWithoutTransfer,
  Lifetime,
  SECTOR_SIZE,
} from '@f2fskit/block';
import { assert, ENODEV } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import type { Completion, Task } from '@f2fskit/task';
import { decodeSparseHeader, SPARSE_WORD_SIZE, SparseHeader, type SparseHeaderFields } from './android-sparse.ts';
import { readRange } from './byte-range.ts';
import { ReadAssembly } from './read-assembly.ts';
import { SparseChunkTable } from './sparse-chunk-table.ts';

/**
 * Reads and checks the header of the image on `device`, a file of `fileSize` bytes. Throws Corruption, EOPNOTSUPP, and what
 * reading throws.
 */
export function* readSparseHeader(device: BlockDevice, fileSize: number): Task<SparseHeaderFields> {
  assert(fileSize <= device.size, 'the device holds the whole file');
  return decodeSparseHeader(yield* readRange(device, 0, Math.min(SparseHeader.$size, fileSize)), fileSize);
}

/**
 * A read of this device becomes reads of the sparse file, one for each run of bytes that lie together there; holes and
 * fills cost nothing. A raw image that is not a whole number of sectors is cut to one.
 */
export class AndroidSparseDevice extends DeviceWrapper {
  readonly header: SparseHeaderFields;
  readonly #table: SparseChunkTable;
  readonly #lifetime = new Lifetime();

  private constructor(device: BlockDevice, header: SparseHeaderFields, table: SparseChunkTable) {
    const bytes = header.blocks * header.blockSize;
    super(device, {
      name: `${device.name} (unpacked)`,
      size: bytes - (bytes % SECTOR_SIZE),
      readOnly: true,
      canDiscard: false,
      // A read takes two segments more below: what lies before and behind it in its sectors.
      segmentsMax: device.segmentsMax - 2,
    });
    assert(this.segmentsMax >= 1, 'a device below that takes three segments a request');
    this.header = header;
    this.#table = table;
  }

  /**
   * Reads the headers of all chunks: a few thousand in an image of gigabytes. An image ends at any byte, a device does
   * not: give a PaddedDevice and the `fileSize` in bytes, so that a file that was cut is seen to be. Throws Corruption that names the byte offset, EOPNOTSUPP
   * for another version, EFBIG for more than 2^23 pieces, and what reading throws.
   */
  static *open(device: BlockDevice, fileSize = device.size): Task<AndroidSparseDevice> {
    const header = yield* readSparseHeader(device, fileSize);
    return new AndroidSparseDevice(device, header, yield* SparseChunkTable.read(device, header));
  }

  /** Runs of blocks that are stored, filled or empty. */
  get pieces(): number {
    return this.#table.length;
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0 || bio.operation !== 'read') endWithoutTransfer(this.mode, bio, error);
    else this.#read(bio);
  }

  override close(): Completion {
    return this.#lifetime.close(() => this.device.close());
  }

  #read(bio: Bio): void {
    const { blockSize } = this.header;
    const table = this.#table;
    const assembly = new ReadAssembly(bio, this.device);
    let entry = table.find(Math.floor(bio.offset / blockSize));
    for (let offset = bio.offset; offset < bio.endOffset; entry++) {
      const end = Math.min(table.endBlock(entry) * blockSize, bio.endOffset);
      const fileOffset = table.fileOffset(entry);
      if (fileOffset === undefined) assembly.repeat(wordBytes(table.word(entry)), end - offset);
      else assembly.fromDevice(fileOffset + offset - table.startBlock(entry) * blockSize, end - offset);
      offset = end;
    }
    assembly.submit();
  }
}

/** A word as it lies on the medium. Pieces begin at multiples of it: block and sector sizes are. */
export function wordBytes(word: number): Uint8Array {
  const bytes = new Uint8Array(SPARSE_WORD_SIZE);
  viewOf(bytes).setUint32(0, word, true);
  return bytes;
}
