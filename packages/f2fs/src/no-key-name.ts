// Names in encrypted directories are ciphertext. Without the key Linux shows each in a form that is unique and printable,
// and so do we: base64url, without padding, of
//
//   hash u32 | 0 u32 | ciphertext, at most 149 bytes | SHA-256 of what is longer
//
// The same form, with hash 0, shows the target of an encrypted symlink. Source: spec 12.1; kernel fs/crypto/fname.c.

import { sha256 } from '@noble/hashes/sha2.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const CIPHERTEXT_SHOWN_MAX = 149;

/** The no-key form of a ciphertext name, as bytes (it is ASCII). */
export function noKeyName(hash: number, ciphertext: Uint8Array): Uint8Array {
  const shown = ciphertext.subarray(0, CIPHERTEXT_SHOWN_MAX);
  const rest = ciphertext.subarray(CIPHERTEXT_SHOWN_MAX);
  const digest = rest.length > 0 ? sha256(rest) : new Uint8Array(0);
  const raw = new Uint8Array(8 + shown.length + digest.length);
  new DataView(raw.buffer).setUint32(0, hash, true);
  raw.set(shown, 8);
  raw.set(digest, 8 + shown.length);
  return base64url(raw);
}

function base64url(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.ceil((bytes.length * 4) / 3));
  let end = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let shift = 18; shift >= 0 && end < text.length; shift -= 6) {
      text[end++] = ALPHABET.charCodeAt((word >> shift) & 0x3f);
    }
  }
  return text;
}
