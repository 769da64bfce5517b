import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, generator, hex, same, seeds, slice, verdict } from '../test/support.ts';
import { lzo, lzoRle } from './lzo.ts';

const zeros = (count: number): string => '00'.repeat(count);

describe('published vectors', () => {
  it.each([
    ['zeros, C = 4', `02${zeros(5)}20${zeros(64)}0b10000c${zeros(15)}110000`, 16384],
    ['zeros, C = 8, with runs', `1101020000000000${'1ffcffff'.repeat(15)}1efcfff60002${zeros(20)}110000`, 32768],
    ['zeros, C = 4, with runs', `1101020000000000${'1ffcffff'.repeat(7)}1efcfff90002${zeros(20)}110000`, 16384],
  ])('%s', (_, source, length) => {
    const bytes = hex(source);
    // The runs make it version 1, which either codec reads.
    for (const codec of [lzo, lzoRle])
      expect(same(decode(codec, bytes, length).bytes, new Uint8Array(length))).toBe(true);
  });
});

/** The rows of the instruction table, as the generator counts them. */
const rows = [
  'first literals 1..3',
  'first literals 4..',
  'literals',
  'literals, extended',
  'match of 2 after 1..3 literals',
  'match of 3 after a literal run',
  'match up to 48 KiB',
  'match up to 48 KiB, extended',
  'match up to 16 KiB',
  'match up to 16 KiB, extended',
  'match of 3..4',
  'match of 5..8',
  'zero run',
] as const;
type Row = (typeof rows)[number];

/**
 * A random legal stream of `version`, what a byte-by-byte model says it stands for, and the rows that it used. Written
 * from the table alone, without a look at the decoder.
 */
