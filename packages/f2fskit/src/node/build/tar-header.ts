// One header block of a tar archive, and the records of an extended one. Names are bytes and values of attributes are binary:
// nothing is made text of on the way. That is why no library is used here: those for Node decode pax records to strings, and
// know no sparse files.
//
// Source: POSIX pax (ustar interchange format), GNU tar manual "Basic Tar Format" and "Storing Sparse Files".

import { EINVAL, FsError } from '@f2fskit/errno';
import type { Timestamp } from '@f2fskit/vfs';

/** Everything in an archive comes in blocks of this size. */
export const TAR_BLOCK = 512;

/** Runs of data [position, length]. */
export type Runs = Array<[position: number, length: number]>;

export interface TarHeader {
  /** The type flag, one character. */
  type: string;
  path: Uint8Array;
  /** Of links. */
  target: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes behind the header. */
  size: number;
  mtime: number;
  major: number;
  minor: number;
  /** GNU's own format has other things where ustar has the start of the path. */
  gnu: boolean;
}

/** What is wrong with an archive, and where. */
export function tarError(offset: number, what: string): FsError {
  return new FsError(EINVAL, `tar: ${what} (at byte ${offset})`);
}

export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** Whether the checksum is right: sums of signed bytes were in use as well. */
export function isHeader(block: Uint8Array): boolean {
  const expected = octal(block, 148, 8);
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < TAR_BLOCK; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : block[at]!;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return expected === unsigned || expected === signed;
}

/** Reads a header whose checksum is right. Throws EINVAL for numbers that no file has. */
export function readHeader(block: Uint8Array, offset: number): TarHeader {
  const number = (at: number, length: number): number => readNumber(block, at, length, offset);
  const gnu = text(block, 257, 8) === 'ustar  ';
  const name = untilNul(block, 0, 100);
  const hasPrefix = !gnu && text(block, 257, 6) === 'ustar' && block[345] !== 0;
  // star keeps times behind a shorter one.
  const prefix = hasPrefix ? untilNul(block, 345, text(block, 508, 4) === 'tar' ? 131 : 155) : undefined;
  const size = number(124, 12);
  if (size < 0) throw tarError(offset, 'a size below zero');
  return {
    type: String.fromCharCode(block[156]!),
    path: prefix === undefined ? name : Buffer.concat([prefix, SLASH, name]),
    target: untilNul(block, 157, 100),
    mode: number(100, 8) & 0o7777,
    uid: number(108, 8),
    gid: number(116, 8),
    size,
    mtime: number(136, 12),
    major: number(329, 8),
    minor: number(337, 8),
    gnu,
  };
}

const SLASH = Buffer.from('/');

/** A field with a number, in digits or in bytes. Throws EINVAL for one that no file has. */
export function readNumber(block: Uint8Array, at: number, length: number, offset: number): number {
  const value = (block[at]! & 0x80) === 0 ? octal(block, at, length) : binary(block, at, length);
  if (!Number.isSafeInteger(value)) throw tarError(offset, 'a number in a header is no number, or too large');
  return value;
}

/** Runs in a header of GNU's first format for sparse files, or in a block that goes on with it. */
export function readOldSparse(block: Uint8Array, at: number, count: number, offset: number, runs: Runs): void {
  for (let index = 0; index < count && block[at] !== 0; index++, at += 24) {
    runs.push([readNumber(block, at, 12, offset), readNumber(block, at + 12, 12, offset)]);
  }
}

/** Records of an extended header by their keys, the last one of a key. */
export type PaxRecords = Map<string, Uint8Array>;

/**
 * Adds the records in `bytes`. Runs of GNU's format 0.0 repeat their keys: they are joined, `position,length,…`, as format 0.1
 * has them. Throws EINVAL for what is no record.
 */
export function readPaxRecords(bytes: Uint8Array, offset: number, records: PaxRecords): void {
  const map: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? '' : latin1(bytes.subarray(at, space));
    const length = /^\d{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const sign = bytes.indexOf(0x3d, space);
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a || sign < 0 || sign >= end) {
      throw tarError(offset + at, 'an extended header that is broken');
    }
    const key = latin1(bytes.subarray(space + 1, sign));
    const value = bytes.slice(sign + 1, end - 1);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') map.push(latin1(value));
    // Nothing takes away what a header for all files said.
    else if (value.length === 0 && !key.startsWith('SCHILY.xattr.')) records.delete(key);
    else records.set(key, value);
    at = end;
  }
  if (map.length > 0) records.set('GNU.sparse.map', Buffer.from(map.join(',')));
}

/** A decimal number with a fraction, exact to the nanosecond, also before 1970. */
export function readPaxTime(value: Uint8Array, offset: number): Timestamp {
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(latin1(value)) ?? [];
  if (whole === undefined) throw tarError(offset, 'a time that is none');
  const nanoseconds = Number(fraction.padEnd(9, '0').slice(0, 9));
  if (sign === '') return { seconds: Number(whole), nanoseconds };
  if (nanoseconds === 0) return { seconds: 0 - Number(whole), nanoseconds };
  return { seconds: -Number(whole) - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** A whole number of decimal digits. */
export function readPaxNumber(value: Uint8Array, offset: number): number {
  const digits = latin1(value);
  const number = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(number))
    throw tarError(offset, 'a number in an extended header is no number, or too large');
  return number;
}

/** Octal digits between blanks and NULs; nothing is 0. */
function octal(block: Uint8Array, at: number, length: number): number {
  const digits = text(block, at, length).trim();
  if (digits === '') return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** GNU's way: a number in two's complement, with the highest bit as the mark. */
function binary(block: Uint8Array, at: number, length: number): number {
  const negative = (block[at]! & 0x40) !== 0;
  let value = 0;
  for (let index = 0; index < length; index++) {
    const byte = index === 0 ? block[at]! & 0x3f : block[at + index]!;
    value = value * 256 + (negative ? byte ^ (index === 0 ? 0x3f : 0xff) : byte);
  }
  return negative ? -value - 1 : value;
}

function untilNul(block: Uint8Array, at: number, length: number): Uint8Array {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.slice(0, end < 0 ? length : end);
}

const text = (block: Uint8Array, at: number, length: number): string => latin1(untilNul(block, at, length));

/** Every byte a character. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
