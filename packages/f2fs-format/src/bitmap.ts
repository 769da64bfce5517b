// The two bit orders of F2FS. Confusing them is the most common error of a new implementation, so every name says which.
//   MSB-first: bit n is mask 0x80 >> (n & 7) of byte n >> 3: SIT valid maps, SIT and NAT version bitmaps.
//   LSB-first: bit n is mask 1 << (n & 7) of byte n >> 3: dentry bitmaps, nat_bits, the superblock's error bits.
// All functions take a byte offset `at`, so that a map inside a block needs no window. Bits beyond the array read as 0.

export function testMsb(map: Uint8Array, bit: number, at = 0): boolean {
  return ((map[at + (bit >>> 3)] ?? 0) & (0x80 >>> (bit & 7))) !== 0;
}

export function setMsb(map: Uint8Array, bit: number, at = 0): void {
  map[at + (bit >>> 3)]! |= 0x80 >>> (bit & 7);
}

export function clearMsb(map: Uint8Array, bit: number, at = 0): void {
  map[at + (bit >>> 3)]! &= ~(0x80 >>> (bit & 7));
}

export function toggleMsb(map: Uint8Array, bit: number, at = 0): void {
  map[at + (bit >>> 3)]! ^= 0x80 >>> (bit & 7);
}

export function testLsb(map: Uint8Array, bit: number, at = 0): boolean {
  return ((map[at + (bit >>> 3)] ?? 0) & (1 << (bit & 7))) !== 0;
}

export function setLsb(map: Uint8Array, bit: number, at = 0): void {
  map[at + (bit >>> 3)]! |= 1 << (bit & 7);
}

export function clearLsb(map: Uint8Array, bit: number, at = 0): void {
  map[at + (bit >>> 3)]! &= ~(1 << (bit & 7));
}

/** The first bit in `[from, end)` that is `value`, or `end` when there is none. */
export function findMsb(map: Uint8Array, value: boolean, from: number, end: number, at = 0): number {
  const skip = value ? 0x00 : 0xff;
  let bit = from;
  while (bit < end) {
    if ((bit & 7) === 0 && map[at + (bit >>> 3)] === skip) bit += 8;
    else if (testMsb(map, bit, at) === value) return bit;
    else bit++;
  }
  return end;
}

/** The first bit in `[from, end)` that is `value`, or `end` when there is none. */
export function findLsb(map: Uint8Array, value: boolean, from: number, end: number, at = 0): number {
  const skip = value ? 0x00 : 0xff;
  let bit = from;
  while (bit < end) {
    if ((bit & 7) === 0 && map[at + (bit >>> 3)] === skip) bit += 8;
    else if (testLsb(map, bit, at) === value) return bit;
    else bit++;
  }
  return end;
}

/** Bits that are set in `size` bytes; the same for both orders. */
export function countBits(map: Uint8Array, at = 0, size: number = map.length - at): number {
  let count = 0;
  for (let index = at; index < at + size; index++) {
    let byte = map[index]!;
    byte -= (byte >>> 1) & 0x55;
    byte = (byte & 0x33) + ((byte >>> 2) & 0x33);
    count += (byte + (byte >>> 4)) & 0x0f;
  }
  return count;
}
