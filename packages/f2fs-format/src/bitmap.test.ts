import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clearLsb,
  clearMsb,
  countBits,
  findLsb,
  findMsb,
  setLsb,
  setMsb,
  testLsb,
  testMsb,
  toggleMsb,
} from './bitmap.ts';

describe('bit orders', () => {
  it('MSB-first: bit 0 is 0x80 of byte 0', () => {
    const map = new Uint8Array(3);
    setMsb(map, 0);
    setMsb(map, 15);
    expect([...map]).toEqual([0x80, 0x01, 0]);
    toggleMsb(map, 17);
    clearMsb(map, 0);
    expect([...map]).toEqual([0, 0x01, 0x40]);
    expect([0, 15, 17, 18].map((bit) => testMsb(map, bit))).toEqual([false, true, true, false]);
  });

  it('LSB-first: bit 0 is 0x01 of byte 0', () => {
    const map = new Uint8Array(3);
    setLsb(map, 0);
    setLsb(map, 15);
    expect([...map]).toEqual([0x01, 0x80, 0]);
    clearLsb(map, 0);
    expect([testLsb(map, 0), testLsb(map, 15)]).toEqual([false, true]);
  });

  it('counts from byte `at`, and reads bits beyond the array as 0', () => {
    const map = Uint8Array.of(0xff, 0xff, 0);
    setMsb(map, 1, 2);
    setLsb(map, 1, 2);
    expect(map[2]).toBe(0x42);
    expect([testMsb(map, 1, 2), testLsb(map, 1, 2)]).toEqual([true, true]);
    expect([testMsb(map, 24), testLsb(map, 8, 2)]).toEqual([false, false]);
  });

  it('find and count agree with looking at every bit', () => {
    const byte = fc.oneof(fc.constantFrom(0, 0xff), fc.nat(255));
    const maps = fc.array(byte, { minLength: 1, maxLength: 20 }).map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(maps, fc.boolean(), fc.nat(160), fc.nat(160), (map, value, a, b) => {
        const bits = 8 * map.length;
        const [from, end] = [Math.min(a, b, bits), Math.min(Math.max(a, b), bits)];
        for (const [find, test] of [
          [findMsb, testMsb],
          [findLsb, testLsb],
        ] as const) {
          let naive = from;
          while (naive < end && test(map, naive) !== value) naive++;
          expect(find(map, value, from, end)).toBe(naive);
        }
        let set = 0;
        for (let bit = 0; bit < bits; bit++) if (testMsb(map, bit)) set++;
        expect(countBits(map)).toBe(set);
        expect(countBits(map, 1)).toBe(countBits(map) - countBits(map, 0, 1));
      }),
    );
  });
});
