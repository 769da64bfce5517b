// LZ4 as it is meant: one pass, one look back for each position, the first match taken.
//
//   1. Look for a word that occurred before. Where nothing matches for long, the steps grow, so that content which does
//      not compress costs next to nothing.
//   2. Extend the match: back, over bytes that the steps skipped, and forward.
//   3. Write literals and match. Stop for good if the block cannot fit any more.
//   4. Look at the position after the match at once; from there on as in 1.

import { endOfMatch, OccurrenceTable, slotOf } from '../occurrence.ts';
import {
  distanceMax,
  lastLiterals,
  matchBytesMin,
  matchStartLimit,
  writeLastLiterals,
  writeSequence,
} from './sequence.ts';

/** 64 KiB of slots. Half of that loses 1 % of ratio on binaries, four times as much gains 1 % and leaves the inner caches. */
const tableBits = 14;
const shift = 32 - tableBits;
const table = new OccurrenceTable(tableBits, distanceMax);

/** After 2 ** stepBits misses in a row the step grows by one, and so on. */
const stepBits = 6;

/** Encodes `source` into `target`. Returns the length of the block, or 0 if it is longer than the target. */
export function compressFast(source: Uint8Array, target: Uint8Array): number {
  let anchor = 0; // the first byte that is not written yet
  let written = 0;
  if (source.length > matchStartLimit) {
    const view = new DataView(source.buffer, source.byteOffset, source.length);
    const slots = table.begin(source.length);
    const { zero } = table;
    const startMax = source.length - matchStartLimit;
    const matchLimit = source.length - lastLiterals;
    slots[slotOf(view.getInt32(0, true), shift)] = zero;
    let position = 1;

    search: for (;;) {
      let misses = 1 << stepBits;
      let candidate = 0;
      for (;;) {
        if (position > startMax) break search;
        const word = view.getInt32(position, true);
        const slot = slotOf(word, shift);
        candidate = slots[slot]! - zero;
        slots[slot] = zero + position;
        if (position - candidate <= distanceMax && view.getInt32(candidate, true) === word) break;
        position += misses++ >> stepBits;
      }
      while (position > anchor && candidate > 0 && source[position - 1] === source[candidate - 1]) {
        position--;
        candidate--;
      }

      for (;;) {
        const distance = position - candidate;
        const matchEnd = endOfMatch(view, position + matchBytesMin, distance, matchLimit);
        written = writeSequence(source, anchor, position, distance, matchEnd - position, target, written);
        if (written === 0) return 0;
        position = anchor = matchEnd;
        if (position > startMax) break search;
        slots[slotOf(view.getInt32(position - 2, true), shift)] = zero + position - 2;

        const word = view.getInt32(position, true);
        const slot = slotOf(word, shift);
        candidate = slots[slot]! - zero;
        slots[slot] = zero + position;
        if (position - candidate > distanceMax || view.getInt32(candidate, true) !== word) break;
      }
      position++;
    }
  }
  return writeLastLiterals(source, anchor, target, written);
}
