// Fields of headers and records, one by one; whole archives are in test/build-tar.test.ts.

import { FsError } from '@f2fskit/errno';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PaxRecords, readNumber, readPaxNumber, readPaxRecords, readPaxTime } from './tar-header.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** `length key=value\n`, short enough for two digits. */
const record = (key: string, value: string): string => `${key.length + value.length + 5} ${key}=${value}\n`;

describe('numbers', () => {
  it.each<[string, number]>([
    ['0000644\0', 0o644],
    ['   644 \0', 0o644],
    ['644\0junk', 0o644],
    ['\0\0\0\0\0\0\0\0', 0],
    ['        ', 0],
    ['77777777', 0o77777777],
    ['\x80\0\0\0\0\0\x01\0', 256],
    ['\x80\0\x1f\xff\xff\xff\xff\xff', 2 ** 45 - 1],
    ['\xff\xff\xff\xff\xff\xff\xff\xff', -1],
    ['\xff\xff\xff\xff\xff\xff\xff\0', -256],
  ])('%j is %d', (field, value) => {
    expect(readNumber(bytes(field), 0, 8, 0)).toBe(value);
  });

  it.each(['0000648\0', '-0000001', '\x80\x20\0\0\0\0\0\0', '\x80\xff\xff\xff\xff\xff\xff\xff'])(
    '%j is none',
    (field) => {
      expect(() => readNumber(bytes(field), 0, 8, 77)).toThrow(/at byte 77/);
    },
  );

  it('every number in base 256 comes back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const field = new Uint8Array(12);
        let rest = BigInt(value);
        for (let at = 11; at >= 0; at--, rest >>= 8n) field[at] = Number(rest & 0xffn);
        field[0] = field[0]! | 0x80;
        expect(readNumber(field, 0, 12, 0)).toBe(value);
      }),
    );
  });
});

describe('records', () => {
  it('any bytes may be in a value; the last one of a key counts; an empty one takes it away', () => {
    const records: PaxRecords = new Map([['gname', bytes('x')]]);
    const text = [
      record('path', 'a=b\n\xff c'),
      record('gname', ''),
      record('path', 'last'),
      record('SCHILY.xattr.user.e', ''),
    ];
    readPaxRecords(bytes(text.join('')), 0, records);
    expect([...records].map(([key, value]) => [key, Buffer.from(value).toString('latin1')])).toEqual([
      ['path', 'last'],
      ['SCHILY.xattr.user.e', ''],
    ]);
  });

  it.each(['x', '5 a=b', '8 ab=c\n', '6 abc\n', '-6 a=b\n', '9999999999 a=b\n', '5 a\n=\n', '0 \n'])(
    '%j is broken',
    (text) => {
      expect(() => readPaxRecords(bytes(text), 512, new Map())).toThrow(/broken \(at byte 512\)/);
    },
  );

  it('whatever the bytes, there are records or a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (any) => {
        try {
          readPaxRecords(any, 0, new Map());
        } catch (error) {
          expect(error).toBeInstanceOf(FsError);
        }
      }),
    );
  });

  it.each<[string, number, number]>([
    ['0', 0, 0],
    ['1700000000.123456789', 1_700_000_000, 123_456_789],
    ['1.5', 1, 500_000_000],
    ['1.', 1, 0],
    ['1.0000000019', 1, 1],
    ['-1', -1, 0],
    ['-0.25', -1, 750_000_000],
    ['-100.5', -101, 500_000_000],
  ])('the time %s', (text, seconds, nanoseconds) => {
    expect(readPaxTime(bytes(text), 0)).toEqual({ seconds, nanoseconds });
  });

  it.each(['', '.5', '1,5', '1e9', '9'.repeat(16)])('%j is no time', (text) => {
    expect(() => readPaxTime(bytes(text), 0)).toThrow(FsError);
  });

  it.each(['', '-1', '1.5', '0x10', '9'.repeat(17), String(2 ** 53)])('%j is no number', (text) => {
    expect(() => readPaxNumber(bytes(text), 0)).toThrow(FsError);
  });
});
