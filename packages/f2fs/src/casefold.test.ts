import { dentryHash } from '@f2fskit/f2fs-format';
import { utf8Encode } from '@f2fskit/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldForHash, foldName } from './casefold.ts';

const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

describe('foldName', () => {
  // Hashes that Linux 6.1 stored for these names (spec A.5).
  it.each([
    ['README', 0x4b1b068f],
    ['Straße', 0xd6e5379a],
    ['\u00c4\u00d6\u00dc', 0x5a415b24],
    ['\ufb01x', 0x3486bc3f],
    ['\u0130stanbul', 0x6be30f57],
    ['Σίσυφος', 0x17de5360],
    ['ΟΔΟΣ', 0x8bc68e60],
    ['한글', 0x11febb93],
    ['so\u00adft', 0x3be7597c],
    ['\u212aelvin', 0x63a5b93a],
    ['\u1e9e', 0xfe0d6840],
    ['\u212bng', 0xcab3c968],
    ['\u{10400}deseret', 0x61a788bf],
    ['a\u0301\u0323', 0x2b4d8ac2],
    ['\u017flong', 0xdcefec7e],
    ['\u2167', 0x03a3e184],
    ['\u13f8', 0xc20f73ec],
    ['\uab70', 0xa06dc7bb],
  ])('%s hashes as Linux stored it', (name, hash) => {
    expect(dentryHash(foldName(utf8Encode(name))!).toString(16)).toBe(hash.toString(16));
  });

  it('gives nothing for what is not UTF-8, or of which nothing is left', () => {
    expect(foldName(Uint8Array.of(0xff, 0xfe, 0x62))).toBeUndefined();
    expect(foldName(utf8Encode('\u00ad\u200d'))).toBeUndefined();
  });

  it('leaves alone what Unicode 12.1 does not assign, whatever the engine knows of it', () => {
    const same = (text: string): void => expect(hex(foldName(utf8Encode(text)))).toBe(hex(utf8Encode(text)));
    same('\u{1fae0}'); // assigned in 14.0
    same('\u2c2f'); // a capital letter since 14.0
    same('\u{11938}'); // decomposes since 13.0
    same('a\u0301\u0898\u0323'); // U+0898 is a combining mark since 14.0: nothing moves across it
    expect(hex(foldName(utf8Encode('\u{1fae0}X')))).toBe(hex(utf8Encode('\u{1fae0}x')));
  });

  it('does not move marks across an ignorable code point (Linux 6.1)', () => {
    const folded = (text: string): string | undefined => hex(foldName(utf8Encode(text)));
    expect(folded('a\u0301\u0323')).toBe('61cca3cc81');
    expect(folded('a\u0301\u00ad\u0323')).toBe('61cc81cca3');
  });

  it('leaves names alone that Linux has no room to fold: 255 bytes and more', () => {
    expect(foldForHash(utf8Encode('A'.repeat(254)))).toEqual(utf8Encode('a'.repeat(254)));
    expect(foldForHash(utf8Encode('A'.repeat(255)))).toBeUndefined();
    expect(foldForHash(utf8Encode('Ä'.repeat(84)))?.length).toBe(252); // three bytes each, decomposed
    expect(foldForHash(utf8Encode('Ä'.repeat(85)))).toBeUndefined();
  });

  it('keeps what compatibility folding would lose', () => {
    for (const name of ['\uff21', '\u{1d400}']) expect(hex(foldName(utf8Encode(name)))).not.toBe('61');
    expect(hex(foldName(utf8Encode('Ⅷ')))).toBe(hex(foldName(utf8Encode('ⅷ'))));
    expect(hex(foldName(utf8Encode('Ⅷ')))).not.toBe(hex(utf8Encode('viii')));
  });

  it('is idempotent, and blind to case, composition and ignorable code points', () => {
    const name = fc.string({ unit: fc.constantFrom(...'aZÄéßſΣςİıᾳﬃ한ΐǆ'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(name, (text) => {
        const folded = hex(foldName(utf8Encode(text)));
        expect(folded).toBeDefined();
        expect(hex(foldName(foldName(utf8Encode(text))!))).toBe(folded);
        expect(hex(foldName(utf8Encode(text.normalize('NFC'))))).toBe(folded);
        expect(hex(foldName(utf8Encode(text.normalize('NFD'))))).toBe(folded);
        expect(hex(foldName(utf8Encode([...text].join('\u00ad'))))).toBe(folded);
      }),
    );
  });
});
