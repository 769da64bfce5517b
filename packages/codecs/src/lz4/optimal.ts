// LZ4HC, levels 10 to 12: of all ways to write the content with the longest match at each position, the shortest. In parts
// of 64 KiB:
//
//   1. Forward: the longest match at every position. A position inside a good match has the rest of that match.
//   2. Backward: what the bytes from here to the end of the part cost at least, with a literal here, or with the match
//      here at its best length.
//   3. Forward again: write the choices.
//
// A match ends with the part it starts in; the literals do not, they are written with the next match.

import { MatchChains } from './chains.ts';
import { matchBytesMin, matchStartLimit, writeLastLiterals, writeSequence } from './sequence.ts';

/** Content that is planned at once. */
const partBytes = 64 * 1024;

/** Up to here a match is tried at each length, beyond only at its full one: a few bytes less would save nothing. */
const triedLength = 32;

/** Lengths that half a token holds; what is above takes a byte for every 255. */
const tokenLengthMax = 14;

/** Per position of a part, and one after it. */
interface Plan {
  /** Length of the longest match, 0 if none; in step 2, of the match to take, 0 for a literal. */
  readonly lengths: Int32Array;
  readonly distances: Uint16Array;
  /** Bytes that the rest of the part takes. */
  readonly costs: Int32Array;
}

let scratch: Plan | undefined;

/**
 * Encodes `source` into `target`. Returns the length of the block, or 0 if it is longer than the target.
 *
 * @param attempts how many earlier positions are compared with each
 * @param goodLength a match of this length ends the search for the positions within it
 */
export function compressOptimal(source: Uint8Array, target: Uint8Array, attempts: number, goodLength: number): number {
  let anchor = 0; // the first byte that is not written yet
  let written = 0;
  if (source.length > matchStartLimit) {
    scratch ??= {
      lengths: new Int32Array(partBytes + 1),
      distances: new Uint16Array(partBytes + 1),
      costs: new Int32Array(partBytes + 1),
    };
    const { lengths, distances } = scratch;
    const chains = new MatchChains(source);
    for (let start = 0; start <= chains.startMax; start += partBytes) {
      const end = Math.min(start + partBytes, source.length);
      findMatches(chains, scratch, start, end, attempts, goodLength);
      choose(scratch, end - start);
      for (let position = start; position < end; ) {
        const length = lengths[position - start]!;
        if (length === 0) {
          position++;
          continue;
        }
        const distance = distances[position - start]!;
        written = writeSequence(source, anchor, position, distance, length, target, written);
        if (written === 0) return 0;
        anchor = position += length;
      }
      // All up to here are literals, whatever follows.
      if (written + 1 + end - anchor > target.length) return 0;
    }
  }
  return writeLastLiterals(source, anchor, target, written);
}

/** Step 1. */
function findMatches(
  chains: MatchChains,
  plan: Plan,
  start: number,
  end: number,
  attempts: number,
  goodLength: number,
): void {
  const { lengths, distances } = plan;
  const limit = Math.min(end, chains.matchLimit);
  let length = 0;
  for (let position = start; position < end; position++) {
    const index = position - start;
    if (position > chains.startMax) {
      length = 0;
    } else if (length > goodLength) {
      length--;
      distances[index] = distances[index - 1]!;
    } else {
      length = chains.longest(position, 0, attempts, limit);
      if (length !== 0) distances[index] = chains.distance;
    }
    lengths[index] = length;
  }
}

/** Step 2. `count` positions; the literals after the last match are as many as are there, and go on with the next part. */
function choose(plan: Plan, count: number): void {
  const { lengths, costs } = plan;
  costs[count] = 0;
  let literals = 0; // that follow the position, up to the next match
  for (let index = count - 1; index >= 0; index--) {
    literals++;
    let cost = costs[index + 1]! + 1;
    if (literals > tokenLengthMax && (literals - tokenLengthMax - 1) % 255 === 0) cost++;
    const longest = lengths[index]!;
    let best = 0;
    if (longest !== 0) {
      // Equal cost: a match rather than a literal, a long one rather than a short one; both leave the decoder less to do.
      const tried = Math.min(longest, triedLength);
      for (let length = matchBytesMin; length <= tried; length++) {
        const price = sequenceCost(length) + costs[index + length]!;
        if (price <= cost) {
          cost = price;
          best = length;
        }
      }
      if (longest > tried) {
        const price = sequenceCost(longest) + costs[index + longest]!;
        if (price <= cost) {
          cost = price;
          best = longest;
        }
      }
    }
    if (best !== 0) literals = 0;
    lengths[index] = best;
    costs[index] = cost;
  }
}

/** Bytes of a match without the literals before it. */
function sequenceCost(length: number): number {
  const extra = length - matchBytesMin;
  return extra <= tokenLengthMax ? 3 : 4 + Math.floor((extra - tokenLengthMax - 1) / 255);
}
