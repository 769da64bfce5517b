import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDevice, encodeDevice } from './index.ts';

describe('device numbers', () => {
  // as Linux wrote them
  it.each([
    [1, 3, 0x103, 0],
    [255, 255, 0xffff, 0],
    [0, 5, 5, 0],
    [0, 0, 0, 0],
    [256, 0, 0, 0x10000],
    [5, 256, 0, 0x100500],
    [259, 70_000, 0, 0x11110370],
    [4095, 1_048_575, 0, 0xffff_ffff],
  ])('%i:%i', (major, minor, small, large) => {
    expect(encodeDevice(major, minor)).toEqual({ small, large });
    expect(decodeDevice(small, large)).toEqual({ major, minor });
  });

  it('come back', () => {
    fc.assert(
      fc.property(fc.nat(4095), fc.nat(1_048_575), (major, minor) => {
        const { small, large } = encodeDevice(major, minor);
        expect(decodeDevice(small, large)).toEqual({ major, minor });
      }),
    );
  });
});
