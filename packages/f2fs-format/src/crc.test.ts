import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CRC_SEED, f2fsCrc } from './crc.ts';

const check = new TextEncoder().encode('123456789');

describe('f2fsCrc', () => {
  it.each([
    [0xf2f52010, 0x1657a0c3],
    [0xffffffff, 0x340bc6d9],
    [0x00000000, 0x2dfd2d88],
  ])('gives the published value for seed %i', (seed, expected) => {
    expect(f2fsCrc(seed, check)).toBe(expected);
  });

  it('is zlib.crc32 without the two inversions, at every length and alignment', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffffffff), fc.nat(40), fc.nat(40), (data, seed, a, b) => {
        const start = Math.min(a, data.length);
        const end = Math.max(start, data.length - b);
        fc.pre(start < end); // zlib answers 0 for no bytes, whatever the seed
        const expected = (crc32(data.subarray(start, end), (seed ^ 0xffffffff) >>> 0) ^ 0xffffffff) >>> 0;
        expect(f2fsCrc(seed, data, start, end)).toBe(expected);
      }),
    );
  });

  it('goes on from its own result', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (data, at) => {
        const cut = Math.min(at, data.length);
        const chained = f2fsCrc(f2fsCrc(CRC_SEED, data, 0, cut), data, cut);
        expect(chained).toBe(f2fsCrc(CRC_SEED, data));
      }),
    );
  });

  it('returns the seed, as an unsigned number, for no bytes', () => {
    expect(f2fsCrc(CRC_SEED, check, 5, 5)).toBe(0xf2f52010);
  });
});
