import { SegmentType, SitEntry, sitBlockAddress, sitEntryOffset } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { childOf, factOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume, mount } from '../../test/volumes.ts';
import { dumpSit, type SitLine, SitRange, validRuns } from './sit.ts';

const usage = expect.objectContaining({ code: 'EINVAL' });

function linesOf(range: SitRange): SitLine[] {
  const lines: SitLine[] = [];
  for (let some = runSync(range.next()); some !== undefined; some = runSync(range.next())) lines.push(...some);
  return lines;
}

describe('dumpSit', () => {
  it('shows the entry in force: the journal over the copy in use', () => {
    const volume = goldenVolume('compress-lz4-4');
    const dump = runSync(dumpSit(volume, 4));
    expect(factOf(dump, 'source')).toBe('SIT journal of the checkpoint');
    expect(factOf(dump, 'blocks')).toBe('6144..6655');
    expect(factOf(dump, 'log')).toBe('cold data writes here, next at block 201');
    expect(rowOf(dump, 'validBlocksAndType')).toMatchObject({
      cName: 'vblocks',
      value: (SegmentType.coldData << 10) | 191,
      meaning: '191 valid blocks, cold data',
    });
    expect(rowOf(dump, 'validMap').meaning).toBe('0..32 35..36 39..42 47..181 184..200');
    expect(rowOf(childOf(dump, 'In the table, copy 1'), 'validMap').meaning).toBe('none');
    expect(childOf(dump, 'In the journal').place).toEqual(dump.place);
  });

  it('shows an entry whose count is not that of its map', () => {
    const { superblock, pack } = goldenVolume('plain');
    const address = sitBlockAddress(superblock, 10, pack.bitmaps.sit);
    const device = damaged('plain', {
      [address]: (view) => SitEntry.validBlocksAndType.set(view, sitEntryOffset(10), 3),
    });
    const dump = runSync(dumpSit(mount(device), 10));
    expect(kindsOf(dump)).toEqual(['sitValidBlocks']);
    expect(rowOf(dump, 'validBlocksAndType').meaning).toBe('3 valid blocks, hot data');
  });

  it('refuses segments that the main area does not have', () => {
    const volume = goldenVolume('plain');
    for (const segno of [-1, 18, 0.5]) expect(() => runSync(dumpSit(volume, segno))).toThrow(usage);
    expect(() => SitRange.of(volume, 0, 18)).toThrow(usage);
    expect(() => SitRange.of(volume, 3, 2)).toThrow(usage);
  });
});

describe('SitRange', () => {
  it('adds up to what the checkpoint counts', () => {
    for (const name of ['plain', 'compress-lz4-4', 'crash-fsync']) {
      const volume = goldenVolume(name);
      const lines = linesOf(SitRange.of(volume));
      expect(lines).toHaveLength(volume.superblock.segmentCountMain);
      const nodes = lines.filter(({ type }) => type >= SegmentType.hotNode);
      const sum = (some: SitLine[]): number => some.reduce((total, { validBlocks }) => total + validBlocks, 0);
      expect(sum(nodes)).toBe(volume.checkpoint.validNodeCount);
      expect(sum(lines)).toBeLessThanOrEqual(volume.checkpoint.validBlockCount);
      const { currentDataSegments, currentNodeSegments } = volume.checkpoint;
      for (const [log, segno] of [...currentDataSegments, ...currentNodeSegments].entries()) {
        expect(lines[segno]).toMatchObject({ segno, log, type: log });
      }
      expect(lines.filter(({ log }) => log !== undefined)).toHaveLength(6);
    }
  });

  it('cuts to the range that was asked for', () => {
    const lines = linesOf(SitRange.of(goldenVolume('plain'), 3, 5));
    expect(lines.map(({ segno }) => segno)).toEqual([3, 4, 5]);
  });
});

describe('validRuns', () => {
  it('shows runs, and only counts what is too much to show', () => {
    expect(validRuns(new Uint8Array(64))).toBe('none');
    expect(validRuns(new Uint8Array(64).fill(0xff))).toBe('0..511');
    expect(validRuns(Uint8Array.of(0b1011_0000, ...new Uint8Array(62), 1))).toBe('0 2..3 511');
    expect(validRuns(new Uint8Array(64).fill(0b1010_1010))).toMatch(/^0 2 4 .* 22 and 244 more runs$/);
  });
});
