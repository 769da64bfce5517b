// Values of extended attributes on the command line, as setfattr takes them: 0x and hex digits, 0s and base64, text; text in
// double quotes may have \" \\ and \012 in it.

import { utf8Encode } from '@f2fskit/vfs/utf8';
import { UsageError } from './errors.ts';

/** @throws UsageError for hex or base64 that is none. */
export function parseXattrValue(text: string): Uint8Array {
  const rest = text.slice(2);
  if (/^0x/i.test(text)) {
    const digits = rest.replace(/\s+/g, '');
    if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new UsageError(`'${text}' is no hex value`);
    return Buffer.from(digits, 'hex');
  }
  if (/^0s/i.test(text)) {
    const letters = rest.replace(/\s+/g, '');
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(letters)) {
      throw new UsageError(`'${text}' is no base64 value`);
    }
    return Buffer.from(letters, 'base64');
  }
  const [, quoted] = /^"(.*)"$/s.exec(text) ?? [];
  if (quoted === undefined) return utf8Encode(text);
  // One character a byte: an escape is a byte, and may be one that UTF-8 has not.
  const bytes = Buffer.from(quoted).toString('latin1');
  const plain = bytes.replace(/\\([0-3][0-7]{2}|.)/gs, (_, escaped: string) =>
    escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped, 8)) : escaped,
  );
  return Buffer.from(plain, 'latin1');
}
