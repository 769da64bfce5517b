import { Corruption } from '@f2fskit/errno';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bits64,
  bytes,
  decode,
  i64,
  layoutRows,
  struct,
  structs,
  u8,
  u16,
  u16s,
  u32,
  u32s,
  u64,
  viewOf,
} from './index.ts';

const Entry = struct('entry', 9, { version: u8(0), ino: u32(1, 'owner'), address: u32(5) });
const Everything = struct('everything', 71, {
  a: u8(0),
  b: u16(1),
  c: u32(3),
  d: u64(7),
  e: i64(15),
  f: bits64(23),
  g: bytes(31, 6),
  h: u16s(37, 2),
  i: u32s(41, 3),
  j: structs(53, Entry, 2),
});

describe('struct', () => {
  it('refuses a gap, an overlap and a wrong size, naming the field', () => {
    expect(() => struct('gap', 8, { a: u32(0), b: u16(6) })).toThrow(/gap\.b starts at 6.*ends at 4/);
    expect(() => struct('overlap', 6, { a: u32(0), b: u32(2) })).toThrow(/overlap\.b starts at 2/);
    expect(() => struct('short', 9, { a: u64(0) })).toThrow(/short is 9 bytes, but its fields end at 8/);
    expect(() => struct('late', 5, { a: u32(1) })).toThrow(/late\.a starts at 1/);
  });

  it('takes fields in any order and lists them by offset', () => {
    const swapped = struct('swapped', 6, { b: u16(4, 'second'), a: u32(0, 'first') });
    expect(layoutRows(swapped)).toEqual([
      { offset: 0, size: 4, type: 'u32', name: 'a', note: 'first' },
      { offset: 4, size: 2, type: 'u16', name: 'b', note: 'second' },
    ]);
    expect(layoutRows(Everything).map((row) => row.type)).toEqual([
      'u8',
      'u16',
      'u32',
      'u64',
      'i64',
      'bits64',
      'u8[6]',
      'u16[2]',
      'u32[3]',
      'entry[2]',
    ]);
  });

  it('writes little-endian at any alignment, and nothing outside the field', () => {
    const data = new Uint8Array(80).fill(0xaa);
    const view = viewOf(data);
    Entry.ino.set(view, 3, 0x01020304);
    expect([...data.subarray(3, 9)]).toEqual([0xaa, 4, 3, 2, 1, 0xaa]);
  });

  it('reads back what it wrote, through the fields and through decode', () => {
    fc.assert(
      fc.property(
        fc.record({
          at: fc.nat(9),
          a: fc.nat(0xff),
          b: fc.nat(0xffff),
          c: fc.nat(0xffffffff),
          d: fc.maxSafeNat(),
          e: fc.maxSafeInteger(),
          f: fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)),
          i: fc.array(fc.nat(0xffffffff), { minLength: 3, maxLength: 3 }),
        }),
        ({ at, a, b, c, d, e, f, i }) => {
          const view = viewOf(new Uint8Array(90));
          Everything.a.set(view, at, a);
          Everything.b.set(view, at, b);
          Everything.c.set(view, at, c);
          Everything.d.set(view, at, d);
          Everything.e.set(view, at, e);
          Everything.f.set(view, at, f[0], f[1]);
          i.forEach((value, index) => {
            Everything.i.set(view, at, index, value);
          });
          expect(Everything.d.get(view, at)).toBe(d);
          expect(Everything.e.get(view, at)).toBe(e);
          expect([Everything.f.low(view, at), Everything.f.high(view, at)]).toEqual(f);
          expect(view.getBigInt64(at + 15, true)).toBe(BigInt(e));
          const record = decode(Everything, view, at);
          expect(record).toMatchObject({ a, b, c, d, e, i, f: BigInt(f[0]) + (BigInt(f[1]) << 32n) });
        },
      ),
    );
  });

  it('refuses 64-bit numbers beyond 2^53 and says where and what', () => {
    const view = viewOf(new Uint8Array(80));
    view.setBigUint64(7, 1n << 62n, true);
    view.setBigInt64(15, -(1n << 60n), true);
    expect(Everything.d.fits(view, 0)).toBe(false);
    expect(Everything.e.fits(view, 0)).toBe(false);
    for (const [field, offset] of [
      [Everything.d, 7],
      [Everything.e, 15],
    ] as const) {
      try {
        field.get(view, 0);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(Corruption);
        expect((error as Corruption).where.offset).toBe(offset);
      }
    }
    expect(decode(Everything, view).d).toBe(1n << 62n); // a dump still shows it
    view.setBigUint64(7, (1n << 53n) - 1n, true);
    expect(Everything.d.get(view, 0)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('bytes: a window when read, padded with zeros when written; decode copies', () => {
    const data = new Uint8Array(80).fill(7);
    const view = viewOf(data);
    Everything.g.set(view, 0, Uint8Array.of(1, 2, 3));
    expect([...data.subarray(30, 38)]).toEqual([7, 1, 2, 3, 0, 0, 0, 7]);
    const window = Everything.g.get(view, 0);
    const copy = decode(Everything, view).g as Uint8Array;
    data[31] = 99;
    expect(window[0]).toBe(99);
    expect(copy[0]).toBe(1);
  });

  it('structs: record after record', () => {
    const view = viewOf(new Uint8Array(80));
    Entry.address.set(view, Everything.j.at(0, 1), 0xfffffffe);
    expect(view.getUint32(53 + 9 + 5, true)).toBe(0xfffffffe);
    expect(decode(Everything, view).j).toEqual([
      { version: 0, ino: 0, address: 0 },
      { version: 0, ino: 0, address: 0xfffffffe },
    ]);
  });
});
