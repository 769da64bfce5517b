// The first half of a compressed block: the bytes that its sequences will copy from, in one piece.
//
// They need no buffer of their own. Raw literals are used where they lie in the source; all others are decoded to the
// end of the space that the block may fill in the target. The sequences fill that space from its start, and are refused
// before they would reach a literal that has not been copied yet.
//
// (RFC 8878, 3.1.1.3.1)

import { fail } from './frame.ts';
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from './huffman.ts';

/** Where the literals of a block are. Filled in place, one object per frame. */
export interface Literals {
  /** The array that holds them: the source or the target. */
  bytes: Uint8Array;
  at: number;
  length: number;
}

// Types of literals. Between these lies RLE, one byte repeated; above, compressed with the tree of the block before.
const rawLiterals = 0;
const compressedLiterals = 2;

/**
 * Reads the literals section that begins at `at` in a block that ends at `end`; returns where the section ended. The
 * block may write target[written..limit).
 */
export function readLiterals(
  literals: Literals,
  table: HuffmanTable,
  source: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  target: Uint8Array,
  written: number,
  limit: number,
): number {
  if (at >= end) fail('truncated', end, written);
  const first = source[at]!;
  const type = first & 3;
  const format = (first >> 2) & 3;

  if (type < compressedLiterals) {
    const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
    const bits = readHeader(source, at, end, headerBytes, written);
    const length = headerBytes === 1 ? first >> 3 : bits >>> 4;
    if (length > limit - written) fail('overflow', at, written, `${length} literals`);
    at += headerBytes;
    if (type === rawLiterals) {
      if (length > end - at) fail('truncated', end, written);
      literals.bytes = source;
      literals.at = at;
      at += length;
    } else {
      if (at >= end) fail('truncated', end, written);
      literals.bytes = target;
      literals.at = limit - length;
      target.fill(source[at++]!, limit - length, limit);
    }
    literals.length = length;
    return at;
  }

  // Two sizes of 10, 14 or 18 bits, the regenerated one first; format 0 is 10 bits and a single stream.
  const headerBytes = format < 2 ? 3 : format + 2;
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18;
  const low = readHeader(source, at, end, headerBytes, written);
  const length = (low >>> 4) & ((1 << sizeBits) - 1);
  let storedBytes = low >>> (4 + sizeBits);
  if (headerBytes === 5) storedBytes |= source[at + 4]! << 10;
  if (length > limit - written) fail('overflow', at, written, `${length} literals`);
  at += headerBytes;
  if (storedBytes > end - at) fail('truncated', end, written);
  const sectionEnd = at + storedBytes;
  if (type === compressedLiterals) at = readHuffmanTable(table, source, at, sectionEnd, written);
  else if (table.log === 0) fail('table', at, written, 'a tree is reused, and there was none');

  const start = limit - length;
  if (format === 0) {
    if (length === 0) fail('invalid', at, written, 'no compressed literals');
    decodeHuffman(table, view, at, sectionEnd, target, start, length, written);
  } else {
    // Four streams; the first three have the same number of literals, and their stored sizes come first. In a section of
    // fewer bytes than the sizes take, the fourth starts beyond its end, whatever they are.
    const quarter = (length + 3) >> 2;
    if (length < 3 * quarter || length === 0) fail('invalid', at, written, `${length} literals in four streams`);
    const start1 = at + 6;
    const start2 = start1 + (source[at]! | (source[at + 1]! << 8));
    const start3 = start2 + (source[at + 2]! | (source[at + 3]! << 8));
    const start4 = start3 + (source[at + 4]! | (source[at + 5]! << 8));
    if (start4 > sectionEnd) fail('truncated', sectionEnd, written);
    const fourth = start + 3 * quarter;
    decodeHuffman(table, view, start1, start2, target, start, quarter, written);
    decodeHuffman(table, view, start2, start3, target, start + quarter, quarter, written);
    decodeHuffman(table, view, start3, start4, target, start + 2 * quarter, quarter, written);
    decodeHuffman(table, view, start4, sectionEnd, target, fourth, limit - fourth, written);
  }
  literals.bytes = target;
  literals.at = start;
  literals.length = length;
  return sectionEnd;
}

/** The low 32 bits of a section header of 1 to 5 bytes. */
function readHeader(source: Uint8Array, at: number, end: number, bytes: number, written: number): number {
  if (bytes > end - at) fail('truncated', end, written);
  let bits = 0;
  for (let i = Math.min(bytes, 4) - 1; i >= 0; i--) bits = (bits << 8) | source[at + i]!;
  return bits;
}
