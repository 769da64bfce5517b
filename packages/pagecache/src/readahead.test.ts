import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ORDER_MAX, READAHEAD_PAGES_MAX, ReadaheadState, randomWindow } from './index.ts';

/** A cache that holds what a window brought, and a reader that reads `count` pages at a time. Returns the windows. */
function readThrough(state: ReadaheadState, start: number, end: number, count: number): number[][] {
  const cached = new Set<number>();
  const markers = new Set<number>();
  const windows: number[][] = [];
  const bring = ({ start: from, size, asyncSize, order }: ReturnType<ReadaheadState['onMiss']>): void => {
    windows.push([from, size, order]);
    for (let page = from; page < from + size; page++) cached.add(page);
    if (asyncSize > 0) markers.add(from + size - asyncSize);
  };
  for (let at = start; at < end; at += count) {
    for (let page = at; page < Math.min(end, at + count); page++) {
      if (!cached.has(page)) bring(state.onMiss(page, at + count - page, ORDER_MAX));
      else if (markers.delete(page)) bring(state.onMarker(page, at + count - page, ORDER_MAX));
    }
    state.advance(at + count);
  }
  return windows;
}

describe('ReadaheadState', () => {
  it('grows for a sequential reader: windows to the maximum, orders by two', () => {
    const windows = readThrough(new ReadaheadState(), 0, 4096, 1);
    expect(windows.slice(0, 5)).toEqual([
      [0, 2, 0],
      [2, 8, 2],
      [10, 32, 4],
      [42, 64, 6],
      [106, 128, 8],
    ]);
    expect(windows.at(-1)![1]).toBe(READAHEAD_PAGES_MAX);
    expect(windows.at(-1)![2]).toBe(ORDER_MAX);
    // Behind each other, without a gap and without a page twice.
    for (const [index, [start, size]] of windows.entries()) {
      if (index + 1 < windows.length) expect(windows[index + 1]![0]).toBe(start! + size!);
    }
  });

  it('a sequential reader misses once; from then on the next window comes before it is needed', () => {
    for (const count of [1, 3, 8, 32, 100]) {
      const state = new ReadaheadState();
      let misses = 0;
      const { onMiss } = state;
      state.onMiss = (...args) => {
        misses++;
        return onMiss.apply(state, args);
      };
      readThrough(state, 0, 5000, count);
      expect(misses, `requests of ${count} pages`).toBe(1);
    }
  });

  it('large requests begin with large folios', () => {
    expect(readThrough(new ReadaheadState(), 0, 512, 256)[0]).toEqual([0, 512, 8]);
    expect(readThrough(new ReadaheadState(), 0, 64, 32)[0]).toEqual([0, 64, 5]);
  });

  it('a random reader gets what it asks for, and no marker', () => {
    const state = new ReadaheadState();
    for (const [at, count] of [
      [1000, 1],
      [5, 3],
      [70_000, 16],
      [300, 1],
    ] as const) {
      const window = { ...state.onMiss(at, count, ORDER_MAX) };
      expect([window.start, window.size, window.asyncSize]).toEqual([at, count, 0]);
      state.advance(at + count);
    }
    expect(randomWindow(9, 100_000, 3)).toEqual({ start: 9, size: READAHEAD_PAGES_MAX, asyncSize: 0, order: 3 });
  });

  it('a reader that goes on where it stopped is sequential, also when the cache has forgotten everything', () => {
    const state = new ReadaheadState();
    state.advance(1000);
    expect(state.onMiss(1000, 4, ORDER_MAX).size).toBeGreaterThan(4);
    state.advance(2001); // to the middle of page 2000: the next read touches it again
    expect(state.onMiss(2000, 4, ORDER_MAX).size).toBeGreaterThan(4);
    expect(state.onMiss(1500, 4, ORDER_MAX).size).toBe(4);
  });

  it('a miss right behind the window, because nobody met its marker, grows as well', () => {
    const state = new ReadaheadState();
    expect({ ...state.onMiss(0, 4, ORDER_MAX) }).toMatchObject({ size: 8, order: 2 });
    state.advance(8);
    expect({ ...state.onMiss(8, 4, ORDER_MAX) }).toMatchObject({ start: 8, size: 32, order: 4 });
  });

  it('two readers at two places do not disturb each other', () => {
    const [a, b] = [new ReadaheadState(), new ReadaheadState()];
    const alone = readThrough(new ReadaheadState(), 0, 1000, 4);
    const first = readThrough(a, 0, 500, 4);
    readThrough(b, 100_000, 100_500, 4);
    expect([...first, ...readThrough(a, 500, 1000, 4)].slice(0, first.length)).toEqual(alone.slice(0, first.length));
  });

  it('whatever it is asked, a window covers the page, has at most the maximum, and its marker lies in it', () => {
    const ask = fc.record({
      miss: fc.boolean(),
      index: fc.nat({ max: 10_000 }),
      count: fc.integer({ min: 1, max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 30 }), fc.nat({ max: ORDER_MAX }), (asks, orderMax) => {
        const state = new ReadaheadState();
        for (const { miss, index, count } of asks) {
          const window = miss ? state.onMiss(index, count, orderMax) : state.onMarker(index, count, orderMax);
          if (miss) expect(window.start).toBe(index);
          expect(window.size).toBeGreaterThan(0);
          expect(window.size).toBeLessThanOrEqual(READAHEAD_PAGES_MAX);
          expect(window.asyncSize).toBeLessThanOrEqual(window.size);
          expect(window.order).toBeLessThanOrEqual(orderMax);
        }
      }),
    );
  });
});
