// LZ4 blocks (no frame, no size prefix), decoded; LZ4HC writes the same format. Encoders: lz4/level.ts.
//
// A block is a row of sequences: a token, literals, a match. The token's high half is the literal count and its low half
// the match length less 4; 15 in either continues in bytes that add up, 255 meaning "and one more". The match has a
// 16-bit distance. The last sequence ends after its literals, and with it the block.
//
// Writers must keep the last 5 bytes literal and start no match within the last 12, which lets decoders copy in words.
// This one does not, so it also takes blocks that break those two rules: some writers in the wild do, and such a block
// is not ambiguous. (LZ4 block format description; lib/lz4/lz4_decompress.c)

import { type Codec, CodecError, type CodecErrorReason, codecIds } from './codec.ts';
import { compressBlock } from './lz4/level.ts';
import { copyLiterals, copyMatch } from './match.ts';

/** LZ4 blocks. Level 0 is LZ4, levels 1 to 12 are LZ4HC. */
export const lz4: Codec = {
  name: 'lz4',
  id: codecIds.lz4,
  decompress: decompressBlock,
  compress: compressBlock,
};

function fail(reason: CodecErrorReason, sourceOffset: number, targetOffset: number): never {
  throw new CodecError('lz4', reason, sourceOffset, targetOffset);
}

function decompressBlock(source: Uint8Array, target: Uint8Array): number {
  const sourceEnd = source.length;
  const targetEnd = target.length;
  let read = 0;
  let written = 0;

  for (;;) {
    if (read >= sourceEnd) fail('truncated', read, written);
    const token = source[read++]!;

    let length = token >> 4;
    if (length !== 0) {
      if (length === 15) {
        let byte = 255;
        while (byte === 255) {
          if (read >= sourceEnd) fail('truncated', read, written);
          byte = source[read++]!;
          length += byte;
        }
      }
      if (length > sourceEnd - read) fail('truncated', read, written);
      if (length > targetEnd - written) fail('overflow', read, written);
      copyLiterals(source, read, target, written, length, targetEnd);
      read += length;
      written += length;
    }
    if (read === sourceEnd) break;

    if (sourceEnd - read < 2) fail('truncated', read, written);
    const distance = source[read]! | (source[read + 1]! << 8);
    if (distance === 0 || distance > written) fail('distance', read, written);
    read += 2;

    length = (token & 15) + 4;
    if (length === 19) {
      let byte = 255;
      while (byte === 255) {
        if (read >= sourceEnd) fail('truncated', read, written);
        byte = source[read++]!;
        length += byte;
      }
    }
    if (length > targetEnd - written) fail('overflow', read, written);
    copyMatch(target, written, distance, length, targetEnd);
    written += length;
  }

  if (written !== targetEnd) fail('short', read, written);
  return written;
}
