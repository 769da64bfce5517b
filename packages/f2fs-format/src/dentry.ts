// Directory entries. A dentry block has 214 slots: a bitmap (LSB-first), the entries, and 8 bytes of name for each slot.
// A long name takes several consecutive slots: the first one's entry describes it, the bits of all are set, and its bytes
// run on through their name slots. An inline directory has the same parts in the inode, with as many slots as fit.
//
// Blocks form a hash table of levels: level l has a power of two of buckets, a bucket has 2 (later 4) blocks, and a name
// lies in some level's bucket `hash mod buckets`. New names go to the first level with room.

import { bytes, struct, structs, u8, u16, u32 } from '@f2fskit/ondisk';
import { BLOCK_SIZE, DENTRIES_PER_BLOCK, NAME_SLOT_BYTES } from './constants.ts';

/** One entry. 11 bytes, packed. */
export const Dentry = struct('f2fs_dir_entry', 11, {
  hash: u32(0, 'of the name, or of its folded form; 0 for . and ..'),
  ino: u32(4, 'inode it names'),
  nameLength: u16(8, 'bytes, 1..255'),
  fileType: u8(10, 'type of the inode, so that listing need not read it'),
});

/** One dentry block: 214 slots. */
export const DentryBlock = struct('f2fs_dentry_block', BLOCK_SIZE, {
  bitmap: bytes(0, 27, 'LSB-first: slots in use'),
  reserved: bytes(27, 3, 'zero'),
  entries: structs(30, Dentry, DENTRIES_PER_BLOCK, 'one for each slot'),
  names: bytes(2384, DENTRIES_PER_BLOCK * NAME_SLOT_BYTES, 'eight bytes for each slot'),
});

/** Where the parts of a dentry area lie, counted from its start. */
export interface DentryLayout {
  readonly slots: number;
  readonly bitmapOffset: number;
  readonly entriesOffset: number;
  readonly namesOffset: number;
}

/** Bits a slot costs: 11 bytes of entry, 8 of name, one bit. */
const SLOT_BITS = 8 * (Dentry.$size + NAME_SLOT_BYTES) + 1;

/** The layout of an area of `areaBytes`: a whole block or the inline area of an inode. */
export function dentryLayoutOf(areaBytes: number): DentryLayout {
  const slots = Math.floor((8 * areaBytes) / SLOT_BITS);
  const namesOffset = areaBytes - slots * NAME_SLOT_BYTES;
  return { slots, bitmapOffset: 0, entriesOffset: namesOffset - slots * Dentry.$size, namesOffset };
}

/** The layout of a dentry block. */
export const DENTRY_BLOCK_LAYOUT: DentryLayout = dentryLayoutOf(BLOCK_SIZE);

/** Slots that a name of `nameBytes` takes. */
export function dentrySlots(nameBytes: number): number {
  return Math.ceil(nameBytes / NAME_SLOT_BYTES);
}

/** Byte offset of slot `slot`'s entry in the area. */
export function dentryEntryOffset(layout: DentryLayout, slot: number): number {
  return layout.entriesOffset + slot * Dentry.$size;
}

/** Byte offset of slot `slot`'s name in the area. */
export function dentryNameOffset(layout: DentryLayout, slot: number): number {
  return layout.namesOffset + slot * NAME_SLOT_BYTES;
}

const LEVEL_MAX_BUCKETS = 31;

/** Buckets of a level; `dirLevel` is the inode's i_dir_level. */
export function bucketCount(level: number, dirLevel: number): number {
  return 2 ** (level + dirLevel < LEVEL_MAX_BUCKETS ? level + dirLevel : LEVEL_MAX_BUCKETS - 1);
}

/** Blocks of each bucket of a level. */
export function bucketBlocks(level: number): number {
  return level < LEVEL_MAX_BUCKETS ? 2 : 4;
}

/** The first file block of a bucket. */
export function bucketFirstBlock(level: number, dirLevel: number, bucket: number): number {
  let block = bucket * bucketBlocks(level);
  for (let below = 0; below < level; below++) block += bucketCount(below, dirLevel) * bucketBlocks(below);
  return block;
}

/** The bucket of a level that holds names with this hash. */
export function bucketOf(level: number, dirLevel: number, hash: number): number {
  return hash % bucketCount(level, dirLevel);
}

const DOT = 0x2e;
const HASH_CHUNK = 16;
const TEA_DELTA = 0x9e37_79b9;
const TEA_ROUNDS = 16;

/** True for the names `.` and `..`. */
export function isDotName(name: Uint8Array): boolean {
  if (name.length === 1) return name[0] === DOT;
  return name.length === 2 && name[0] === DOT && name[1] === DOT;
}

/**
 * The hash of a name's bytes (7.4): TEA over 16-byte pieces, each padded with the length that remained at its start.
 * `.` and `..` are 0. Casefolded directories hash the folded name; folding is not done here.
 */
export function dentryHash(name: Uint8Array): number {
  if (isDotName(name)) return 0;
  let h0 = 0x6745_2301;
  let h1 = 0xefcd_ab89 | 0;
  for (let start = 0, rest = name.length; ; start += HASH_CHUNK, rest -= HASH_CHUNK) {
    const in0 = hashWord(name, start, rest, 0);
    const in1 = hashWord(name, start, rest, 4);
    const in2 = hashWord(name, start, rest, 8);
    const in3 = hashWord(name, start, rest, 12);
    let b0 = h0;
    let b1 = h1;
    let sum = 0;
    for (let round = 0; round < TEA_ROUNDS; round++) {
      sum = (sum + TEA_DELTA) | 0;
      b0 = (b0 + (((b1 << 4) + in0) ^ (b1 + sum) ^ ((b1 >>> 5) + in1))) | 0;
      b1 = (b1 + (((b0 << 4) + in2) ^ (b0 + sum) ^ ((b0 >>> 5) + in3))) | 0;
    }
    h0 = (h0 + b0) | 0;
    h1 = (h1 + b1) | 0;
    if (rest <= HASH_CHUNK) return h0 >>> 0;
  }
}

/**
 * Word at byte `offset` of the piece: big-endian over the bytes that exist. A partial word keeps the padding in its
 * upper bytes, a word beyond the end is all padding: the remaining length, four times.
 */
function hashWord(name: Uint8Array, start: number, rest: number, offset: number): number {
  const pad = rest | (rest << 8);
  let word = pad | (pad << 16);
  const end = Math.min(rest, offset + 4);
  for (let index = offset; index < end; index++) word = (name[start + index]! + (word << 8)) | 0;
  return word;
}
