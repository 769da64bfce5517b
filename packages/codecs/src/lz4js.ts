// The LZ4 encoder of lz4js, made to keep the rules for the end of a block. lz4js is not a dependency: whoever wants it
// passes it in. The encoder of this package is faster, so the reason to want it is to compare with it.
//
// What lz4js does that must not reach a volume, and what is done about it here:
//   - It starts matches 10 bytes before the end, where the format says 12, and Linux refuses one such block in five. So it
//     gets to see all but the last two bytes, and they are added to the last literals afterwards.
//   - It trusts its hash table, so the table is cleared for every block; and it reads matches from before the index it
//     is told to start at, so that is always 0.
//   - It returns 0 for content in which nothing matches, and a length above that of the target when it did not fit.

import type { Codec } from './codec.ts';
import { matchStartLimit, writeLastLiterals } from './lz4/sequence.ts';

/** The part of the module `lz4js` that is used. */
export interface Lz4js {
  compressBlock(
    source: Uint8Array,
    target: Uint8Array,
    sourceIndex: number,
    sourceLength: number,
    hashTable: Uint32Array,
  ): number;
}

/** By how many bytes lz4js is too late. */
const lateBytes = 2;

const tableLength = 65536;

/** Makes a `compress` for LZ4 from the module `lz4js`: `registry.register({ ...lz4, compress: lz4jsEncoder(lz4js) })`. */
export function lz4jsEncoder(lz4js: Lz4js): NonNullable<Codec['compress']> {
  const table = new Uint32Array(tableLength);
  return (source, target) => {
    if (source.length <= matchStartLimit + lateBytes) return writeLastLiterals(source, 0, target, 0);
    table.fill(0);
    const length = lz4js.compressBlock(source, target, 0, source.length - lateBytes, table);
    if (length === 0) return writeLastLiterals(source, 0, target, 0);
    if (length > target.length) return 0;
    const [anchor, written] = lastSequence(target, length, source.length - lateBytes);
    return writeLastLiterals(source, anchor, target, written);
  };
}

/** Where, in the content and in the block, the last sequence of a valid block starts. */
function lastSequence(block: Uint8Array, blockLength: number, contentLength: number): [anchor: number, at: number] {
  let at = 0;
  for (;;) {
    const start = at;
    const token = block[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255) literals += byte = block[at++]!;
    }
    at += literals;
    if (at >= blockLength) return [contentLength - literals, start];
    at += 2;
    if ((token & 15) === 15) while (block[at++] === 255);
  }
}
