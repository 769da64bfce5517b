import { describe, expect, it } from 'vitest';
import {
  COMPRESS_ADDRESS,
  isMainAddress,
  mainEndAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
  packAddress,
  segmentAddress,
  segmentOf,
  segmentOffsetOf,
} from './index.ts';

describe('geometry', () => {
  const volume = { mainAddress: 4096, segmentCountMain: 42, checkpointAddress: 512 };

  it('block 7168 is the first of segment 6', () => {
    expect([segmentOf(volume, 7168), segmentOffsetOf(volume, 7168), segmentAddress(volume, 6)]).toEqual([6, 0, 7168]);
    expect([segmentOf(volume, 7679), segmentOffsetOf(volume, 7679)]).toEqual([6, 511]);
  });

  it('the main area ends before its end address, and special addresses lie outside', () => {
    expect(mainEndAddress(volume)).toBe(4096 + 42 * 512);
    const addresses = [4095, 4096, 25_599, 25_600, NULL_ADDRESS, NEW_ADDRESS, COMPRESS_ADDRESS];
    expect(addresses.map((address) => isMainAddress(volume, address))).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  // The largest volumes end beyond 2^32 blocks; the two values must stay special even there.
  it('special addresses are no block on a volume of 16 TiB either', () => {
    const largest = { mainAddress: 4096, segmentCountMain: 8_388_608 };
    expect(mainEndAddress(largest)).toBeGreaterThan(2 ** 32);
    expect([NEW_ADDRESS, COMPRESS_ADDRESS, COMPRESS_ADDRESS - 1].map((a) => isMainAddress(largest, a))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('packs are a segment apart', () => {
    expect([packAddress(volume, 0), packAddress(volume, 1)]).toEqual([512, 1024]);
  });
});
