import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockBits } from './index.ts';

describe('BlockBits', () => {
  it('is an array of booleans, for folios of every order', () => {
    const range = fc.tuple(fc.nat({ max: 512 }), fc.nat({ max: 512 }));
    fc.assert(
      fc.property(
        fc.nat({ max: 9 }),
        fc.array(range, { maxLength: 20, size: 'max' }),
        fc.array(range),
        (order, sets, questions) => {
          const length = 2 ** order;
          const bits = new BlockBits(length);
          const model = new Array<boolean>(length).fill(false);
          const clip = ([a, b]: [number, number]): [number, number] => {
            const from = Math.min(a, b) % (length + 1);
            return [from, Math.min(length, Math.max(a, b, from))];
          };
          for (const set of sets) {
            const [from, to] = clip(set);
            bits.set(from, to);
            model.fill(true, from, to);
          }
          expect(bits.count).toBe(model.filter(Boolean).length);
          expect(bits.full).toBe(model.every(Boolean));
          for (const question of questions) {
            const [from, to] = clip(question);
            expect(bits.allSet(from, to)).toBe(model.slice(from, to).every(Boolean));
            for (const wanted of [true, false]) {
              const found = model.indexOf(wanted, from);
              expect(bits.next(from, wanted)).toBe(found < 0 ? length : found);
            }
            if (from < length) expect(bits.has(from)).toBe(model[from]);
          }
        },
      ),
    );
  });
});
