import * as wasm from '@bokuweb/zstd-wasm';
import fc from 'fast-check';
import * as fzstd from 'fzstd';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode, generator, hex, mutate, same, sample, seeds, slice, verdict } from '../test/support.ts';
import {
  backwardBits,
  block,
  compressedType,
  frame,
  matchCode,
  offsetCode,
  rawLiterals,
  rawType,
  rleLiterals,
  rleType,
  type Sequence,
  sequencesSection,
} from '../test/zstd-frame.ts';
import { zstd } from './zstd.ts';

beforeAll(() => wasm.init());

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1');

describe('published vectors', () => {
  it.each([
    ['zeros, level 1, C = 4', '28b52ffd00204c00001000000100fb9f0758010000', 16384, 0],
    ['zeros, level 15, C = 16', '28b52ffd00304c000008000100fc7f1d0801010000', 65536, 0],
    ['16384 x A, level 1', '28b52ffd00204c00001041410100fb9f0758010000', 16384, 65],
  ])('%s', (_, source, length, byte) => {
    expect(same(decode(zstd, hex(source), length).bytes, new Uint8Array(length).fill(byte))).toBe(true);
  });

  // By node:zlib of Node 24, with the content checksum.
  const fox = 'the quick brown fox jumps over the lazy dog. '.repeat(9);
  const foxBlocks =
    'bd0100c40274686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672e0200615029c01066191df6b009';
  it.each([
    ['with content size and checksum', `28b52ffd649500${foxBlocks}`, fox],
    ['with a checksum only', `28b52ffd0400${foxBlocks}`, fox],
    ['nothing, with a checksum', '28b52ffd240001000099e9d851', ''],
  ])('%s', (_, source, content) => {
    const bytes = hex(source);
    expect(text(decode(zstd, bytes, content.length).bytes)).toBe(content);
    for (let i = 1; i <= 4; i++) {
      const broken = bytes.slice();
      broken[bytes.length - i]! ^= 0x10;
      expect(verdict(zstd, broken, content.length)).toBe('checksum');
    }
  });
});

/** The frame of a one-shot compressor, rewritten as Linux writes it: no content size, an empty last block. */
function asLinux(source: Uint8Array, contentBytes: number): Uint8Array {
  const windowLog = Math.max(10, 32 - Math.clz32(contentBytes - 1));
  const sizeBytes = [1, 2, 4, 8][source[4]! >> 6]!;
  expect(source[4]! & 0x3f).toBe(0x20);
  const blocks = source.slice(5 + sizeBytes);
  let at = 0;
  while ((blocks[at]! & 1) === 0) {
    const header = blocks[at]! | (blocks[at + 1]! << 8) | (blocks[at + 2]! << 16);
    at += 3 + ((header & 6) === 2 ? 1 : header >> 3);
  }
  blocks[at]! &= 0xfe;
  return frame(windowLog, [...blocks], block(rawType, [], true));
}

describe('frames by libzstd', () => {
  const lengths = [0, 1, 2, 3, 31, 32, 100, 255, 256, 1000, 4096, 16384, 65535, 65536, 131072, 131073, 300_000];

  it.each(Array.from({ length: 19 }, (_, i) => i + 1))(
    'level %i, all lengths, sized and as Linux writes them',
    (level) => {
      for (const [i, length] of lengths.entries()) {
        if (length > 4096 && (i + level) % 4 !== 0) continue; // the long ones take turns
        const content = sample(level * 100 + i, length);
        const source = wasm.compress(content, level);
        expect(same(decode(zstd, source, length).bytes, content), `${length}`).toBe(true);
        if (length > 0) expect(same(decode(zstd, asLinux(source, length)!, length).bytes, content)).toBe(true);
        if (length > 0) expect(verdict(zstd, asLinux(source, length)!, length - 1)).toMatch(/overflow|unsupported/);
        if (length > 0) expect(verdict(zstd, source, length - 1)).toBe('overflow');
        expect(verdict(zstd, source, length + 1)).toBe('short');
      }
    },
  );

  it('decodes what fzstd decodes', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 6 }), (seed, level) => {
        const content = sample(seed, 1 + (seed % 50_000));
        const source = wasm.compress(content, level);
        expect(same(decode(zstd, source, content.length).bytes, fzstd.decompress(source))).toBe(true);
      }),
      slice(40),
    );
  });

  it('accepts no broken frame that libzstd refuses, and decodes those it accepts to the same bytes', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(seeds, fc.integer({ min: -5, max: 9 }), (seed, level) => {
        const content = sample(seed, 20 + (seed % [100, 1000, 6000][seed % 3]!));
        const source = wasm.compress(content, level);
        const random = generator(seed);
        for (let i = 0; i < 10; i++) {
          const broken = mutate(source, random);
          const { bytes } = decode(zstd, broken, content.length);
          if (bytes === undefined) {
            refused++;
          } else {
            accepted++;
            expect(same(bytes, wasm.decompress(broken))).toBe(true);
          }
        }
      }),
      slice(70),
    );
    expect(accepted).toBeGreaterThan(30);
    expect(refused).toBeGreaterThan(300);
  });
});

