// Every encoder, at every level, on content of every kind. What must hold for all of them: what was written is read back;
// budgets are kept to the byte; nothing outside the target is touched; and the bytes depend on nothing but the arguments.

import fc from 'fast-check';
import lz4js from 'lz4js';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Codec, lz4, lz4jsEncoder, lzo, lzoRle } from '../src/index.ts';
import { loadZstd } from '../src/zstd-wasm/index.ts';
import { checkLz4Block } from './lz4-block.ts';
import {
  clusterBudget,
  content,
  contentKinds,
  decode,
  encode,
  enoughFor,
  same,
  sample,
  seeds,
  slice,
} from './support.ts';

const full = process.env['F2FSKIT_FULL'] !== undefined;
const levels = Array.from({ length: 12 }, (_, i) => i + 1);
/** A level of each kind is in every run: 1 and 9 search as far as their kind does least and most. */
const levelsTested = full ? levels : [1, 9, 10];

interface Encoder {
  name: string;
  codec: Codec;
  level: number | undefined;
}

let zstd: Codec;
beforeAll(async () => {
  zstd = await loadZstd();
});
/** Known before `zstd` is loaded, because tests are named by it. */
const lazyZstd: Codec = {
  name: 'zstd',
  id: 2,
  decompress: (source, target) => zstd.decompress(source, target),
  compress: (source, target, level) => zstd.compress!(source, target, level),
};

const encoders: Encoder[] = [
  { name: 'lz4', codec: lz4, level: undefined },
  ...levelsTested.map((level) => ({ name: `lz4 level ${level}`, codec: lz4, level })),
  { name: 'lz4 by lz4js', codec: { ...lz4, compress: lz4jsEncoder(lz4js) }, level: undefined },
  { name: 'lzo', codec: lzo, level: undefined },
  { name: 'lzo-rle', codec: lzoRle, level: undefined },
  ...(full ? [undefined, -5, 1, 3, 9, 15] : [undefined, 9]).map((level) => ({
    name: `zstd level ${level}`,
    codec: lazyZstd,
    level,
  })),
];

/** Encodes with a budget that suffices, and checks all that can be checked of the result alone. */
function roundTrip({ codec, level }: Encoder, source: Uint8Array): Uint8Array {
  const block = encode(codec.compress!, source, enoughFor(source.length), level);
  if (block === undefined) throw new Error(`${source.length} bytes do not fit`);
  expect(same(decode(codec, block, source.length).bytes, source)).toBe(true);
  if (codec.name === 'lz4') checkLz4Block(block, source);
  if (codec.name === 'lzo' || codec.name === 'lzo-rle') expect(block[0] !== 17 || block.length < 5).toBe(true);
  return block;
}

