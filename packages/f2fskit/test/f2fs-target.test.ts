// The model against F2FS: the same random programs on both, every answer equal, and at the end the same names, attributes and
// contents as a fresh mount reads them. The checkers accept what is left. On volumes that were there: edited-volumes.test.ts.

import { MemoryDevice } from '@f2fskit/block';
import { mountF2fs } from '@f2fskit/f2fs';
import { checkVolume, formatVolume } from '@f2fskit/f2fs-tools';
import { runSync, seededRandom } from '@f2fskit/task';
import { linuxCases, ModelFilesystem, randomOperations, runLinuxCase } from '@f2fskit/testkit/model';
import { describe, expect, it } from 'vitest';
import { editAndJudge } from './edited-volume.ts';
import { F2fsTarget, f2fsLimits } from './f2fs-target.ts';
import { runOnBoth, StepClock } from './model-run.ts';

const START = 1_700_000_000;
const FULL = process.env['F2FSKIT_FULL'] === '1';
/** Programs: `F2FSKIT_CASES=500 pnpm --filter f2fskit test f2fs-target` for a long run. */
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 60 : 3));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

/** An empty volume; the features go round with the seed. */
function emptyVolume(seed: number): MemoryDevice {
  const features = [
    [],
    ['extra_attr', 'inode_checksum', 'inode_crtime', 'flexible_inline_xattr', 'sb_checksum'],
    ['extra_attr', 'project_quota', 'quota', 'lost_found'],
  ];
  const device = new MemoryDevice(64 << 20);
  runSync(
    formatVolume(device, { features: features[seed % features.length]!, random: seededRandom(seed), blank: true }),
  );
  return device;
}

describe('random programs', () => {
  it.each(seeds)('on an empty volume, seed %i', async (seed) => {
    await editAndJudge(emptyVolume(seed), { seed, program: 300 });
  });
});

it.each(linuxCases)('Linux answers: $name', async (linuxCase) => {
  const device = emptyVolume(0);
  const clock = new StepClock(START);
  const volume = runSync(mountF2fs(device, { writable: true, clock, random: seededRandom(1) }));
  const target = new F2fsTarget(volume);
  expect(await runLinuxCase(target, linuxCase, () => clock.step())).toEqual([]);
  runSync(target.closeAll());
  runSync(volume.unmount());
  expect(runSync(checkVolume(device)).findings).toEqual([]);
});

it('what differs is found: a volume that forgets to remove a name', async () => {
  const clock = new StepClock(START);
  const device = emptyVolume(0);
  const volume = runSync(mountF2fs(device, { writable: true, clock, random: seededRandom(1) }));
  const target = new F2fsTarget(volume);
  target.unlink = function* () {};
  const model = new ModelFilesystem({ clock, ...f2fsLimits });
  await expect(runOnBoth(model, target, clock, randomOperations(1, 300))).rejects.toThrow(/differs/);
});
