// Headers of a tar archive in the pax format (POSIX.1-2001): a ustar header, and before it, where that is too small, an
// extended header of records `length key=value\n`. Names are bytes and attribute values are binary, which is why this is
// written here: a pax record takes any bytes, as long as nobody makes text of them on the way.

import { joinBytes, utf8Decode, utf8Encode } from '@f2fskit/vfs';

/** Everything in an archive comes in blocks of this size. */
export const TAR_BLOCK = 512;

/** The kinds of entry that a volume needs. */
export const TarType = {
  file: '0',
  hardLink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
} as const;
export type TarType = (typeof TarType)[keyof typeof TarType];

export interface TarEntry {
  type: TarType;
  path: Uint8Array;
  /** Of links. */
  target?: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes that follow the header. */
  size: number;
  mtime: { seconds: number; nanoseconds: number };
  device?: { major: number; minor: number };
  /** More records: extended attributes, the map of a sparse file. */
  records?: ReadonlyArray<readonly [key: string | Uint8Array, value: string | Uint8Array]>;
}

const NAME_BYTES = 100;
const OCTAL_7 = 0o7777777;
const OCTAL_11 = 0o77777777777;

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === 'string' ? utf8Encode(text) : text);

function isUtf8(bytes: Uint8Array): boolean {
  const again = utf8Encode(utf8Decode(bytes));
  return again.length === bytes.length && again.every((byte, index) => byte === bytes[index]);
}

/** The header of an entry: one block, or an extended header before it. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const { path, target, uid, gid, size, mtime, records = [] } = entry;
  const more: Array<readonly [string | Uint8Array, string | Uint8Array]> = [];
  const names = target === undefined ? [path] : [path, target];
  if (!names.every(isUtf8)) more.push(['hdrcharset', 'BINARY']);
  if (path.length > NAME_BYTES || !isAscii(path)) more.push(['path', path]);
  if (target !== undefined && (target.length > NAME_BYTES || !isAscii(target))) more.push(['linkpath', target]);
  if (uid > OCTAL_7) more.push(['uid', String(uid)]);
  if (gid > OCTAL_7) more.push(['gid', String(gid)]);
  if (size > OCTAL_11) more.push(['size', String(size)]);
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > OCTAL_11) more.push(['mtime', timeText(mtime)]);
  more.push(...records);
  const header = ustar(entry, entry.type);
  if (more.length === 0) return header;
  const extended = joinBytes(...more.map(([key, value]) => paxRecord(bytesOf(key), bytesOf(value))));
  const first = ustar({ ...entry, path: utf8Encode('PaxHeaders/entry'), size: extended.length }, 'x');
  return joinBytes(first, padded(extended), header);
}

/** Zeros up to the next block. */
export function padding(bytes: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK - (bytes % TAR_BLOCK)) % TAR_BLOCK);
}

function padded(bytes: Uint8Array): Uint8Array {
  return joinBytes(bytes, padding(bytes.length));
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: Uint8Array, value: Uint8Array): Uint8Array {
  const rest = key.length + value.length + 3; // space, =, newline
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return joinBytes(utf8Encode(`${length} `), key, Uint8Array.of(0x3d), value, Uint8Array.of(0x0a));
}

/** Decimal seconds, exact to the nanosecond, also before 1970. */
function timeText({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string {
  const negative = seconds < 0;
  const whole = negative && nanoseconds > 0 ? seconds + 1 : seconds;
  const part = negative && nanoseconds > 0 ? 1_000_000_000 - nanoseconds : nanoseconds;
  const fraction = part === 0 ? '' : `.${String(part).padStart(9, '0').replace(/0+$/, '')}`;
  return `${negative ? '-' : ''}${Math.abs(whole)}${fraction}`;
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function ustar(entry: TarEntry, type: string): Uint8Array {
  const header = new Uint8Array(TAR_BLOCK);
  const text = (at: number, value: string): void => header.set(utf8Encode(value), at);
  const octal = (at: number, digits: number, value: number): void => text(at, value.toString(8).padStart(digits, '0'));
  header.set(entry.path.subarray(0, NAME_BYTES), 0);
  octal(100, 7, entry.mode & 0o7777);
  octal(108, 7, Math.min(entry.uid, OCTAL_7));
  octal(116, 7, Math.min(entry.gid, OCTAL_7));
  octal(124, 11, Math.min(entry.size, OCTAL_11));
  octal(136, 11, Math.max(0, Math.min(entry.mtime.seconds, OCTAL_11)));
  text(156, type);
  if (entry.target !== undefined && type !== 'x') header.set(entry.target.subarray(0, NAME_BYTES), 157);
  text(257, 'ustar\u000000');
  octal(329, 7, entry.device?.major ?? 0);
  octal(337, 7, entry.device?.minor ?? 0);
  // The checksum is that of the header with blanks in its place.
  text(148, '        ');
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(148, `${sum.toString(8).padStart(6, '0')}\u0000 `);
  return header;
}
