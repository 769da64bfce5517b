// Where the next four bytes occurred before: what every LZ77 encoder asks. Four bytes are read as one word, which is
// hashed to a slot of a table that holds the position of the last word with that hash. It may have been another word, and
// it may be too far back: the caller compares both.
//
// The table serves one content after another and is not cleared between them, which would cost more than compressing a
// small cluster that does not compress. Instead each content counts its positions from a number of its own, `zero`, which
// lies more than any distance above all earlier ones: what an earlier content left in the table is too far back to be a
// match. So what a content is compressed to depends on nothing but the content.

/** Sources of this size or above are stored: positions stay small integers. */
export const contentBytesMax = 2 ** 28;

/** Numbers for positions start over, with an empty table, before they reach this. */
const numbersMax = 2 ** 30;

/** A table of last occurrences, empty again for each content. The memory is taken when it is first used. */
export class OccurrenceTable {
  readonly #bits: number;
  readonly #distanceMax: number;
  #slots: Int32Array | undefined;
  /** Below `numbersMax`; all numbers in the table are below it. */
  #next = 0;
  /** Position 0 of the content, as the slots have it. */
  zero = 0;

  constructor(bits: number, distanceMax: number) {
    this.#bits = bits;
    this.#distanceMax = distanceMax;
  }

  /** Starts a content of less than {@link contentBytesMax} bytes; returns the slots, which hold `zero` + position. */
  begin(contentBytes: number): Int32Array {
    this.#slots ??= new Int32Array(1 << this.#bits);
    if (this.#next + contentBytes + this.#distanceMax >= numbersMax) {
      this.#slots.fill(0);
      this.#next = 0;
    }
    // The first number, 0, is what an empty slot holds, so it too has to be too far back.
    this.zero = this.#next + this.#distanceMax + 1;
    this.#next = this.zero + contentBytes;
    return this.#slots;
  }
}

/** The slot of a word in a table of `2 ** (32 - shift)` slots. */
export function slotOf(word: number, shift: number): number {
  return Math.imul(word, 0x9e3779b1) >>> shift;
}

/** Where the bytes from `at` on stop being those `distance` before: `limit`, or earlier. */
export function endOfMatch(view: DataView, at: number, distance: number, limit: number): number {
  const wordLimit = limit - 3;
  while (at < wordLimit) {
    const difference = view.getInt32(at, true) ^ view.getInt32(at - distance, true);
    if (difference !== 0) return at + ((31 - Math.clz32(difference & -difference)) >> 3);
    at += 4;
  }
  while (at < limit && view.getUint8(at) === view.getUint8(at - distance)) at++;
  return at;
}