describe('the frame header', () => {
  const body = block(rawType, [1, 2, 3, 4], true);
  const of = (...bytes: number[]): Uint8Array => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...bytes, ...body]);
  const eight = [4, 0, 0, 0, 0, 0, 0, 0];

  it.each([
    ['a content size of 1 byte', of(0x20, 4)],
    ['of 4 bytes', of(0xa0, 4, 0, 0, 0)],
    ['of 8 bytes', of(0xe0, ...eight)],
    ['of 4 bytes, with a window', of(0x80, 0, 4, 0, 0, 0)],
    ['the unused bit of the descriptor', of(0x30, 4)],
    ['dictionary 0, which is none, in 1 byte', of(0x21, 0, 4)],
    ['in 4 bytes', of(0x23, 0, 0, 0, 0, 4)],
  ])('%s is read', (_, source) => {
    expect([...decode(zstd, source, 4).bytes!]).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['another magic', Uint8Array.from([0x27, 0xb5, 0x2f, 0xfd, 0x20, 4, ...body]), 'invalid'],
    ['a skippable frame', hex('502a4d18 04000000 00000000'), 'unsupported'],
    ['the reserved bit of the descriptor', of(0x28, 4), 'invalid'],
    ['a dictionary of 1 byte', of(0x21, 7, 4), 'unsupported'],
    ['of 2 bytes', of(0x22, 0, 7, 4), 'unsupported'],
    ['of 4 bytes', of(0x23, 0, 0, 0, 7, 4), 'unsupported'],
    ['a content size above the output', of(0x20, 5), 'overflow'],
    ['a content size below the output', of(0x20, 3), 'short'],
    ['a content size of 2 bytes, which starts at 256', of(0x60, 0, 0), 'overflow'],
    ['a content size of 2^56', of(0xe0, 4, 0, 0, 0, 0, 0, 0, 1), 'overflow'],
    ['a window of 1152 bytes for 4', of(0x00, 1), 'unsupported'],
    ['the largest window', of(0x00, 0xff), 'unsupported'],
    ['a header cut short', hex('28b52ffd e0 0400000000'), 'truncated'],
    ['a header cut by one byte', hex('28b52ffd e0 04000000000000'), 'truncated'],
    ['a second frame', Uint8Array.from([...of(0x20, 4), ...of(0x20, 4)]), 'trailing'],
    ['a skippable frame behind', Uint8Array.from([...of(0x20, 4), ...hex('502a4d18 00000000')]), 'trailing'],
    ['a missing checksum', of(0x24, 4), 'truncated'],
    ['three bytes of a checksum', Uint8Array.from([...of(0x24, 4), 1, 2, 3]), 'truncated'],
  ])('%s is refused', (_, source, reason) => {
    expect(verdict(zstd, source, 4)).toBe(reason);
  });

  it('admits a window of the output, or of the next power of two, and no larger', () => {
    const blocks = [block(rleType, [7], true, 9000)];
    expect(verdict(zstd, frame(13, block(rleType, [7], false, 8192), block(rleType, [7], true, 808)), 9000)).toBe(
      'accepted',
    );
    expect(verdict(zstd, frame(14, ...blocks), 9000)).toBe('accepted');
    expect(verdict(zstd, frame(15, ...blocks), 9000)).toBe('unsupported');
    const one = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, (4 << 3) | 1, ...blocks[0]!]); // 16 KiB and an eighth
    expect(verdict(zstd, one, 9000)).toBe('unsupported');
  });

  it('refuses a frame of 12 bytes that announces 1280 MiB before any of them is allocated', () => {
    const source = hex('28b52ffd a0 00000050 010000');
    expect(source).toHaveLength(12);
    const before = process.memoryUsage().arrayBuffers;
    expect(verdict(zstd, source, 16384)).toBe('overflow');
    expect(verdict(zstd, hex('28b52ffd 00 a2 010000 000000'), 16384)).toBe('unsupported'); // the same as a window
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});

