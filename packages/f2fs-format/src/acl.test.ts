import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { AclTag, aclFromUserSpace, aclToUserSpace } from './index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString('hex');

describe('access control lists', () => {
  // `setfacl -m u:1234:rw` on a file 0644: what getfattr on Linux printed for it.
  const seen = '0200000001000600ffffffff02000600d204000004000400ffffffff10000600ffffffff20000400ffffffff';
  const stored = '01000000 01000600 02000600d2040000 04000400 10000600 20000400';

  it('become what programs see on Linux, and go back', () => {
    expect(hex(aclToUserSpace(bytes(stored)))).toBe(seen);
    expect(hex(aclFromUserSpace(bytes(seen)))).toBe(stored.replaceAll(' ', ''));
  });

  it('may be empty', () => {
    expect(hex(aclToUserSpace(bytes('01000000')))).toBe('02000000');
    expect(hex(aclFromUserSpace(bytes('02000000')))).toBe('01000000');
  });

  it('come back whatever their entries are', () => {
    const entry = fc.record({
      tag: fc.constantFrom(...Object.values(AclTag)),
      permissions: fc.nat(7),
      id: fc.nat(0xffff_fffe),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
        const user = Buffer.alloc(4 + 8 * entries.length);
        user.writeUInt32LE(2, 0);
        entries.forEach(({ tag, permissions, id }, index) => {
          const named = tag === AclTag.user || tag === AclTag.group;
          user.writeUInt16LE(tag, 4 + 8 * index);
          user.writeUInt16LE(permissions, 6 + 8 * index);
          user.writeUInt32LE(named ? id : 0xffff_ffff, 8 + 8 * index);
        });
        const inside = aclFromUserSpace(user)!;
        expect(hex(aclToUserSpace(inside))).toBe(user.toString('hex'));
      }),
    );
  });

  it.each([
    ['too short for a header', '0100', undefined],
    ['version 2', '02000000', 0],
    ['half a short entry', '01000000 0100', 4],
    ['a named user without id', '01000000 01000600 02000600', 8],
    ['an unknown tag', '01000000 40000600 00000000', 4],
    ['tag 0', '01000000 00000000 00000000', 4],
  ])('stored: refuses %s', (_name, value, offset) => {
    const error = corruptionOf(() => aclToUserSpace(bytes(value)));
    expect([error.kind, error.where.offset]).toEqual(['acl', offset]);
  });

  it('never fails in another way, and never grows beyond twice its size', () => {
    const body = fc.array(fc.constantFrom(0, 1, 2, 4, 8, 16, 32, 255), { maxLength: 60 });
    fc.assert(
      fc.property(body, (rest) => {
        const value = Uint8Array.from([1, 0, 0, 0, ...rest]);
        try {
          expect(aclToUserSpace(value).length).toBeLessThanOrEqual(2 * value.length);
        } catch (error) {
          expect((error as { kind?: string }).kind).toBe('acl');
        }
      }),
    );
  });

  it('from programs: what is no ACL is no exception', () => {
    for (const value of ['', '01000000', '0200000001', '0200000040000600ffffffff']) {
      expect(aclFromUserSpace(bytes(value)), value).toBeUndefined();
    }
  });
});
