// Text fields of a superblock as they are, sound or not.

import { utf8Decode } from '@f2fskit/vfs';

/** The bytes before the first NUL. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** UTF-16LE code units up to the first zero. */
export function utf16Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const unit = bytes[at]! | (bytes[at + 1]! << 8);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}

/** `00112233-4455-6677-8899-aabbccddeeff`, in the order of the bytes. */
export function uuidOf(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const EXTENSION_BYTES = 8;

/** The extensions of the list; those behind the first `coldCount` are marked hot. */
export function extensionsOf(list: Uint8Array, coldCount: number): string[] {
  const shown: string[] = [];
  for (let at = 0; at < list.length; at += EXTENSION_BYTES) {
    const name = utf8Decode(untilNul(list.subarray(at, at + EXTENSION_BYTES)));
    if (name !== '') shown.push(at / EXTENSION_BYTES < coldCount ? name : `${name} (hot)`);
  }
  return shown;
}
