import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesEqual, compareBytes, joinBytes, utf8Decode, utf8DecodeStrict, utf8Encode } from './index.ts';

// The platform's own coders are the judge. `ignoreBOM` means: do not take a leading U+FEFF away.
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const fatal = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

function decodeFatal(bytes: Uint8Array): string | undefined {
  try {
    return fatal.decode(bytes);
  } catch {
    return undefined;
  }
}

function compareDecoders(bytes: Uint8Array): void {
  // No `expect` on the fast path: this runs some hundred thousand times.
  const strict = decodeFatal(bytes);
  if (utf8Decode(bytes) === (strict ?? decoder.decode(bytes)) && utf8DecodeStrict(bytes) === strict) return;
  const shown = Buffer.from(bytes).toString('hex');
  expect({ shown, text: utf8Decode(bytes), strict: utf8DecodeStrict(bytes) }).toEqual({
    shown,
    text: decoder.decode(bytes),
    strict,
  });
}

/** On both sides of every border in the table of well-formed byte sequences. */
const borderBytes = [
  0x00, 0x2f, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
  0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];
const byte = fc.oneof(fc.constantFrom(...borderBytes), fc.integer({ min: 0, max: 255 }));
const bytes = fc.array(byte, { maxLength: 40 }).map((list) => Uint8Array.from(list));
/** UTF-16 units, lone surrogates among them. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfeff, 0xffff),
    ),
    { maxLength: 40 },
  )
  .map((units) => String.fromCharCode(...units));

describe('utf8Encode', () => {
  it('gives the bytes of TextEncoder, lone surrogates included', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(Buffer.from(utf8Encode(text))).toEqual(Buffer.from(encoder.encode(text)));
      }),
    );
  });

  it('and the decoders take every code point back', () => {
    for (let start = 0; start < 0x110000; start += 0x1000) {
      let text = '';
      for (let point = start; point < start + 0x1000; point++) {
        if (point < 0xd800 || point > 0xdfff) text += String.fromCodePoint(point);
      }
      const encoded = utf8Encode(text);
      expect(Buffer.compare(encoded, encoder.encode(text)), `from U+${start.toString(16)}`).toBe(0);
      expect(utf8Decode(encoded) === text && utf8DecodeStrict(encoded) === text, `from U+${start.toString(16)}`).toBe(
        true,
      );
    }
  });
});

describe('utf8Decode and utf8DecodeStrict', () => {
  it('agree with TextDecoder on any bytes', () => {
    fc.assert(fc.property(bytes, compareDecoders), { numRuns: 1000 });
  });

  it('agree with TextDecoder on every sequence of up to three border bytes, and of four where a lead byte asks for them', () => {
    for (const a of borderBytes) {
      compareDecoders(Uint8Array.of(a));
      for (const b of borderBytes) {
        compareDecoders(Uint8Array.of(a, b));
        for (const c of borderBytes) {
          compareDecoders(Uint8Array.of(a, b, c));
          if (a >= 0xf0 && a <= 0xf4) for (const d of borderBytes) compareDecoders(Uint8Array.of(a, b, c, d));
        }
      }
    }
  });

  it('keep a byte order mark: it is part of the name', () => {
    expect(utf8Decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
    expect(utf8DecodeStrict(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  it('show one U+FFFD for each malformed part, and the strict one nothing', () => {
    const truncated = Uint8Array.of(0x61, 0xf0, 0x9f, 0x98, 0x62, 0xc0, 0xaf); // a, three quarters of a face, b, overlong /
    expect(utf8Decode(truncated)).toBe('a\ufffdb\ufffd\ufffd');
    expect(utf8DecodeStrict(truncated)).toBeUndefined();
  });
});

describe('compareBytes, bytesEqual, joinBytes', () => {
  const short = fc
    .array(fc.constantFrom(0, 1, 0x2f, 0x7f, 0x80, 0xff), { maxLength: 4 })
    .map((l) => Uint8Array.from(l));

  it('order as Buffer.compare', () => {
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(bytesEqual(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('join as Buffer.concat, into new memory', () => {
    fc.assert(
      fc.property(fc.array(short), (parts) => {
        expect(Buffer.from(joinBytes(...parts))).toEqual(Buffer.concat(parts));
      }),
    );
    const only = Uint8Array.of(1);
    joinBytes(only)[0] = 2;
    expect(only[0]).toBe(1);
  });
});
