// The second half of a compressed block: its sequences. Each says how many literals to copy, and then how many bytes to
// repeat from how far back.
//
// Three tables give the codes of literal length, offset and match length. Their states and the extra bits of the codes are
// interleaved in one bit stream that is read backwards, from a marker bit at its end. The stream has to be used up to the
// bit: that is the format's own check, and it also bounds the work, because a sequence without bits still writes a match.
//
// (RFC 8878, 3.1.1.3.2, 3.1.1.4, 3.1.1.5)

import { copyLiterals, copyMatch } from '../match.ts';
import { fail } from './frame.ts';
import { buildFseTable, buildRleTable, FseTable, readFseTable } from './fse.ts';
import type { Literals } from './literals.ts';

/** The predefined table of a field: its codes, and their distribution over 2^log states. */
function predefined(first: number, extra: readonly number[], log: number, counts: readonly number[]): FseTable {
  const base = new Uint32Array(extra.length);
  let next = first;
  for (const [code, bits] of extra.entries()) {
    base[code] = next;
    next += 2 ** bits; // each range begins where the one before ended
  }
  const table = new FseTable({ base, extra: Uint8Array.from(extra) }, log);
  table.counts.set(counts);
  buildFseTable(table, log);
  return table;
}

/** Literal lengths from 0. */
const literalLength = /* @__PURE__ */ predefined(
  0,
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  6,
  [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
);

/** Match lengths from 3. */
const matchLength = /* @__PURE__ */ predefined(
  3,
  [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3,
    3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
  ],
  6,
  [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
  ],
);

/** Offset values from 1: code `c` has `c` extra bits, so the ranges are the powers of two. */
const offset = /* @__PURE__ */ predefined(
  1,
  Array.from({ length: 32 }, (_, code) => code),
  5,
  [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
);

/** The table of one field, kept from block to block: a block may use the one before it again. */
class Table {
  readonly #predefined: FseTable;
  readonly #logMax: number;
  #own: FseTable | undefined;
  /** The table in force; `undefined` before the first block with sequences. */
  current: FseTable | undefined;

  constructor(predefined: FseTable, logMax: number) {
    this.#predefined = predefined;
    this.#logMax = logMax;
  }

  /** Sets `current` as `mode` says, reading its description at `at`; returns where that ended. */
  read(mode: number, source: Uint8Array, at: number, end: number, written: number): number {
    if (mode === 3) {
      if (this.current === undefined) fail('table', at, written, 'a table is reused, and there was none');
      return at;
    }
    if (mode === 0) {
      this.current = this.#predefined;
      return at;
    }
    const own = (this.#own ??= new FseTable(this.#predefined.symbols, this.#logMax));
    this.current = own;
    if (mode === 2) return readFseTable(own, source, at, end, written);
    if (at >= end) fail('truncated', end, written);
    if (source[at]! >= own.counts.length) fail('table', at, written, `code ${source[at]}`);
    buildRleTable(own, source[at]!);
    return at + 1;
  }
}

/** What sequences carry from one block of a frame to the next. */
export class SequenceState {
  readonly literalLengths = new Table(literalLength, 9);
  readonly offsets = new Table(offset, 8);
  readonly matchLengths = new Table(matchLength, 9);
  /** The last three distances, the latest first. */
  readonly distances: [number, number, number] = [1, 4, 8];
}

/**
 * Decodes the sequences section source[at..end) and writes the block to target[written..limit); returns where the block
 * ended in the target.
 */
export function decodeSequences(
  state: SequenceState,
  literals: Literals,
  source: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  target: Uint8Array,
  written: number,
  limit: number,
): number {
  if (at >= end) fail('truncated', end, written);
  let count = source[at++]!;
  if (count >= 128) {
    const long = count === 255;
    if (end - at < (long ? 2 : 1)) fail('truncated', end, written);
    count = long ? 0x7f00 + source[at]! + (source[at + 1]! << 8) : ((count - 128) << 8) | source[at]!;
    at += long ? 2 : 1;
  }
  if (count === 0) {
    if (at !== end) fail('invalid', at, written, 'bytes after a block without sequences');
  } else {
    if (at >= end) fail('truncated', end, written);
    const modes = source[at++]!;
    if ((modes & 3) !== 0) fail('invalid', at - 1, written, 'reserved bits of the table modes are set');
    at = state.literalLengths.read(modes >> 6, source, at, end, written);
    at = state.offsets.read((modes >> 4) & 3, source, at, end, written);
    at = state.matchLengths.read((modes >> 2) & 3, source, at, end, written);
    written = execute(state, literals, count, source, view, at, end, target, written, limit);
  }
  // What no sequence has copied follows the last one. It fits: no match was let into the room of the literals left.
  const { bytes, length } = literals;
  if (length !== 0) copyLiterals(bytes, literals.at, target, written, length, limit);
  return written + length;
}

/** The loop over the sequences. Leaves in `literals` those that are left. */
function execute(
  state: SequenceState,
  literals: Literals,
  count: number,
  source: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  target: Uint8Array,
  written: number,
  limit: number,
): number {
  const { cells: literalCells, log: literalLog } = state.literalLengths.current!;
  const { cells: offsetCells, log: offsetLog } = state.offsets.current!;
  const { cells: matchCells, log: matchLog } = state.matchLengths.current!;
  let [distance1, distance2, distance3] = state.distances;
  const { bytes: literalBytes } = literals;
  // A copy in steps must not run into literals that wait in the target.
  const inTarget = literalBytes === target;
  let literalAt = literals.at;
  let literalsLeft = literals.length;

  const marker = start < end ? source[end - 1]! : 0;
  if (marker === 0) fail('bits', end, written);
  const firstBit = start * 8;
  let bit = (end - 1) * 8 + 31 - Math.clz32(marker); // of the bits below this one none has been read
  let literalState = takeBits(view, bit, literalLog);
  let offsetState = takeBits(view, (bit -= literalLog), offsetLog);
  let matchState = takeBits(view, (bit -= offsetLog), matchLog);
  bit -= matchLog;
  if (bit < firstBit) fail('bits', start, written);

  for (;;) {
    const literalEntry = literalCells[2 * literalState]!;
    const offsetEntry = offsetCells[2 * offsetState]!;
    const matchEntry = matchCells[2 * matchState]!;

    // Extra bits: offset, match length, literal length. At most 31 + 16 + 16 before `bit` is looked at.
    const offsetBits = offsetEntry >>> 24;
    let value = offsetCells[2 * offsetState + 1]!;
    if (offsetBits <= 24) {
      value += takeBits(view, bit, offsetBits);
    } else {
      value += takeBits(view, bit, offsetBits - 16) * 65536 + takeBits(view, bit - offsetBits + 16, 16);
    }
    bit -= offsetBits;
    let matchBytes = matchCells[2 * matchState + 1]!;
    const matchBits = matchEntry >>> 24;
    if (matchBits !== 0) {
      matchBytes += takeBits(view, bit, matchBits);
      bit -= matchBits;
    }
    let literalCount = literalCells[2 * literalState + 1]!;
    const literalBits = literalEntry >>> 24;
    if (literalBits !== 0) {
      literalCount += takeBits(view, bit, literalBits);
      bit -= literalBits;
    }
    if (bit < firstBit) fail('bits', start, written);

    // Values 1 to 3 mean one of the last three distances; without literals they shift by one, as the first of them would
    // have made one longer match, and 3 means the first less one.
    let distance: number;
    if (value > 3) {
      distance = value - 3;
      distance3 = distance2;
      distance2 = distance1;
      distance1 = distance;
    } else {
      const which = literalCount === 0 ? value : value - 1;
      distance = which === 0 ? distance1 : which === 1 ? distance2 : which === 2 ? distance3 : distance1 - 1;
      if (which > 1) distance3 = distance2;
      if (which > 0) distance2 = distance1;
      distance1 = distance;
    }

    if (literalCount > literalsLeft) fail('invalid', bit >> 3, written, 'more literals copied than there are');
    if (matchBytes > limit - written - literalsLeft) fail('overflow', bit >> 3, written);
    if (literalCount !== 0) {
      const from = literalAt;
      literalAt += literalCount;
      copyLiterals(literalBytes, from, target, written, literalCount, inTarget ? literalAt : limit);
      literalsLeft -= literalCount;
      written += literalCount;
    }
    if (distance === 0 || distance > written) fail('distance', bit >> 3, written, `${distance}`);
    copyMatch(target, written, distance, matchBytes, inTarget ? literalAt : limit);
    written += matchBytes;

    if (--count === 0) break;
    // Bits of the next states: literal length, match length, offset. At most 9 + 9 + 8: the first two are taken as one.
    const literalNext = (literalEntry >> 16) & 0xff;
    const matchNext = (matchEntry >> 16) & 0xff;
    const offsetNext = (offsetEntry >> 16) & 0xff;
    const both = takeBits(view, bit, literalNext + matchNext);
    bit -= literalNext + matchNext;
    literalState = (literalEntry & 0xffff) + (both >> matchNext);
    matchState = (matchEntry & 0xffff) + (both & ((1 << matchNext) - 1));
    offsetState = (offsetEntry & 0xffff) + takeBits(view, bit, offsetNext);
    bit -= offsetNext;
    if (bit < firstBit) fail('bits', start, written);
  }
  if (bit !== firstBit) fail('bits', bit >> 3, written);

  state.distances[0] = distance1;
  state.distances[1] = distance2;
  state.distances[2] = distance3;
  literals.at = literalAt;
  literals.length = literalsLeft;
  return written;
}

/**
 * The `count` bits below `bit`, 0 to 24 of them. May look below the start of its stream, by as much as `bit` lies below
 * it and three bytes more, never below the frame: the headers before the first stream of a frame are 12 bytes or more.
 */
function takeBits(view: DataView, bit: number, count: number): number {
  // Shifted in two steps, because a shift by 32 is a shift by 0.
  return ((view.getInt32((bit >> 3) - 3, true) << (8 - (bit & 7))) >>> 1) >>> (31 - count);
}
