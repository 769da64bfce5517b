import * as zlib from 'node:zlib';
import * as wasm from '@bokuweb/zstd-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode, encode, enoughFor, hex, same, sample, verdict } from '../../test/support.ts';
import { type Codec, CodecError, defaultCodecs, zstd } from '../index.ts';
import { nodeZstd, registerNodeCodecs, type ZlibWithZstd } from './index.ts';

beforeAll(() => wasm.init());

/** A stand-in for node:zlib on a Node that has no zstd, so that the same is tested on every Node. */
const standIn: ZlibWithZstd = {
  zstdDecompressSync(source, { maxOutputLength }) {
    const output = wasm.decompress(source, { defaultHeapSize: 1 << 20 });
    if (output.length > maxOutputLength) throw Object.assign(new RangeError('large'), { code: 'ERR_BUFFER_TOO_LARGE' });
    return output;
  },
  zstdCompressSync(source, { maxOutputLength, params }) {
    const output = wasm.compress(source, params[100]);
    if (output.length > maxOutputLength) throw Object.assign(new RangeError('large'), { code: 'ERR_BUFFER_TOO_LARGE' });
    return output;
  },
};

const native = (zlib as ZlibWithZstd).zstdDecompressSync !== undefined;
const hosts: Array<[string, ZlibWithZstd]> = [['a stand-in', standIn]];
if (native) hosts.push(['node:zlib', zlib as ZlibWithZstd]);

describe.each(hosts)('zstd by %s', (_, host) => {
  let codec: Codec;
  beforeAll(() => {
    codec = nodeZstd(host)!;
  });

  it('decodes, sized and as Linux writes it', () => {
    for (const length of [0, 1, 63, 64, 65, 5000, 200_000]) {
      const content = sample(length, length);
      expect(same(decode(codec, wasm.compress(content, 3), length).bytes, content)).toBe(true);
    }
    const zeros = hex('28b52ffd00204c00001000000100fb9f0758010000');
    expect(same(decode(codec, zeros, 16384).bytes, new Uint8Array(16384))).toBe(true);
  });

  it('refuses what the default codec refuses', () => {
    const content = sample(5, 5000);
    const source = wasm.compress(content, 3);
    const twice = Uint8Array.from([...source, ...source]);
    expect(verdict(codec, twice, 10_000)).toBe(verdict(zstd, twice, 10_000));
    for (const broken of [source.subarray(0, -1), Uint8Array.from([...source, 0]), hex('502a4d1800000000')]) {
      expect(verdict(codec, broken, 5000)).toBe(verdict(zstd, broken, 5000));
    }
    expect(verdict(codec, source, 4999)).toBe('overflow');
    expect(verdict(codec, source, 5001)).toBe('short');
    // 1280 MiB as content size, as window.
    expect(verdict(codec, hex('28b52ffd a0 00000050 010000'), 16384)).toBe('overflow');
    expect(verdict(codec, hex('28b52ffd 00 a2 010000 000000'), 16384)).toBe('unsupported');
  });

  it('reports outputs of another length than the target, which unsized frames have', () => {
    const zeros = hex('28b52ffd00204c00001000000100fb9f0758010000');
    expect(verdict(codec, zeros, 16385)).toBe('short');
    expect(verdict(codec, zeros, 16383)).toBe('overflow');
  });

  it('wraps an error of the library', () => {
    const source = wasm.compress(sample(5, 5000), 3);
    source[100]! ^= 0xff;
    source[source.length - 1] = 0; // no marker at the end of the last bit stream
    const { error } = decode(codec, source, 5000);
    expect(error).toBeInstanceOf(CodecError);
    expect(error?.reason).toBe('library');
    expect(error?.cause).toBeInstanceOf(Error);
  });
});

describe.each(hosts)('zstd written by %s', (_, host) => {
  it('is read back by the default codec, and is one sized frame without checksum', () => {
    const codec = nodeZstd(host)!;
    for (const level of [undefined, 0, -7, 1, 9]) {
      for (const length of [0, 1, 63, 64, 5000, 16384, 300_000]) {
        const source = sample(length, length);
        const frame = encode(codec.compress!, source, enoughFor(length), level)!;
        expect(same(decode(zstd, frame, length).bytes, source)).toBe(true);
        expect(frame[4]! & 0x3f, 'single segment, no checksum, no dictionary').toBe(0x20);
      }
    }
  });

  it('keeps its budget to the byte', () => {
    const codec = nodeZstd(host)!;
    for (const length of [0, 1, 40, 1000, 16384]) {
      const source = sample(length, length);
      const frame = encode(codec.compress!, source, enoughFor(length))!;
      expect(same(encode(codec.compress!, source, frame.length), frame)).toBe(true);
      for (const budget of [frame.length - 1, frame.length >> 1, 64, 63, 1, 0]) {
        if (budget < frame.length) expect(encode(codec.compress!, source, budget)).toBeUndefined();
      }
    }
  });

  it('passes the level on', () => {
    const codec = nodeZstd(host)!;
    const source = sample(4, 65536);
    const bytes = [-7, 1, 19].map((level) => encode(codec.compress!, source, 65536, level)!.length);
    expect(bytes[0]).toBeGreaterThan(bytes[1]!);
    expect(bytes[1]).toBeGreaterThan(bytes[2]!);
  });
});

describe('registerNodeCodecs', () => {
  it('replaces zstd where this Node has it, and else leaves the default', () => {
    const registry = defaultCodecs();
    expect(registerNodeCodecs(registry)).toEqual(native ? ['zstd'] : []);
    expect(registry.get('zstd') === zstd).toBe(!native);
    expect(registry.list()).toHaveLength(4);
  });

  it('has no codec for a host without zstd', () => {
    expect(nodeZstd({})).toBeUndefined();
    expect(nodeZstd({ zstdDecompressSync: standIn.zstdDecompressSync! })).toBeUndefined();
  });
});
