import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { referenceSummaries, referenceSuperblock } from '../test/reference-volume.ts';
import {
  decodeSitEntry,
  decodeSitJournal,
  decodeSuperblock,
  encodeSitEntry,
  SegmentType,
  SitEntry,
  SitJournal,
  setMsb,
  sitBlockAddress,
  sitEntryOffset,
  sitType,
  sitValidBlocks,
  testMsb,
} from './index.ts';

const superblock = decodeSuperblock(referenceSuperblock(), 0);

describe('the segment information table', () => {
  it('finds segment 6 at byte 444 of the first block, and the other copy when the bit says so', () => {
    expect(sitBlockAddress(superblock, 6, new Uint8Array(64))).toBe(1536);
    expect(sitEntryOffset(6)).toBe(444);
    const wide = { segmentCountMain: 3000, segmentCountSit: 4, sitAddress: 1536 };
    const bitmap = new Uint8Array(128);
    setMsb(bitmap, 54);
    expect(sitBlockAddress(wide, 2999, bitmap)).toBe(1536 + 54 + 1024);
    expect(sitBlockAddress(wide, 2969, bitmap)).toBe(1536 + 53);
    expect(sitEntryOffset(2999)).toBe(29 * 74);
  });

  it('refuses a segment beyond the main area', () => {
    const error = corruptionOf(() => sitBlockAddress(superblock, 42, new Uint8Array(64)));
    expect([error.kind, error.where.segno]).toEqual(['segmentRange', 42]);
  });

  it('gives back what was stored', () => {
    const view = viewOf(new Uint8Array(200).fill(0xee));
    const validMap = new Uint8Array(64);
    for (const block of [0, 1, 300, 511]) setMsb(validMap, block);
    encodeSitEntry(view, 3, { type: SegmentType.coldNode, validBlocks: 4, validMap, modifiedTime: 2 ** 40 });
    const entry = decodeSitEntry(view, 3, 17);
    expect(entry).toEqual({ segno: 17, type: 5, validBlocks: 4, validMap, modifiedTime: 2 ** 40 });
    expect([sitValidBlocks(view, 3), sitType(view, 3)]).toEqual([4, 5]);
    expect([view.getUint8(2), view.getUint8(77)]).toEqual([0xee, 0xee]);
    expect(testMsb(entry.validMap, 511)).toBe(true);
  });

  it('a full segment has 512 valid blocks, which needs all ten bits', () => {
    const view = viewOf(new Uint8Array(74));
    encodeSitEntry(view, 0, {
      type: SegmentType.warmData,
      validBlocks: 512,
      validMap: new Uint8Array(64).fill(0xff),
      modifiedTime: 0,
    });
    expect(SitEntry.validBlocksAndType.get(view, 0)).toBe(0x0600);
    expect(decodeSitEntry(view, 0, 0).validBlocks).toBe(512);
  });

  it('refuses a count that is not that of the map, and a type above 5', () => {
    const view = viewOf(new Uint8Array(74));
    view.setUint16(0, 1, true);
    const count = corruptionOf(() => decodeSitEntry(view, 0, 9, 1536));
    expect(count).toMatchObject({ kind: 'sitValidBlocks', where: { block: 1536, segno: 9, offset: 0 }, found: 1 });
    view.setUint16(0, 513, true);
    expect(corruptionOf(() => decodeSitEntry(view, 0, 9)).kind).toBe('sitValidBlocks');
    view.setUint16(0, 7 << 10, true);
    expect(corruptionOf(() => decodeSitEntry(view, 0, 9)).kind).toBe('sitType');
  });

  it('takes any age', () => {
    const view = viewOf(new Uint8Array(74));
    view.setBigUint64(66, 1n << 63n, true);
    expect(decodeSitEntry(view, 0, 0).modifiedTime).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the SIT journal', () => {
  it('of volume R has its six current segments', () => {
    const entries = decodeSitJournal(viewOf(referenceSummaries()), 507, superblock, 513);
    expect(entries.map(({ segno, type, validBlocks }) => [segno, type, validBlocks])).toEqual([
      [0, SegmentType.hotNode, 1],
      [1, SegmentType.warmNode, 0],
      [2, SegmentType.coldNode, 0],
      [3, SegmentType.hotData, 1],
      [20, SegmentType.warmData, 0],
      [9, SegmentType.coldData, 0],
    ]);
  });

  it('refuses 7 entries, and a segment beyond the main area', () => {
    const view = viewOf(referenceSummaries());
    const narrow = { segmentCountMain: 20 };
    const range = corruptionOf(() => decodeSitJournal(view, 507, narrow, 513));
    expect(range).toMatchObject({ kind: 'segmentRange', where: { block: 513, segno: 20, offset: 509 + 4 * 78 } });
    SitJournal.count.set(view, 507, 7);
    expect(corruptionOf(() => decodeSitJournal(view, 507, superblock)).kind).toBe('sitJournalCount');
  });
});
