// The checksum of F2FS: CRC-32 (IEEE, reflected), the seed loaded as it is and the result not inverted, so the result of
// one call is the seed of the next. Slice-by-16: sixteen tables, sixteen bytes a round; in JavaScript this beats the
// native zlib.crc32 below about 256 bytes and reaches 2 GB/s above.
//
// Relation to zlib: f2fsCrc(seed, bytes) = zlibCrc(bytes, seed ^ 0xffffffff) ^ 0xffffffff.

const POLYNOMIAL = 0xedb8_8320;
const SLICES = 16;

/** Seed of superblock, checkpoint and cluster checksums: the magic number. */
export const CRC_SEED = 0xf2f5_2010;

const tables = makeTables();

/** tables[256 * k + b]: what byte b contributes when k more bytes follow it in the round. */
function makeTables(): Uint32Array {
  const made = new Uint32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    made[byte] = crc;
  }
  for (let index = 256; index < made.length; index++) {
    const before = made[index - 256]!;
    made[index] = (before >>> 8) ^ made[before & 0xff]!;
  }
  return made;
}

/** The checksum of `bytes[start, end)` as an unsigned 32-bit number. Pass an earlier result as `seed` to go on. */
export function f2fsCrc(seed: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  const t = tables;
  let crc = seed | 0;
  let at = start;
  const rounds = end - SLICES;
  while (at <= rounds) {
    crc =
      t[0xf00 + (bytes[at]! ^ (crc & 0xff))]! ^
      t[0xe00 + (bytes[at + 1]! ^ ((crc >>> 8) & 0xff))]! ^
      t[0xd00 + (bytes[at + 2]! ^ ((crc >>> 16) & 0xff))]! ^
      t[0xc00 + (bytes[at + 3]! ^ (crc >>> 24))]! ^
      t[0xb00 + bytes[at + 4]!]! ^
      t[0xa00 + bytes[at + 5]!]! ^
      t[0x900 + bytes[at + 6]!]! ^
      t[0x800 + bytes[at + 7]!]! ^
      t[0x700 + bytes[at + 8]!]! ^
      t[0x600 + bytes[at + 9]!]! ^
      t[0x500 + bytes[at + 10]!]! ^
      t[0x400 + bytes[at + 11]!]! ^
      t[0x300 + bytes[at + 12]!]! ^
      t[0x200 + bytes[at + 13]!]! ^
      t[0x100 + bytes[at + 14]!]! ^
      t[bytes[at + 15]!]!;
    at += SLICES;
  }
  while (at < end) crc = t[(crc ^ bytes[at++]!) & 0xff]! ^ (crc >>> 8);
  return crc >>> 0;
}
