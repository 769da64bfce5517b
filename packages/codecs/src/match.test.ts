import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { same, slice } from '../test/support.ts';
import { copyLiterals, copyMatch } from './match.ts';

const size = 600;
const counting = (): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 5)) & 0xff);

describe('copyMatch', () => {
  it('repeats byte by byte, whatever the distance, and touches nothing from `room` on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 20 }),
        (at, length, back, slack) => {
          const distance = Math.min(back, at);
          const expected = counting();
          for (let i = 0; i < length; i++) expected[at + i] = expected[at + i - distance]!;
          const target = counting();
          const room = at + length + slack;
          copyMatch(target, at, distance, length, room);
          expect(same(target.subarray(0, at + length), expected.subarray(0, at + length))).toBe(true);
          expect(same(target.subarray(room), expected.subarray(room))).toBe(true);
        },
      ),
      slice(1000),
    );
  });
});

describe('copyLiterals', () => {
  it('copies, also downwards within one array, and touches nothing from `room` on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 20 }),
        fc.boolean(),
        (at, length, gap, slack, inPlace) => {
          const original = counting();
          const target = counting();
          const source = inPlace ? target : original.slice(0, at + gap + length + slack);
          const room = Math.max(
            at + length,
            inPlace ? Math.min(at + gap + length, at + length + slack) : at + length + slack,
          );
          copyLiterals(source, at + gap, target, at, length, room);
          expect(same(target.subarray(at, at + length), original.subarray(at + gap, at + gap + length))).toBe(true);
          expect(same(target.subarray(0, at), original.subarray(0, at))).toBe(true);
          expect(same(target.subarray(room), original.subarray(room))).toBe(true);
        },
      ),
      slice(1000),
    );
  });
});
