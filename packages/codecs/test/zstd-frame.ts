// A small writer of zstd frames, for what no compressor writes: chosen blocks, sequences and headers, right or wrong.
// Sequences use one code per field (the RLE mode of tables), so that the bit stream holds extra bits only.

const magic = [0x28, 0xb5, 0x2f, 0xfd];

export const rawType = 0;
export const rleType = 1;
export const compressedType = 2;

/** A block: its header, then `bytes`. `size` is what the header says, unless given the length of `bytes`. */
export function block(type: number, bytes: readonly number[], last: boolean, size = bytes.length): number[] {
  const header = (size << 3) | (type << 1) | (last ? 1 : 0);
  return [header & 255, (header >> 8) & 255, (header >> 16) & 255, ...bytes];
}

/** A frame without content size and with a window of 2^log bytes, as Linux writes them. */
export function frame(windowLog: number, ...blocks: number[][]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...magic, 0, (windowLog - 10) << 3, ...blocks.flat()]);
}

/** Raw literals, with a header of 1, 2 or 3 bytes. */
export function rawLiterals(
  bytes: readonly number[],
  headerBytes = bytes.length < 32 ? 1 : bytes.length < 4096 ? 2 : 3,
) {
  return [...literalsHeader(0, bytes.length, headerBytes), ...bytes];
}

export function rleLiterals(byte: number, length: number, headerBytes = length < 32 ? 1 : length < 4096 ? 2 : 3) {
  return [...literalsHeader(1, length, headerBytes), byte];
}

function literalsHeader(type: number, length: number, bytes: number): number[] {
  if (bytes === 1) return [type | (length << 3)];
  const bits = type | (bytes === 2 ? 4 : 12) | (length << 4);
  return [bits & 255, (bits >> 8) & 255, (bits >> 16) & 255].slice(0, bytes);
}

/** The code and the extra bits of a literal length, a match length, an offset value. */
const literalBase = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128];
const literalExtra = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7];
const matchBase = [
  35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
];
const matchExtra = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

export interface Code {
  code: number;
  base: number;
  extra: number;
}

export function literalCode(length: number): Code {
  const code = literalBase.findLastIndex((base) => base <= length);
  return { code, base: literalBase[code]!, extra: literalExtra[code]! };
}

export function matchCode(length: number): Code {
  if (length < 35) return { code: length - 3, base: length, extra: 0 };
  const index = matchBase.findLastIndex((base) => base <= length);
  return { code: 32 + index, base: matchBase[index]!, extra: matchExtra[index]! };
}

export function offsetCode(value: number): Code {
  const code = 31 - Math.clz32(value);
  return { code, base: 2 ** code, extra: code };
}

/** What a sequence says: literals, match length, offset value (1..3: a distance of before; else distance + 3). */
export type Sequence = readonly [literals: number, match: number, offsetValue: number];

/** A sequences section in which every sequence has the codes of the first. */
export function sequencesSection(sequences: readonly Sequence[], counted = sequences.length): number[] {
  const count =
    counted < 128 ? [counted] : counted < 0x7f00 ? [(counted >> 8) + 128, counted & 255] : longCount(counted);
  if (sequences.length === 0) return count;
  const [firstLiterals, firstMatch, firstOffset] = sequences[0]!;
  const literal = literalCode(firstLiterals);
  const match = matchCode(firstMatch);
  const offset = offsetCode(firstOffset);
  const fields = sequences.flatMap(
    ([literals, length, value]): Array<[number, number]> => [
      [value - offset.base, offset.extra],
      [length - match.base, match.extra],
      [literals - literal.base, literal.extra],
    ],
  );
  return [...count, 0b01010100, literal.code, offset.code, match.code, ...backwardBits(fields)];
}

function longCount(count: number): number[] {
  return [255, (count - 0x7f00) & 255, (count - 0x7f00) >> 8];
}

/** Fields in the order in which they are read, which is from the end: the last one lies lowest. */
export function backwardBits(fields: ReadonlyArray<readonly [value: number, bits: number]>): number[] {
  let stream = 1n; // the marker
  for (const [value, bits] of fields) stream = (stream << BigInt(bits)) | BigInt(value);
  const bytes: number[] = [];
  for (; stream > 0n; stream >>= 8n) bytes.push(Number(stream & 0xffn));
  return bytes;
}

