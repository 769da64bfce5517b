// UTF-8, without a platform: core packages compile without DOM and Node types. Names are bytes; strings exist at the edge.

/** Encodes a string; a lone surrogate becomes U+FFFD, as TextEncoder does. */
export function utf8Encode(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point >= 0xd800 && point < 0xe000) {
      const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (point < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00);
        i++;
      } else point = 0xfffd;
    }
    if (point < 0x80) bytes[end++] = point;
    else {
      if (point < 0x800) bytes[end++] = 0xc0 | (point >> 6);
      else {
        if (point < 0x10000) bytes[end++] = 0xe0 | (point >> 12);
        else {
          bytes[end++] = 0xf0 | (point >> 18);
          bytes[end++] = 0x80 | ((point >> 12) & 0x3f);
        }
        bytes[end++] = 0x80 | ((point >> 6) & 0x3f);
      }
      bytes[end++] = 0x80 | (point & 0x3f);
    }
  }
  return bytes.slice(0, end);
}

/**
 * The code point at `at`, and how many bytes it takes: `length * 0x200000 + point`. Negative for a malformed sequence
 * (overlong, surrogate, truncated, above U+10FFFF): minus the bytes to step over.
 */
function decodePoint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 0x200000 + first;
  let need: number;
  let point: number;
  let low = 0x80;
  let high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    need = 1;
    point = first & 0x1f;
  } else if (first >= 0xe0 && first <= 0xef) {
    need = 2;
    point = first & 0x0f;
    if (first === 0xe0) low = 0xa0;
    if (first === 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    need = 3;
    point = first & 0x07;
    if (first === 0xf0) low = 0x90;
    if (first === 0xf4) high = 0x8f;
  } else return -1;
  for (let i = 1; i <= need; i++) {
    const next = at + i < bytes.length ? bytes[at + i]! : 0;
    if (next < low || next > high) return -i;
    low = 0x80;
    high = 0xbf;
    point = (point << 6) | (next & 0x3f);
  }
  return (need + 1) * 0x200000 + point;
}

/** The text of well-formed UTF-8, a byte order mark included; `undefined` when the bytes are not UTF-8. */
export function utf8DecodeStrict(bytes: Uint8Array): string | undefined {
  return decodeWith(bytes, undefined);
}

/**
 * The text, with U+FFFD for each malformed sequence, as TextDecoder does; a byte order mark stays. For people's eyes, not
 * for names.
 */
export function utf8Decode(bytes: Uint8Array): string {
  return decodeWith(bytes, '\ufffd') as string;
}

function decodeWith(bytes: Uint8Array, replacement: string | undefined): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const decoded = decodePoint(bytes, at);
    if (decoded < 0) {
      if (replacement === undefined) return undefined;
      text += replacement;
      at -= decoded;
    } else {
      text += String.fromCodePoint(decoded % 0x200000);
      at += Math.floor(decoded / 0x200000);
    }
  }
  return text;
}

/** Order by bytes, as `LC_ALL=C sort` has it: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** The concatenation of byte strings. */
export function joinBytes(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
