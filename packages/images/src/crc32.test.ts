import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, crc32Combine, crc32Repeated } from './crc32.ts';

describe('crc32', () => {
  it('has the published check value', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  it('is what zlib computes, in one piece, in two, and combined from two', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        const whole = zlibCrc32(Buffer.concat([a, b]));
        expect(crc32(b, crc32(a))).toBe(whole);
        expect(crc32Combine(crc32(a), crc32(b), b.length)).toBe(whole);
      }),
    );
  });

  it('of a run is that of the bytes of the run', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(2000), (pattern, count) => {
        const bytes = new Uint8Array(4 * count).map((_, index) => pattern[index % 4]!);
        expect(crc32Repeated(pattern, count)).toBe(zlibCrc32(bytes));
      }),
    );
  });

  it('of a run of 2^50 bytes takes no longer than that of a few', () => {
    const zeros = new Uint8Array(4);
    // Twice half of it is the same run: an answer that would take days to compute byte by byte.
    const half = crc32Repeated(zeros, 2 ** 47);
    expect(crc32Repeated(zeros, 2 ** 48)).toBe(crc32Combine(half, half, 2 ** 49));
  });
});
