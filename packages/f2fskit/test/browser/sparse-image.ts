// Volumes that are mostly zeros, as Blobs and as files, without their zeros in memory or on disk.

const CHUNK_SIZE = 64 * 1024;
const ZEROS_SIZE = 2 ** 20;

/** Bytes of a volume that are not all zero, and where they lie. */
export interface StoredRange {
  offset: number;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface SparseImage {
  /** Bytes. */
  size: number;
  /** In order, without overlaps; between them are zeros. */
  ranges: StoredRange[];
}

/** The chunks of an image that are not all zero, as views. */
export function sparseImage(content: ArrayBuffer): SparseImage {
  const ranges: StoredRange[] = [];
  for (let offset = 0; offset < content.byteLength; offset += CHUNK_SIZE) {
    const bytes = new Uint8Array(content, offset, Math.min(CHUNK_SIZE, content.byteLength - offset));
    if (!allZero(bytes)) ranges.push({ offset, bytes });
  }
  return { size: content.byteLength, ranges };
}

function allZero(bytes: Uint8Array<ArrayBuffer>): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return bytes.subarray(words.byteLength).every((byte) => byte === 0);
}

/** The image as a Blob. Its zeros are 1 MiB, again and again: a Blob made of Blobs has no copies of them. */
export function sparseBlob({ size, ranges }: SparseImage): Blob {
  const zeros = new Blob([new Uint8Array(ZEROS_SIZE)]);
  const parts: BlobPart[] = [];
  let end = 0;
  const fillTo = (offset: number): void => {
    for (; offset - end >= ZEROS_SIZE; end += ZEROS_SIZE) parts.push(zeros);
    if (end < offset) parts.push(zeros.slice(0, offset - end));
    end = offset;
  };
  for (const { offset, bytes } of ranges) {
    fillTo(offset);
    parts.push(bytes);
    end += bytes.byteLength;
  }
  fillTo(size);
  return new Blob(parts);
}

/** Makes the image the content of a file. */
export async function writeSparse(handle: FileSystemFileHandle, { size, ranges }: SparseImage): Promise<void> {
  const stream = await handle.createWritable();
  await stream.truncate(size);
  for (const { offset, bytes } of ranges) await stream.write({ type: 'write', position: offset, data: bytes });
  await stream.close();
}
