// Finite state entropy: the tables with which zstd codes sequences and Huffman weights.
//
// 1. A table description lists how many of the 2^log states each symbol gets; -1 means "less than one": one state, at the
//    end of the table.
// 2. The states are dealt to the symbols in a fixed stride, so that those of one symbol lie far apart.
// 3. Each state knows its symbol, how many bits to read, and what to add to them for the next state.
//
// (RFC 8878, 4.1)

import { fail } from './frame.ts';

/** What the symbols of a table mean: symbol `s` is `base[s]` plus as many extra bits as `extra[s]` says. */
export interface Symbols {
  readonly base: Uint32Array;
  readonly extra: Uint8Array;
}

/** A decoding table. Rebuilt in place, so that a frame of many blocks allocates it once. */
export class FseTable {
  readonly symbols: Symbols;
  readonly logMax: number;
  /** log2 of the number of states; the bits of the first state. */
  log = 0;
  /**
   * Two words per state: how it goes on, which is what to add to the bits for the next state (16 bits), the bits to read
   * (8) and the extra bits of the symbol (8); then the base of the symbol.
   */
  readonly cells: Uint32Array;
  /** Per symbol, while the table is built: its number of states. */
  readonly counts: Int16Array;

  constructor(symbols: Symbols, logMax: number) {
    this.symbols = symbols;
    this.logMax = logMax;
    this.cells = new Uint32Array(2 << logMax);
    this.counts = new Int16Array(symbols.base.length);
  }
}

/**
 * Builds the table from the description that begins at `at` and has to end by `end`; returns where it ended. `written` is
 * for the error.
 */
export function readFseTable(table: FseTable, source: Uint8Array, at: number, end: number, written: number): number {
  const { counts } = table;
  counts.fill(0);
  if (at >= end) fail('truncated', end, written);
  const log = (source[at]! & 15) + 5;
  if (log > table.logMax) fail('table', at, written, `accuracy ${log}`);
  let bit = at * 8 + 4;
  let left = 1 << log; // states not yet given to a symbol
  let symbol = 0;
  while (left > 0) {
    if (symbol >= counts.length) fail('table', at, written, 'more symbols than there are');
    // A number from 0 to left + 1, in 10 bits or less. Those below `short` take one bit less than the others.
    const width = 32 - Math.clz32(left + 1);
    const half = 1 << (width - 1);
    const short = 2 * half - 2 - left;
    const bits = peekBits(source, bit, end);
    let number = bits & (half - 1);
    if (number < short) {
      bit += width - 1;
    } else {
      number = bits & (2 * half - 1);
      if (number >= half) number -= short;
      bit += width;
    }
    const count = number - 1;
    counts[symbol++] = count;
    left -= count < 0 ? 1 : count;
    if (count === 0) {
      // How many more symbols have no state: two bits at a time, 3 meaning "and more".
      let repeat = 3;
      while (repeat === 3 && symbol <= counts.length) {
        repeat = peekBits(source, bit, end) & 3;
        bit += 2;
        symbol += repeat;
      }
    }
  }
  const tableEnd = (bit + 7) >> 3;
  if (tableEnd > end) fail('truncated', end, written);
  buildFseTable(table, log);
  return tableEnd;
}

/** The 17 bits or more from `bit` upwards; beyond `end` they are 0, which the caller notices when it is done. */
function peekBits(source: Uint8Array, bit: number, end: number): number {
  const byte = bit >> 3;
  const low = byte < end ? source[byte]! : 0;
  const middle = byte + 1 < end ? source[byte + 1]! << 8 : 0;
  const high = byte + 2 < end ? source[byte + 2]! << 16 : 0;
  return (low | middle | high) >> (bit & 7);
}

/** Builds the table in which each symbol has as many of the 2^log states as `table.counts` says; they add up. */
export function buildFseTable(table: FseTable, log: number): void {
  const { cells, counts, symbols } = table;
  const size = 1 << log;
  let high = size - 1;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    if (counts[symbol] === -1) cells[2 * high--] = symbol;
  }
  const stride = (size >> 1) + (size >> 3) + 3;
  let state = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let i = counts[symbol]!; i > 0; i--) {
      cells[2 * state] = symbol;
      do state = (state + stride) & (size - 1);
      while (state > high);
    }
    if (counts[symbol] === -1) counts[symbol] = 1;
  }
  // A symbol with n states has them numbered from n to 2n - 1, in their order in the table.
  for (state = 0; state < size; state++) {
    const symbol = cells[2 * state]!;
    const next = counts[symbol]!++;
    const bits = log - 31 + Math.clz32(next);
    cells[2 * state] = ((next << bits) - size) | (bits << 16) | (symbols.extra[symbol]! << 24);
    cells[2 * state + 1] = symbols.base[symbol]!;
  }
  table.log = log;
}

/** The table of a field that has the same symbol throughout: one state, no bits. */
export function buildRleTable(table: FseTable, symbol: number): void {
  table.log = 0;
  table.cells[0] = table.symbols.extra[symbol]! << 24;
  table.cells[1] = table.symbols.base[symbol]!;
}
