// Case-insensitive names, as Linux has them: Unicode 12.1, full case folding and canonical decomposition with the
// default-ignorable code points dropped ("nfdicf").
//
//   1. bytes that are not UTF-8 fold to nothing: such a name is compared as it is
//   2. fold each code point, decompose; repeat until nothing changes
//   3. combining marks in canonical order: what the engine's normalize('NFD') does
//   4. a code point that 12.1 does not assign stays as it is, and nothing moves across it
//   5. drop ignorable code points: only now, because marks do not move across them either
//
// Decomposition comes from the engine. Unicode guarantees that it never changes for a code point once assigned, and step 4
// keeps those of later versions away from it; so every engine gives the same bytes. Source: spec 7.4, and what Linux 6.1
// finds under 1,500 spellings (fixtures/casefold-names.lookups).

import { utf8DecodeStrict, utf8Encode } from '@f2fskit/vfs/utf8';
import * as tables from './casefold-tables.generated.ts';

interface Tables {
  /** Bit per code point: assigned in 12.1. */
  known: Uint8Array;
  ignorable: Set<number>;
  folding: Map<number, string>;
}

let decoded: Tables | undefined;

/** The tables take 136 KiB once a case-insensitive directory is met, and nothing before. */
function load(): Tables {
  if (decoded !== undefined) return decoded;
  const known = new Uint8Array(0x110000 / 8);
  forEachInRanges(tables.known, (point) => {
    known[point >> 3]! |= 1 << (point & 7);
  });
  const ignorable = new Set<number>();
  forEachInRanges(tables.ignorable, (point) => ignorable.add(point));
  const folding = new Map<number, string>();
  let from = 0;
  for (const record of tables.folding.split(' ')) {
    const numbers = record.split(',').map((digits) => Number.parseInt(digits, 36));
    from += numbers[0]!;
    folding.set(from, String.fromCodePoint(...numbers.slice(1).map((difference) => from + difference)));
  }
  decoded = { known, ignorable, folding };
  return decoded;
}

function forEachInRanges(packed: string, visit: (point: number) => void): void {
  const numbers = packed.split(' ').map((digits) => Number.parseInt(digits, 36));
  let end = 0;
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const start = end + numbers[i]!;
    end = start + numbers[i + 1]!;
    for (let point = start; point < end; point++) visit(point);
  }
}

/**
 * What Linux hashes: the folded bytes, as {@link foldName}, where it has room for them; `undefined` where it hashes the stored
 * bytes, and where a strict directory refuses the name.
 */
export function foldForHash(name: Uint8Array): Uint8Array | undefined {
  const folded = foldName(name);
  return folded !== undefined && folded.length < FOLDED_BYTES_END ? folded : undefined;
}

/** Linux folds into 255 bytes, the last of them a zero. */
const FOLDED_BYTES_END = 255;

/**
 * The folded bytes of a name, of whatever length: what names are compared by. `undefined` when the name is compared as it is: it
 * is not UTF-8, or nothing of it is left.
 */
export function foldName(name: Uint8Array): Uint8Array | undefined {
  if (name.every((byte) => byte < 0x80)) {
    return name.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
  }
  const { known, ignorable, folding } = load();
  const text = utf8DecodeStrict(name);
  if (text === undefined) return undefined;
  let folded = '';
  let run = '';
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if ((known[point >> 3]! & (1 << (point & 7))) !== 0) run += character;
    else {
      folded += foldRun(run, folding) + character;
      run = '';
    }
  }
  folded += foldRun(run, folding);
  let kept = '';
  for (const character of folded) if (!ignorable.has(character.codePointAt(0)!)) kept += character;
  return kept === '' ? undefined : utf8Encode(kept);
}

/** Folds and decomposes code points that Unicode 12.1 assigns, until nothing changes. */
function foldRun(run: string, folding: Map<number, string>): string {
  for (let text = run; ; ) {
    let folded = '';
    for (const character of text) folded += folding.get(character.codePointAt(0)!) ?? character;
    const next = folded.normalize('NFD');
    if (next === text) return text;
    text = next;
  }
}
