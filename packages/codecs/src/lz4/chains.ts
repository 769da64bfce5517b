// The search of LZ4HC. Earlier positions whose first four bytes share a hash form a chain, the latest first; the match
// wanted is the longest along the chain. Which of several equally long ones it is does not matter: every distance costs
// the same.

import { endOfMatch, OccurrenceTable, slotOf } from '../occurrence.ts';
import { distanceMax, lastLiterals, matchBytesMin, matchStartLimit } from './sequence.ts';

/** 128 KiB of slots, where the chains begin. */
const tableBits = 15;
const shift = 32 - tableBits;
const table = new OccurrenceTable(tableBits, distanceMax);

/**
 * How the chains go on: by position modulo its length, the number of the position before in the same chain. Each is
 * written before it is read, so this one needs no clearing either. 256 KiB.
 */
let links: Int32Array | undefined;

/** The chains of one content. They share their tables: starting another content ends this one. */
export class MatchChains {
  readonly #view: DataView;
  readonly #slots: Int32Array;
  readonly #links: Int32Array;
  readonly #zero: number;
  /** The positions below are in the chains. */
  #linked = 0;
  /** The last position at which a match may start. */
  readonly startMax: number;
  /** No match may reach beyond. */
  readonly matchLimit: number;
  /** The distance of the match found last. */
  distance = 0;

  /** `source` holds more than `matchStartLimit` bytes. */
  constructor(source: Uint8Array) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.length);
    this.#slots = table.begin(source.length);
    this.#zero = table.zero;
    this.#links = links ??= new Int32Array(distanceMax + 1);
    this.startMax = source.length - matchStartLimit;
    this.matchLimit = source.length - lastLiterals;
  }

  /**
   * The length of the longest match at `position`, among the last `attempts` in its chain, if it is above `longerThan`;
   * else 0. Its distance is then in `distance`. Positions only ever grow from call to call, up to `startMax`.
   *
   * @param limit where a match ends at the latest, at most `matchLimit`: nothing is compared beyond
   */
  longest(position: number, longerThan: number, attempts: number, limit: number): number {
    const view = this.#view;
    const slots = this.#slots;
    const links = this.#links;
    const zero = this.#zero;

    for (let at = this.#linked; at < position; at++) {
      const slot = slotOf(view.getInt32(at, true), shift);
      links[(zero + at) & distanceMax] = slots[slot]!;
      slots[slot] = zero + at;
    }
    if (position > this.#linked) this.#linked = position;

    let best = Math.max(longerThan, matchBytesMin - 1);
    if (position + best >= limit) return 0;
    const word = view.getInt32(position, true);
    // A longer match holds these four bytes too. Most candidates fail here.
    let tail = view.getInt32(position + best - 3, true);
    let length = 0;
    let number = slots[slotOf(word, shift)]!;
    const numberMin = zero + Math.max(0, position - distanceMax);
    while (number >= numberMin && attempts-- > 0) {
      const candidate = number - zero;
      if (view.getInt32(candidate + best - 3, true) === tail && view.getInt32(candidate, true) === word) {
        const distance = position - candidate;
        const found = endOfMatch(view, position + matchBytesMin, distance, limit) - position;
        if (found > best) {
          best = length = found;
          this.distance = distance;
          if (position + best >= limit) break;
          tail = view.getInt32(position + best - 3, true);
        }
      }
      number = links[number & distanceMax]!;
    }
    return length;
  }
}
