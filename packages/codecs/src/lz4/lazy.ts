// LZ4HC, levels 1 to 9: the longest match is taken, unless one of the next positions has a longer one.

import { MatchChains } from './chains.ts';
import { matchStartLimit, writeLastLiterals, writeSequence } from './sequence.ts';

/** A match of this length is taken without a look further. */
const goodLength = 256;

/**
 * Encodes `source` into `target`. Returns the length of the block, or 0 if it is longer than the target.
 *
 * @param attempts how many earlier positions are compared with each
 * @param ahead how many positions after the start of a match are looked at for a longer one
 */
export function compressLazy(source: Uint8Array, target: Uint8Array, attempts: number, ahead: number): number {
  let anchor = 0; // the first byte that is not written yet
  let written = 0;
  if (source.length > matchStartLimit) {
    const chains = new MatchChains(source);
    const { startMax, matchLimit } = chains;
    let position = 1;
    while (position <= startMax) {
      let length = chains.longest(position, 0, attempts, matchLimit);
      if (length === 0) {
        position++;
        // All up to here are literals, whatever follows.
        if (written + 1 + position - anchor > target.length) return 0;
        continue;
      }
      let { distance } = chains;
      for (let step = 1; step <= ahead && length < goodLength && position + step <= startMax; ) {
        // Each byte of delay is one more literal: the match has to reach that much further.
        const longer = chains.longest(position + step, length + step - 1, attempts, matchLimit);
        if (longer === 0) {
          step++;
        } else {
          position += step;
          length = longer;
          distance = chains.distance;
          step = 1;
        }
      }
      written = writeSequence(source, anchor, position, distance, length, target, written);
      if (written === 0) return 0;
      anchor = position += length;
    }
  }
  return writeLastLiterals(source, anchor, target, written);
}
