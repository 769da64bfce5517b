import { AssertionError } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { referenceCheckpoint, referenceSummaries, referenceSuperblock } from '../test/reference-volume.ts';
import {
  COMPACT_ENTRIES_MAX,
  compactEntryCounts,
  compactEntryOffset,
  compactSummaryBlocks,
  type DataSummaries,
  decodeCheckpoint,
  decodeNatJournal,
  decodeSuperblock,
  expandCompactSummaries,
  journalsOfPack,
  packCompactSummaries,
  packLayout,
  SUMMARY_JOURNAL_OFFSET,
  SummaryBlock,
  SummaryEntry,
  ssaBlockAddress,
} from './index.ts';

const superblock = decodeSuperblock(referenceSuperblock(), 0);
const checkpoint = decodeCheckpoint(referenceCheckpoint(), superblock, 512);

describe('summaries', () => {
  it('the summary area has one block a segment', () => {
    expect(ssaBlockAddress(superblock, 6)).toBe(3590);
    expect(SUMMARY_JOURNAL_OFFSET).toBe(SummaryBlock.journal.offset);
  });

  it('the journals lie in the compact block, or in the hot and the cold data summary', () => {
    const layout = packLayout(checkpoint, superblock);
    expect(journalsOfPack(layout)).toEqual({ nat: { index: 1, offset: 0 }, sit: { index: 1, offset: 507 } });
    expect(journalsOfPack({ ...layout, compact: false, dataSummaryIndex: 3 })).toEqual({
      nat: { index: 3, offset: 3584 },
      sit: { index: 5, offset: 3584 },
    });
  });
});

describe('compact summaries', () => {
  it('hold as many entries as a log has written, or all 512 where it fills holes', () => {
    const sample = { currentDataOffsets: [264, 0, 498] as const, allocationTypes: Uint8Array.of(0, 0, 1) };
    expect(compactEntryCounts(sample)).toEqual([264, 0, 512]);
  });

  it('take one block up to 439 entries, two up to 1023, and are not written beyond', () => {
    expect([0, 439, 440, 776, 1023, 1024, 1536].map(compactSummaryBlocks)).toEqual([1, 1, 2, 2, 2, 0, 0]);
    expect(COMPACT_ENTRIES_MAX).toBe(1023);
    expect([0, 438, 439, 1022].map(compactEntryOffset)).toEqual([1014, 4080, 4096, 4096 + 4081]);
    expect(() => compactEntryOffset(1023)).toThrow(AssertionError);
  });

  it('of volume R expand into three full ones', () => {
    const [hot, warm, cold] = expandCompactSummaries(checkpoint, referenceSummaries());
    expect(SummaryEntry.nid.get(viewOf(hot), 0)).toBe(3);
    expect(SummaryEntry.nid.get(viewOf(hot), 7)).toBe(0);
    expect(decodeNatJournal(viewOf(hot), SUMMARY_JOURNAL_OFFSET)).toHaveLength(1);
    expect(warm.every((byte) => byte === 0)).toBe(true);
    expect(cold[SUMMARY_JOURNAL_OFFSET]).toBe(6);
  });

  it('expand to what was packed', () => {
    const counts = fc.tuple(fc.nat(511), fc.nat(511), fc.nat(511), fc.constantFrom(0, 0, 0, 1));
    fc.assert(
      fc.property(counts, fc.nat(255), ([hot, warm, cold, ssr], salt) => {
        const sample = {
          address: 512,
          currentDataOffsets: [hot, warm, cold] as const,
          allocationTypes: Uint8Array.of(0, ssr, 0),
        };
        const entries = compactEntryCounts(sample);
        const summaries = entries.map((count, log) => {
          const full = new Uint8Array(4096);
          for (let at = 0; at < 7 * count; at++) full[at] = at * 31 + 101 * log + salt;
          if (log !== 1) full.fill(salt + log, SUMMARY_JOURNAL_OFFSET, SUMMARY_JOURNAL_OFFSET + 507);
          return full;
        }) as DataSummaries;
        const compact = packCompactSummaries(sample, summaries);
        const total = entries[0] + entries[1] + entries[2];
        expect(compact === undefined).toBe(total > 1023);
        if (compact === undefined) return;
        expect(compact.length).toBe(total <= 439 ? 4096 : 8192);
        expect([...compact.subarray(4091, 4096)]).toEqual([0, 0, 0, 0, 0]);
        const expanded = expandCompactSummaries(sample, compact);
        expect(expanded.map((full, log) => Buffer.compare(full, summaries[log]!))).toEqual([0, 0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('refuse to expand when the checkpoint claims more than the blocks hold', () => {
    const one = new Uint8Array(4096);
    const offsets = (...values: [number, number, number]) => ({ ...checkpoint, currentDataOffsets: values });
    expect(corruptionOf(() => expandCompactSummaries(offsets(200, 200, 40), one)).kind).toBe('compactSummary');
    expect(corruptionOf(() => expandCompactSummaries(offsets(512, 512, 512), new Uint8Array(8192))).kind).toBe(
      'compactSummary',
    );
    expect(corruptionOf(() => expandCompactSummaries(offsets(600, 0, 0), new Uint8Array(8192))).found).toBe(600);
    expect(() => expandCompactSummaries(offsets(200, 200, 39), one)).not.toThrow();
  });
});
