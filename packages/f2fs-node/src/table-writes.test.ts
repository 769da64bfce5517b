// The node address table and the free nids as they are written, against a Map: over any changes and checkpoints, also as
// somebody sees them who opens the volume anew after a checkpoint, or after a cut in the middle of one.

import type { MemoryDevice } from '@f2fskit/block';
import type { NatRecord, Superblock } from '@f2fskit/f2fs-format';
import { DeviceMapping, PageCache } from '@f2fskit/pagecache';
import { runSync, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { storeOf } from '../test/support.ts';
import { TestVolume } from '../test/test-volume.ts';
import { FreeNids, MetadataBlocks, NodeAddressTable } from './index.ts';

/** A table over the device alone: what a mount after a checkpoint with this bitmap and journal sees. */
function fresh(
  device: MemoryDevice,
  superblock: Superblock,
  bitmap: Uint8Array,
  journal: readonly NatRecord[],
): NodeAddressTable {
  return new NodeAddressTable(superblock, new DeviceMapping(new PageCache(), device), bitmap, journal);
}

describe('the node address table', () => {
  it.each([1, 2, 3, 4])('is what was set, before and behind checkpoints, and after a cut (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const volume = new TestVolume();
    const { nat, superblock, blocks } = storeOf(volume);
    const device = blocks.device as MemoryDevice;
    const metadata = new MetadataBlocks(blocks);
    const model = new Map<number, NatRecord>();
    const durable = {
      model: new Map<number, NatRecord>(),
      bitmap: volume.natBitmap.slice(),
      journal: [] as readonly NatRecord[],
    };
    const nids = Array.from({ length: 120 }, () => 4 + random.below(random.chance(0.5) ? 500 : 200_000));
    const compare = (table: NodeAddressTable, expected: ReadonlyMap<number, NatRecord>): void => {
      for (const nid of nids) {
        const { version, ino, blockAddress } = runSync(table.lookup(nid));
        const wanted = expected.get(nid) ?? { version: 0, ino: 0, blockAddress: 0 };
        expect([version, blockAddress]).toEqual([wanted.version, wanted.blockAddress]);
        // Of a free nid the table keeps no owner.
        if (wanted.blockAddress !== 0) expect(ino).toBe(wanted.ino);
      }
    };
    let toTable = 0;
    for (let round = 0; round < 40; round++) {
      for (let count = random.below(30); count > 0; count--) {
        const nid = nids[random.below(nids.length)]!;
        const free = random.chance(0.3);
        const record = {
          nid,
          version: random.below(256),
          ino: nid,
          blockAddress: free ? 0 : 5000 + random.below(1000),
        };
        nat.set(record);
        model.set(nid, record);
      }
      compare(nat, model);
      const { journal, versionBitmap } = runSync(nat.commit(metadata));
      expect(journal.length).toBeLessThanOrEqual(38);
      if (metadata.pending > 0) toTable++;
      // Lookups between the two go by what changed, whatever lies on the device.
      compare(nat, model);
      runSync(metadata.flush());
      compare(nat, model);
      // Cut here: the pack in force still has the old bitmap and journal, and finds the old table.
      compare(fresh(device, superblock, durable.bitmap, durable.journal), durable.model);
      nat.committed();
      compare(nat, model);
      Object.assign(durable, { model: new Map(model), bitmap: versionBitmap, journal });
      compare(fresh(device, superblock, durable.bitmap, durable.journal), model);
    }
    expect(toTable, 'rounds that outgrew the journal').toBeGreaterThan(3);
  });
});

describe('free nids', () => {
  it.each([1, 2])('are given out once, and again only after the checkpoint that frees them (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const volume = new TestVolume();
    for (let nid = 4; nid < 900; nid += 1 + (nid % 3)) volume.setNat(nid, 5000 + nid);
    const { nat, blocks } = storeOf(volume);
    const metadata = new MetadataBlocks(blocks);
    const nids = new FreeNids(nat, 4);
    const used = new Set<number>();
    const waiting = new Set<number>();
    for (let nid = 4; nid < 900; nid += 1 + (nid % 3)) used.add(nid);
    for (let step = 0; step < 2000; step++) {
      const roll = random.below(10);
      if (roll < 6) {
        const nid = runSync(nids.take());
        expect(used.has(nid) || waiting.has(nid), `nid ${nid} was given out twice`).toBe(false);
        expect(nid).toBeGreaterThan(3);
        used.add(nid);
        nat.set({ nid, version: 0, ino: nid, blockAddress: 7000 + (nid % 500) });
      } else if (roll < 9) {
        const nid = [...used][random.below(used.size)]!;
        used.delete(nid);
        waiting.add(nid);
        nat.set({ nid, version: 1, ino: nid, blockAddress: 0 });
        nids.give(nid);
      } else {
        runSync(nat.commit(metadata));
        runSync(metadata.flush());
        nat.committed();
        nids.committed();
        waiting.clear();
      }
    }
    expect(nids.hint).toBeGreaterThan(3);
  });

  it('end: ENOSPC, and one that is given up can be had again after a checkpoint', () => {
    const { nat, blocks } = storeOf(new TestVolume());
    // Only two blocks' worth of nids exist for this one.
    const small = new Proxy(nat, {
      get: (target, key) =>
        key === 'nidEnd' ? 910 : (Reflect.get(target, key).bind?.(target) ?? Reflect.get(target, key)),
    });
    const nids = new FreeNids(small, 0);
    const metadata = new MetadataBlocks(blocks);
    for (let count = 4; count < 910; count++) {
      const nid = runSync(nids.take());
      nat.set({ nid, version: 0, ino: nid, blockAddress: 6000 });
    }
    expect(() => runSync(nids.take())).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    nat.set({ nid: 77, version: 1, ino: 77, blockAddress: 0 });
    nids.give(77);
    expect(() => runSync(nids.take())).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    runSync(nat.commit(metadata));
    runSync(metadata.flush());
    nat.committed();
    nids.committed();
    expect(runSync(nids.take())).toBe(77);
  });
});
