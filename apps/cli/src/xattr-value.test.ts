import { describe, expect, it } from 'vitest';
import { UsageError } from './errors.ts';
import { parseXattrValue } from './xattr-value.ts';

describe('values of setfattr', () => {
  it.each([
    ['', ''],
    ['text', '74657874'],
    ['ä', 'c3a4'],
    ['0x', ''],
    ['0x00 fF', '00ff'],
    ['0XAB', 'ab'],
    ['0sAQID', '010203'],
    ['0SAQ==', '01'],
    ['"quoted"', '71756f746564'],
    ['"a\\"b\\\\c\\000\\377"', '6122625c6300ff'],
    ['"ä\\012"', 'c3a40a'],
    ['"half', '2268616c66'],
    ['a\\012', '615c303132'],
  ])('%j', (text, hex) => {
    expect(Buffer.from(parseXattrValue(text)).toString('hex')).toBe(hex);
  });

  it.each(['0x1', '0xzz', '0sA', '0s=', '0sAQ=D'])('%j is none', (text) => {
    expect(() => parseXattrValue(text)).toThrow(UsageError);
  });
});