function generate(seed: number, version: 0 | 1): { source: Uint8Array; expected: number[]; used: Set<Row> } {
  const random = generator(seed);
  const source: number[] = version === 1 ? [17, 1] : [];
  const expected: number[] = [];
  const used = new Set<Row>();
  let state = 0;

  const literals = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const byte = random.below(256);
      source.push(byte);
      expected.push(byte);
    }
  };
  const match = (distance: number, length: number): void => {
    for (let i = 0; i < length; i++) expected.push(expected[expected.length - distance]!);
  };
  const extension = (value: number): void => {
    for (; value > 255; value -= 255) source.push(0);
    source.push(value);
  };
  /** Distances in [from, to] that the output reaches; mostly the ends and the middle of the range. */
  const distanceIn = (from: number, to: number): number => {
    const most = Math.min(to, expected.length);
    return [from, most, from + random.below(most - from + 1), from + random.below(Math.min(8, most - from + 1))][
      random.below(4)
    ]!;
  };
  const after = (): number => (random.below(3) === 0 ? 0 : random.below(4));
  const finish = (count: number): void => {
    literals(count);
    state = count;
  };
  /** A length above the `direct` range, long ones now and then. */
  const longer = (direct: number): number => direct + 1 + random.below([3, 300, 6000][random.below(3)]!);

  if (random.below(2) === 0) {
    const count = random.below(2) === 0 ? 1 + random.below(3) : 4 + random.below(235);
    used.add(count < 4 ? 'first literals 1..3' : 'first literals 4..');
    source.push(17 + count);
    literals(count);
    state = Math.min(count, 4);
  }
  for (let instructions = random.below(120); instructions > 0; instructions--) {
    const reach = expected.length;
    const choices: Row[] = [];
    if (state === 0) choices.push('literals', 'literals, extended');
    if (state > 0 && state < 4) choices.push('match of 2 after 1..3 literals');
    if (state === 4 && reach >= 2049) choices.push('match of 3 after a literal run');
    if (reach > 16384) choices.push('match up to 48 KiB', 'match up to 48 KiB, extended');
    if (reach > 0) choices.push('match up to 16 KiB', 'match up to 16 KiB, extended', 'match of 3..4', 'match of 5..8');
    // A first byte above 17 would be read as a run of literals.
    if (version === 1 && source.length > 2) choices.push('zero run');
    const row = choices[random.below(choices.length)]!;
    used.add(row);
    const s = after();
    switch (row) {
      case 'literals': {
        const count = 4 + random.below(15);
        source.push(count - 3);
        literals(count);
        state = 4;
        break;
      }
      case 'literals, extended': {
        const count = longer(18);
        source.push(0);
        extension(count - 18);
        literals(count);
        state = 4;
        break;
      }
      case 'match of 2 after 1..3 literals':
      case 'match of 3 after a literal run': {
        const base = state === 4 ? 2049 : 1;
        const distance = distanceIn(base, base + 1023);
        source.push((((distance - base) & 3) << 2) | s, (distance - base) >> 2);
        match(distance, state === 4 ? 3 : 2);
        finish(s);
        break;
      }
      case 'match up to 48 KiB':
      case 'match up to 48 KiB, extended': {
        // In version 1 the largest distance is how zero runs are written, and four lengths would look like one.
        let distance = distanceIn(16385, version === 1 ? 49150 : 49151);
        const long = row === 'match up to 48 KiB, extended';
        const length = long ? longer(9) : 3 + random.below(7);
        if (version === 1 && length >= 261 && length <= 264 && (distance & 0x403f) === 0x403f) distance--;
        const high = (distance - 16384) >> 14;
        const low = (distance - 16384) & 0x3fff;
        source.push(16 | (high << 3) | (long ? 0 : length - 2));
        if (long) extension(length - 9);
        source.push(((low << 2) & 255) | s, low >> 6);
        match(distance, length);
        finish(s);
        break;
      }
      case 'match up to 16 KiB':
      case 'match up to 16 KiB, extended': {
        const distance = distanceIn(1, 16384);
        const long = row === 'match up to 16 KiB, extended';
        const length = long ? longer(33) : 3 + random.below(31);
        source.push(32 | (long ? 0 : length - 2));
        if (long) extension(length - 33);
        source.push((((distance - 1) << 2) & 255) | s, (distance - 1) >> 6);
        match(distance, length);
        finish(s);
        break;
      }
      case 'match of 3..4':
      case 'match of 5..8': {
        const distance = distanceIn(1, 2048);
        const length = row === 'match of 3..4' ? 3 + random.below(2) : 5 + random.below(4);
        const kind = length < 5 ? 0x40 | ((length - 3) << 5) : 0x80 | ((length - 5) << 5);
        source.push(kind | (((distance - 1) & 7) << 2) | s, (distance - 1) >> 3);
        match(distance, length);
        finish(s);
        break;
      }
      case 'zero run': {
        const length = 4 + random.below(2048);
        source.push(0x18 | ((length - 4) & 7), 0xfc | s, 0xff, (length - 4) >> 3);
        for (let i = 0; i < length; i++) expected.push(0);
        finish(s);
        break;
      }
    }
  }
  source.push(0x11, 0, 0);
  return { source: Uint8Array.from(source), expected, used };
}

describe('properties', () => {
  it.each([0, 1] as const)('decodes any legal stream of version %i to what the model says', (version) => {
    const used = new Map<Row, number>();
    let longest = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = generate(seed, version);
        for (const row of stream.used) used.set(row, (used.get(row) ?? 0) + 1);
        longest = Math.max(longest, stream.expected.length);
        const expected = Uint8Array.from(stream.expected);
        const codec = seed % 2 === 0 ? lzo : lzoRle;
        const { bytes, error } = decode(codec, stream.source, expected.length);
        if (error !== undefined) throw error;
        expect(same(bytes, expected)).toBe(true);
        expect(verdict(codec, stream.source, expected.length + 1)).toBe('short');
        if (expected.length > 0) expect(verdict(codec, stream.source, expected.length - 1)).toBe('overflow');
      }),
      slice(200),
    );
    const possible = rows.filter((row) => version === 1 || row !== 'zero run');
    expect([...used.keys()].sort()).toEqual([...possible].sort());
    expect(longest).toBeGreaterThan(49151);
  });
});

