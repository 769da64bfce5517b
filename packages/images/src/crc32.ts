// CRC-32 (the polynomial of Ethernet, zip and GPT, reflected), and the arithmetic that gives the checksum of a long run
// without visiting its bytes: an image of a few hundred bytes may claim to unpack to terabytes of one pattern.
//
// A checksum is a polynomial over GF(2) modulo P; putting n bytes behind a text multiplies its checksum by x^(8n). The
// product of two polynomials costs 32 steps, so any number of bytes costs as many steps as its length has bits.

/** x^32 + …, bit-reversed. */
const POLYNOMIAL = 0xedb88320;
/** The polynomial 1: the highest bit is the coefficient of x^0. */
const ONE = 0x8000_0000;

const table = new Uint32Array(256).map((_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/** The checksum of `bytes`, or, given the checksum of what came before them, of both together. Unsigned. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let remainder = ~before;
  for (let i = 0; i < bytes.length; i++) remainder = (remainder >>> 8) ^ table[(remainder ^ bytes[i]!) & 0xff]!;
  return ~remainder >>> 0;
}

/** The product of two polynomials modulo P. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= shifted;
    shifted = (shifted >>> 1) ^ (shifted & 1 ? POLYNOMIAL : 0);
  }
  return product >>> 0;
}

/** x^(8 * bytes) modulo P: what putting so many bytes behind a text does to its checksum. */
function shiftBy(bytes: number): number {
  let power = 1 << 23; // x^8
  let shift = ONE;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return shift >>> 0;
}

/** The checksum of two texts in a row, from the checksum of each and the length of the second in bytes. */
export function crc32Combine(first: number, second: number, secondBytes: number): number {
  return (multiply(shiftBy(secondBytes), first) ^ second) >>> 0;
}

/** The checksum of `pattern` `count` times in a row, in steps that grow with the logarithm of `count`. */
export function crc32Repeated(pattern: Uint8Array, count: number): number {
  let run = crc32(pattern); // of 1, 2, 4, … patterns
  let runBytes = pattern.length;
  let checksum = 0;
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) checksum = crc32Combine(checksum, run, runBytes);
    run = crc32Combine(run, run, runBytes);
    runBytes *= 2;
  }
  return checksum;
}
