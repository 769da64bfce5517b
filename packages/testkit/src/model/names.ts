// Names are bytes; programs and failing tests are text. In this folder a path, a name or a symlink's target is a string
// in which every byte that is not UTF-8 stands as a lone surrogate, 0x80 as U+DC80 and 0xff as U+DCFF. JSON keeps it.
//
//   text   what operations and results carry
//   key    one character a byte ('latin1'): what the model stores; comparing keys compares bytes

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a text. */
export function encodeName(text: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** The text of any bytes: {@link encodeName} gives them back. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    let text = '';
    for (let at = 0; at < bytes.byteLength; ) {
      const size = sequenceSize(bytes, at);
      if (size === 0) text += String.fromCharCode(0xdc00 + bytes[at]!);
      else text += decoder.decode(bytes.subarray(at, at + size));
      at += Math.max(size, 1);
    }
    return text;
  }
}

/** Bytes of the UTF-8 character at `at`; 0 where there is none. */
function sequenceSize(bytes: Uint8Array, at: number): number {
  for (let size = 1; size <= 4 && at + size <= bytes.byteLength; size++) {
    try {
      decoder.decode(bytes.subarray(at, at + size));
      return size;
    } catch {
      // A longer sequence may be one.
    }
  }
  return 0;
}

export function keyOf(text: string): string {
  let key = '';
  for (const byte of encodeName(text)) key += String.fromCharCode(byte);
  return key;
}

export function textOf(key: string): string {
  return decodeName(Uint8Array.from(key, (character) => character.charCodeAt(0)));
}