/** A tree as direct weights, four bits each; the last weight, which the others imply, is left out. */
export function directTree(weights: readonly number[]): number[] {
  const bytes = [127 + weights.length - 1];
  for (let i = 0; i < weights.length - 1; i += 2) {
    bytes.push((weights[i]! << 4) | (i + 1 < weights.length - 1 ? weights[i + 1]! : 0));
  }
  return bytes;
}

/** The code of each byte: of the lowest weight first, within a weight by value, each one up from the last. */
export function huffmanCodes(weights: readonly number[]): Map<number, readonly [code: number, bits: number]> {
  const total = weights.reduce((sum, weight) => sum + (weight === 0 ? 0 : 2 ** (weight - 1)), 0);
  const log = Math.log2(total);
  const codes = new Map<number, readonly [number, number]>();
  let position = 0;
  for (let weight = 1; weight <= log; weight++) {
    for (const [byte, own] of weights.entries()) {
      if (own !== weight) continue;
      codes.set(byte, [position / 2 ** (weight - 1), log + 1 - weight]);
      position += 2 ** (weight - 1);
    }
  }
  return codes;
}

/** Huffman-coded literals in one stream or four; `tree` is empty where that of the block before is used again. */
export function huffmanLiterals(
  literals: readonly number[],
  codes: Map<number, readonly [code: number, bits: number]>,
  tree: readonly number[],
  format: 0 | 1 | 2 | 3,
): number[] {
  const stream = (bytes: readonly number[]): number[] => backwardBits(bytes.map((byte) => codes.get(byte)!));
  const body = [...tree];
  if (format === 0) {
    body.push(...stream(literals));
  } else {
    const quarter = (literals.length + 3) >> 2;
    const streams = [0, 1, 2, 3].map((i) =>
      stream(literals.slice(i * quarter, i === 3 ? undefined : (i + 1) * quarter)),
    );
    for (const { length } of streams.slice(0, 3)) body.push(length & 255, length >> 8);
    body.push(...streams.flat());
  }
  return [...compressedLiteralsHeader(tree.length === 0 ? 3 : 2, format, literals.length, body.length), ...body];
}

/** Type 2 has a tree, type 3 has none. Sizes of 10, 10, 14 or 18 bits. */
export function compressedLiteralsHeader(type: 2 | 3, format: 0 | 1 | 2 | 3, length: number, stored: number): number[] {
  const sizeBits = [10, 10, 14, 18][format]!;
  const bits = type + format * 4 + length * 16 + stored * 2 ** (4 + sizeBits);
  return Array.from({ length: [3, 3, 4, 5][format]! }, (_, i) => Math.floor(bits / 256 ** i) % 256);
}

/** An FSE table description: `counts[s]` of 2^log states, -1 for less than one. */
export function fseDescription(counts: readonly number[], log: number): number[] {
  let stream = BigInt(log - 5);
  let bit = 4n;
  const write = (value: number, bits: number): void => {
    stream |= BigInt(value) << bit;
    bit += BigInt(bits);
  };
  let left = 2 ** log;
  for (let symbol = 0; symbol < counts.length && left > 0; symbol++) {
    const count = counts[symbol]!;
    // A value of 0..left + 1: the lowest of them in one bit less than the highest needs.
    const width = Math.floor(Math.log2(left + 1)) + 1;
    const short = 2 ** width - 2 - left;
    const value = count + 1;
    if (value < short) write(value, width - 1);
    else if (value < 2 ** (width - 1)) write(value, width);
    else write(value + short, width);
    left -= Math.abs(count);
    if (count !== 0) continue;
    let zeros = 0;
    while (counts[symbol + 1 + zeros] === 0) zeros++;
    symbol += zeros;
    for (; zeros >= 3; zeros -= 3) write(3, 2);
    write(zeros, 2);
  }
  const bytes: number[] = [];
  for (let byte = 0n; byte < (bit + 7n) / 8n; byte++) bytes.push(Number((stream >> (8n * byte)) & 0xffn));
  return bytes;
}
