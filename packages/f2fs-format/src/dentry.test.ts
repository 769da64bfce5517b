import { decode, viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { referenceDentries } from '../test/reference-volume.ts';
import {
  bucketBlocks,
  bucketCount,
  bucketFirstBlock,
  bucketOf,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  DentryBlock,
  dentryEntryOffset,
  dentryHash,
  dentryLayoutOf,
  dentryNameOffset,
  dentrySlots,
  FileType,
  isDotName,
  testLsb,
} from './index.ts';

const utf8 = (name: string): Uint8Array => new TextEncoder().encode(name);

describe('dentryHash', () => {
  it.each([
    ['a', 0x6d0ea4c1],
    ['ab', 0xd27d8659],
    ['abc', 0xb1435ec5],
    ['12345678', 0xa97108d8],
    ['0123456789abcdef', 0x5a0788b2],
    ['a'.repeat(32), 0xada6ad45],
    ['x'.repeat(255), 0x6c4c00ee],
    ['日本語', 0x164f6bed],
    ['..x', 0xed809a8b],
    ['file-00000.bin', 0x39e1a4ef],
    ['README', 0x44dcfc83],
    ['hello.txt', 0x5107c3f3],
    ['lost+found', 0x2dbf9e80],
    ['123456789', 0xdebcef73],
    ['0123456789abcdefg', 0xfb1a23ec],
    ['b'.repeat(33), 0xe285724d],
    ['üñïçødé.txt', 0x0c9d36ff],
    ['.hidden', 0x395fc5b0],
    ['hard', 0xf54fd88d],
    ['upper', 0x351fbd65],
    ['lost+found2', 0xc5d57e9f],
    ['file-00500.bin', 0x66bd874d],
    ['file-01499.bin', 0x279ad5b0],
    ['.', 0],
    ['..', 0],
  ])('%s', (name, hash) => {
    expect(dentryHash(utf8(name))).toBe(hash);
  });

  // What Linux stored in casefolded directories: the hash of the folded bytes.
  it.each([
    ['README', 'readme', 0x4b1b068f],
    ['Straße', 'strasse', 0xd6e5379a],
    ['U+FB01 x', 'fix', 0x3486bc3f],
    ['U+212A elvin', 'kelvin', 0x63a5b93a],
    ['ÄÖÜ', 'a\u0308o\u0308u\u0308', 0x5a415b24],
    ['ΟΔΟΣ', 'οδοσ', 0x8bc68e60],
    ['한글', '\u1112\u1161\u11ab\u1100\u1173\u11af', 0x11febb93],
    ['U+10400 deseret', '\u{10428}deseret', 0x61a788bf],
  ])('%s folded', (_name, folded, hash) => {
    expect(dentryHash(utf8(folded))).toBe(hash);
  });

  it('takes bytes that are not UTF-8', () => {
    expect(dentryHash(Uint8Array.of(0xff, 0xfe, 0x62, 0x61, 0x64))).toBe(0x69f27c46);
  });

  it('knows the two dot names', () => {
    const names = ['', '.', '..', '...', '.a', 'a.'];
    expect(names.map((name) => isDotName(utf8(name)))).toEqual([false, true, true, false, false, false]);
  });
});

describe('dentry areas', () => {
  it('a block has 214 slots at the places of its declaration', () => {
    expect(DENTRY_BLOCK_LAYOUT).toEqual({ slots: 214, bitmapOffset: 0, entriesOffset: 30, namesOffset: 2384 });
    expect(DENTRY_BLOCK_LAYOUT.entriesOffset).toBe(DentryBlock.entries.offset);
    expect(DENTRY_BLOCK_LAYOUT.namesOffset).toBe(DentryBlock.names.offset);
  });

  it.each([
    [3488, 182, 23, 7],
    [3452, 180, 23, 9],
    [3652, 190, 24, 18],
  ])('an inline area of %i bytes has %i slots', (area, slots, bitmap, reserved) => {
    const layout = dentryLayoutOf(area);
    expect(layout.slots).toBe(slots);
    expect(layout.entriesOffset).toBe(bitmap + reserved);
    expect(layout.namesOffset).toBe(bitmap + reserved + 11 * slots);
    expect(layout.namesOffset + 8 * slots).toBe(area);
  });

  it('of any size tile: the bitmap has a bit for every slot and nothing overlaps', () => {
    for (let area = 0; area <= 3700; area += 4) {
      const { slots, entriesOffset, namesOffset } = dentryLayoutOf(area);
      const oneMore = Math.ceil((slots + 1) / 8) + 19 * (slots + 1);
      const holds = [
        entriesOffset >= Math.ceil(slots / 8),
        namesOffset - entriesOffset === 11 * slots,
        area - namesOffset === 8 * slots,
        oneMore > area,
      ];
      if (holds.includes(false)) expect.unreachable(`area of ${area} bytes: ${holds}`);
    }
  });

  it('volume R: the dots of the root', () => {
    const block = referenceDentries();
    const view = viewOf(block);
    expect([0, 1, 2].map((slot) => testLsb(block, slot))).toEqual([true, true, false]);
    const entry = (slot: number) => decode(Dentry, view, dentryEntryOffset(DENTRY_BLOCK_LAYOUT, slot));
    expect(entry(0)).toEqual({ hash: 0, ino: 3, nameLength: 1, fileType: FileType.directory });
    expect(entry(1)).toEqual({ hash: 0, ino: 3, nameLength: 2, fileType: FileType.directory });
    const at = dentryNameOffset(DENTRY_BLOCK_LAYOUT, 1);
    expect([...block.subarray(at, at + 3)]).toEqual([0x2e, 0x2e, 0]);
  });

  it('a name takes a slot for every eight bytes', () => {
    expect([1, 8, 9, 16, 17, 255].map(dentrySlots)).toEqual([1, 1, 2, 2, 3, 32]);
  });
});

describe('buckets', () => {
  it('level 0 is blocks 0-1, level 1 blocks 2-5, level 2 blocks 6-13', () => {
    expect([0, 1, 2, 3].map((level) => bucketFirstBlock(level, 0, 0))).toEqual([0, 2, 6, 14]);
    expect([0, 1, 2, 3].map((level) => bucketCount(level, 0))).toEqual([1, 2, 4, 8]);
    expect(bucketFirstBlock(2, 0, 3)).toBe(12);
  });

  it('places the entries that a directory of 1500 files was seen to have', () => {
    const firstBlock = (name: string, level: number) =>
      bucketFirstBlock(level, 0, bucketOf(level, 0, dentryHash(utf8(name))));
    expect(firstBlock('file-00000.bin', 0)).toBe(0);
    expect(bucketOf(1, 0, 0x66bd874d)).toBe(1);
    expect(firstBlock('file-00500.bin', 1)).toBe(4); // found in block 5, the second of the bucket
    expect(bucketOf(3, 0, 0x279ad5b0)).toBe(0);
    expect(firstBlock('file-01499.bin', 3)).toBe(14);
  });

  it('starts wider with a directory level', () => {
    expect(bucketCount(0, 3)).toBe(8);
    expect(bucketFirstBlock(1, 3, 0)).toBe(16);
  });

  it('stays finite for the deepest level and any directory level', () => {
    expect([bucketCount(30, 0), bucketCount(31, 0), bucketCount(0, 255)]).toEqual([2 ** 30, 2 ** 30, 2 ** 30]);
    expect([bucketBlocks(30), bucketBlocks(31)]).toEqual([2, 4]);
    const deepest = bucketFirstBlock(62, 255, 2 ** 30 - 1);
    expect(Number.isSafeInteger(deepest)).toBe(true);
    expect(deepest).toBe(31 * 2 ** 31 + 31 * 2 ** 32 + 4 * (2 ** 30 - 1));
  });
});