describe('blocks', () => {
  const literals = rawLiterals([65, 66, 67]);
  const none = sequencesSection([]);

  it.each([
    ['raw', frame(10, block(rawType, [97, 98], true)), 'ab'],
    ['one byte repeated', frame(10, block(rleType, [97], true, 5)), 'aaaaa'],
    ['an empty one at the end', frame(10, block(rawType, [97], false), block(rawType, [], true)), 'a'],
    ['empty ones in between', frame(10, block(rleType, [97], false, 0), block(rawType, [97], true)), 'a'],
    ['literals without sequences', frame(10, block(compressedType, [...literals, ...none], true)), 'ABC'],
    ['a literals header of 2 bytes', frame(10, block(2, [...rawLiterals([65, 66], 2), ...none], true)), 'AB'],
    ['a literals header of 3 bytes', frame(10, block(2, [...rawLiterals([65, 66], 3), ...none], true)), 'AB'],
    ['one literal repeated', frame(10, block(2, [...rleLiterals(65, 4), ...none], true)), 'AAAA'],
    ['one repeated, 2 bytes', frame(10, block(2, [...rleLiterals(65, 4, 2), ...none], true)), 'AAAA'],
    ['one repeated, 3 bytes', frame(10, block(2, [...rleLiterals(65, 4, 3), ...none], true)), 'AAAA'],
    [
      'a sequence and literals left',
      frame(10, block(2, [...literals, ...sequencesSection([[2, 4, 5]])], true)),
      'ABABABC',
    ],
    ['a compressed block that stands for nothing', frame(10, block(2, [0, 0], false), block(rawType, [97], true)), 'a'],
  ])('%s', (_, source, content) => {
    expect(text(decode(zstd, source, content.length).bytes)).toBe(content);
    expect(text(wasm.decompress(source))).toBe(content); // the writer of these frames is right
  });

  const compressed = (...bytes: number[]): Uint8Array => frame(14, block(compressedType, bytes, true));
  it.each([
    ['no block', Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x20]), 'truncated'],
    ['no last block', frame(14, block(rawType, [1], false)), 'truncated'],
    ['half a block header', frame(14, [0, 0]), 'truncated'],
    ['a raw block cut short', frame(14, block(rawType, [1, 2], true, 3)), 'truncated'],
    ['an RLE block without its byte', frame(14, block(rleType, [], true, 3)), 'truncated'],
    ['the reserved block type', frame(14, block(3, [1], true)), 'invalid'],
    [
      'a raw block above the output',
      frame(10, ...Array(17).fill(block(rawType, Array(1000).fill(0), false))),
      'overflow',
    ],
    ['RLE blocks above the output', frame(14, ...Array(2).fill(block(rleType, [0], false, 16384))), 'overflow'],
    ['an empty compressed block', compressed(), 'truncated'],
    ['literals and no sequences section', compressed(...literals), 'truncated'],
    ['raw literals cut short', compressed(3 << 3, 65, 66), 'truncated'],
    ['a repeated literal without its byte', compressed(1 | (3 << 3)), 'truncated'],
    ['literals above the output', compressed(...rleLiterals(65, 16385, 3), ...none), 'overflow'],
    ['bytes after no sequences', compressed(...literals, 0, 0), 'invalid'],
    ['no table modes', compressed(...literals, 1), 'truncated'],
    ['half a sequence count', compressed(...literals, 255, 0), 'truncated'],
    ['reserved table modes', compressed(...literals, 1, 1, 0x80), 'invalid'],
    ['a table reused, and there was none', compressed(...literals, 1, 0xfc, 0x80), 'table'],
    ['a tree reused, and there was none', compressed(0x03 | (3 << 4), 1 << 6, 0, 0x80, ...none), 'table'],
    ['a code without meaning', compressed(...literals, 1, 0x54, 36, 0, 0, 1), 'table'],
    ['no bit stream', compressed(...literals, 1, 0x54, 0, 0, 0), 'bits'],
    ['a bit stream without a marker', compressed(...literals, 1, 0x54, 0, 0, 0, 0), 'bits'],
    ['bits left over', compressed(...literals, 1, 0x54, 1, 0, 0, 2), 'bits'],
    ['bits missing', compressed(...literals, ...sequencesSection([[2, 4, 5]], 2)), 'bits'],
    ['more literals copied than there are', compressed(...literals, ...sequencesSection([[4, 4, 5]])), 'invalid'],
    ['a match above the output', compressed(...literals, ...sequencesSection([[2, 16382, 5]])), 'overflow'],
    ['a match before the first byte', compressed(...literals, ...sequencesSection([[2, 4, 6]])), 'distance'],
    ['an accuracy above the limit', compressed(...literals, 1, 0x94, 0x0f, 0, 0, 0, 1), 'table'],
    ['a table description cut short', compressed(...literals, 1, 0x94, 0x30, 0x02), 'truncated'],
    [
      'too many symbols without states',
      compressed(...literals, 1, 0x94, 0x10, 0xfc, 0xff, 0xff, 0xff, 0xff, 1),
      'table',
    ],
  ])('%s is refused', (_, source, reason) => {
    expect(verdict(zstd, source, 16384)).toBe(reason);
    expect(() => wasm.decompress(source, { defaultHeapSize: 16384 })).toThrow();
  });

  it('refuses blocks above the window, which the format forbids and libzstd lets through', () => {
    expect(verdict(zstd, frame(10, block(rawType, Array(1025).fill(0), true)), 1025)).toBe('invalid');
    expect(verdict(zstd, frame(10, block(rleType, [0], true, 1025)), 1025)).toBe('invalid');
  });

  it('bounds a block by the window even if the output has room', () => {
    const whole = block(compressedType, [...literals, ...sequencesSection([[2, 1021, 5]])], false);
    const more = block(compressedType, [...literals, ...sequencesSection([[2, 1022, 5]])], false);
    const rest = (bytes: number): number[] => block(rleType, [0], true, bytes);
    expect(verdict(zstd, frame(10, whole, rest(76)), 1100)).toBe('accepted');
    expect(verdict(zstd, frame(10, more, rest(75)), 1100)).toBe('overflow');
  });

  it('reads offsets of up to 31 bits, at every place in a byte, without losing any', () => {
    // None of these distances has a place in the output, so what was read shows in the error. The extra bits of the match
    // length lie below those of the offset, and move them up.
    for (let code = 22; code <= 31; code++) {
      for (const matchBytes of [4, 35, 43, 51, 67, 99, 131, 259, 515]) {
        const value = 2 ** code + (code === 31 ? 2 ** 30 : 0) + 5;
        const { error } = decode(zstd, compressed(...literals, ...sequencesSection([[2, matchBytes, value]])), 16384);
        expect(error?.reason).toBe('distance');
        expect(error?.message).toContain(`: ${value - 3})`);
      }
    }
  });
});

