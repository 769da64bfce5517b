import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Folio, FolioIndex, INDEX_END, Mapping, Mark, PageCache } from './index.ts';

const mapping = new Mapping(new PageCache(), { name: 'test' });
const memory = new Uint8Array(0);
/** A folio for the index alone. */
const folioAt = (index: number, order: number): Folio => new Folio(mapping, index, order, 0, memory);

describe('FolioIndex', () => {
  // Where folios go: close together, at the borders of the tree's nodes, at the end of the index.
  const place = fc.oneof(
    fc.nat({ max: 700 }),
    fc.nat({ max: 40 }).map((node) => node * 4096 - 3),
    fc.constantFrom(INDEX_END - 1, INDEX_END - 512, 2 ** 31, 2 ** 30 + 5),
  );
  const step = fc.record({
    action: fc.constantFrom('insert', 'insert', 'insert', 'remove', 'mark', 'unmark', 'copy'),
    at: place.map((at) => Math.max(0, at)),
    order: fc.oneof(fc.constant(0), fc.nat({ max: 9 })),
    mark: fc.constantFrom(...Object.values(Mark)),
    /** Pages of a range, for copying marks. */
    length: fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(64, 4096, 2 ** 31)),
  });

  it('is a map from every page to its folio, with marks: against a model, for any sequence (I-1, I-4)', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.array(place, { maxLength: 10 }),
        (steps, questions) => {
          const index = new FolioIndex();
          const folios: Folio[] = [];
          const marks = new Map<Folio, Set<Mark>>();
          const covering = (page: number): Folio | undefined =>
            folios.find((folio) => folio.index <= page && page < folio.endIndex);
          const nextOf = (page: number, mark?: Mark): Folio | undefined =>
            folios
              .filter((folio) => folio.endIndex > page && (mark === undefined || marks.get(folio)!.has(mark)))
              .sort((a, b) => a.index - b.index)[0];
          for (const { action, at, order, mark, length } of steps) {
            if (action === 'insert') {
              const start = at - (at % 2 ** order);
              const next = nextOf(start);
              const free = next === undefined || next.index >= start + 2 ** order;
              expect(index.isFree(start, order)).toBe(free);
              const folio = folioAt(start, order);
              if (!free) continue;
              index.insert(folio);
              folios.push(folio);
              marks.set(folio, new Set());
              continue;
            }
            if (action === 'copy') {
              const end = Math.min(INDEX_END, at + length);
              index.copyMark(at, end, mark, Mark.TOWRITE);
              for (const folio of folios) {
                const wanted = folio.index < end && folio.endIndex > at && marks.get(folio)!.has(mark);
                if (wanted) marks.get(folio)!.add(Mark.TOWRITE);
              }
              continue;
            }
            const folio = nextOf(at) ?? folios[0];
            if (folio === undefined) continue;
            if (action === 'remove') {
              index.remove(folio);
              folios.splice(folios.indexOf(folio), 1);
            } else if (action === 'mark') {
              index.setMark(folio, mark);
              marks.get(folio)!.add(mark);
            } else {
              index.clearMark(folio, mark);
              marks.get(folio)!.delete(mark);
            }
          }
          expect(index.size).toBe(folios.length);
          const pages = [...questions.map((page) => Math.max(0, page)), ...steps.map(({ at }) => at), 0, INDEX_END - 1];
          for (const page of pages) {
            expect(index.find(page)).toBe(covering(page));
            expect(index.next(page)).toBe(nextOf(page));
            for (const mark of Object.values(Mark)) {
              expect(index.next(page, mark)).toBe(nextOf(page, mark));
              const expected: Folio[] = [];
              const end = Math.min(INDEX_END, page + 5000);
              for (let pages = 0, at = page; pages < 100; ) {
                const next = nextOf(at, mark);
                if (next === undefined || next.index >= end) break;
                expected.push(next);
                pages += next.pages;
                at = next.endIndex;
              }
              const found: Folio[] = [];
              index.collect(page, end, mark, 100, found);
              expect(found).toEqual(expected);
            }
          }
          for (const folio of folios) {
            for (const mark of Object.values(Mark))
              expect(index.hasMark(folio, mark)).toBe(marks.get(folio)!.has(mark));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('refuses a folio on pages that have one, and one that is not aligned', () => {
    const index = new FolioIndex();
    index.insert(folioAt(512, 3));
    index.insert(folioAt(0, 0));
    expect(() => index.insert(folioAt(516, 0))).toThrow(/free/);
    expect(() => index.insert(folioAt(512, 9))).toThrow(/free/);
    expect(() => index.insert(folioAt(3, 1))).toThrow(/aligned/);
  });

  it('keeps the marks of a folio that stood alone when another one comes', () => {
    const index = new FolioIndex();
    const first = folioAt(0, 2);
    index.insert(first);
    index.setMark(first, Mark.WRITEBACK);
    index.insert(folioAt(100_000, 0));
    expect(index.next(0, Mark.WRITEBACK)).toBe(first);
    expect(index.next(0, Mark.DIRTY)).toBeUndefined();
    index.clearMark(first, Mark.WRITEBACK);
    expect(index.next(0, Mark.WRITEBACK)).toBeUndefined();
  });
});
