import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generator, seeds, slice } from '../../test/support.ts';
import { fseDescription } from '../../test/zstd-frame.ts';
import { CodecError } from '../codec.ts';
import { FseTable, readFseTable } from './fse.ts';

const symbolCount = 36;
const logMax = 9;

/** A table whose symbols stand for themselves. */
function newTable(): FseTable {
  const base = Uint32Array.from({ length: symbolCount }, (_, symbol) => symbol);
  return new FseTable({ base, extra: new Uint8Array(symbolCount) }, logMax);
}

function read(description: readonly number[], end = description.length): { table: FseTable; end: number } {
  const table = newTable();
  return { table, end: readFseTable(table, Uint8Array.from([...description, 0xff, 0xff]), 0, end, 0) };
}

function reasonOf(description: readonly number[], end = description.length): string {
  try {
    read(description, end);
    return 'accepted';
  } catch (error) {
    if (error instanceof CodecError) return error.reason;
    throw error;
  }
}

/** Random counts that add up to 2^log, with runs of symbols that have none. */
function randomCounts(seed: number): { counts: number[]; log: number } {
  const random = generator(seed);
  const log = 5 + random.below(5);
  const counts = Array<number>(symbolCount).fill(0);
  let left = 2 ** log;
  for (
    let symbol = random.below(8);
    left > 0 && symbol < symbolCount;
    symbol += 1 + random.below(2) * random.below(9)
  ) {
    const count = random.below(3) === 0 ? -1 : 1 + random.below(Math.min(left, 60));
    counts[symbol] = count;
    left -= Math.abs(count);
  }
  const most = counts.findIndex((count) => count > 0);
  if (left > 0) counts[Math.max(0, most)]! += left + (most < 0 && counts[0] === -1 ? 2 : 0);
  return { counts, log };
}

describe('readFseTable', () => {
  it('gives every symbol as many states as its description says', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { counts, log } = randomCounts(seed);
        const description = fseDescription(counts, log);
        const { table, end } = read(description);
        expect(end).toBe(description.length);
        expect(table.log).toBe(log);
        const states = Array<number>(symbolCount).fill(0);
        for (let state = 0; state < 2 ** log; state++) states[table.cells[2 * state + 1]!]!++;
        expect(states).toEqual(counts.map(Math.abs));
        // From the states of one symbol every state can be reached, each in one way.
        for (const symbol of [0, 1, 2].map((i) => counts.findIndex((count, j) => j >= i * 7 && count !== 0))) {
          const reached = new Set<number>();
          for (let state = 0; symbol >= 0 && state < 2 ** log; state++) {
            if (table.cells[2 * state + 1] !== symbol) continue;
            const next = table.cells[2 * state]! & 0xffff;
            for (let i = 0; i < 2 ** ((table.cells[2 * state]! >> 16) & 0xff); i++) reached.add(next + i);
          }
          if (symbol >= 0) expect(reached.size).toBe(2 ** log);
        }
      }),
      slice(200),
    );
  });

  it('notices a description that is cut anywhere', () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { counts, log } = randomCounts(seed);
      const description = fseDescription(counts, log);
      for (let end = 0; end < description.length; end++) {
        expect(reasonOf(description, end), `seed ${seed}, ${end}`).toMatch(/truncated|table/);
      }
    }
  });

  it('takes as many symbols as there are, and no more', () => {
    const ones = (count: number): number[] => Array<number>(count).fill(1);
    expect(reasonOf(fseDescription([...ones(35), 29], 6))).toBe('accepted');
    expect(reasonOf(fseDescription([...ones(36), 28], 6))).toBe('table');
    // The same with zeros in between, whose number is coded by itself.
    const zeros = Array<number>(33).fill(0);
    expect(reasonOf(fseDescription([1, ...zeros, 1, 30], 5))).toBe('accepted');
    expect(reasonOf(fseDescription([1, ...zeros, 0, 0, 31], 5))).toBe('table');
  });

  it('takes no accuracy above that of its table', () => {
    expect(reasonOf(fseDescription([512], 9))).toBe('accepted');
    expect(reasonOf(fseDescription([1024], 10))).toBe('table');
  });

  it('builds a table anew, whatever it held', () => {
    const table = newTable();
    const large = randomCounts(5);
    const small = fseDescription([16, 0, 15, -1], 5);
    readFseTable(table, Uint8Array.from(fseDescription(large.counts, large.log)), 0, 100, 0);
    readFseTable(table, Uint8Array.from(small), 0, small.length, 0);
    expect(table.cells.subarray(0, 64)).toEqual(read(small).table.cells.subarray(0, 64));
  });
});