describe('streams by hand', () => {
  it.each([
    ['nothing', '110000', ''],
    ['nothing, version 0 said aloud', '1100 110000', ''],
    ['three literals', '14 616263 110000', 'abc'],
    ['four literals, first byte', '15 61626364 110000', 'abcd'],
    ['four literals, instruction', '01 61626364 110000', 'abcd'],
    ['18 literals', `0f ${'61'.repeat(18)} 110000`, 'a'.repeat(18)],
    ['19 literals need an extension', `0001 ${'61'.repeat(19)} 110000`, 'a'.repeat(19)],
    ['273 literals: an extension of 255', `00ff ${'61'.repeat(273)} 110000`, 'a'.repeat(273)],
    ['274 literals: an extension of 255 and 1', `000001 ${'61'.repeat(274)} 110000`, 'a'.repeat(274)],
    ['a match of 2 after one literal', '12 61 0000 110000', 'aaa'],
    ['a match with its literals', '12 61 4300 626364 110000', 'aaaabcd'],
    ['a zero run of 4 with L = 0', '1101 12 61 18fcff00 110000', 'a\0\0\0\0'],
    ['a zero run, then a literal', '1101 12 61 19fdff00 61 110000', 'a\0\0\0\0\0a'],
    ['a first byte above 17 is literals, in version 1 too', '1101 18 61626364656667 110000', 'abcdefg'],
  ])('%s', (_, source, text) => {
    expect(Buffer.from(decode(lzo, hex(source), text.length).bytes!).toString('latin1')).toBe(text);
  });

  it('reads what looks like a zero run as a match in version 0', () => {
    // 0x1b: distance 49151, length 5. The same bytes are a run of 7 zeros in version 1.
    const run = `00${zeros(192)}ad ${'61'.repeat(49151)}`;
    for (const prefix of ['', '1100']) {
      const { bytes } = decode(lzo, hex(`${prefix} ${run} 1bfcff 110000`), 49151 + 5);
      expect(bytes?.every((byte) => byte === 0x61)).toBe(true);
    }
    const version1 = decode(lzo, hex(`1101 ${run} 1bfcff00 110000`), 49151 + 7).bytes!;
    expect(version1.subarray(49151)).toEqual(new Uint8Array(7));
  });

  it.each([
    ['no byte at all', '', 0, 'truncated'],
    ['no terminator', '14 616263', 3, 'truncated'],
    ['half a terminator', '14 616263 1100', 3, 'truncated'],
    ['a byte after the terminator', '14 616263 110000 00', 3, 'trailing'],
    ['a terminator with literals', '14 616263 110100 61', 4, 'invalid'],
    ['a terminator of another length', '14 616263 120000', 3, 'invalid'],
    ['version 2', '1102 14 616263 110000', 3, 'invalid'],
    ['first literals missing', 'ff 616263 110000', 238, 'truncated'],
    ['literals missing', '0f 616263 110000', 18, 'truncated'],
    ['an extension that never ends', zeros(4000), 4096, 'truncated'],
    ['an extension of a match that never ends', `12 61 20 ${zeros(4000)}`, 4096, 'truncated'],
    ['a match before the first byte', '12 61 0400 110000', 3, 'distance'],
    ['a far match before the first byte', '15 61626364 0000 110000', 7, 'distance'],
    ['one literal too many', '14 616263 110000', 2, 'overflow'],
    ['one byte too few', '14 616263 110000', 4, 'short'],
    ['a match too long', '12 61 2100 00 110000', 3, 'overflow'],
    ['a zero run too long', '1101 12 61 1ffcffff 110000', 2051, 'overflow'],
    ['zero run cut before its length', '1101 12 61 1ffcff', 2052, 'truncated'],
    ['a length of a megabyte', `12 61 20 ${zeros(4200)} 01 0000 110000`, 16384, 'overflow'],
  ])('%s is refused', (_, source, length, reason) => {
    expect(verdict(lzo, hex(source), length)).toBe(reason);
  });

  it('names the codec that was asked, and says where', () => {
    const { error } = decode(lzoRle, hex('1101 12 61 4c00 00 110000'), 20);
    expect([error?.codec, error?.reason, error?.sourceOffset, error?.targetOffset]).toEqual([
      'lzo-rle',
      'distance',
      6,
      1,
    ]);
  });
});
