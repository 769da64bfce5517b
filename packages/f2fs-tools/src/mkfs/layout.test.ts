// The sizing rules against the numbers of spec 1.5, which were read from volumes that f2fs-tools 1.15 made, and against
// what must hold for any size.

import { FsError } from '@f2fskit/errno';
import { decodeSuperblock, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatGeometry, type GeometryOptions, type Layout } from './index.ts';
import { checkFormatOptions } from './options.ts';
import { superblockBlock } from './superblock.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

/** size, options; segments, SIT, NAT, SSA, main; percent, reserved, overprovision; payload. */
const rows: Array<[size: number, options: GeometryOptions, ...numbers: number[]]> = [
  [52 * MIB, {}, 25, 2, 2, 1, 18, 45, 12, 14, 0],
  [100 * MIB, {}, 49, 2, 2, 1, 42, 25, 16, 22, 0],
  [GIB, {}, 511, 2, 4, 1, 502, 6.36, 39, 68, 0],
  [8 * GIB, {}, 4095, 2, 18, 8, 4065, 2.22, 98, 186, 0],
  [64 * GIB, {}, 32_767, 4, 116, 64, 32_581, 0.78, 264, 516, 0],
  [TIB, {}, 524_287, 38, 82, 1024, 523_141, 0.2, 1007, 2051, 0],
  [4 * TIB, {}, 2_097_151, 150, 120, 4096, 2_092_783, 0.1, 2008, 4098, 2],
  [4 * TIB, { largeNatBitmap: true }, 2_097_151, 150, 1842, 4093, 2_091_064, 0.1, 2008, 4097, 15],
  // Seen when mkfs.f2fs made them: with sections and zones, read-only, in the largest size.
  [168 * MIB, { segmentsPerSection: 2, sectionsPerZone: 2 }, 80, 2, 2, 2, 72, 25, 32, 42, 0],
  [168 * MIB, { segmentsPerSection: 3 }, 81, 2, 2, 3, 72, 35, 41, 51, 0],
  // A summary area of one segment would do: one summary more is counted than there can be segments.
  [1042 * MIB, {}, 520, 2, 4, 2, 510, 6.31, 39, 68, 0],
  [19 * MIB, { features: ['ro'] }, 9, 2, 2, 0, 3, 0, 0, 0, 0],
];

/** The option that a refusal names: the first word of its detail. */
function refusal(size: number, options: GeometryOptions = {}): string | undefined {
  try {
    formatGeometry(size, options);
    return undefined;
  } catch (error) {
    if (error instanceof FsError && error.code === 'EINVAL') return error.detail?.split(':')[0];
    throw error;
  }
}

