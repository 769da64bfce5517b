import * as wasm from '@bokuweb/zstd-wasm';
import { AssertionError } from '@f2fskit/errno';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode, encode, same, sample } from '../../test/support.ts';
import { frame } from '../../test/zstd-frame.ts';
import { zstd } from '../zstd.ts';
import { loadZstd, type ZstdWasm } from '../zstd-wasm/index.ts';
import { zstdCodec } from './encoder.ts';

beforeAll(() => loadZstd());

const source = sample(1, 16384);

describe('zstdCodec', () => {
  it('passes source and level on, and copies the frame', () => {
    const calls: number[][] = [];
    const codec = zstdCodec((bytes, level) => {
      calls.push([bytes.length, level]);
      return wasm.compress(bytes, level);
    });
    calls.length = 0;
    const written = encode(codec.compress!, source, 12000, 3)!;
    expect(calls).toEqual([[16384, 3]]);
    expect(same(written, wasm.compress(source, 3))).toBe(true);
    expect(same(decode(codec, written, 16384).bytes, source)).toBe(true);
  });

  it('says 0 where the library gives too much, or an error', () => {
    let answer = (): Uint8Array => new Uint8Array(20_000);
    let probing = true;
    const codec = zstdCodec((bytes, level) => (probing ? wasm.compress(bytes, level) : answer()));
    probing = false;
    expect(encode(codec.compress!, source, 16384)).toBeUndefined();
    answer = () => {
      throw new RangeError('out of memory');
    };
    expect(encode(codec.compress!, source, 16384)).toBeUndefined();
  });

  // Each is zstd to every zstd tool, and cannot be read by f2fs.
  it.each([
    ['a window above the content', () => frame(17, [...rawBlock(source)])],
    ['a frame of other content', () => wasm.compress(source.subarray(1), 1)],
    ['two frames', () => Uint8Array.from([...wasm.compress(source, 1), ...wasm.compress(source, 1)])],
    ['a byte before the frame', () => Uint8Array.from([0, ...wasm.compress(source, 1)])],
    ['nothing', () => new Uint8Array(0)],
  ])('lets no frame out that could not be read back: %s', (_, bad) => {
    let probing = true;
    const codec = zstdCodec((bytes, level) => (probing ? wasm.compress(bytes, level) : bad()));
    probing = false;
    expect(encode(codec.compress!, source, 40_000)).toBeUndefined();
  });

  it.each([
    ['no frames', () => new Uint8Array(30)],
    ['frames of something else', () => wasm.compress(new Uint8Array(4096), 1)],
    [
      'an error each time',
      () => {
        throw new Error('not loaded');
      },
    ],
  ])('refuses an encoder that gives %s, when it is handed over', (_, bad) => {
    expect(() => zstdCodec(bad)).toThrow(AssertionError);
  });
});

/** One raw block that is the last, behind its header. */
function rawBlock(bytes: Uint8Array): number[] {
  const header = 1 | (bytes.length << 3);
  return [header & 255, (header >> 8) & 255, header >> 16, ...bytes];
}

describe('loadZstd', () => {
  /** A module that counts: it works once it is initialised, as the real one does. */
  function counting(initialised: boolean): ZstdWasm & { inits: number } {
    return {
      inits: 0,
      async init() {
        this.inits++;
        await Promise.resolve();
        initialised = true;
      },
      compress(bytes, level) {
        if (!initialised) throw new TypeError('no exports yet');
        return wasm.compress(bytes, level);
      },
    };
  }

  it('initialises a module once, whoever asks and how often', async () => {
    const module = counting(false);
    const codecs = await Promise.all([loadZstd(module), loadZstd(module), loadZstd(module)]);
    expect(module.inits).toBe(1);
    expect(await loadZstd(module)).toBe(codecs[0]);
    expect(encode(codecs[0].compress!, source, 16384)).toBeDefined();
  });

  it('does not initialise a module that is so already', async () => {
    const module = counting(true);
    await loadZstd(module);
    expect(module.inits).toBe(0);
  });

  it('loads the package by itself', async () => {
    expect(same(encode((await loadZstd()).compress!, source, 16384)!, wasm.compress(source, 1))).toBe(true);
  });
});

describe('the default codec', () => {
  it('cannot write, and says what would', () => {
    expect(zstd.compress).toBeUndefined();
    expect(zstd.compressHint).toMatch(/@bokuweb\/zstd-wasm/);
  });
});
