import fc from 'fast-check';
import { expect, it } from 'vitest';
import { corePlatform } from './index.ts';
import { nodePlatform } from './node/index.ts';

const encodings = [
  'utf8',
  'utf-8',
  'latin1',
  'binary',
  'ascii',
  'hex',
  'base64',
  'base64url',
  'utf16le',
  'utf-16le',
  'ucs2',
  'ucs-2',
] as const;

it.each(encodings)('%s of any bytes is what Buffer makes of them', (encoding) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10_000, size: 'max' }), (bytes) => {
      const text = Buffer.from(bytes).toString(encoding);
      expect(corePlatform.text(bytes, encoding)).toBe(text);
      expect(nodePlatform.text(bytes, encoding)).toBe(text);
    }),
    { numRuns: 50 },
  );
});

it.each([corePlatform, nodePlatform])('refuses an encoding that does not exist', (platform) => {
  expect(() => platform.text(new Uint8Array(1), 'utf-7' as 'utf8')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' }),
  );
});

it('Node has Buffers over the same memory', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  const buffer = nodePlatform.bytes(bytes);
  bytes[0] = 9;
  expect([...buffer]).toEqual([9, 3]);
  expect(Buffer.isBuffer(buffer)).toBe(true);
  expect(corePlatform.bytes(bytes)).toBe(bytes);
});
