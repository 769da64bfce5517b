import { expect, it } from 'vitest';
import { bar, bytes, table } from './table.ts';

it('columns are as wide as they need to be, numbers to the right', () => {
  const text = table(
    [{ title: 'name' }, { title: 'size', right: true }],
    [
      ['a', '1'],
      ['longer', '1234567'],
    ],
  );
  expect(text.split('\n')).toEqual([
    '  name        size',
    '  ────────────────',
    '  a              1',
    '  longer   1234567',
  ]);
});

it('colors take no width', () => {
  const text = table([{ title: 'x' }], [['\u001b[32mgreen\u001b[39m'], ['plain']]);
  expect(text.split('\n')[1]).toBe('  ─────');
});

it('bars and sizes', () => {
  expect(bar(0.5)).toBe('█████       50 %');
  expect(bar(0)).toBe('             0 %');
  expect([0, 1023, 1024, 1.5 * 2 ** 20].map(bytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 MiB']);
});
