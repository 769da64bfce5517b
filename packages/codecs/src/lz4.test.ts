import fc from 'fast-check';
import lz4js from 'lz4js';
import { describe, expect, it } from 'vitest';
import { decode, generator, hex, mutate, same, sample, seeds, slice, verdict } from '../test/support.ts';
import { lz4 } from './lz4.ts';

const ff = (count: number): string => 'ff'.repeat(count);

describe('published vectors', () => {
  it.each([
    ['16384 x A', `1f410100${ff(64)}27504141414141`, 16384, 65],
    ['zeros, C = 4', `1f000100${ff(64)}27500000000000`, 16384, 0],
    ['zeros, C = 8, by LZ4HC', `1f000100${ff(128)}67500000000000`, 32768, 0],
  ])('%s', (_, source, length, byte) => {
    expect(same(decode(lz4, hex(source), length).bytes, new Uint8Array(length).fill(byte))).toBe(true);
  });
});

describe('blocks by hand', () => {
  it.each([
    ['nothing', '00', ''],
    ['literals only', '30 616263', 'abc'],
    ['15 literals need an extension, of 0', 'f000 616263646566676869 6a6b6c6d6e6f', 'abcdefghijklmno'],
    ['a match of 4 that overlaps itself', '20 6162 0200 00', 'ababab'],
    ['the last sequence may have no literals', '10 61 0100 00', 'aaaaa'],
    ['a match up to the last byte but one', '15 61 0100 10 62', `${'a'.repeat(10)}b`],
    ['a distance of all there is', '31 616263 0300 10 64', 'abcabcabd'],
  ])('%s', (_, source, text) => {
    expect(Buffer.from(decode(lz4, hex(source), text.length).bytes!).toString()).toBe(text);
  });

  it.each([
    ['no byte at all', '', 0, 'truncated'],
    ['no byte at all', '', 5, 'truncated'],
    ['a literal missing', '30 6162', 3, 'truncated'],
    ['the extension of the literals missing', 'f0', 20, 'truncated'],
    ['half a distance', '10 61 01', 9, 'truncated'],
    ['the extension of the match missing', '1f 61 0100', 30, 'truncated'],
    ['nothing after a match', '10 61 0100', 5, 'truncated'],
    ['distance 0', '10 61 0000 10 62', 6, 'distance'],
    ['a distance before the first byte', '10 61 0200 10 62', 6, 'distance'],
    ['a match without anything before it', '00 0100 10 62', 5, 'distance'],
    ['one literal too many', '40 61626364', 3, 'overflow'],
    ['a match too long by one', '10 61 0100 10 62', 4, 'overflow'],
    ['a match that fits and a literal that does not', '10 61 0100 10 62', 5, 'overflow'],
    ['one byte too few', '30 616263', 4, 'short'],
    ['lengths that add up to megabytes', `1f610100${ff(40000)}00`, 4096, 'overflow'],
    ['literal lengths that add up to megabytes', `f0${ff(40000)}00`, 4096, 'truncated'],
    ['an extension that never ends', `1f610100${ff(40000)}`, 4096, 'truncated'],
  ])('%s: %s is refused', (_, source, length, reason) => {
    expect(verdict(lz4, hex(source), length)).toBe(reason);
  });

  it('says where', () => {
    const { error } = decode(lz4, hex('30 616263 0900 00'), 20);
    expect([error?.sourceOffset, error?.targetOffset]).toEqual([4, 3]);
  });
});

/** A random legal block, and what a byte-by-byte model says it stands for. */
function generate(seed: number): { source: Uint8Array; expected: number[] } {
  const random = generator(seed);
  const source: number[] = [];
  const expected: number[] = [];
  const length = (): number => {
    const kind = random.below(20);
    if (kind < 12) return random.below(15);
    if (kind < 18) return 15 + random.below(40);
    return [15, 269, 270, 271, 525, 3000][random.below(6)]! + random.below(3);
  };
  const extend = (value: number): void => {
    if (value < 15) return;
    for (value -= 15; value >= 255; value -= 255) source.push(255);
    source.push(value);
  };
  for (let sequences = random.below(60); sequences >= 0; sequences--) {
    const last = sequences === 0;
    const literals = expected.length === 0 ? length() + 1 : length();
    const match = length();
    source.push((Math.min(literals, 15) << 4) | (last ? 0 : Math.min(match, 15)));
    extend(literals);
    for (let i = 0; i < literals; i++) {
      const byte = random.below(256);
      source.push(byte);
      expected.push(byte);
    }
    if (last) break;
    const reach = Math.min(expected.length, 65535);
    const distance = 1 + random.below(random.below(2) === 0 ? Math.min(reach, 12) : reach);
    source.push(distance & 255, distance >> 8);
    extend(match);
    for (let i = 0; i < match + 4; i++) expected.push(expected[expected.length - distance]!);
  }
  return { source: Uint8Array.from(source), expected };
}

describe('properties', () => {
  it('decodes any legal block to what the model says, and refuses it for any other length', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { source, expected } = generate(seed);
        expect(same(decode(lz4, source, expected.length).bytes, Uint8Array.from(expected))).toBe(true);
        expect(verdict(lz4, source, expected.length + 1)).toBe('short');
        if (expected.length > 0) expect(verdict(lz4, source, expected.length - 1)).toBe('overflow');
      }),
      slice(300),
    );
  });

  it('decodes what lz4js writes, which keeps neither of the rules for the end of a block', () => {
    let lateMatches = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const content = sample(seed, 16 + (seed % 12000));
        const block = new Uint8Array(content.length * 2);
        const length = lz4js.compressBlock(content, block, 0, content.length, new Uint32Array(65536));
        if (length === 0) return; // nothing matched
        const source = block.subarray(0, length);
        expect(same(decode(lz4, source, content.length).bytes, content)).toBe(true);
        if (lastMatchStart(source, content.length) > content.length - 12) lateMatches++;
      }),
      slice(200),
    );
    expect(lateMatches).toBeGreaterThan(0);
  });

  it('agrees with lz4js on every broken block that it accepts', () => {
    let accepted = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const { source, expected } = generate(seed);
        const broken = mutate(source, generator(seed + 1));
        const { bytes } = decode(lz4, broken, expected.length);
        if (bytes === undefined) return;
        accepted++;
        const other = new Uint8Array(expected.length);
        expect(lz4js.decompressBlock(broken, other, 0, broken.length, 0)).toBe(expected.length);
        expect(same(bytes, other)).toBe(true);
      }),
      slice(600),
    );
    expect(accepted).toBeGreaterThan(20);
  });
});

/** Where the last match of a valid block starts in the output: the output less the last literals and the match. */
function lastMatchStart(source: Uint8Array, contentLength: number): number {
  let at = 0;
  let written = 0;
  let start = -1;
  const extended = (value: number): number => {
    if (value < 15) return value;
    let byte = 255;
    while (byte === 255) value += byte = source[at++]!;
    return value;
  };
  for (;;) {
    const token = source[at++]!;
    const literals = extended(token >> 4);
    at += literals;
    written += literals;
    if (at >= source.length) break;
    start = written;
    at += 2;
    written += extended(token & 15) + 4;
  }
  expect(written).toBe(contentLength);
  return start;
}
