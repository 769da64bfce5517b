// Huffman-coded literals. A tree is given as one weight per byte value: the code of a byte of weight w has (log + 1 - w)
// bits, weight 0 means that the byte does not occur, and the last weight is left out because the weights have to fill the
// tree exactly. The codes are read backwards, from a marker bit at the end of their stream.
//
// (RFC 8878, 4.2)

import { fail } from './frame.ts';
import { FseTable, readFseTable, type Symbols } from './fse.ts';

/** The longest code, in bits; so also the largest weight. */
const codeBitsMax = 11;

/** The largest accuracy of a table for weights. */
const weightLogMax = 6;

/** Weights stand for themselves. */
const weightSymbols: Symbols = {
  base: /* @__PURE__ */ Uint32Array.from({ length: codeBitsMax + 1 }, (_, weight) => weight),
  extra: /* @__PURE__ */ new Uint8Array(codeBitsMax + 1),
};

/** A decoding table, indexed by the next `log` bits. Rebuilt in place. */
export class HuffmanTable {
  /** Bits of the longest code; 0 while the frame has had no tree. */
  log = 0;
  /** Per index: the byte in the low half, the bits of its code in the high half. */
  readonly entries = new Uint16Array(1 << codeBitsMax);
  /** Per byte value, while the table is built. */
  readonly weights = new Uint8Array(256);
  /** Per weight that four bits can hold, while the table is built: how many bytes have it, then their next entry. */
  readonly next = new Uint16Array(16);
}

/** Reads the tree description that begins at `at` and has to end by `end`; returns where it ended. */
export function readHuffmanTable(
  table: HuffmanTable,
  source: Uint8Array,
  at: number,
  end: number,
  written: number,
): number {
  if (at >= end) fail('truncated', end, written);
  const { weights, entries, next } = table;
  const header = source[at]!;
  let count = header - 127;
  const treeEnd = at + 1 + (header < 128 ? header : (count + 1) >> 1);
  if (treeEnd > end) fail('truncated', end, written);
  if (header < 128) {
    count = readWeights(weights, source, at + 1, treeEnd, written);
  } else {
    // Four bits each, the first in the high half of a byte.
    for (let i = 0; i < count; i++) weights[i] = (source[at + 1 + (i >> 1)]! >> ((~i & 1) * 4)) & 15;
  }

  // The weights add up to 2^log with the one that was left out, which is a power of two itself.
  next.fill(0);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!;
    next[weight]!++;
    sum += (1 << weight) >> 1;
  }
  const log = 32 - Math.clz32(sum);
  const rest = (1 << log) - sum;
  if (log === 0) fail('table', at, written, 'no weights');
  if (log > codeBitsMax) fail('table', at, written, `a tree of ${log} bits`);
  if ((rest & (rest - 1)) !== 0) fail('table', at, written, 'the weights leave no power of two');
  const last = 32 - Math.clz32(rest);
  weights[count++] = last;
  next[last]!++;
  if (next[1] === 0) fail('table', at, written, `no code of ${log} bits`);

  // Entries in the order of the weights, and of the bytes within a weight.
  let index = 0;
  for (let weight = 1; weight <= log; weight++) {
    const bytes = next[weight]!;
    next[weight] = index;
    index += (bytes << weight) >> 1;
  }
  for (let byte = 0; byte < count; byte++) {
    const weight = weights[byte]!;
    if (weight === 0) continue;
    const entry = byte | ((log + 1 - weight) << 8);
    const from = next[weight]!;
    const to = from + ((1 << weight) >> 1);
    next[weight] = to;
    for (let i = from; i < to; i++) entries[i] = entry;
  }
  table.log = log;
  return treeEnd;
}

/** Weights coded with FSE: two states take turns, until the bits are used up. Returns how many there are. */
function readWeights(weights: Uint8Array, source: Uint8Array, at: number, end: number, written: number): number {
  const table = new FseTable(weightSymbols, weightLogMax);
  const start = readFseTable(table, source, at, end, written);
  if (source[end - 1] === 0) fail('bits', end, written);
  const { cells, log } = table;
  const firstBit = start * 8;
  let bit = (end - 1) * 8 + 31 - Math.clz32(source[end - 1]!) - 2 * log;
  if (bit < firstBit) fail('bits', start, written);
  let state = bitsAt(source, bit + log, end) & ((1 << log) - 1);
  let other = bitsAt(source, bit, end) & ((1 << log) - 1);
  let count = 0;
  for (;;) {
    // One weight here and one below: with the one left out, 256. A state may need no bits at all, so it is this limit that
    // ends a hostile stream.
    if (count > 253) fail('table', at, written, 'more than 255 weights');
    weights[count++] = cells[2 * state + 1]!;
    const bits = (cells[2 * state]! >> 16) & 0xff;
    const base = cells[2 * state]! & 0xffff;
    bit -= bits;
    state = other;
    if (bit < firstBit) break;
    other = base + (bitsAt(source, bit, end) & ((1 << bits) - 1));
  }
  weights[count++] = cells[2 * state + 1]!;
  return count;
}

/** The 9 bits or more from `bit` upwards. */
function bitsAt(source: Uint8Array, bit: number, end: number): number {
  const byte = bit >> 3;
  const high = byte + 1 < end ? source[byte + 1]! << 8 : 0;
  return (source[byte]! | high) >> (bit & 7);
}

/**
 * Decodes `count` literals from the bit stream source[start..end) to `at`. `view` covers the source, and at least six
 * bytes of it lie before `start`: a read may lie so far below before it is noticed that the stream has run out.
 */
export function decodeHuffman(
  table: HuffmanTable,
  view: DataView,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  count: number,
  written: number,
): void {
  const marker = start < end ? view.getUint8(end - 1) : 0;
  if (marker === 0) fail('bits', end, written);
  const { entries, log } = table;
  const shift = 32 - log;
  const firstBit = start * 8;
  let bit = (end - 1) * 8 + 31 - Math.clz32(marker); // of the bits below this one none has been read
  const pairsEnd = at + (count & ~1);
  while (at < pairsEnd) {
    if (bit < firstBit) fail('bits', start, written);
    // The 24 to 31 bits below `bit`, at the top of a word: two codes of at most 11.
    const word = view.getInt32((bit >> 3) - 3, true) << (8 - (bit & 7));
    const first = entries[word >>> shift]!;
    const second = entries[(word << (first >> 8)) >>> shift]!;
    target[at] = first;
    target[at + 1] = second;
    at += 2;
    bit -= (first >> 8) + (second >> 8);
  }
  if ((count & 1) !== 0) {
    const last = entries[(view.getInt32((bit >> 3) - 3, true) << (8 - (bit & 7))) >>> shift]!;
    target[at] = last;
    bit -= last >> 8;
  }
  if (bit !== firstBit) fail('bits', bit >> 3, written);
}
