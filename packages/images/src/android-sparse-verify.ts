// The checksums that an Android sparse image carries about itself, compared with its content. Reads every stored byte;
// holes and fills are computed, however long they claim to be.

import type { BlockDevice } from '@f2fskit/block';
import type { Task } from '@f2fskit/task';
import { SPARSE_WORD_SIZE, SparseChunkType, sparseNextStep } from './android-sparse.ts';
import { readSparseHeader, wordBytes } from './android-sparse-device.ts';
import { readRange } from './byte-range.ts';
import { corrupt } from './corruption.ts';
import { crc32, crc32Combine, crc32Repeated } from './crc32.ts';
import { SparseChunkReader } from './sparse-chunk-reader.ts';

/** Bytes read at once. */
const STEP_SIZE = 256 * 1024;

/** What {@link verifyAndroidSparse} did. */
export interface SparseVerification {
  /** Checksums found, all of them right. 0: the image carries none, which is usual, and nothing is known. */
  checksums: number;
  /** CRC-32 of the whole raw image, holes as zeros. */
  crc32: number;
}

/**
 * Checks the image on `device`, the sparse file itself, of `fileSize` bytes. Throws Corruption `sparseChecksum` for a checksum that is wrong,
 * and what opening throws.
 */
export function* verifyAndroidSparse(device: BlockDevice, fileSize = device.size): Task<SparseVerification> {
  const header = yield* readSparseHeader(device, fileSize);
  const chunks = new SparseChunkReader(device, header);
  let checksum = 0;
  let checksums = 0;
  const compare = (expected: number, offset: number): void => {
    if (checksum !== expected)
      throw corrupt('sparseChecksum', offset, { expected, found: checksum, detail: sparseNextStep });
    checksums++;
  };
  while (yield* chunks.next()) {
    const size = chunks.blocks * header.blockSize;
    if (chunks.type === SparseChunkType.checksum) compare(chunks.word, chunks.dataOffset);
    else if (chunks.type === SparseChunkType.raw) {
      for (let done = 0; done < size; done += STEP_SIZE) {
        checksum = crc32(
          yield* readRange(device, chunks.dataOffset + done, Math.min(STEP_SIZE, size - done)),
          checksum,
        );
      }
    } else {
      const run = crc32Repeated(wordBytes(chunks.word), size / SPARSE_WORD_SIZE);
      checksum = crc32Combine(checksum, run, size);
    }
  }
  if (header.checksum !== 0) compare(header.checksum, 24);
  return { checksums, crc32: checksum };
}
