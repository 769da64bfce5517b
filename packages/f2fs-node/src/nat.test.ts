import { StatisticsDevice } from '@f2fskit/block';
import type { NatRecord } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corruptionOf, storeOf } from '../test/support.ts';
import { TestVolume } from '../test/test-volume.ts';

const PER_BLOCK = 455;

describe('NodeAddressTable', () => {
  it('finds the entry of a nid in its block', () => {
    // The example of spec A.3: nids 21, 500 and 1000 in blocks 0, 1 and 2 of a NAT that starts at 2560.
    const volume = new TestVolume();
    volume.setNat(21, 6161);
    volume.setNat(500, 6640, { ino: 77, version: 9 });
    volume.setNat(1000, 8164);
    const { nat } = storeOf(volume);
    expect(runSync(nat.lookup(21))).toEqual({ nid: 21, version: 0, ino: 21, blockAddress: 6161 });
    expect(runSync(nat.lookup(500))).toEqual({ nid: 500, version: 9, ino: 77, blockAddress: 6640 });
    expect(runSync(nat.lookup(1000)).blockAddress).toBe(8164);
    expect(runSync(nat.lookup(1001)).blockAddress).toBe(0);
    expect(nat.placeOf(21)).toEqual({ block: 2560, offset: 189 });
    expect(nat.placeOf(500)).toEqual({ block: 2561, offset: 405 });
    expect(nat.placeOf(1000)).toEqual({ block: 2562, offset: 810 });
    // The next pair of segments begins with nid 233000's block.
    expect(storeOf(new TestVolume({ natSegments: 4 })).nat.placeOf(233_000).block).toBe(3584);
  });

  it('takes the copy that the version bitmap names, most significant bit first', () => {
    const volume = new TestVolume();
    for (const [index, copy] of [0, 1].entries()) {
      volume.setNat(5 + PER_BLOCK * 0, 5000 + index, { copy: copy as 0 | 1 });
      volume.setNat(5 + PER_BLOCK * 3, 6000 + index, { copy: copy as 0 | 1 });
      volume.setNat(5 + PER_BLOCK * 4, 7000 + index, { copy: copy as 0 | 1 });
    }
    volume.natBitmap[0] = 0b0001_0000; // block 3; LSB-first it would be block 4
    const { nat } = storeOf(volume);
    expect(runSync(nat.lookup(5)).blockAddress).toBe(5000);
    expect(runSync(nat.lookup(5 + PER_BLOCK * 3)).blockAddress).toBe(6001);
    expect(runSync(nat.lookup(5 + PER_BLOCK * 4)).blockAddress).toBe(7000);
  });

  it('finds every nid of a table of several segments, whatever copies are in use', () => {
    const nid = fc.integer({ min: 1, max: 3 * 512 * PER_BLOCK - 1 });
    const entries = fc.array(fc.record({ nid, flipped: fc.boolean() }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(entries, (list) => {
        const volume = new TestVolume({ natSegments: 6 });
        for (const entry of list) if (entry.flipped) volume.flipNat(Math.floor(entry.nid / PER_BLOCK));
        for (const entry of list) {
          volume.setNat(entry.nid, 0xbad, { copy: 0 });
          volume.setNat(entry.nid, 0xbad, { copy: 1 });
        }
        for (const entry of list) volume.setNat(entry.nid, 10_000 + entry.nid); // the current copy
        const { nat } = storeOf(volume);
        for (const entry of list) expect(runSync(nat.lookup(entry.nid)).blockAddress).toBe(10_000 + entry.nid);
      }),
      { numRuns: 50 },
    );
  });

  it('lets the journal win, also where it says that the nid is free, and the last entry for a nid', () => {
    const volume = new TestVolume();
    for (const nid of [10, 11, 12]) volume.setNat(nid, 5000 + nid);
    const record = (nid: number, blockAddress: number): NatRecord => ({ nid, version: 1, ino: nid, blockAddress });
    const journal = [record(10, 9000), record(11, 0), record(12, 9001), record(12, 9002), record(999, 9003)];
    const device = new StatisticsDevice(volume.device);
    const { nat } = storeOf(volume, device, journal);
    expect(runSync(nat.lookup(10))).toEqual(record(10, 9000));
    expect(runSync(nat.lookup(11)).blockAddress).toBe(0);
    expect(runSync(nat.lookup(12)).blockAddress).toBe(9002);
    expect(runSync(nat.lookup(999)).blockAddress).toBe(9003);
    expect(device.snapshot().read.bios).toBe(0);
  });

  it('refuses nids that no NAT block holds, without reading', () => {
    const volume = new TestVolume();
    const device = new StatisticsDevice(volume.device);
    // Not even where the journal has an entry for them.
    const journal = [0xffff_ffff, 512 * PER_BLOCK].map((nid) => ({ nid, version: 0, ino: 5, blockAddress: 5000 }));
    const { nat } = storeOf(volume, device, journal);
    expect(nat.nidEnd).toBe(512 * PER_BLOCK);
    for (const nid of [0, nat.nidEnd, 0xffff_ffff]) {
      const error = corruptionOf(nat.lookup(nid));
      expect(error).toMatchObject({ kind: 'nidRange', where: { nid }, found: nid });
    }
    expect(device.snapshot().read.bios).toBe(0);
    expect(runSync(nat.lookup(nat.nidEnd - 1)).blockAddress).toBe(0);
  });

  it('reads one NAT block for the nids of a block', () => {
    const device = new StatisticsDevice(new TestVolume().device);
    const { nat } = storeOf(new TestVolume(), device);
    for (const nid of [1, 200, PER_BLOCK - 1]) runSync(nat.lookup(nid));
    expect(device.snapshot().read.bios).toBe(1);
    runSync(nat.lookup(PER_BLOCK));
    expect(device.snapshot().read.bios).toBe(2);
  });
});
