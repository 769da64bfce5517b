import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { decodeVerityLocation, VerityDescriptor, verityDataStart } from './index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('verity', () => {
  it('says where the descriptor is: Linux on a file of 600000 bytes', () => {
    expect(decodeVerityLocation(bytes('01000000 00010000 00300a0000000000'))).toEqual({
      descriptorSize: VerityDescriptor.$size,
      position: 667_648,
    });
  });

  it('data starts at the next multiple of 64 KiB', () => {
    expect([0, 1, 65_536, 100_000].map(verityDataStart)).toEqual([0, 65_536, 65_536, 131_072]);
  });

  it('refuses a wrong size, version or position', () => {
    expect(corruptionOf(() => decodeVerityLocation(bytes('01000000'))).kind).toBe('verityLocation');
    expect(corruptionOf(() => decodeVerityLocation(bytes('02000000 00010000 00300a0000000000'))).found).toBe(2);
    const far = corruptionOf(() => decodeVerityLocation(bytes('01000000 00010000 ffffffffffffffff')));
    expect([far.kind, far.where.offset]).toEqual(['verityLocation', 8]);
  });
});
