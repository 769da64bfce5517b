// Real blocks with bytes changed at random and checksums made right again: what a hostile image looks like to a decoder.
//
// Invariants: a decoder throws an FsError or returns; what it returns points into the block or the volume it describes.

import { FsError } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aclToUserSpace,
  decodeCheckpoint,
  decodeCryptContext,
  decodeInode,
  decodeNatJournal,
  decodeOrphanBlock,
  decodeSitJournal,
  decodeSuperblock,
  decodeVerityLocation,
  expandCompactSummaries,
  firstFileBlockOf,
  KNOWN_FEATURES,
  mainEndAddress,
  natBlockAddress,
  nodePath,
  packLayout,
  RawInode,
  recogniseForeign,
  type Superblock,
  sealCheckpoint,
  sealInode,
  sealSuperblock,
  selectSuperblock,
  sitBlockAddress,
  versionBitmaps,
} from '../src/index.ts';
import { realVolume } from './real-blocks.ts';
import { referenceCheckpoint, referenceSummaries, referenceSuperblock } from './reference-volume.ts';

const reference = decodeSuperblock(referenceSuperblock(), 0);
const RUNS = { numRuns: 800 };

/** Up to eight changed bytes, half of them in the first `head` bytes, where most fields are. */
const changes = (head: number, size: number) =>
  fc.array(
    fc.tuple(
      fc.oneof(fc.nat(head - 1), fc.nat(size - 1)),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xfe, 0xff)),
    ),
    { minLength: 1, maxLength: 8 },
  );

function changed(block: Uint8Array, list: ReadonlyArray<readonly [number, number]>): Uint8Array {
  const copy = block.slice();
  for (const [at, value] of list) copy[at] = value;
  return copy;
}

/** What `action` returns, or `undefined` when it refuses; any other failure ends the test. */
function orRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

describe('hostile input', () => {
  it('superblocks', () => {
    let accepted = 0;
    fc.assert(
      fc.property(changes(124, 3072), (list) => {
        const copy = changed(referenceSuperblock(), list);
        sealSuperblock(copy);
        const superblock = orRefused(() => decodeSuperblock(copy, 0));
        orRefused(() => selectSuperblock(copy, copy));
        if (superblock === undefined) return;
        accepted++;
        expect(mainEndAddress(superblock)).toBeLessThanOrEqual(superblock.blockCount + superblock.segment0Address);
        expect(superblock.coldExtensions.length + superblock.hotExtensions.length).toBeLessThanOrEqual(64);
        const nat = natBlockAddress(superblock, 3, new Uint8Array(1));
        expect(nat).toBeLessThan(superblock.ssaAddress);
        const sit = sitBlockAddress(superblock, superblock.segmentCountMain - 1, new Uint8Array(0));
        expect(sit).toBeGreaterThanOrEqual(superblock.sitAddress);
      }),
      RUNS,
    );
    expect(accepted).toBeGreaterThan(60); // else this tests nothing but refusals
  });

  it('checkpoints, and everything a pack leads to', () => {
    let accepted = 0;
    fc.assert(
      fc.property(changes(192, 4096), fc.uint8Array({ minLength: 0, maxLength: 64 }), (list, noise) => {
        const block = changed(referenceCheckpoint(), list);
        if (viewOf(block).getUint32(164, true) - 192 > 3900) return; // no place for a checksum
        sealCheckpoint(block);
        const checkpoint = orRefused(() => decodeCheckpoint(block, reference, 512));
        if (checkpoint === undefined) return;
        accepted++;
        const layout = orRefused(() => packLayout(checkpoint, reference));
        if (layout !== undefined) {
          expect(layout.dataSummaryIndex).toBeGreaterThanOrEqual(layout.orphanIndex + layout.orphanBlocks);
          expect(layout.dataSummaryIndex + layout.dataSummaryBlocks).toBeLessThanOrEqual(layout.nodeSummaryIndex);
          expect(layout.nodeSummaryIndex + layout.nodeSummaryBlocks).toBe(layout.lastIndex);
          expect(layout.lastIndex).toBeLessThan(512);
        }
        const bitmaps = orRefused(() => versionBitmaps(checkpoint, reference, block));
        if (bitmaps !== undefined) expect(bitmaps.nat.length + bitmaps.sit.length).toBeLessThanOrEqual(2 * 4096);
        const summaries = changed(referenceSummaries(), []);
        summaries.set(noise, 507);
        orRefused(() => expandCompactSummaries(checkpoint, summaries));
        orRefused(() => decodeSitJournal(viewOf(summaries), 507, reference));
        orRefused(() => decodeNatJournal(viewOf(summaries), 507));
        orRefused(() => decodeOrphanBlock(viewOf(summaries), 512));
      }),
      RUNS,
    );
    expect(accepted).toBeGreaterThan(250);
  });

  it('inodes of every kind', () => {
    const volumes = ['plain', 'android', 'compress-lz4hc-chksum', 'sload'].flatMap((name) => {
      const volume = realVolume(name);
      const superblock = decodeSuperblock(volume.block(0).subarray(1024), 0);
      return Object.entries(volume.inodes).map(([nid, inode]) => ({
        superblock,
        nid: Number(nid),
        block: volume.block(Number(inode['address'])),
      }));
    });
    let accepted = 0;
    const features = fc.option(fc.nat(KNOWN_FEATURES), { nil: undefined });
    fc.assert(
      fc.property(fc.constantFrom(...volumes), changes(400, 4096), features, (sample, list, mask) => {
        const superblock: Superblock = { ...sample.superblock, features: mask ?? sample.superblock.features };
        const block = changed(sample.block, list);
        sealInode(superblock, block);
        const inode = orRefused(() =>
          decodeInode(block, viewOf(block), superblock, { nid: sample.nid, address: 4096 }),
        );
        if (inode === undefined) return;
        accepted++;
        const end = RawInode.nids.offset;
        const { addressesOffset, addressesPerInode, inlineArea, inlineXattrArea } = inode;
        expect(addressesPerInode).toBeGreaterThanOrEqual(0);
        expect(addressesOffset + 4 * addressesPerInode).toBeLessThanOrEqual(inlineXattrArea.offset);
        expect(inlineArea.offset + inlineArea.size).toBe(inlineXattrArea.offset);
        expect(inlineArea.size).toBeGreaterThanOrEqual(0);
        expect(inlineXattrArea.offset + inlineXattrArea.size).toBeLessThanOrEqual(end);
        expect(inode.addressesPerNode).toBeGreaterThan(0);
        expect(inode.nameBytes.length).toBeLessThanOrEqual(255);
        const lastBlock = Math.max(0, Math.ceil(inode.size / 4096) - 1);
        if (!inode.deviceAlias) nodePath(lastBlock, addressesPerInode, inode.addressesPerNode);
        if ((inode.inlineFlags & 0x02) !== 0) expect(inode.size).toBeLessThanOrEqual(inlineArea.size);
      }),
      RUNS,
    );
    expect(accepted).toBeGreaterThan(150);
  });

  it('values and numbers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(0xffff_ffff), (value, number) => {
        orRefused(() => aclToUserSpace(value));
        orRefused(() => decodeCryptContext(value));
        orRefused(() => decodeVerityLocation(value));
        recogniseForeign(value);
        const block = orRefused(() => firstFileBlockOf(number, 864, 1018));
        if (block !== undefined) expect(Number.isSafeInteger(block)).toBe(true);
        orRefused(() => nodePath(number, 864, 1018));
        orRefused(() => natBlockAddress(reference, number, value));
        orRefused(() => sitBlockAddress(reference, number, value));
      }),
      RUNS,
    );
  });
});
