import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scatter, sliceSegments } from './index.ts';

const vector = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });

function joined(segments: readonly Uint8Array[]): number[] {
  return segments.flatMap((segment) => [...segment]);
}

describe('a vector of segments', () => {
  it('slices as its bytes would', () => {
    fc.assert(
      fc.property(vector, fc.nat(80), fc.nat(80), (segments, a, b) => {
        const slice = sliceSegments(segments, a, b);
        expect(joined(slice)).toEqual(joined(segments).slice(a, Math.max(a, b)));
        expect(slice.every((segment) => segment.byteLength > 0)).toBe(true);
      }),
    );
  });

  it('slices are views: what is written to them is written to the memory', () => {
    const memory = new Uint8Array(10);
    const slice = sliceSegments([memory.subarray(0, 4), memory.subarray(4)], 2, 7);
    for (const segment of slice) segment.fill(1);
    expect([...memory]).toEqual([0, 0, 1, 1, 1, 1, 1, 0, 0, 0]);
  });

  it('is filled in order, until the source or the vector ends', () => {
    fc.assert(
      fc.property(vector, fc.uint8Array({ maxLength: 120 }), (segments, source) => {
        const before = joined(segments);
        scatter(source, segments);
        expect(joined(segments)).toEqual([...source, ...before.slice(source.length)].slice(0, before.length));
      }),
    );
  });
});
