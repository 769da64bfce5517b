import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sample, slice } from '../../test/support.ts';
import { xxh64Low } from './xxh64.ts';

/** XXH64 with seed 0 as the specification reads, in BigInt. */
function xxh64(data: Uint8Array): bigint {
  const p1 = 0x9e3779b185ebca87n;
  const p2 = 0xc2b2ae3d27d4eb4fn;
  const p3 = 0x165667b19e3779f9n;
  const p4 = 0x85ebca77c2b2ae63n;
  const p5: bigint = 0x27d4eb2f165667c5n;
  const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
  const rotate = (value: bigint, bits: bigint): bigint => u64((value << bits) | (u64(value) >> (64n - bits)));
  const round = (lane: bigint, input: bigint): bigint => u64(rotate(u64(lane + input * p2), 31n) * p1);
  const read = (at: number, bytes: number): bigint => {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(data[at + i]!);
    return value;
  };
  let at = 0;
  let hash: bigint = p5;
  if (data.length >= 32) {
    const lanes: bigint[] = [u64(p1 + p2), p2, 0n, u64(-p1)];
    for (; at + 32 <= data.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i]!, read(at + 8 * i, 8));
    }
    hash = u64(rotate(lanes[0]!, 1n) + rotate(lanes[1]!, 7n) + rotate(lanes[2]!, 12n) + rotate(lanes[3]!, 18n));
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * p1 + p4);
  }
  hash = u64(hash + BigInt(data.length));
  for (; at + 8 <= data.length; at += 8) hash = u64(rotate(hash ^ round(0n, read(at, 8)), 27n) * p1 + p4);
  if (at + 4 <= data.length) {
    hash = u64(rotate(hash ^ u64(read(at, 4) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < data.length; at++) hash = u64(rotate(hash ^ u64(read(at, 1) * p5), 11n) * p1);
  hash = u64((hash ^ (hash >> 33n)) * p2);
  hash = u64((hash ^ (hash >> 29n)) * p3);
  return hash ^ (hash >> 32n);
}

describe('xxh64Low', () => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('of %j, as published', (text, hash) => {
    const data = new Uint8Array(Buffer.from(text));
    expect(xxh64(data)).toBe(hash);
    expect(xxh64Low(data)).toBe(Number(hash & 0xffff_ffffn));
  });

  it('is the low half of the specification, for every length up to 100', () => {
    const data = sample(1, 100);
    for (let length = 0; length <= 100; length++) {
      expect(xxh64Low(data.subarray(0, length)), `${length}`).toBe(Number(xxh64(data.slice(0, length)) & 0xffff_ffffn));
    }
  });

  it('is so for any bytes, at any offset of their buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), fc.nat(8), (bytes, offset) => {
        const data = bytes.subarray(Math.min(offset, bytes.length));
        expect(xxh64Low(data)).toBe(Number(xxh64(data) & 0xffff_ffffn));
      }),
      slice(200),
    );
  });
});
