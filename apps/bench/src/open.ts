// Opening a volume reads a handful of blocks, whatever is on it.

import { StatisticsDevice } from '@f2fskit/block';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { openVolumeSync } from 'f2fskit';
import type { BenchResult } from './report.ts';

/** Two superblock copies, two packs of two blocks, two journals, the chain's first block, NAT and root. */
const BIOS_MAX = 16;

export function openBench(): BenchResult {
  const counts = goldenVolumes()
    .filter(({ name }) => !name.startsWith('crash'))
    .map(({ name }) => {
      const device = new StatisticsDevice(loadGolden(name).device);
      // Recovery is work of its own, as long as the chain.
      openVolumeSync(device, { norecovery: true });
      return { what: `bios to open ${name}`, value: device.snapshot().read.bios, most: BIOS_MAX };
    });
  const worst = counts.reduce((most, count) => (count.value > most.value ? count : most));
  return {
    name: 'open',
    counts: [{ ...worst, what: `${worst.what} (the most of ${counts.length} volumes)` }],
    ratios: [],
  };
}
