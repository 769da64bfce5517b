// The sequences of an LZ4 block, written: the half that all LZ4 encoders share. They decide what matches, this says it.
//
// A block has to keep rules that decoders rely on so that they can copy in words; Linux refuses blocks that break them:
//   - the last 5 bytes are literals, so no match reaches beyond `length - 5`;
//   - no match starts within the last 12 bytes, so a content of less than 13 bytes has none;
//   - distances are 1 to 65535, lengths at least 4.
//
// What does not fit the target is not written: both functions return 0 then, and the encoder stops. The bound is exact
// and early, because after every sequence there still come a token and the last literals.
// (LZ4 block format description, "End of block conditions")

import { copyLiterals } from '../match.ts';

/** A match is at least this long. */
export const matchBytesMin = 4;
/** Bytes at the end of the content that are literals whatever they hold. */
export const lastLiterals = 5;
/** A match starts at least this many bytes before the end of the content. */
export const matchStartLimit = 12;
/** How far back a match may lie. */
export const distanceMax = 65535;

/** From this value on, half a token does not suffice. */
const tokenMax = 15;

/** What a block still needs after any match: a token and the last literals. */
const lastSequenceBytes = 1 + lastLiterals;

/**
 * Writes one sequence: the literals `source[anchor, start)`, then a match of `length` bytes from `distance` before.
 *
 * @returns the bytes now in `target`, or 0 when a block that goes on from there cannot fit.
 */
export function writeSequence(
  source: Uint8Array,
  anchor: number,
  start: number,
  distance: number,
  length: number,
  target: Uint8Array,
  written: number,
): number {
  const literals = start - anchor;
  const extra = length - matchBytesMin;
  let needed = written + 3 + literals + lastSequenceBytes;
  if (literals >= tokenMax) needed += 1 + (((literals - tokenMax) / 255) | 0);
  if (extra >= tokenMax) needed += 1 + (((extra - tokenMax) / 255) | 0);
  if (needed > target.length) return 0;

  const token = written++;
  if (literals >= tokenMax) written = writeExtension(target, written, literals - tokenMax);
  if (literals > 0) {
    copyLiterals(source, anchor, target, written, literals, target.length);
    written += literals;
  }
  target[written] = distance;
  target[written + 1] = distance >> 8;
  written += 2;
  if (extra >= tokenMax) {
    target[token] = (literals < tokenMax ? literals << 4 : 0xf0) | tokenMax;
    return writeExtension(target, written, extra - tokenMax);
  }
  target[token] = (literals < tokenMax ? literals << 4 : 0xf0) | extra;
  return written;
}

/** Writes the last sequence, which is literals: all from `anchor` on. Returns the length of the block, 0 if it does not fit. */
export function writeLastLiterals(source: Uint8Array, anchor: number, target: Uint8Array, written: number): number {
  const literals = source.length - anchor;
  const extension = literals >= tokenMax ? 1 + Math.floor((literals - tokenMax) / 255) : 0;
  if (written + 1 + extension + literals > target.length) return 0;
  target[written++] = Math.min(literals, tokenMax) << 4;
  if (extension !== 0) written = writeExtension(target, written, literals - tokenMax);
  target.set(source.subarray(anchor), written);
  return written + literals;
}

/** Writes what a half of a token could not hold, and returns where it ended. */
function writeExtension(target: Uint8Array, written: number, value: number): number {
  for (; value >= 255; value -= 255) target[written++] = 255;
  target[written++] = value;
  return written;
}
