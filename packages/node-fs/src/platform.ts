// What the surface needs of the platform it runs on. The core makes plain byte arrays and knows the encodings below; Node's
// entry (`@f2fskit/node-fs/node`) makes Buffers, knows all of Buffer's encodings, and its handles have streams.

import { utf8Decode, utf8Encode } from '@f2fskit/vfs';
import type { Encoding } from './api.ts';
import { invalidValue } from './argument-error.ts';
import type { FsContext } from './context.ts';
import { FileHandle } from './file-handle.ts';

export interface Platform<B extends Uint8Array = Uint8Array, H extends FileHandle<B> = FileHandle<B>> {
  /** The same bytes, not a copy, as the platform's own kind of byte array. */
  bytes(view: Uint8Array): B;
  /** Text of the bytes. Throws ERR_INVALID_ARG_VALUE for an encoding it does not know. */
  text(bytes: Uint8Array, encoding: Encoding): string;
  /** The bytes of a text; `undefined` for an encoding it does not know. */
  encode(text: string, encoding: Encoding): Uint8Array | undefined;
  /** The handle of a descriptor: the platform's own kind may have more methods. */
  handle(context: FsContext<B, H>, fd: number): H;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64_URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Works everywhere: `Uint8Array`, and the encodings utf8, latin1, ascii, hex, base64, base64url and utf16le. */
export const corePlatform: Platform = {
  bytes: (view) => view,
  handle: (context, fd) => new FileHandle(context, fd),
  encode,
  text(bytes, encoding) {
    switch (encoding.toLowerCase()) {
      case 'utf8':
      case 'utf-8':
        return utf8Decode(bytes);
      case 'latin1':
      case 'binary':
        return units(bytes, (byte) => byte);
      case 'ascii':
        return units(bytes, (byte) => byte & 0x7f);
      case 'hex': {
        let text = '';
        for (const byte of bytes) text += HEX[byte];
        return text;
      }
      case 'base64':
        return base64(bytes, BASE64, '=');
      case 'base64url':
        return base64(bytes, BASE64_URL, '');
      case 'utf16le':
      case 'utf-16le':
      case 'ucs2':
      case 'ucs-2':
        return units(bytes.subarray(0, bytes.length >> 1), (_, at) => bytes[2 * at]! | (bytes[2 * at + 1]! << 8));
      default:
        throw invalidValue('encoding', encoding, 'is invalid encoding');
    }
  },
};

/** The bytes of `text`, as Buffer makes them: what is no digit ends it (hex) or is passed over (base64). */
function encode(text: string, encoding: string): Uint8Array | undefined {
  switch (encoding.toLowerCase()) {
    case 'utf8':
    case 'utf-8':
      return utf8Encode(text);
    case 'latin1':
    case 'binary':
    case 'ascii':
      return Uint8Array.from(text.split(''), (unit) => unit.charCodeAt(0));
    case 'hex': {
      const digits = /^(?:[0-9a-f]{2})*/i.exec(text)![0];
      return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
        Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
      );
    }
    case 'base64':
    case 'base64url':
      return base64Bytes(text);
    case 'utf16le':
    case 'utf-16le':
    case 'ucs2':
    case 'ucs-2':
      return Uint8Array.from(
        { length: 2 * text.length },
        (_, at) => (text.charCodeAt(at >> 1) >> (8 * (at & 1))) & 0xff,
      );
    default:
      return undefined;
  }
}

/** Either alphabet; ends at the first `=`. */
function base64Bytes(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const letter of text) {
    if (letter === '=') break;
    const digit = Math.max(BASE64.indexOf(letter), BASE64_URL.indexOf(letter));
    if (digit < 0) continue;
    bits = ((bits << 6) | digit) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** One UTF-16 unit for each byte of `bytes`. */
function units(bytes: Uint8Array, unit: (byte: number, at: number) => number): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096) {
    const codes = Array.from(bytes.subarray(at, at + 4096), (byte, index) => unit(byte, at + index));
    parts.push(String.fromCharCode(...codes));
  }
  return parts.join('');
}

function base64(bytes: Uint8Array, alphabet: string, pad: string): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]!;
    text += left > 1 ? alphabet[(bits >> 6) & 63]! : pad;
    text += left > 2 ? alphabet[bits & 63]! : pad;
  }
  return text;
}