describe.each(encoders)('$name', (encoder) => {
  const { codec, level } = encoder;
  const compress = codec.compress!;
  /** Levels above 9 take seconds for a MiB of two letters. */
  const slow = (level ?? 0) > 9;

  it('is read back, at all lengths from 0 to 300', () => {
    for (let length = 0; length <= 300; length++) {
      for (let kind = 0; kind < contentKinds.length; kind++) {
        if (length > 80 && (length + kind) % (full ? 1 : 4) !== 0) continue;
        roundTrip(encoder, content(kind, length, length));
      }
    }
  });

  it('is read back, whatever the content', () => {
    fc.assert(
      fc.property(seeds, fc.nat(contentKinds.length - 1), fc.integer({ min: 0, max: 60_000 }), (seed, kind, length) => {
        roundTrip(encoder, content(kind, seed, length));
      }),
      slice(slow ? 3 : 12),
    );
  });

  it('is read back, in clusters of 16 KiB to 1 MiB', () => {
    const logMax = full && !slow ? 20 : 17;
    for (let log = 14; log <= logMax; log++) {
      for (let kind = 0; kind < contentKinds.length; kind++) {
        if (full || (kind + log) % 4 === 0) roundTrip(encoder, content(kind, log * 10 + kind, 2 ** log));
      }
    }
    if (level === undefined || level < 3) roundTrip(encoder, sample(20, 2 ** 20));
  });

  it('needs exactly the bytes that it writes: with one less it says 0, with more it writes the same', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.nat(contentKinds.length - 1),
        fc.integer({ min: 0, max: 6000 }),
        fc.nat(5000),
        (seed, kind, length, more) => {
          const source = content(kind, seed, length);
          const block = roundTrip(encoder, source);
          expect(encode(compress, source, block.length - 1, level)).toBeUndefined();
          expect(encode(compress, source, seed % block.length, level)).toBeUndefined();
          expect(same(encode(compress, source, block.length, level), block)).toBe(true);
          expect(same(encode(compress, source, block.length + more, level), block)).toBe(true);
        },
      ),
      slice(slow ? 10 : 30),
    );
  });

  it('needs exactly the bytes that it writes, wherever lengths of literals and matches take one byte more', () => {
    const noise = content(1, 6, 1200);
    for (let length = 1; length <= 560; length++) {
      const match = new Uint8Array(60 + length).fill(7);
      match.set(noise.subarray(0, 30));
      match.set(noise.subarray(30, 60), 30 + length);
      for (const source of [noise.subarray(0, length), match, match.subarray(0, 30 + length)]) {
        const block = encode(compress, source, enoughFor(source.length), level)!;
        expect(encode(compress, source, block.length, level)?.length, `${length}`).toBe(block.length);
        expect(encode(compress, source, block.length - 1, level), `${length}`).toBeUndefined();
      }
    }
  });

  it('says 0 for every budget below, down to none', () => {
    const source = sample(3, 400);
    const block = roundTrip(encoder, source);
    for (let budget = 0; budget < block.length; budget++) {
      expect(encode(compress, source, budget, level), `${budget}`).toBeUndefined();
    }
  });

  it('says 0 for a cluster that does not compress, and writes one that does', () => {
    const budget = clusterBudget(16384);
    expect(encode(compress, content(1, 1, 16384), budget, level)).toBeUndefined();
    expect(encode(compress, sample(1, 16384), budget, level)?.length).toBeLessThan(budget);
    expect(encode(compress, new Uint8Array(16384), budget, level)?.length).toBeLessThan(150);
  });

  it('gives the same bytes again, and after any other content', () => {
    const sources = contentKinds.map((_, kind) => content(kind, 77, 6000 + kind));
    const first = sources.map((source) => roundTrip(encoder, source));
    for (const [i, source] of sources.entries()) {
      expect(same(encode(compress, source, enoughFor(source.length), level), first[i]!)).toBe(true);
      encode(compress, source, 100, level); // stopped half way
      encode(compress, sample(i, 7000), enoughFor(7000), level);
    }
    for (const i of [2, 0, 5, 1]) {
      expect(same(encode(compress, sources[i]!, enoughFor(sources[i]!.length), level), first[i]!)).toBe(true);
    }
  });

  it('takes any source that is a part of a larger array, and any kind of memory', () => {
    const whole = new Uint8Array(new SharedArrayBuffer(9000));
    whole.set(sample(4, 9000));
    for (const start of [0, 1, 2, 3, 5]) {
      const part = whole.subarray(start, start + 8000);
      expect(same(roundTrip(encoder, part), roundTrip(encoder, part.slice()))).toBe(true);
    }
  });
});

