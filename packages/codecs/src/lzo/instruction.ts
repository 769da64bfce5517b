// The instructions of an LZO1X stream of version 0, written. The table of all instructions is at the head of lzo.ts; the
// encoder needs three kinds of match:
//
//   distance        length    bytes
//   1..2048         3..8      2
//   1..16384        3..       3, and one more for every 255 above 33
//   16385..49151    3..       3, and one more for every 255 above 9
//
// Up to three literals after a match are counted in two bits of it, which are in the last byte but one in all three
// kinds. Longer runs are instructions of their own. A stream that begins with a match does not exist, so the first byte
// is above 17 or 0: never 17, by which decoders know version 1.

import { copyLiterals } from '../match.ts';

/** How far back a match may lie. */
export const distanceMax = 49151;
/** From this distance on the length has three bits and not five. */
export const farDistance = 16385;

const nearDistanceMax = 2048;
const nearLengthMax = 8;

/** The end of every stream. */
const terminatorBytes = 3;

/** Literals that fit the first byte of a stream: 17 + 238 is 255. */
const firstLiteralsMax = 238;

/** Bytes of an extension that adds up to `value`, at least 1: any number of zeros, each 255, then 1 to 255. */
function extensionBytes(value: number): number {
  return 1 + (((value - 1) / 255) | 0);
}

function writeExtension(target: Uint8Array, written: number, value: number): number {
  for (; value > 255; value -= 255) target[written++] = 0;
  target[written++] = value;
  return written;
}

/**
 * Writes the literals `source[anchor, start)`, after a match or at the start of the stream.
 *
 * @returns the bytes now in `target`, or 0 when they, `reserved` bytes and the end of the stream do not fit.
 */
function writeLiterals(
  source: Uint8Array,
  anchor: number,
  start: number,
  target: Uint8Array,
  written: number,
  reserved: number,
): number {
  const literals = start - anchor;
  let instruction = 0;
  if (literals > 3 || written === 0) instruction = 1;
  if (literals > (written === 0 ? firstLiteralsMax : 18)) instruction += extensionBytes(literals - 18);
  if (written + instruction + literals + reserved + terminatorBytes > target.length) return 0;
  if (literals === 0) return written;
  if (written === 0 && literals <= firstLiteralsMax) {
    target[written++] = 17 + literals;
  } else if (literals <= 3) {
    target[written - 2]! |= literals;
  } else if (literals <= 18) {
    target[written++] = literals - 3;
  } else {
    target[written++] = 0;
    written = writeExtension(target, written, literals - 18);
  }
  copyLiterals(source, anchor, target, written, literals, target.length);
  return written + literals;
}

/**
 * Writes the literals `source[anchor, start)`, then a match of `length` bytes, at least 3, from `distance` before.
 *
 * @returns the bytes now in `target`, or 0 when a stream that goes on from there cannot fit.
 */
export function writeMatch(
  source: Uint8Array,
  anchor: number,
  start: number,
  distance: number,
  length: number,
  target: Uint8Array,
  written: number,
): number {
  const near = distance <= nearDistanceMax && length <= nearLengthMax;
  const direct = distance >= farDistance ? 9 : 33;
  const extension = near || length <= direct ? 0 : extensionBytes(length - direct);
  written = writeLiterals(source, anchor, start, target, written, (near ? 2 : 3) + extension);
  if (written === 0) return 0;

  if (near) {
    const low = ((distance - 1) & 7) << 2;
    target[written] = (length <= 4 ? 0x40 | ((length - 3) << 5) : 0x80 | ((length - 5) << 5)) | low;
    target[written + 1] = (distance - 1) >> 3;
    return written + 2;
  }
  let code = 0x20;
  let base = 1;
  if (distance >= farDistance) {
    base = 16384;
    code = 0x10 | (((distance - base) >> 11) & 8);
  }
  target[written++] = extension === 0 ? code | (length - 2) : code;
  if (extension !== 0) written = writeExtension(target, written, length - direct);
  target[written] = ((distance - base) << 2) & 255;
  target[written + 1] = ((distance - base) >> 6) & 255;
  return written + 2;
}

/** Writes the literals from `anchor` on and the end. Returns the length of the stream, or 0 when it does not fit. */
export function writeEnd(source: Uint8Array, anchor: number, target: Uint8Array, written: number): number {
  // An empty stream is its end alone; `written` is then 0, which is not a failure.
  if (source.length === 0) {
    if (target.length < terminatorBytes) return 0;
  } else {
    written = writeLiterals(source, anchor, source.length, target, written, 0);
    if (written === 0) return 0;
  }
  target[written] = 0x11;
  target[written + 1] = 0;
  target[written + 2] = 0;
  return written + terminatorBytes;
}
