import { COMPRESS_ADDRESS, NEW_ADDRESS, NULL_ADDRESS, type Superblock } from '@f2fskit/f2fs-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nidRows, payloadText, type Slots, slotRows } from './slots.ts';

/** Only the main area matters here: blocks 1000 to 1511. */
const superblock = { mainAddress: 1000, segmentCountMain: 1, blockCount: 2000 } as Superblock;

function slotsOf(addresses: readonly number[], clusterBlocks = 0): Slots {
  const view = new DataView(new ArrayBuffer(8 + 4 * addresses.length));
  for (const [index, address] of addresses.entries()) view.setUint32(8 + 4 * index, address, true);
  return { view, offset: 8, count: addresses.length, firstWord: 2, cName: 'i_addr', firstFileBlock: 0, clusterBlocks };
}

/** What the rows say is stored, slot by slot. */
function expand(slots: Slots): number[] {
  return slotRows(superblock, slots).flatMap(({ value, run = 1 }) => {
    if (typeof value !== 'number') return [...(value as number[])];
    const repeats = value === NULL_ADDRESS || value === NEW_ADDRESS;
    return Array.from({ length: run }, (_, index) => (repeats ? value : value + index));
  });
}

const address = fc.oneof(
  fc.constantFrom(NULL_ADDRESS, NEW_ADDRESS, COMPRESS_ADDRESS),
  fc.integer({ min: 1000, max: 1010 }),
  fc.integer({ min: 1, max: 0xffff_fff0 }),
);

describe('slotRows', () => {
  it('says every slot exactly once, and what is in it', () => {
    fc.assert(
      fc.property(fc.array(address, { maxLength: 64 }), fc.constantFrom(0, 4, 8), (addresses, clusterBlocks) => {
        const slots = slotsOf(addresses, clusterBlocks);
        expect(expand(slots)).toEqual(addresses);
        let next = 8;
        for (const { offset, size } of slotRows(superblock, slots)) {
          expect(offset).toBe(next);
          next += size;
        }
        expect(next).toBe(8 + 4 * addresses.length);
      }),
    );
  });

  it('joins what goes on, and nothing else', () => {
    const meanings = (addresses: number[], clusterBlocks = 0): unknown[] =>
      slotRows(superblock, slotsOf(addresses, clusterBlocks)).map(({ meaning }) => meaning);
    expect(meanings([1001, 1002, 1003, 1005])).toEqual([
      'file block 0..2: block 1001..1003 (segment 0, block 1)',
      'file block 3: block 1005 (segment 0, block 5)',
    ]);
    expect(meanings([0, 0, NEW_ADDRESS, NEW_ADDRESS, 0])).toEqual([
      'file block 0..1: 2 holes',
      'file block 2..3: reserved, reads as zeros',
      'file block 4: hole',
    ]);
    expect(meanings([5, 6000])).toEqual(['file block 0..1: 2 addresses that are not in the main area']);
    expect(meanings([5])[0]).toMatch(/^file block 0: not in the main area/);
    expect(meanings([COMPRESS_ADDRESS, 1001, NEW_ADDRESS, NEW_ADDRESS], 4)).toEqual([
      'file block 0..3: compressed cluster: payload 1001, 2 reserved',
    ]);
    // A mark in a file without clusters, and one that is not where a cluster starts.
    expect(meanings([COMPRESS_ADDRESS, 1001])[0]).toBe('file block 0: mark of a compressed cluster where none starts');
    expect(meanings([1001, COMPRESS_ADDRESS, 0, 0], 4)[1]).toMatch(/where none starts$/);
  });

  it('names the words of the C array', () => {
    const [row] = slotRows(superblock, slotsOf([1001, 1002]));
    expect(row).toMatchObject({ name: 'addresses[0..1]', cName: 'i_addr[2..3]', type: 'u32[2]', run: 2 });
  });
});

describe('payloadText', () => {
  it('tells payload, reserved and released slots', () => {
    expect(payloadText([COMPRESS_ADDRESS, 7, 8, NEW_ADDRESS])).toBe('payload 7..8, 1 reserved');
    expect(payloadText([COMPRESS_ADDRESS, 7, 9, 0])).toBe('payload 7 9, 1 released');
    expect(payloadText([COMPRESS_ADDRESS, 0, 0, 0])).toBe('no payload, 3 released');
  });
});

describe('nidRows', () => {
  it('joins holes and consecutive nids', () => {
    const view = new DataView(new ArrayBuffer(24));
    for (const [index, nid] of [5, 6, 0, 0, 0, 9].entries()) view.setUint32(4 * index, nid, true);
    expect(nidRows(view, 0, 6, 'nid').map(({ name, value, run, meaning }) => [name, value, run, meaning])).toEqual([
      ['nids[0..1]', 5, 2, 'node 5..6'],
      ['nids[2..4]', 0, 3, 'none'],
      ['nids[5]', 9, undefined, 'node 9'],
    ]);
  });
});