describe('levels', () => {
  const text = sample(9, 32768);
  const bytesAt = (codec: Codec, level: number): number =>
    encode(codec.compress!, text, enoughFor(text.length), level)!.length;

  it('of lz4: more effort never gives much more, and all in all less', () => {
    const lengths = [0, ...levels].map((level) => bytesAt(lz4, level));
    for (let level = 1; level < lengths.length; level++) {
      expect(lengths[level], `level ${level}`).toBeLessThan(lengths[level - 1]! * 1.002);
    }
    expect(lengths[9]).toBeLessThan(lengths[0]! * 0.97);
    expect(lengths[12]).toBeLessThan(lengths[9]!);
  });

  it('of lz4: 13 to 16 are 12, what is below 1 or no number is 0', () => {
    const block = (level: number): Uint8Array => encode(lz4.compress!, content(0, 9, 8000), 8000, level)!;
    for (const level of [13, 16, 1000, Number.POSITIVE_INFINITY]) expect(same(block(level), block(12))).toBe(true);
    for (const level of [-1, -131072, 0.5, Number.NaN]) expect(same(block(level), block(0))).toBe(true);
    expect(same(block(3.7), block(3))).toBe(true);
    expect(same(block(12), block(3))).toBe(false);
  });

  it('of zstd: 1 is the default, the ends are kept', () => {
    expect(bytesAt(zstd, 0)).toBe(bytesAt(zstd, 1));
    expect(bytesAt(zstd, Number.NaN)).toBe(bytesAt(zstd, 1));
    expect(bytesAt(zstd, 100)).toBe(bytesAt(zstd, 22));
    expect(bytesAt(zstd, -1e9)).toBe(bytesAt(zstd, -131072));
    expect(bytesAt(zstd, 22)).toBeLessThan(bytesAt(zstd, -5));
  });

  it('of lzo: none', () => {
    expect(bytesAt(lzo, 9)).toBe(bytesAt(lzo, 0));
    expect(bytesAt(lzoRle, 9)).toBe(bytesAt(lzo, 0));
  });
});

describe('the memory of a call', () => {
  it.each(encoders.filter(({ codec }) => codec.name !== 'zstd'))(
    'is at most 4 KiB, after the first: $name',
    (encoder) => {
      const target = new Uint8Array(20_000);
      const sources = contentKinds.map((_, kind) => content(kind, 5, 16384));
      const run = (): void => {
        for (const source of sources) encoder.codec.compress!(source, target, encoder.level);
      };
      run();
      const before = process.memoryUsage().arrayBuffers;
      run();
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(sources.length * 4096);
    },
  );
});

describe('work', () => {
  /** Bytes of the source that a call reads, by index or through a view of it. */
  function readsOf(encoder: Encoder, source: Uint8Array, budget: number): number {
    let reads = 0;
    const { getInt32, getUint8 } = DataView.prototype;
    DataView.prototype.getInt32 = function (...args) {
      reads++;
      return getInt32.apply(this, args);
    };
    DataView.prototype.getUint8 = function (...args) {
      reads++;
      return getUint8.apply(this, args);
    };
    try {
      encoder.codec.compress!(source, new Uint8Array(budget), encoder.level);
    } finally {
      DataView.prototype.getInt32 = getInt32;
      DataView.prototype.getUint8 = getUint8;
    }
    return reads;
  }
  const ours = encoders.filter(({ codec, name }) => codec.name !== 'zstd' && name !== 'lz4 by lz4js');

  it.each(ours)('ends when the budget is gone: $name', (encoder) => {
    const level = encoder.level ?? 0;
    const sources = [sample(8, 131072)];
    // Without a level, noise is not worth a search, and so not worth stopping one.
    if (level > 0) sources.push(content(1, 8, 131072));
    for (const source of sources) {
      const all = readsOf(encoder, source, enoughFor(source.length));
      const cut = readsOf(encoder, source, 2000);
      expect(all).toBeGreaterThan(source.length / 20); // reads are being counted
      // Levels 10 to 12 plan 64 KiB at once, so they have done half of it.
      expect(cut).toBeLessThan(all * (level >= 10 ? 0.6 : 0.2));
    }
  });

  it.each(ours)('is a few steps for each byte of a run, a period or a pattern: $name', (encoder) => {
    for (const period of [1, 2, 3, 1000, 70_000]) {
      const source = new Uint8Array(300_000);
      for (let at = 0; at < source.length; at++) source[at] = at % period === 0 ? 1 : (at % period) >> 3;
      expect(readsOf(encoder, source, enoughFor(source.length)), `${period}`).toBeLessThan(source.length * 10);
    }
  });

  it.each(ours.filter(({ level }) => level === undefined))(
    'is next to none where nothing matches: $name',
    (encoder) => {
      expect(readsOf(encoder, content(1, 1, 131072), 131072)).toBeLessThan(131072 / 8);
    },
  );
});
