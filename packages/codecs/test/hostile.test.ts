// Every codec against sources that nobody would write. `decode` watches what must hold for all of them: no byte outside the
// target is written, none of the source is, and the call ends with the whole output or with a CodecError. What is left to
// check here is that truncation is always noticed, and that work and memory stay bounded.

import * as wasm from '@bokuweb/zstd-wasm';
import fc from 'fast-check';
import lz4js from 'lz4js';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Codec, CodecError, lz4, lzo, lzoRle, zstd } from '../src/index.ts';
import { decode, generator, hex, mutate, sample, seeds, slice } from './support.ts';

const contentBytes = 3000;
const content = sample(7, contentBytes);
/** Per codec, a source that stands for `contentBytes` bytes. */
const sources = new Map<Codec, Uint8Array>();

beforeAll(async () => {
  await wasm.init();
  const block = new Uint8Array(2 * contentBytes);
  const length = lz4js.compressBlock(content, block, 0, contentBytes, new Uint32Array(65536));
  sources.set(lz4, block.slice(0, length));
  sources.set(zstd, wasm.compress(content, 3));
  sources.set(lzo, lzoStream([], 0));
  // Version 1, in which the last 1000 bytes are a run of zeros.
  sources.set(lzoRle, lzoStream([0x1c, 0xfc, 0xff, (1000 - 4) >> 3], 1000));
});

/** Literals, then a long match, then `tail`, which stands for `tailBytes`. */
function lzoStream(tail: number[], tailBytes: number): Uint8Array {
  const literals = contentBytes - 400 - tailBytes;
  const version = tailBytes === 0 ? [] : [17, 1];
  const run = [0, ...lengthExtension(literals - 18), ...content.subarray(0, literals)];
  const match = [0x20, ...lengthExtension(400 - 33), ((0x123 - 1) & 63) << 2, (0x123 - 1) >> 6];
  return Uint8Array.from([...version, ...run, ...match, ...tail, 0x11, 0, 0]);
}

function lengthExtension(value: number): number[] {
  const zeros = Math.ceil(value / 255) - 1;
  return [...Array<number>(zeros).fill(0), value - 255 * zeros];
}

const codecs = [lz4, lzo, lzoRle, zstd];

describe.each(codecs)('$name', (codec) => {
  it('decodes the source that the other tests break', () => {
    expect(decode(codec, sources.get(codec)!, contentBytes).error).toBeUndefined();
  });

  it('notices a source that is cut after any of its bytes', () => {
    const source = sources.get(codec)!;
    for (let length = 0; length < source.length; length++) {
      expect(decode(codec, source.subarray(0, length), contentBytes).error, `${length}`).toBeInstanceOf(CodecError);
    }
  });

  it('notices bytes after the end', () => {
    const source = sources.get(codec)!;
    for (const extra of [[0], [0x11, 0, 0], [0xff, 0xff, 0xff, 0xff], [...source]]) {
      const { error } = decode(codec, Uint8Array.from([...source, ...extra]), contentBytes);
      expect(error).toBeInstanceOf(CodecError);
    }
  });

  it('survives any single bit flipped', () => {
    const source = sources.get(codec)!.slice();
    const step = process.env['F2FSKIT_FULL'] === undefined ? 5 : 1;
    for (let bit = 0; bit < source.length * 8; bit += step) {
      source[bit >> 3]! ^= 1 << (bit & 7);
      decode(codec, source, contentBytes);
      source[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  it('survives any few bytes changed, and any target', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 2 * contentBytes }), (seed, targetBytes) => {
        const broken = mutate(sources.get(codec)!, generator(seed));
        decode(codec, broken, contentBytes);
        decode(codec, broken, targetBytes);
      }),
      slice(250),
    );
  });

  it('survives random bytes, also behind a right beginning', () => {
    const beginnings: Record<string, string[]> = {
      lz4: ['', '1f610100'],
      lzo: ['', '12610000', '1101'],
      'lzo-rle': ['1101', '110112611f'],
      // A window; a compressed block of all that follows; and table modes that read every kind of table.
      zstd: [
        '28b52ffd',
        '28b52ffd0028',
        '28b52ffd0028a50f00',
        '28b52ffd0028a50f0008410194',
        '28b52ffd0028a50f00080a01a8',
      ],
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600, size: 'max' }), fc.nat(8), (bytes, pick) => {
        const choices = beginnings[codec.name]!;
        const source = Uint8Array.from([...hex(choices[pick % choices.length]!), ...bytes]);
        decode(codec, source, 4096);
        decode(codec, source, 32768);
      }),
      slice(250),
    );
  });

  it('works no more than a few steps per byte of source and target', () => {
    let most = 0;
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: contentBytes }), (seed, targetBytes) => {
        const random = generator(seed);
        const broken = seed % 3 === 0 ? sources.get(codec)! : mutate(sources.get(codec)!, random);
        const steps = countSteps(codec, broken, seed % 2 === 0 ? contentBytes : targetBytes);
        most = Math.max(most, steps / (broken.length + contentBytes));
      }),
      slice(30),
    );
    expect(most).toBeLessThan(6);
    expect(most).toBeGreaterThan(0.5); // steps are being counted
  });
});

/**
 * Bytes of source and target that a call reads or writes one by one or in bulk; words that zstd reads through a view of the
 * source are not among them. A stream that made its decoder loop without progress would have no bound here.
 */
function countSteps(codec: Codec, source: Uint8Array, targetBytes: number): number {
  let steps = 0;
  const counted = (array: Uint8Array): Uint8Array =>
    new Proxy(array, {
      get(_, key) {
        const value = Reflect.get(array, key, array) as unknown;
        if (typeof key === 'string' && key >= '0' && key <= '9\uffff') steps++;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (key === 'fill' || key === 'copyWithin') steps += (args[2] as number) - (args[1] as number);
          if (key === 'set') steps += (args[0] as Uint8Array).length;
          return (value as (...args: unknown[]) => unknown).apply(array, args);
        };
      },
      set(_, key, value) {
        steps++;
        return Reflect.set(array, key, value, array);
      },
    });
  try {
    codec.decompress(counted(source), counted(new Uint8Array(targetBytes)));
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
  return steps;
}

describe('memory', () => {
  it.each(codecs)('$name allocates less than 64 KiB a call, whatever the source says', (codec) => {
    const calls = 200;
    const random = generator(3);
    const broken = Array.from({ length: calls }, () => mutate(sources.get(codec)!, random));
    const target = new Uint8Array(contentBytes);
    const before = process.memoryUsage().arrayBuffers;
    for (const source of broken) {
      try {
        codec.decompress(source, target);
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
      }
    }
    // Nothing may have been collected yet, so this is the sum over all calls.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(calls * 65536);
  });
});
