// Folio sizes never change results (I-13): every golden volume has the manifest that Linux printed with folios of any order,
// with a cache that is hardly large enough, with completions in any order.

import { ShuffleDevice } from '@f2fskit/block';
import type { F2fsInode } from '@f2fskit/f2fs';
import { CACHE_BYTES_MIN } from '@f2fskit/pagecache';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { openVolume, openVolumeSync, type Volume } from '../src/node/index.ts';
import { manifestAsync, manifestSync } from './manifest-lines.ts';

const full = process.env['F2FSKIT_FULL'] === '1';
const smallest = { budgetBytes: CACHE_BYTES_MIN, poison: true };
const large = { budgetBytes: 256 << 20 };

/** log2 of the cluster sizes on the volume. */
function clusterOrders(volume: Volume): Set<number> {
  const orders = new Set<number>();
  const tree = volume.vfs.tree(volume.scheduler.runSync(volume.vfs.walk('/')).inode, Buffer.from('/'));
  for (
    let event = volume.scheduler.runSync(tree.next());
    event !== undefined;
    event = volume.scheduler.runSync(tree.next())
  ) {
    if (event.type !== 'entry' || event.inode.kind !== 'file') continue;
    const { fields } = event.inode as F2fsInode;
    if (fields.compressed) orders.add(fields.logClusterSize);
  }
  return orders;
}

/** 0, 4, 9, and one below and at every cluster size: one cluster tiled by several folios, or in one of its own. */
function ordersFor(volume: Volume): number[] {
  const clusters = [...clusterOrders(volume)];
  return [...new Set([0, 4, 9, ...clusters, ...clusters.map((order) => order - 1)])].sort((a, b) => a - b);
}

describe.each(goldenVolumes().map(({ name }) => name))('%s', (name) => {
  const { device } = loadGolden(name);
  const reference = manifestSync(openVolumeSync(device, { cache: large }));

  for (const orderMax of ordersFor(openVolumeSync(device))) {
    it(`folios up to order ${orderMax}, sync, in the smallest cache`, () => {
      const volume = openVolumeSync(device, { cache: { ...smallest, orderMax } });
      expect(manifestSync(volume)).toEqual(reference);
      expect(volume.f2fs.cache.bytesUsed).toBeLessThanOrEqual(CACHE_BYTES_MIN);
    });

    it.runIf(full || orderMax < 4)(
      `folios up to order ${orderMax}, completions shuffled, in the smallest cache`,
      async () => {
        const volume = await openVolume(new ShuffleDevice(device, 7 + orderMax), { cache: { ...smallest, orderMax } });
        expect(await manifestAsync(volume)).toEqual(reference);
      },
    );

    it.runIf(full)(`folios up to order ${orderMax}, sync and shuffled, in a large cache, twice`, async () => {
      const sync = openVolumeSync(device, { cache: { ...large, orderMax } });
      expect(manifestSync(sync)).toEqual(reference);
      expect(manifestSync(sync)).toEqual(reference);
      const shuffled = await openVolume(new ShuffleDevice(device, 70 + orderMax), { cache: { ...large, orderMax } });
      expect(await manifestAsync(shuffled)).toEqual(reference);
    });
  }
});
