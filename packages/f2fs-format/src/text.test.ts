import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf, textOfUtf16, untilNul, uuidText } from './text.ts';

const texts = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\0'));

describe('text fields', () => {
  it('UTF-8 and UTF-16 come back, up to the first NUL', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(textOf(Buffer.from(`${text}\0stale`))).toBe(text);
        expect(textOf(Buffer.from(text))).toBe(text);
        expect(textOfUtf16(Buffer.from(`${text}\0stale`, 'utf16le'))).toBe(text);
      }),
    );
  });

  it('bytes that are not UTF-8 become U+FFFD, and nothing fails', () => {
    // truncated, overlong, a surrogate, beyond the last code point, a lone continuation
    for (const hex of ['c3', 'e282', 'c080', 'eda080', 'f4908080', '80', 'ff41']) {
      expect(textOf(Buffer.from(hex, 'hex')), hex).toMatch(/^\ufffd+A?$/);
    }
    const strict = new TextDecoder('utf-8', { fatal: true });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const source = untilNul(bytes);
        let valid: string | undefined;
        try {
          valid = strict.decode(Uint8Array.from([...(source[0] === 0xef ? [0x20] : []), ...source]));
        } catch {
          valid = undefined;
        }
        const text = (source[0] === 0xef ? ' ' : '') + textOf(bytes);
        if (valid === undefined) expect(text).toContain('\ufffd');
        else expect(text).toBe(valid);
      }),
      { numRuns: 500 },
    );
  });

  it('a uuid has the order of its bytes', () => {
    expect(uuidText(Uint8Array.from({ length: 16 }, (_, index) => index * 17))).toBe(
      '00112233-4455-6677-8899-aabbccddeeff',
    );
  });
});
