import { NatEntry, natCopyAddress, natEntryOffset } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childOf, factOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume, mount } from '../../test/volumes.ts';
import { dumpNat, type NatLine, NatRange } from './nat.ts';

const usage = expect.objectContaining({ code: 'EINVAL' });

function linesOf(range: NatRange): NatLine[] {
  const lines: NatLine[] = [];
  for (let some = runSync(range.next()); some !== undefined; some = runSync(range.next())) lines.push(...some);
  return lines;
}

describe('dumpNat', () => {
  it('shows the entry in force, both copies and where they lie', () => {
    const volume = goldenVolume('plain');
    const { superblock } = volume;
    const dump = runSync(dumpNat(volume, 19));
    // The bit of this NAT block is set: its second copy is in use.
    const block = natCopyAddress(superblock, 0, 1);
    const offset = 19 * 9;
    expect(dump.place).toEqual({ block, offset, address: block * 4096 + offset });
    expect(factOf(dump, 'source')).toBe('table, copy 2');
    expect(factOf(dump, 'state')).toBe('node of ino 18');
    expect(rowOf(dump, 'blockAddress')).toMatchObject({
      offset: 5,
      cName: 'block_addr',
      value: 4610,
      meaning: 'segment 1, block 2',
    });
    expect(dump.children.map(({ title }) => title)).toEqual([
      'In the table, copy 2',
      'In the table, copy 1, not in use',
    ]);
    expect(childOf(dump, 'In the table, copy 1').place.block).toBe(natCopyAddress(superblock, 0, 0));
  });

  it('lets the journal win, also where it says that a nid is free', () => {
    // 513 holds the NAT journal of the pack in use: one entry, nid 19, freed.
    const device = damaged('plain', {
      513: (view) => {
        view.setUint16(0, 1, true);
        view.setUint32(2, 19, true);
        NatEntry.version.set(view, 6, 1);
        NatEntry.ino.set(view, 6, 0);
        NatEntry.blockAddress.set(view, 6, 0);
      },
    });
    const volume = mount(device);
    const dump = runSync(dumpNat(volume, 19));
    expect(dump.place).toMatchObject({ block: 513, offset: 6 });
    expect(factOf(dump, 'source')).toBe('NAT journal of the checkpoint');
    expect(factOf(dump, 'state')).toBe('free');
    expect(rowOf(dump, 'blockAddress')).toMatchObject({ value: 0, meaning: 'none' });
    expect(rowOf(childOf(dump, 'In the table, copy 2'), 'blockAddress').value).toBe(4610);
    expect(childOf(dump, 'In the journal').place).toEqual(dump.place);
    expect(linesOf(NatRange.of(volume, 18, 20)).map(({ nid }) => nid)).toEqual([18, 20]);
  });

  it('knows the reserved nids', () => {
    for (const nid of [0, 1, 2]) {
      const dump = runSync(dumpNat(goldenVolume('plain'), nid));
      expect(factOf(dump, 'state')).toBe('reserved, never a node');
      expect(dump.problems).toEqual([]);
    }
    expect(rowOf(runSync(dumpNat(goldenVolume('plain'), 1)), 'blockAddress').meaning).toBe('reserved');
  });

  it('shows an entry that leads nowhere, as a problem', () => {
    const { superblock } = goldenVolume('plain');
    const at = natEntryOffset(19) + NatEntry.blockAddress.offset;
    const device = damaged('plain', { [natCopyAddress(superblock, 0, 1)]: (view) => view.setUint32(at, 700, true) });
    const dump = runSync(dumpNat(mount(device), 19));
    expect(kindsOf(dump)).toEqual(['blockAddress']);
    expect(dump.problems[0]).toMatchObject({ where: { nid: 19, offset: at }, found: 700 });
    expect(rowOf(dump, 'blockAddress').meaning).toBe('not in the main area: checkpoint pack 1, block 188');
  });

  it('refuses numbers that the table has no room for', () => {
    const volume = goldenVolume('plain');
    const end = volume.store.nat.nidEnd;
    for (const nid of [-1, end, 1.5, Number.NaN]) expect(() => runSync(dumpNat(volume, nid))).toThrow(usage);
    expect(runSync(dumpNat(volume, end - 1)).rows).toHaveLength(3);
    expect(() => NatRange.of(volume, 0, end)).toThrow(usage);
    expect(() => NatRange.of(volume, 9, 8)).toThrow(usage);
  });
});

describe('NatRange', () => {
  it('lists what a lookup of each nid finds', () => {
    for (const name of ['plain', 'crash-fsync']) {
      const volume = goldenVolume(name);
      const { validNodeCount } = volume.checkpoint;
      const lines = linesOf(NatRange.of(volume));
      // Every node of the checkpoint, and the two reserved nids.
      expect(lines).toHaveLength(validNodeCount + 2);
      for (const { nid, ino, version, blockAddress } of lines) {
        expect(runSync(volume.store.nat.lookup(nid))).toEqual({ nid, ino, version, blockAddress });
      }
    }
  });

  it('cuts to the range that was asked for, wherever NAT blocks begin and end', () => {
    const volume = goldenVolume('plain');
    const all = linesOf(NatRange.of(volume));
    fc.assert(
      fc.property(fc.nat(1200), fc.nat(700), (first, count) => {
        const last = first + count;
        const expected = all.filter(({ nid }) => nid >= first && nid <= last);
        expect(linesOf(NatRange.of(volume, first, last))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('reads a NAT block at a time', () => {
    const volume = mount(damaged('plain', {}));
    const range = NatRange.of(volume);
    const before = volume.store.blocks.misses;
    runSync(range.next());
    expect(volume.store.blocks.misses - before).toBeLessThanOrEqual(2); // the journal's block and one NAT block
  });
});
