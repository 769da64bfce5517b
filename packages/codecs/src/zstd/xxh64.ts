// XXH64 with seed 0, of which a zstd frame stores the low half. JavaScript has no 64-bit integers that are fast, so every
// number is two halves of 32 bits; a product of two is put together from 16-bit parts.
//
// (xxHash fast digest algorithm, specification of XXH64)

/** A 64-bit number, changed in place. */
class Word {
  high: number;
  low: number;

  constructor(high: number, low: number) {
    this.high = high | 0;
    this.low = low | 0;
  }

  set({ high, low }: Word): Word {
    this.high = high;
    this.low = low;
    return this;
  }

  add(high: number, low: number): Word {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.low = sum | 0;
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    return this;
  }

  xor(high: number, low: number): Word {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  multiply({ high, low }: Word): Word {
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    // The high half of low times low: three partial sums, none above 2^53.
    const middle = a1 * b0 + ((a0 * b0) >>> 16);
    const carry = a0 * b1 + (middle % 65536);
    const top = a1 * b1 + Math.floor(middle / 65536) + Math.floor(carry / 65536);
    this.high = (top + Math.imul(this.high, low) + Math.imul(this.low, high)) | 0;
    this.low = Math.imul(this.low, low);
    return this;
  }

  /** By 1 to 31 bits. */
  rotateLeft(bits: number): Word {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
    return this;
  }

  /** x ^ (x >>> bits), for 29, 32 and 33 bits. */
  fold(bits: number): Word {
    const { high, low } = this;
    if (bits < 32) return this.xor(high >>> bits, (low >>> bits) | (high << (32 - bits)));
    return this.xor(0, high >>> (bits - 32));
  }
}

const prime1 = /* @__PURE__ */ new Word(0x9e3779b1, 0x85ebca87);
const prime2 = /* @__PURE__ */ new Word(0xc2b2ae3d, 0x27d4eb4f);
const prime3 = /* @__PURE__ */ new Word(0x165667b1, 0x9e3779f9);
const prime4 = /* @__PURE__ */ new Word(0x85ebca77, 0xc2b2ae63);
const prime5 = /* @__PURE__ */ new Word(0x27d4eb2f, 0x165667c5);

/** One step of a lane: 8 bytes of input into its accumulator. */
function round(accumulator: Word, high: number, low: number, scratch: Word): Word {
  scratch.high = high;
  scratch.low = low;
  scratch.multiply(prime2);
  return accumulator.add(scratch.high, scratch.low).rotateLeft(31).multiply(prime1);
}

/** The low 32 bits of the XXH64 of `data`, unsigned. */
export function xxh64Low(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const scratch = new Word(0, 0);
  const hash = new Word(0, 0);
  let at = 0;

  if (data.length >= 32) {
    const lanes = [
      new Word(0, 0).set(prime1).add(prime2.high, prime2.low),
      new Word(0, 0).set(prime2),
      new Word(0, 0),
      new Word(0, 0).xor(~prime1.high, ~prime1.low).add(0, 1),
    ] as const;
    for (; at + 32 <= data.length; at += 32) {
      round(lanes[0], view.getInt32(at + 4, true), view.getInt32(at, true), scratch);
      round(lanes[1], view.getInt32(at + 12, true), view.getInt32(at + 8, true), scratch);
      round(lanes[2], view.getInt32(at + 20, true), view.getInt32(at + 16, true), scratch);
      round(lanes[3], view.getInt32(at + 28, true), view.getInt32(at + 24, true), scratch);
    }
    for (const [i, bits] of [1, 7, 12, 18].entries()) {
      scratch.set(lanes[i]!).rotateLeft(bits);
      hash.add(scratch.high, scratch.low);
    }
    const lane = new Word(0, 0);
    for (let i = 0; i < 4; i++) {
      lane.high = lane.low = 0;
      round(lane, lanes[i]!.high, lanes[i]!.low, scratch);
      hash.xor(lane.high, lane.low).multiply(prime1).add(prime4.high, prime4.low);
    }
  } else {
    hash.set(prime5);
  }
  hash.add(0, data.length);

  const lane = new Word(0, 0);
  for (; at + 8 <= data.length; at += 8) {
    lane.high = lane.low = 0;
    round(lane, view.getInt32(at + 4, true), view.getInt32(at, true), scratch);
    hash.xor(lane.high, lane.low).rotateLeft(27).multiply(prime1).add(prime4.high, prime4.low);
  }
  if (at + 4 <= data.length) {
    lane.high = 0;
    lane.low = view.getInt32(at, true);
    lane.multiply(prime1);
    hash.xor(lane.high, lane.low).rotateLeft(23).multiply(prime2).add(prime3.high, prime3.low);
    at += 4;
  }
  for (; at < data.length; at++) {
    lane.high = 0;
    lane.low = data[at]!;
    lane.multiply(prime5);
    hash.xor(lane.high, lane.low).rotateLeft(11).multiply(prime1);
  }
  hash.fold(33).multiply(prime2).fold(29).multiply(prime3).fold(32);
  return hash.low >>> 0;
}
