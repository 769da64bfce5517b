// Text fields of the superblock: NUL-padded bytes and UTF-16. The package compiles without DOM and node types, so it
// brings the few lines that TextDecoder would be. File names never pass through here: they are bytes (decision 6).

/** The bytes before the first NUL. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** UTF-8 up to the first NUL; what is not UTF-8 becomes U+FFFD, byte by byte. */
export function textOf(bytes: Uint8Array): string {
  const source = untilNul(bytes);
  let text = '';
  for (let at = 0; at < source.length; ) {
    const first = source[at]!;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    let point = length === 1 ? first : first & (0xff >>> (length + 1));
    let valid = first < 0x80 || (first >= 0xc2 && first <= 0xf4 && at + length <= source.length);
    for (let next = 1; valid && next < length; next++) {
      const byte = source[at + next]!;
      valid = (byte & 0xc0) === 0x80;
      point = (point << 6) | (byte & 0x3f);
    }
    if (length === 3) valid &&= point >= 0x800 && (point < 0xd800 || point > 0xdfff);
    if (length === 4) valid &&= point >= 0x1_0000 && point <= 0x10_ffff;
    text += valid ? String.fromCodePoint(point) : '\ufffd';
    at += valid ? length : 1;
  }
  return text;
}

/** UTF-16LE code units up to the first zero. */
export function textOfUtf16(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const unit = bytes[at]! | (bytes[at + 1]! << 8);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}

/** 16 bytes as `00112233-4455-6677-8899-aabbccddeeff`, in the order they have on disk. */
export function uuidText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < 16; at++) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-';
    text += (bytes[at] ?? 0).toString(16).padStart(2, '0');
  }
  return text;
}
