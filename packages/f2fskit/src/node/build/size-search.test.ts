// The search for a size, over volumes that are only counted: a try works where there is room for what is really needed.

import { formatGeometry } from '@f2fskit/f2fs-tools/mkfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallestVolume, userBlocks } from './need.ts';
import { BuildCounts, BuildNotes } from './report.ts';
import { plannedSize, searchSize, type WantedSize } from './size-search.ts';

const SEGMENT = 2 << 20;

/** Searches for a plan that is thought to need `thought` blocks, needs `real`, and fails below `works` bytes. */
async function search(wanted: WantedSize, thought: number, real: number, works = 0) {
  const need = { blocks: thought, blocksLeast: 1 };
  const left = new Set<number>();
  const tried: number[] = [];
  const planned = plannedSize(wanted, need, {}, undefined);
  const built = searchSize(wanted, need, planned, {}, typeof wanted === 'number', {
    begin: (bytes) => {
      left.add(bytes);
      tried.push(bytes);
      const remove = (): void => void left.delete(bytes);
      return { device: undefined as never, bytes, blank: true, close: () => {}, remove };
    },
    run: async ({ bytes }) => {
      const room = formatGeometry(bytes).userBlockCount;
      if (room < real || bytes < works) return { full: true, userBlocks: room };
      const size = { bytes, userBlocks: room, usedBlocks: real };
      return { full: false, uuid: '', size, counts: new BuildCounts(), notes: new BuildNotes() };
    },
  });
  return { built, left, tried };
}

describe('searchSize', () => {
  it('min: one try where the count is right, the smallest where it is too high', async () => {
    for (const [thought, real] of [
      [100_000, 100_000],
      [100_000, 99_900],
      [100_000, 40_000],
    ] as const) {
      const { built, left, tried } = await search('min', thought, real);
      const { candidate } = await built;
      expect(candidate.bytes).toBe(smallestVolume(real, {}));
      expect([...left]).toEqual([candidate.bytes]);
      expect(tried.length).toBeLessThanOrEqual(2);
    }
  });

  it('min: near to the smallest that works, whatever the count said', async () => {
    const count = fc.integer({ min: 1000, max: 400_000 });
    await fc.assert(
      fc.asyncProperty(
        count,
        fc.integer({ min: 80, max: 300 }),
        fc.integer({ min: 0, max: 20 }),
        async (real, percent, more) => {
          const works = smallestVolume(real, {}) + more * SEGMENT;
          const { built, left, tried } = await search('min', Math.ceil((real * 100) / percent), real, works);
          const { candidate, attempts } = await built;
          expect(attempts).toBe(tried.length);
          expect(attempts).toBeLessThanOrEqual(8);
          expect(candidate.bytes).toBeGreaterThanOrEqual(works);
          expect([...left]).toEqual([candidate.bytes]);
          if (percent > 105 || more > 4) return; // the tries may be over before
          expect(candidate.bytes - works).toBeLessThanOrEqual(Math.max(SEGMENT, 0.01 * works));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('auto: larger until it works; a size that is given is tried once', async () => {
    const { built, left } = await search('auto', 50_000, 90_000);
    const { candidate } = await built;
    expect([...left]).toEqual([candidate.bytes]);
    expect(formatGeometry(candidate.bytes).userBlockCount).toBeGreaterThanOrEqual(90_000);
    const fixed = await search(200 * SEGMENT, 50_000, 120_000);
    await expect(fixed.built).rejects.toMatchObject({ code: 'ENOSPC' });
    expect([fixed.tried.length, fixed.left.size]).toEqual([1, 0]);
  });

  it('gives up, and leaves nothing', async () => {
    const { built, left, tried } = await search('auto', 1000, 2 ** 31);
    await expect(built).rejects.toThrow(/ENOSPC.*bytes are missing/);
    expect([tried.length, left.size]).toEqual([8, 0]);
  });
});

describe('smallestVolume', () => {
  it('has the room, and one segment less has not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 24 }), (blocks) => {
        const segments = smallestVolume(blocks, {}) / SEGMENT;
        expect(userBlocks(segments, {})).toBeGreaterThanOrEqual(blocks);
        expect(userBlocks(segments - 1, {})).toBeLessThan(blocks);
      }),
      { numRuns: 100 },
    );
  });

  it('is infinite for more than 16 TiB, and refuses wrong options', () => {
    expect(smallestVolume(2 ** 32, {})).toBe(Number.POSITIVE_INFINITY);
    expect(() => smallestVolume(1000, { overprovision: 101 })).toThrow(/EINVAL.*overprovision/);
  });
});
