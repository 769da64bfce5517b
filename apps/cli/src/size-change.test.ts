import { describe, expect, it } from 'vitest';
import { parseSizeChange } from './size-change.ts';

describe('sizes of truncate(1)', () => {
  it.each([
    ['0', 5000, 0],
    ['4097', 0, 4097],
    ['1K', 7, 1024],
    ['1k', 7, 1024],
    ['2KB', 7, 2000],
    ['2KiB', 7, 2048],
    ['3M', 7, 3 << 20],
    ['1T', 7, 2 ** 40],
    ['+10', 5000, 5010],
    ['-10', 5000, 4990],
    ['-10K', 5000, 0],
    ['<100', 5000, 100],
    ['<100', 50, 50],
    ['>100', 50, 100],
    ['>100', 5000, 5000],
    ['/4K', 8191, 4096],
    ['%4K', 4097, 8192],
    ['%4K', 4096, 4096],
    [' + 1K', 1, 1025],
  ])('%s of %i is %i', (text, before, after) => {
    expect(parseSizeChange(text)(before)).toBe(after);
  });

  it.each(['', 'K', '1X', '1.5M', '--1', '+-1', '/0', '%0', '9007199254740993', '9E', '1BK', '0x10'])(
    '%j is none',
    (text) => {
      expect(() => parseSizeChange(text)).toThrow(/A size is/);
    },
  );
});
