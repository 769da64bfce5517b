// Zstandard frames, decoded. A frame is a header, blocks, and perhaps a checksum; a block is raw, one repeated byte, or
// compressed, which is literals and then the sequences that place them:
//
//   1. frame.ts      the header, and the header of each block: what can be refused before decoding
//   2. literals.ts   the literals, Huffman-coded (huffman.ts) or not
//   3. sequences.ts  their places, coded with FSE (fse.ts), and the matches between them
//   4. xxh64.ts      the checksum, where there is one
//
// The window is the target itself, so the output is written once, in place, and a match may reach back to its first byte.
// A call allocates at most 16 KiB of tables, and nothing that the source could make larger.

import { type Codec, codecIds } from './codec.ts';
import {
  checkFrameEnd,
  compressedBlock,
  fail,
  rawBlock,
  readBlockHeader,
  readFrameHeader,
  storedBytes,
} from './zstd/frame.ts';
import { HuffmanTable } from './zstd/huffman.ts';
import { type Literals, readLiterals } from './zstd/literals.ts';
import { decodeSequences, SequenceState } from './zstd/sequences.ts';
import { xxh64Low } from './zstd/xxh64.ts';

/**
 * Zstandard: one frame, without dictionary, with a window no larger than the output (or the next power of two). It is only
 * read here: an encoder is somebody else's (zstd/encoder.ts).
 */
export const zstd: Codec = {
  name: 'zstd',
  id: codecIds.zstd,
  decompress: decompressFrame,
  compressHint:
    'to write zstd, run on Node 22.15 or newer, or add the package @bokuweb/zstd-wasm and register loadZstd() of @f2fskit/codecs/zstd-wasm',
};

function decompressFrame(source: Uint8Array, target: Uint8Array): number {
  const header = readFrameHeader(source, target.length);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const huffman = new HuffmanTable();
  const sequences = new SequenceState();
  const literals: Literals = { bytes: source, at: 0, length: 0 };
  let read = header.bytes;
  let written = 0;

  for (let last = false; !last; ) {
    const block = readBlockHeader(source, read, header, written);
    last = (block & 1) !== 0;
    const type = (block >> 1) & 3;
    const start = read + 3;
    const end = start + storedBytes(block);
    if (type === compressedBlock) {
      const limit = Math.min(target.length, written + header.blockBytesMax);
      const at = readLiterals(literals, huffman, source, view, start, end, target, written, limit);
      written = decodeSequences(sequences, literals, source, view, at, end, target, written, limit);
    } else {
      const size = block >> 3;
      if (size > target.length - written) fail('overflow', read, written, `a block of ${size} bytes`);
      if (type === rawBlock) target.set(source.subarray(start, end), written);
      else target.fill(source[start]!, written, written + size);
      written += size;
    }
    read = end;
  }

  checkFrameEnd(source, read, header, written);
  if (written !== target.length) fail('short', read, written);
  if (header.hasChecksum && xxh64Low(target) !== view.getUint32(read, true)) fail('checksum', read, written);
  return written;
}
