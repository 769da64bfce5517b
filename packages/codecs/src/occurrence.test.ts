import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slice } from '../test/support.ts';
import { contentBytesMax, endOfMatch, OccurrenceTable, slotOf } from './occurrence.ts';

describe('OccurrenceTable', () => {
  const distanceMax = 65535;

  it('starts empty: what it holds is further back than a match may be', () => {
    const table = new OccurrenceTable(4, distanceMax);
    const slots = table.begin(1000);
    expect(slots).toHaveLength(16);
    for (const number of slots) expect(0 - (number - table.zero)).toBeGreaterThan(distanceMax);
  });

  it('is empty again for each content, also when the numbers start over', () => {
    const table = new OccurrenceTable(2, distanceMax);
    let startedOver = 0;
    let zeroBefore = 0;
    for (let i = 0; i < 40; i++) {
      const bytes = [1, 16384, contentBytesMax - 1][i % 3]!;
      const slots = table.begin(bytes);
      if (table.zero < zeroBefore) startedOver++;
      zeroBefore = table.zero;
      for (const number of slots) expect(0 - (number - table.zero)).toBeGreaterThan(distanceMax);
      expect(table.zero + bytes).toBeLessThan(2 ** 30);
      slots.fill(table.zero + bytes - 1);
    }
    expect(startedOver).toBeGreaterThan(2);
  });
});

describe('slotOf', () => {
  it('gives each word a slot of the table, and uses them all', () => {
    const slots = new Set<number>();
    for (let i = 0; i < 1000; i++) slots.add(slotOf(Math.imul(i, 0x61c88647) | 0, 32 - 4));
    expect([...slots].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });
});

describe('endOfMatch', () => {
  it('is where a comparison byte by byte ends', () => {
    const letters = fc.array(fc.integer({ min: 254, max: 255 }), { minLength: 8, maxLength: 60 });
    fc.assert(
      fc.property(letters, fc.nat(40), fc.nat(40), fc.nat(60), (values, a, b, c) => {
        const bytes = Uint8Array.from(values);
        const distance = 1 + (a % (bytes.length - 1));
        const at = distance + (b % (bytes.length - distance));
        const limit = Math.min(bytes.length, at + c);
        let end = at;
        while (end < limit && bytes[end] === bytes[end - distance]) end++;
        expect(endOfMatch(new DataView(bytes.buffer), at, distance, limit)).toBe(end);
      }),
      slice(1000),
    );
  });
});
