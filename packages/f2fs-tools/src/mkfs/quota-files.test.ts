// The quota tree of a new volume, read as Linux does: header, then down by the bytes of an id to the leaf with its entry.

import {
  QUOTA_BLOCK_SIZE,
  QUOTA_TREE_DEPTH,
  QUOTA_TREE_ROOT,
  QuotaEntry,
  QuotaHeader,
  QuotaInformation,
  QuotaLeafHeader,
  QuotaTreeBlock,
  quotaTreeIndex,
} from '@f2fskit/f2fs-format';
import { decode, viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quotaContent } from './quota-files.ts';

/** The leaf that the path of `id` ends at; 0: there is none. */
function leafOf(view: DataView, id: number): number {
  let block = QUOTA_TREE_ROOT;
  for (let depth = 0; depth < QUOTA_TREE_DEPTH && block !== 0; depth++) {
    block = QuotaTreeBlock.pointers.get(view, block * QUOTA_BLOCK_SIZE, quotaTreeIndex(id, depth));
  }
  return block;
}

describe('quotaContent', () => {
  it.each([
    ['user', 0xd9c0_1f11],
    ['group', 0xd9c0_1927],
    ['project', 0xd9c0_3f14],
  ] as const)('the header of the %s file', (type, magic) => {
    const view = viewOf(quotaContent(type, 0, 1));
    expect(decode(QuotaHeader, view)).toEqual({ magic, version: 1 });
    expect(decode(QuotaInformation, view, QuotaHeader.$size)).toEqual({
      blockGraceSeconds: 604_800,
      inodeGraceSeconds: 604_800,
      flags: 0,
      blockCount: 6,
      freeBlock: 0,
      freeEntry: 5,
    });
  });

  it('the owner is found by its id, and nobody else', () => {
    const ids = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 255, 256, 0xffff_fffe));
    fc.assert(
      fc.property(ids, ids, fc.integer({ min: 1, max: 2 }), (owner, other, directories) => {
        const view = viewOf(quotaContent('user', owner, directories));
        expect(leafOf(view, owner)).toBe(5);
        if (other !== owner) expect(leafOf(view, other)).toBe(0);
        const leaf = 5 * QUOTA_BLOCK_SIZE;
        expect(decode(QuotaLeafHeader, view, leaf)).toMatchObject({ nextFree: 0, previousFree: 0, entryCount: 1 });
        expect(decode(QuotaEntry, view, leaf + QuotaLeafHeader.$size)).toMatchObject({
          id: owner,
          inodesHard: 0,
          inodesUsed: directories,
          blocksHard: 0,
          bytesUsed: 4096 * directories,
        });
      }),
    );
  });
});
