import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { decodeCryptContext } from './index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('encryption contexts', () => {
  const identifier = '8699c2c53707405da5aba5ae4d8583c0';
  const nonce = '9cc5bc853c721909fd16e1623a108e61';

  it('version 2, as Linux wrote it into a directory', () => {
    const context = decodeCryptContext(bytes(`02010403 00000000 ${identifier} ${nonce}`));
    expect(context).toMatchObject({ version: 2, contentsMode: 1, filenamesMode: 4, flags: 3 });
    expect(Buffer.from(context.masterKey).toString('hex')).toBe(identifier);
    expect(Buffer.from(context.nonce).toString('hex')).toBe(nonce);
  });

  it('version 1 has a descriptor of 8 bytes', () => {
    const context = decodeCryptContext(bytes(`01010402 0011223344556677 ${nonce}`));
    expect(context).toMatchObject({ version: 1, flags: 2 });
    expect(Buffer.from(context.masterKey).toString('hex')).toBe('0011223344556677');
    expect(Buffer.from(context.nonce).toString('hex')).toBe(nonce);
  });

  it.each(['', '02', `03010403 00000000 ${identifier} ${nonce}`, `01010403 00000000 ${identifier} ${nonce}`])(
    'refuses %s',
    (value) => {
      expect(corruptionOf(() => decodeCryptContext(bytes(value))).kind).toBe('cryptContext');
    },
  );
});
