import { expect, it, vi } from 'vitest';
import { openBench } from './open.ts';
import { compare, median, report } from './report.ts';

it('a count above its limit fails the run; a ratio never does', () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const ratios = [{ what: 'a', rate: 1, against: 'b', ratio: 0.001 }];
  expect(report([{ name: 'x', counts: [{ what: 'bios', value: 3, most: 3 }], ratios }])).toBe(true);
  expect(report([{ name: 'x', counts: [{ what: 'bios', value: 4, most: 3 }], ratios }])).toBe(false);
  expect(log.mock.calls.flat().join('\n')).toContain('FAIL bios: 4 (at most 3)');
  log.mockRestore();
});

it('compares in turn, and warms up', () => {
  const calls: string[] = [];
  const { ratio, rate } = compare(
    3,
    1000,
    { what: 'a', run: () => calls.push('a') },
    { what: 'b', run: () => calls.push('b') },
  );
  expect(calls.join('')).toBe('abababab');
  expect(ratio).toBeGreaterThan(0);
  expect(rate).toBeGreaterThan(0);
  expect(median([3, 1, 2])).toBe(2);
});

it('opening costs a handful of bios on every golden volume', () => {
  for (const { value, most } of openBench().counts) expect(value).toBeLessThanOrEqual(most);
});
