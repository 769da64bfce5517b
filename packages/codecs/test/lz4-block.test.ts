import { describe, expect, it } from 'vitest';
import { checkLz4Block } from './lz4-block.ts';
import { hex } from './support.ts';

const check = (block: string, text: string): unknown => checkLz4Block(hex(block), Buffer.from(text));

describe('checkLz4Block', () => {
  it.each([
    ['nothing', '00', ''],
    ['literals', '30 616263', 'abc'],
    ['a match that starts 12 and ends 5 bytes before the end', '13 61 0100 50 6263646566', `${'a'.repeat(8)}bcdef`],
  ])('accepts %s', (_, block, text) => {
    expect(() => check(block, text)).not.toThrow();
  });

  it.each([
    ['four literals at the end', '1a 61 0100 40 62636465', `${'a'.repeat(15)}bcde`, 'only 4 literals'],
    ['a match that starts 11 bytes before the end', '12 61 0100 50 6263646566', `${'a'.repeat(7)}bcdef`, 'starts 11'],
    ['a distance of 0', '1f 61 0000 00 50 6263646566', `${'a'.repeat(20)}bcdef`, 'distance 0'],
    ['a distance before the start', '1f 61 0200 00 50 6263646566', `${'a'.repeat(20)}bcdef`, 'distance 2'],
    ['other content', '30 616263', 'abd', 'byte 2'],
    ['another length', '30 616263', 'abcd', '3 bytes'],
    ['a match in the last token', '31 616263', 'abc', 'names a match'],
    ['half a sequence', '30 6162', 'abc', 'within'],
  ])('refuses %s', (_, block, text, message) => {
    expect(() => check(block, text)).toThrow(message);
  });
});