describe('sequences', () => {
  it('follow the rules for the last three distances, and for codes with extra bits', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = generator(seed);
        const expected: number[] = [];
        let distances: number[] = [1, 4, 8];
        const blocks: number[][] = [];
        const first = Array.from({ length: 40 + random.below(200) }, () => random.below(256));
        blocks.push(block(rawType, first, false));
        expected.push(...first);
        for (let blockCount = 1 + random.below(6); blockCount > 0; blockCount--) {
          // One code per field: the first sequence chooses it, the others differ in the extra bits.
          const literal = [0, 1, 5, 16, 24][random.below(5)]!;
          const match = matchCode(3 + random.below(random.below(2) === 0 ? 30 : 400));
          const offset = offsetCode(1 + random.below(random.below(2) === 0 ? 4 : Math.min(expected.length, 900)));
          const literals: number[] = [];
          const sequences: Sequence[] = [];
          const literalSpan = literal < 16 ? 1 : literal === 16 ? 2 : 4;
          for (let count = 1 + random.below(5); count > 0; count--) {
            const copied = literal + random.below(literalSpan);
            let value = offset.base + random.below(2 ** offset.extra);
            if (value > 3) value = Math.min(value, Math.max(offset.base, expected.length + copied + 3));
            // The distance, by the table of RFC 8878, 3.1.1.5.
            const [a, b, c] = distances as [number, number, number];
            let next: number[];
            if (value > 3) next = [value - 3, a, b];
            else if (copied > 0)
              next = [
                [a, b, c],
                [b, a, c],
                [c, a, b],
              ][value - 1]!;
            else
              next = [
                [b, a, c],
                [c, a, b],
                [a - 1, a, b],
              ][value - 1]!;
            const distance = next[0]!;
            if (distance === 0 || distance > expected.length + copied) continue;
            const length = match.base + random.below(2 ** match.extra);
            for (let i = 0; i < copied; i++) {
              const byte = random.below(256);
              literals.push(byte);
              expected.push(byte);
            }
            for (let i = 0; i < length; i++) expected.push(expected[expected.length - distance]!);
            distances = next;
            sequences.push([copied, length, value]);
            seen.add(value > 3 ? 'new' : `${value}${copied === 0 ? ' without literals' : ''}`);
          }
          const left = Array.from({ length: random.below(3) * random.below(12) }, () => random.below(256));
          expected.push(...left);
          blocks.push(
            block(compressedType, [...rawLiterals([...literals, ...left]), ...sequencesSection(sequences)], false),
          );
        }
        blocks.push(block(rawType, [], true));
        const source = frame(Math.max(10, 32 - Math.clz32(expected.length - 1)), ...blocks);
        const { bytes, error } = decode(zstd, source, expected.length);
        if (error !== undefined) throw error;
        expect(same(bytes, Uint8Array.from(expected))).toBe(true);
      }),
      slice(200),
    );
    expect([...seen].sort()).toEqual(
      ['1', '1 without literals', '2', '2 without literals', '3', '3 without literals', 'new'].sort(),
    );
  });

  it('refuses a distance that the rules make 0', () => {
    // The first of the last three distances is 1 at the start, and value 3 without literals is one less.
    const blocks = [block(rawType, [65], false), block(2, [0, ...sequencesSection([[0, 3, 3]])], true)];
    expect(verdict(zstd, frame(14, ...blocks), 16384)).toBe('distance');
  });

  it('may be more than a count of two bytes can tell', () => {
    const count = 40_000;
    const sequences = Array.from({ length: count }, (): Sequence => [0, 3, 1]);
    // Without literals value 1 is the second distance, 4, then 1, then 4: any will do for one repeated byte.
    const blocks = [block(rleType, [65], false, 8), block(2, [0, ...sequencesSection(sequences)], true)];
    const length = 8 + 3 * count;
    expect(same(decode(zstd, frame(17, ...blocks), length).bytes, new Uint8Array(length).fill(65))).toBe(true);
  });
});

describe('frames that make other decoders run for minutes', () => {
  // Three frames of 20 bytes, each found by reading a decoder that does not bound its loops by its input.
  it.each([
    ['weights from a table whose only state needs no bits', '28b52ffd00205d000042c00105f003fdff010100', 'table'],
    ['33000 sequences of 196608 bytes, without a bit', '28b52ffd00205d00000841ffe80154230134ff01', 'bits'],
    ['98046 of them', '28b52ffd00205d00000841fffeff54230134ff01', 'bits'],
  ])('%s', (_, source, reason) => {
    expect(verdict(zstd, hex(source), 16384)).toBe(reason);
  });

  it('a sequence without bits still has to fit', () => {
    // 90000 times "repeat 3 bytes", which takes no bits at all, into 16 KiB.
    const section = [255, (90_000 - 0x7f00) & 255, (90_000 - 0x7f00) >> 8, 0b01010100, 0, 0, 0, ...backwardBits([])];
    const source = frame(14, block(rawType, [65, 65, 65, 65], false), block(compressedType, [0, ...section], true));
    expect(verdict(zstd, source, 16384)).toBe('overflow');
  });
});
