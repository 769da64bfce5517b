import { viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { referenceNat, referenceSummaries, referenceSuperblock } from '../test/reference-volume.ts';
import {
  decodeNatJournal,
  decodeSuperblock,
  isFileNid,
  maxNid,
  NatEntry,
  NatJournal,
  natBlockAddress,
  natBlockCount,
  natCopyAddress,
  natEntryOffset,
  otherNatAddress,
  setMsb,
} from './index.ts';

const superblock = decodeSuperblock(referenceSuperblock(), 0);
const zeros = new Uint8Array(64);

describe('the node address table', () => {
  it('has the entries of volume R', () => {
    const view = viewOf(referenceNat());
    const entry = (nid: number) => {
      const at = natEntryOffset(nid);
      return [NatEntry.version.get(view, at), NatEntry.ino.get(view, at), NatEntry.blockAddress.get(view, at)];
    };
    expect([0, 1, 2, 3, 4].map(entry)).toEqual([
      [0, 0, 0],
      [0, 1, 1],
      [0, 2, 1],
      [0, 3, 4096],
      [0, 0, 0],
    ]);
  });

  it.each([
    [21, 2560, 189],
    [500, 2561, 405],
    [1000, 2562, 90 * 9],
  ])('finds nid %i at block %i, byte %i (a volume of 1530 inodes)', (nid, block, offset) => {
    expect(natBlockAddress(superblock, nid, zeros)).toBe(block);
    expect(natEntryOffset(nid)).toBe(offset);
  });

  it('goes to the second pair of segments at nid 233000', () => {
    const larger = { ...superblock, segmentCountNat: 4 };
    expect(natBlockAddress(larger, 233_000, zeros)).toBe(3584);
    const flipped = new Uint8Array(128);
    setMsb(flipped, 512);
    expect(natBlockAddress(larger, 233_000, flipped)).toBe(4096);
    expect(natBlockAddress(larger, 232_959, flipped)).toBe(2560 + 511);
  });

  it('gives every block of both copies an address of its own, inside the area', () => {
    const geometry = { natAddress: 2560, segmentCountNat: 6 };
    const seen = new Set<number>();
    let paired = 0;
    for (let index = 0; index < natBlockCount(geometry); index++) {
      for (const copy of [0, 1] as const) {
        const address = natCopyAddress(geometry, index, copy);
        seen.add(address);
        if (otherNatAddress(geometry, address) === natCopyAddress(geometry, index, copy === 0 ? 1 : 0)) paired++;
      }
    }
    expect([seen.size, paired]).toEqual([6 * 512, 6 * 512]);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([2560, 2560 + 6 * 512 - 1]);
  });

  it('refuses a nid beyond the table', () => {
    expect(maxNid(superblock)).toBe(455 * 512 - 1);
    expect(natBlockAddress(superblock, maxNid(superblock), zeros)).toBe(2560 + 511);
    const error = corruptionOf(() => natBlockAddress(superblock, maxNid(superblock) + 1, zeros));
    expect([error.kind, error.where.nid]).toEqual(['nidRange', 232_960]);
    expect(corruptionOf(() => natBlockAddress(superblock, 0xffff_ffff, zeros)).kind).toBe('nidRange');
  });

  it('knows which nids a file may have', () => {
    const nids = [0, 1, 2, 3, 4, maxNid(superblock), maxNid(superblock) + 1];
    expect(nids.map((nid) => isFileNid(superblock, nid))).toEqual([false, false, false, true, true, true, false]);
  });
});

describe('the NAT journal', () => {
  it('of volume R has the root', () => {
    expect(decodeNatJournal(viewOf(referenceSummaries()), 0, 513)).toEqual([
      { nid: 3, version: 0, ino: 3, blockAddress: 4096 },
    ]);
  });

  it('gives back what was stored, at any place, up to 38 entries', () => {
    const record = fc.record({
      nid: fc.nat(0xffffffff),
      version: fc.nat(255),
      ino: fc.nat(0xffffffff),
      blockAddress: fc.nat(0xffffffff),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 38 }), fc.nat(50), (records, at) => {
        const view = viewOf(new Uint8Array(600).fill(0xee));
        NatJournal.count.set(view, at, records.length);
        records.forEach(({ nid, version, ino, blockAddress }, index) => {
          const entry = at + 2 + 13 * index; // by the sheet's offsets, not by our own declaration
          view.setUint32(entry, nid, true);
          view.setUint8(entry + 4, version);
          view.setUint32(entry + 5, ino, true);
          view.setUint32(entry + 9, blockAddress, true);
        });
        expect(decodeNatJournal(view, at)).toEqual(records);
      }),
    );
  });

  it('refuses a count of 39, naming block and byte', () => {
    const view = viewOf(new Uint8Array(4096));
    NatJournal.count.set(view, 3584, 39);
    const error = corruptionOf(() => decodeNatJournal(view, 3584, 777));
    expect(error).toMatchObject({ kind: 'natJournalCount', where: { block: 777, offset: 3584 }, found: 39 });
  });
});
