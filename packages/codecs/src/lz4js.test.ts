import fc from 'fast-check';
import lz4js from 'lz4js';
import { describe, expect, it } from 'vitest';
import { checkLz4Block } from '../test/lz4-block.ts';
import { content, contentKinds, encode, enoughFor, seeds, slice } from '../test/support.ts';
import { lz4jsEncoder } from './lz4js.ts';

describe('lz4jsEncoder', () => {
  const compress = lz4jsEncoder(lz4js);

  it('makes legal blocks out of those of lz4js, many of which are not', () => {
    let illegal = 0;
    fc.assert(
      fc.property(seeds, fc.nat(contentKinds.length - 1), fc.integer({ min: 0, max: 3000 }), (seed, kind, length) => {
        const source = content(kind, seed, length);
        checkLz4Block(encode(compress, source, enoughFor(length))!, source);
        const raw = new Uint8Array(enoughFor(length));
        const rawLength = lz4js.compressBlock(source, raw, 0, length, new Uint32Array(65536));
        if (rawLength === 0) return;
        try {
          checkLz4Block(raw.subarray(0, rawLength), source);
        } catch {
          illegal++;
        }
      }),
      slice(400),
    );
    expect(illegal).toBeGreaterThan(3);
  });

  it('has a table of its own for each encoder, cleared for each block', () => {
    const source = content(0, 1, 5000);
    const first = encode(compress, source, 5000)!;
    expect(encode(lz4jsEncoder(lz4js), source, 5000)).toEqual(first);
    expect(encode(compress, source, 5000)).toEqual(first);
  });
});
