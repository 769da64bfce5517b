import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { referenceCheckpoint, referenceNatBits, referenceSuperblock } from '../test/reference-volume.ts';
import {
  decodeCheckpoint,
  decodeSuperblock,
  NAT_BITS_FULL_OFFSET,
  natBitsBlocks,
  natBitsBytes,
  natBitsEmptyOffset,
  natBitsKeyMatches,
  setNatBitsKey,
  testLsb,
} from './index.ts';

const superblock = decodeSuperblock(referenceSuperblock(), 0);
const checkpoint = decodeCheckpoint(referenceCheckpoint(), superblock, 512);

describe('nat_bits', () => {
  it('of volume R belong to its checkpoint, and say that only NAT block 0 is in use', () => {
    const block = referenceNatBits();
    expect(natBitsKeyMatches(checkpoint, viewOf(block), 0)).toBe(true);
    expect([natBitsBytes(superblock), natBitsBlocks(superblock)]).toEqual([64, 1]);
    expect([NAT_BITS_FULL_OFFSET, natBitsEmptyOffset(superblock)]).toEqual([8, 72]);
    const empty = natBitsEmptyOffset(superblock);
    expect([0, 1, 511].map((bit) => testLsb(block, bit, empty))).toEqual([false, true, true]);
    expect([0, 1, 511].map((bit) => testLsb(block, bit, NAT_BITS_FULL_OFFSET))).toEqual([false, false, false]);
  });

  it('of another checkpoint do not match', () => {
    const view = viewOf(referenceNatBits());
    expect(natBitsKeyMatches({ ...checkpoint, versionLow: checkpoint.versionLow + 1 }, view, 0)).toBe(false);
    expect(natBitsKeyMatches({ ...checkpoint, checksum: checkpoint.checksum ^ 1 }, view, 0)).toBe(false);
  });

  it('the key is version OR checksum << 32, also for versions of more than 32 bits', () => {
    const owner = { versionLow: 0xffff_ffff, versionHigh: 0x8000_0001, checksum: 0x7000_0001 };
    const view = viewOf(new Uint8Array(16));
    setNatBitsKey(owner, view, 4);
    expect(view.getBigUint64(4, true)).toBe(0xf000_0001_ffff_ffffn);
    expect(natBitsKeyMatches(owner, view, 4)).toBe(true);
  });

  it('take as many blocks as key and bitmaps need', () => {
    expect([2, 126, 128, 1842].map((segmentCountNat) => natBitsBlocks({ segmentCountNat }))).toEqual([1, 2, 3, 29]);
  });
});
