// The LZO1X-1 encoder: one pass, one look back for each position, the first match taken. It writes version 0 of the
// stream, which is what "lzo" is and what every decoder of "lzo-rle" takes too.

import { contentBytesMax, endOfMatch, OccurrenceTable, slotOf } from '../occurrence.ts';
import { distanceMax, farDistance, writeEnd, writeMatch } from './instruction.ts';

/** 64 KiB of slots. */
const tableBits = 14;
const shift = 32 - tableBits;
const table = new OccurrenceTable(tableBits, distanceMax);

/** A match is looked for by four bytes. */
const wordBytes = 4;

/** Matches beyond 16 KiB cost a byte more; one that saves nothing is not taken. */
const farLengthMin = 5;

/** After 2 ** stepBits bytes without a match the step grows by one, and so on. */
const stepBits = 5;

/** Encodes `source` into the start of `target`. Returns the length of the stream, or 0 if it is longer than the target. */
export function compressStream(source: Uint8Array, target: Uint8Array): number {
  if (source.length >= contentBytesMax) return 0;
  let anchor = 0; // the first byte that is not written yet
  let written = 0;
  if (source.length > wordBytes) {
    const view = new DataView(source.buffer, source.byteOffset, source.length);
    const slots = table.begin(source.length);
    const { zero } = table;
    const startMax = source.length - wordBytes;
    slots[slotOf(view.getInt32(0, true), shift)] = zero;
    let position = 1;
    while (position <= startMax) {
      const word = view.getInt32(position, true);
      const slot = slotOf(word, shift);
      let candidate = slots[slot]! - zero;
      slots[slot] = zero + position;
      if (position - candidate > distanceMax || view.getInt32(candidate, true) !== word) {
        position += 1 + ((position - anchor) >> stepBits);
        continue;
      }
      const distance = position - candidate;
      const end = endOfMatch(view, position + wordBytes, distance, source.length);
      while (position > anchor && candidate > 0 && source[position - 1] === source[candidate - 1]) {
        position--;
        candidate--;
      }
      if (distance >= farDistance && end - position < farLengthMin) {
        position = end;
        continue;
      }
      written = writeMatch(source, anchor, position, distance, end - position, target, written);
      if (written === 0) return 0;
      anchor = position = end;
    }
  }
  return writeEnd(source, anchor, target, written);
}
