// What callers may pass, checked once at the edge and turned into what the operations work with.

import type { PathLike as BytesOrText } from '@f2fskit/vfs';
import type { AbortSignalLike, BufferView, Encoding, PathLike, UrlLike } from './api.ts';
import { AbortError, invalidType, invalidUrl, invalidValue, outOfRange } from './argument-error.ts';

const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;

/** Text or bytes, without a NUL. Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, or an error about the URL. */
export function toPath(path: PathLike, name = 'path'): BytesOrText {
  const given = isUrl(path) ? urlPath(path) : path;
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    throw invalidType(name, 'of type string or an instance of Buffer or URL', path);
  }
  const nul = typeof given === 'string' ? given.includes('\0') : given.includes(0);
  if (nul) throw invalidValue(name, given, 'must be a string, Uint8Array, or URL without null bytes');
  return given;
}

function isUrl(path: unknown): path is UrlLike {
  if (typeof path !== 'object' || path === null || path instanceof Uint8Array) return false;
  const { href, protocol, pathname } = path as Partial<UrlLike>;
  return typeof href === 'string' && typeof protocol === 'string' && typeof pathname === 'string';
}

/** The path of a file URL, as bytes: `%FF` is a byte and need not be UTF-8. */
function urlPath(url: UrlLike): BytesOrText {
  if (url.protocol !== 'file:') throw invalidUrl('ERR_INVALID_URL_SCHEME', 'The URL must be of scheme file');
  if (url.hostname !== undefined && url.hostname !== '') {
    throw invalidUrl('ERR_INVALID_FILE_URL_HOST', 'File URL host must be "localhost" or empty on linux');
  }
  const { pathname } = url;
  if (/%2f/i.test(pathname)) {
    throw invalidUrl('ERR_INVALID_FILE_URL_PATH', 'File URL path must not include encoded / characters');
  }
  if (!pathname.includes('%')) return pathname;
  try {
    return decodeURIComponent(pathname);
  } catch {
    const bytes: number[] = [];
    for (let at = 0; at < pathname.length; at++) {
      const code = /^%[0-9a-f]{2}/i.test(pathname.slice(at, at + 3))
        ? parseInt(pathname.slice(at + 1, at + 3), 16)
        : -1;
      if (code >= 0) at += 2;
      bytes.push(code >= 0 ? code : pathname.charCodeAt(at)); // a URL's path is ASCII
    }
    return Uint8Array.from(bytes);
  }
}

export function checkFd(fd: unknown): number {
  if (typeof fd !== 'number') throw invalidType('fd', 'of type number', fd);
  return checkInteger(fd, 'fd', 0, INT32_MAX);
}

export function checkInteger(value: unknown, name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

/** Permission bits: a number, or octal digits. */
export function toMode(mode: unknown, name = 'mode'): number {
  if (typeof mode === 'string') {
    if (!/^[0-7]+$/.test(mode)) throw invalidValue(name, mode, 'must be a 32-bit unsigned integer or an octal string');
    return checkInteger(Number.parseInt(mode, 8), name, 0, UINT32_MAX) & 0o7777;
  }
  return checkInteger(mode, name, 0, UINT32_MAX) & 0o7777;
}

export function toBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidType(name, 'of type boolean', value);
  return value;
}

/** Options that may also be given as an encoding alone, or as null. */
export function toOptions<T extends object>(
  options: T | Encoding | 'buffer' | null | undefined,
): Partial<T> & { encoding?: unknown } {
  if (options === undefined || options === null || typeof options === 'function') return {};
  if (typeof options === 'string') return { encoding: options } as Partial<T> & { encoding?: unknown };
  if (typeof options !== 'object') throw invalidType('options', 'one of type string or object', options);
  return options;
}

/** The encoding asked for: `undefined` for none. Whether it exists is the platform's to say. */
export function toEncoding(encoding: unknown): Encoding | 'buffer' | undefined {
  if (encoding === undefined || encoding === null) return undefined;
  if (typeof encoding !== 'string') throw invalidValue('encoding', encoding, 'is invalid encoding');
  return encoding as Encoding | 'buffer';
}

export function toSignal(signal: unknown): AbortSignalLike | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal !== 'object' || !('aborted' in signal)) {
    throw invalidType('options.signal', 'an instance of AbortSignal', signal);
  }
  return signal as AbortSignalLike;
}

export function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw new AbortError(signal.reason);
}

/** The part of a buffer that a read fills: `offset` and `length` count bytes, also in a view of larger elements. */
export function toTarget(buffer: BufferView, offset?: number | null, length?: number | null): Uint8Array {
  if (!ArrayBuffer.isView(buffer))
    throw invalidType('buffer', 'an instance of Buffer, TypedArray, or DataView', buffer);
  const size = buffer.byteLength;
  const start = offset === undefined || offset === null ? 0 : checkInteger(offset, 'offset', 0);
  const count = length === undefined || length === null ? size - start : checkInteger(length, 'length', -(2 ** 53) + 1);
  if (count === 0) return EMPTY;
  if (size === 0) throw invalidValue('buffer', buffer, 'is empty and cannot be written');
  if (start > size) throw outOfRange('offset', `>= 0 && <= ${size}`, start);
  if (count < 0) throw outOfRange('length', '>= 0', count);
  if (count > size - start) throw outOfRange('length', `<= ${size - start}`, count);
  if (count === size && buffer instanceof Uint8Array) return buffer;
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, count);
}

/** The part of a buffer that is written. A length that is no number is all that is left. */
export function toSourceBytes(buffer: BufferView, offset?: number | null, length?: unknown): Uint8Array {
  const size = buffer.byteLength;
  const start = offset === undefined || offset === null ? 0 : checkInteger(offset, 'offset', 0);
  const count = typeof length === 'number' ? length : size - start;
  if (start > size) throw outOfRange('offset', `<= ${size}`, start);
  if (count > size - start) throw outOfRange('length', `<= ${size - start}`, count);
  if (count < 0) throw outOfRange('length', '>= 0', count);
  checkInteger(count, 'length', 0, INT32_MAX);
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, count);
}

const EMPTY = new Uint8Array(0);

/** The place to read at: -1 = where the file's position is. */
export function toPosition(position: unknown): number {
  if (position === undefined || position === null) return -1;
  if (typeof position === 'bigint') {
    if (position < -1n || position > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw outOfRange('position', `>= -1 && <= ${Number.MAX_SAFE_INTEGER}`, position);
    }
    return Number(position);
  }
  if (typeof position !== 'number') throw invalidType('position', 'one of type number or bigint', position);
  return checkInteger(position, 'position', -1);
}
