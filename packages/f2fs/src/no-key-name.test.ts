import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noKeyName } from './no-key-name.ts';

const text = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

describe('noKeyName', () => {
  // Spec A.7: what Linux 6.1 showed without the key.
  it('shows a name as Linux does', () => {
    const shown = 'lFr7bwAAAACwTVbIVOMYJTbW4u9ZRyJ7KoLpky0Bl03Ydx8b8KyQ1g';
    const ciphertext = Buffer.from(shown, 'base64url').subarray(8);
    expect(ciphertext.toString('hex').startsWith('b04d56c854e3182536d6e2ef5947227b2a82e993')).toBe(true);
    expect(text(noKeyName(0x6ffb5a94, ciphertext))).toBe(shown);
  });

  it('shows the target of a symlink with hash 0', () => {
    const shown = 'AAAAAAAAAABxnR71r2S8VLHWPYGCYLIsfOhpHiHKP_kIj4odJU1GZA';
    const ciphertext = Buffer.from(shown, 'base64url').subarray(8);
    expect(ciphertext.length).toBe(32);
    expect(text(noKeyName(0, ciphertext))).toBe(shown);
  });

  it('is base64url without padding of hash, zero, 149 bytes and the SHA-256 of the rest', () => {
    const ciphertext = fc.uint8Array({ minLength: 1, maxLength: 255 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), ciphertext, (hash, bytes) => {
        const head = Buffer.alloc(8);
        head.writeUInt32LE(hash);
        const rest = bytes.subarray(149);
        const digest = rest.length === 0 ? [] : [createHash('sha256').update(rest).digest()];
        const raw = Buffer.concat([head, bytes.subarray(0, 149), ...digest]);
        expect(text(noKeyName(hash, bytes))).toBe(raw.toString('base64url'));
      }),
    );
  });

  it('tells long names apart that begin alike, and never grows beyond a name', () => {
    const a = new Uint8Array(255).fill(7);
    const b = a.slice();
    b[254] = 8;
    expect(text(noKeyName(1, a))).not.toBe(text(noKeyName(1, b)));
    expect(noKeyName(1, a).length).toBe(252);
    expect(noKeyName(1, a.subarray(0, 149)).length).toBe(210);
  });
});
