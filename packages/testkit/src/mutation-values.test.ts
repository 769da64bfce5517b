import { NatBlock, RawInode, RawSuperblock } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pickLeaf, pickValue, readValue, writeValue } from './mutation-values.ts';

const pool = { addresses: [4096, 5000], nids: [3, 4], mainEnd: 16384, ino: 7, parentIno: 3 };
const seed = fc.integer({ min: 0, max: 2 ** 40 });

describe('fields and values', () => {
  it('a field lies inside its layout', () => {
    const view = viewOf(new Uint8Array(4096).fill(1));
    fc.assert(
      fc.property(seed, fc.constantFrom(RawInode, RawSuperblock, NatBlock), (number, layout) => {
        const leaf = pickLeaf(layout, view, 0, seededRandom(number));
        expect([1, 2, 4, 8]).toContain(leaf.width);
        expect(leaf.offset).toBeGreaterThanOrEqual(0);
        expect(leaf.offset + leaf.width).toBeLessThanOrEqual(layout.$size);
      }),
    );
  });

  it('elements in use are preferred to the zeros around them', () => {
    const view = viewOf(new Uint8Array(4096));
    RawInode.addresses.set(view, 0, 500, 1);
    const names = Array.from({ length: 200 }, (_, number) => pickLeaf(RawInode, view, 0, seededRandom(number)).name);
    expect(names).toContain('addresses[500]');
  });

  it('a value is another one, and fits its field', () => {
    fc.assert(
      fc.property(
        seed,
        fc.constantFrom(1, 2, 4, 8),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (number, width, any) => {
          const before = BigInt.asUintN(8 * width, any);
          const { value, why } = pickValue(before, width, pool, seededRandom(number));
          expect(value).not.toBe(before);
          expect(BigInt.asUintN(8 * width, value)).toBe(value);
          expect(why).not.toBe('');
        },
      ),
    );
  });

  it('every way to hurt an address is tried', () => {
    const whys = Array.from({ length: 500 }, (_, number) => pickValue(5n, 4, pool, seededRandom(number)).why);
    for (const why of ['NEW_ADDRESS', 'COMPRESS_ADDRESS', 'another nid', 'the parent', 'the own inode', 'zero']) {
      expect(whys).toContain(why);
    }
  });

  it('bytes hold what was written, little-endian', () => {
    const bytes = new Uint8Array(12).fill(0xaa);
    writeValue(bytes, 2, 8, 0x0102_0304_0506_0708n);
    expect([...bytes]).toEqual([0xaa, 0xaa, 8, 7, 6, 5, 4, 3, 2, 1, 0xaa, 0xaa]);
    expect(readValue(bytes, 2, 8)).toBe(0x0102_0304_0506_0708n);
    expect(viewOf(bytes).getUint16(4, true)).toBe(Number(readValue(bytes, 4, 2)));
  });
});
