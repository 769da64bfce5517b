// LZO1X streams, decoded: bitstream version 0 (LZO) and version 1 (LZO-RLE, which adds runs of zeros). One decoder serves
// both, because a version 1 stream says so in its first byte, which no version 0 stream begins with.
//
// A stream is a row of instructions, each a match followed by 0 to 3 literals, or a longer run of literals. What an
// instruction byte below 16 means depends on the literals before it (the state):
//
//   byte       state  meaning                                                    distance            length
//   0000LLLL   0      literals                                                                       3 + L, extended
//   0000DDSS   1..3   match, one more byte H                                     H*4 + D + 1         2
//   0000DDSS   4      match, one more byte H                                     H*4 + D + 2049      3
//   0001HLLL   any    match, then 16 bits D:14 S:2; distance 16384: the end      H*16384 + D + 16384 2 + L, extended
//   00011LLL   any    version 1, D all ones: zeros, one more byte X                                  X*8 + L + 4
//   001LLLLL   any    match, then 16 bits D:14 S:2                               D + 1               2 + L, extended
//   01LDDDSS   any    match, one more byte H                                     H*8 + D + 1         3 + L
//   1LLDDDSS   any    match, one more byte H                                     H*8 + D + 1         5 + L
//
// "Extended": L = 0 continues in bytes that add up, 0 meaning 255 "and one more". S literals follow each match and are
// the next state; a run of literals makes it 4. The first byte of a stream, if above 17, is a run of (byte - 17) literals.
// The end is the three bytes 11 00 00. (Documentation/staging/lzo.rst; lib/lzo/lzo1x_decompress_safe.c)

import { type Codec, CodecError, type CodecErrorReason, type CodecName, codecIds } from './codec.ts';
import { compressStream } from './lzo/encode.ts';
import { copyLiterals, copyMatch } from './match.ts';

/** LZO1X. Also reads LZO-RLE. It has no levels. */
export const lzo: Codec = {
  name: 'lzo',
  id: codecIds.lzo,
  decompress: (source, target) => decompressStream('lzo', source, target),
  compress: compressStream,
};

/** LZO-RLE: LZO1X bitstream version 1. Also reads plain LZO1X, which is what it writes. It has no levels. */
export const lzoRle: Codec = {
  name: 'lzo-rle',
  id: codecIds['lzo-rle'],
  decompress: (source, target) => decompressStream('lzo-rle', source, target),
  compress: compressStream,
};

/** The state after a run of literals; after a match it is the number of literals that followed, 0 to 3. */
const afterLiteralRun = 4;

function fail(codec: CodecName, reason: CodecErrorReason, sourceOffset: number, targetOffset: number): never {
  throw new CodecError(codec, reason, sourceOffset, targetOffset);
}

function decompressStream(codec: CodecName, source: Uint8Array, target: Uint8Array): number {
  const sourceEnd = source.length;
  const targetEnd = target.length;
  let read = 0;
  let written = 0;
  let state = 0;
  let zeroRuns = false;

  if (sourceEnd >= 5 && source[0] === 17) {
    if (source[1]! > 1) fail(codec, 'invalid', 1, 0);
    zeroRuns = source[1] === 1;
    read = 2;
  }
  if (read < sourceEnd && source[read]! > 17) {
    const literals = source[read++]! - 17;
    if (literals > sourceEnd - read) fail(codec, 'truncated', read, written);
    if (literals > targetEnd - written) fail(codec, 'overflow', read, written);
    copyLiterals(source, read, target, written, literals, targetEnd);
    read += literals;
    written += literals;
    state = literals < 4 ? literals : afterLiteralRun;
  }

  for (;;) {
    // The terminator has three bytes and every other instruction has one after it, so here are three bytes to read.
    if (sourceEnd - read < 3) fail(codec, 'truncated', read, written);
    const instruction = source[read++]!;
    let distance = 0;
    let length = 0;
    let literals = 0;

    if (instruction >= 64) {
      distance = ((instruction >> 2) & 7) + (source[read++]! << 3) + 1;
      length = (instruction >> 5) + 1;
      literals = instruction & 3;
    } else if (instruction < 16 && state !== 0) {
      const far = state === afterLiteralRun;
      distance = (instruction >> 2) + (source[read++]! << 2) + (far ? 2049 : 1);
      length = far ? 3 : 2;
      literals = instruction & 3;
    } else if (zeroRuns && (instruction & 0xf8) === 0x18 && source[read]! >= 0xfc && source[read + 1] === 0xff) {
      // Before the length extension: a zero run has none, its L may well be 0.
      if (sourceEnd - read < 3) fail(codec, 'truncated', read, written);
      literals = source[read]! & 3;
      const zeros = ((source[read + 2]! << 3) | (instruction & 7)) + 4;
      read += 3;
      if (zeros > targetEnd - written) fail(codec, 'overflow', read, written);
      target.fill(0, written, written + zeros);
      written += zeros;
    } else {
      const lengthMask = instruction >= 32 ? 31 : instruction >= 16 ? 7 : 15;
      length = instruction & lengthMask;
      if (length === 0) {
        length = lengthMask;
        let byte = 0;
        while (byte === 0) {
          if (read >= sourceEnd) fail(codec, 'truncated', read, written);
          byte = source[read++]!;
          length += byte === 0 ? 255 : byte;
        }
      }
      if (instruction < 16) {
        length += 3;
        if (length > sourceEnd - read) fail(codec, 'truncated', read, written);
        if (length > targetEnd - written) fail(codec, 'overflow', read, written);
        copyLiterals(source, read, target, written, length, targetEnd);
        read += length;
        written += length;
        state = afterLiteralRun;
        continue;
      }
      length += 2;
      if (sourceEnd - read < 2) fail(codec, 'truncated', read, written);
      distance = (source[read]! >> 2) + (source[read + 1]! << 6) + 1;
      literals = source[read]! & 3;
      read += 2;
      if (instruction < 32) {
        distance += ((instruction & 8) << 11) + 16383;
        if (distance === 16384) {
          if (instruction !== 17 || literals !== 0) fail(codec, 'invalid', read - 3, written);
          break;
        }
      }
    }

    if (length !== 0) {
      if (distance > written) fail(codec, 'distance', read, written);
      if (length > targetEnd - written) fail(codec, 'overflow', read, written);
      copyMatch(target, written, distance, length, targetEnd);
      written += length;
    }
    if (literals !== 0) {
      if (literals > sourceEnd - read) fail(codec, 'truncated', read, written);
      if (literals > targetEnd - written) fail(codec, 'overflow', read, written);
      copyLiterals(source, read, target, written, literals, targetEnd);
      read += literals;
      written += literals;
    }
    state = literals;
  }

  if (read !== sourceEnd) fail(codec, 'trailing', read, written);
  if (written !== targetEnd) fail(codec, 'short', read, written);
  return written;
}