describe('formatGeometry', () => {
  it.each(rows)('%d bytes, %o', (size, options, ...numbers) => {
    const layout = formatGeometry(size, options);
    expect([
      layout.segmentCount,
      layout.segmentCountSit,
      layout.segmentCountNat,
      layout.segmentCountSsa,
      layout.segmentCountMain,
      Math.round(layout.percent * 100) / 100,
      layout.reservedSegmentCount,
      layout.overprovisionSegmentCount,
      layout.checkpointPayloadBlocks,
    ]).toEqual(numbers);
  });

  it('places the logs apart', () => {
    const logs = (options: GeometryOptions) => {
      const { hotNode, warmNode, coldNode, hotData, warmData, coldData } = formatGeometry(168 * MIB, options).logs;
      return [hotNode, warmNode, coldNode, hotData, warmData, coldData];
    };
    expect(logs({})).toEqual([0, 1, 2, 3, 37, 18]);
    expect(logs({ heap: true })).toEqual([75, 74, 73, 72, 1, 0]);
    expect(logs({ segmentsPerSection: 2, sectionsPerZone: 2 })).toEqual([0, 4, 8, 12, 32, 16]);
    expect(logs({ features: ['ro'] })).toEqual([0, 0, 0, 1, 0, 0]);
  });

  it('the smallest volumes', () => {
    expect(refusal(52 * MIB)).toBeUndefined();
    expect(refusal(52 * MIB - 1)).toBe('size');
    const readOnly = { features: ['ro'] };
    expect(refusal(18 * MIB + 8192, readOnly)).toBeUndefined();
    expect(refusal(18 * MIB + 8191, readOnly)).toBe('size');
  });

  it('the largest volume', () => {
    expect(formatGeometry(16 * TIB)).toMatchObject({ segmentCount: 8_388_607, overprovisionSegmentCount: 8191 });
    expect(formatGeometry(16 * TIB, { largeNatBitmap: true }).checkpointPayloadBlocks).toBe(62);
    expect(refusal(16 * TIB + 511)).toBeUndefined();
    expect(refusal(16 * TIB + 512)).toBe('size');
  });

  it.each([
    ['fewer segments than a volume has', 10 * MIB, {}, 'size'],
    ['no room for files at any percentage', 30 * MIB, {}, 'size'],
    ['no bytes', 0, {}, 'size'],
    ['not a number of bytes', 1.5, {}, 'size'],
    ['too few zones', 168 * MIB, { segmentsPerSection: 11 }, 'size'],
    ['zones larger than the volume', 168 * MIB, { segmentsPerSection: 4000, sectionsPerZone: 4_000_000 }, 'size'],
    ['too few zones to read', 200 * MIB, { features: ['ro'], segmentsPerSection: 30 }, 'size'],
    ['cleaning needs more than there is', 168 * MIB, { overprovision: 0.001 }, 'size'],
    ['nothing is left for files', 168 * MIB, { overprovision: 100 }, 'overprovision'],
    ['less than nothing', 168 * MIB, { overprovision: -1 }, 'overprovision'],
    ['sections of no segments', 168 * MIB, { segmentsPerSection: 0 }, 'segmentsPerSection'],
    ['half a section', 168 * MIB, { sectionsPerZone: 0.5 }, 'sectionsPerZone'],
    ['odd sectors', 168 * MIB, { sectorSize: 520 }, 'sectorSize'],
  ] as Array<[string, number, GeometryOptions, string]>)('refuses %s', (_, size, options, option) => {
    expect(refusal(size, options)).toBe(option);
  });

  it('a sector size takes away a partial sector', () => {
    expect(formatGeometry(100 * MIB + 4095).bytes).toBe(100 * MIB + 3584);
    expect(formatGeometry(100 * MIB + 4095, { sectorSize: 2048 }).bytes).toBe(100 * MIB + 2048);
  });

  const options = fc.record({
    segmentsPerSection: fc.integer({ min: 1, max: 9 }),
    sectionsPerZone: fc.integer({ min: 1, max: 9 }),
    overprovision: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })),
    largeNatBitmap: fc.boolean(),
    heap: fc.boolean(),
    features: fc.constantFrom([], ['ro']),
  });
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 600 * MIB }),
    fc.integer({ min: 0, max: 16 * TIB }),
    fc.integer({ min: 0, max: 16 * TIB }).map((size) => 16 * TIB - Math.floor(size / 1000)),
  );

  it('every layout is sound, or refused by name', () => {
    let made = 0;
    fc.assert(
      fc.property(sizes, options, (size, wanted) => {
        const option = refusal(size, wanted);
        if (option !== undefined) {
          expect(['size', 'overprovision']).toContain(option);
          return;
        }
        made++;
        checkSound(formatGeometry(size, wanted), wanted);
      }),
      { numRuns: 500 },
    );
    expect(made).toBeGreaterThan(100);
  });

  /** What a reader checks of areas and counts, and what the logs need. */
  function checkSound(layout: Layout, wanted: GeometryOptions): void {
    const settings = checkFormatOptions({ ...wanted, uuid: '00000000-0000-0000-0000-000000000000' });
    const block = superblockBlock(layout, settings, [0, 0, 0]);
    const superblock = decodeSuperblock(block.subarray(SUPER_OFFSET), 0);
    expect(superblock.segmentCountMain).toBe(layout.segmentCountMain);
    const logs = Object.values<number>({ ...layout.logs });
    expect(Math.min(...logs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...logs)).toBeLessThan(layout.segmentCountMain);
    expect(new Set(logs).size).toBe(wanted.features?.includes('ro') ? 2 : 6);
    expect(layout.userBlockCount).toBeGreaterThan(0);
    expect(layout.overprovisionSegmentCount).toBeGreaterThanOrEqual(layout.reservedSegmentCount);
    const bitmaps = 32 * (layout.segmentCountSit + layout.segmentCountNat);
    expect(bitmaps).toBeLessThanOrEqual(3900 + 4096 * layout.checkpointPayloadBlocks);
    expect(layout.mainAddress + 512 * layout.segmentCountMain).toBeLessThanOrEqual(layout.blockCount);
  }
});
