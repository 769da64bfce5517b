// One bit a block of a folio. Ranges are set and tested word by word, so that a change costs the blocks it touches and not
// the size of the folio (R15).

/** A mask of the bits [from, to) of one word, 0 ≤ from < to ≤ 32. */
function maskOf(from: number, to: number): number {
  return ((to - from === 32 ? 0 : 1 << (to - from)) - 1) << from;
}

export class BlockBits {
  readonly length: number;
  /** Bits that are set. */
  count = 0;
  readonly #words: Uint32Array;

  constructor(length: number) {
    this.length = length;
    this.#words = new Uint32Array((length + 31) >> 5);
  }

  get full(): boolean {
    return this.count === this.length;
  }

  has(block: number): boolean {
    return ((this.#words[block >> 5]! >>> (block & 31)) & 1) === 1;
  }

  /** Sets the bits [from, to). */
  set(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const word = at >> 5;
      const end = Math.min(to, (word + 1) << 5);
      const before = this.#words[word]!;
      const after = before | maskOf(at & 31, end - (word << 5));
      this.#words[word] = after;
      this.count += bitCount(after) - bitCount(before);
      at = end;
    }
  }

  /** Clears the bits [from, to). */
  clear(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const word = at >> 5;
      const end = Math.min(to, (word + 1) << 5);
      const before = this.#words[word]!;
      const after = before & ~maskOf(at & 31, end - (word << 5));
      this.#words[word] = after;
      this.count += bitCount(after) - bitCount(before);
      at = end;
    }
  }

  /** True when all of [from, to) are set. */
  allSet(from: number, to: number): boolean {
    for (let at = from; at < to; ) {
      const word = at >> 5;
      const end = Math.min(to, (word + 1) << 5);
      const mask = maskOf(at & 31, end - (word << 5));
      if ((this.#words[word]! & mask) !== mask) return false;
      at = end;
    }
    return true;
  }

  /** The first bit at or after `from` that is set (or clear); `length` when there is none. */
  next(from: number, set: boolean): number {
    for (let at = from; at < this.length; ) {
      const word = set ? this.#words[at >> 5]! : ~this.#words[at >> 5]!;
      const rest = (word >>> (at & 31)) >>> 0;
      if (rest !== 0) return Math.min(this.length, at + 31 - Math.clz32(rest & -rest));
      at = ((at >> 5) + 1) << 5;
    }
    return this.length;
  }
}

function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (((v + (v >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
