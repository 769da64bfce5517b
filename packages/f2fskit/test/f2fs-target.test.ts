// The model against F2FS: the same random programs on both, every answer equal, and at the end the same names, attributes and
// contents as a fresh mount reads them. fsck.f2fs accepts what is left, where it is installed.

import { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { mountF2fs } from '@f2fskit/f2fs';
import { checkVolume, formatVolume } from '@f2fskit/f2fs-tools';
import { runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import {
  comparableManifest,
  linuxCases,
  ModelFilesystem,
  printProgram,
  randomOperations,
  runLinuxCase,
} from '@f2fskit/testkit/model';
import { describe, expect, it } from 'vitest';
import { openVolumeSync } from '../src/node/index.ts';
import { F2fsTarget, f2fsLimits } from './f2fs-target.ts';
import { manifestSync } from './manifest-lines.ts';
import { modelOfVolume, removeAccessLists } from './model-of-volume.ts';
import { runOnBoth, StepClock } from './model-run.ts';
import { judged, objections } from './node-fs/judge.ts';

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

/** What a mount that knows nothing of the writer reads. */
function manifestOf(device: MemoryDevice): string[] {
  const { lines, errors } = manifestSync(openVolumeSync(device.clone()));
  expect(errors).toEqual([]);
  return comparableManifest(lines.map((line) => Buffer.from(line, 'latin1')));
}

async function run(device: MemoryDevice, seed: number, count: number): Promise<void> {
  const clock = new StepClock(START);
  const options = { writable: true, clock, random: seededRandom(seed), codecs: defaultCodecs() };
  const volume = runSync(mountF2fs(device, options));
  removeAccessLists(volume);
  const model = modelOfVolume(volume, clock);
  const target = new F2fsTarget(volume);
  const program = randomOperations(seed, count, { start: model });
  await runOnBoth(model, target, clock, program, ['ENOSPC', 'E2BIG']);
  runSync(target.closeAll());
  runSync(volume.unmount());
  const left = model.withoutHandles();
  expect(manifestOf(device), `seed ${seed}\n${printProgram(program)}`).toEqual(left.manifest());
  const again = modelOfVolume(runSync(mountF2fs(device, { codecs: defaultCodecs() })), clock);
  for (const { path, stat } of left.paths()) {
    if (stat.kind === 'symlink') continue;
    const names = left.listxattr(path);
    expect(again.listxattr(path), path).toEqual(names);
    for (const name of names) expect(again.getxattr(path, name), `${path} ${name}`).toEqual(left.getxattr(path, name));
  }
  if (judged) expect(objections(device)).toBe('');
}

describe('random programs', () => {
  it.each(seeds)('on an empty volume, seed %i', (seed) => run(emptyVolume(seed), seed, 300));
  it.each(seeds)('on what Linux wrote, seed %i', (seed) => {
    const names = ['plain', 'plain-default', 'far-sparse', 'geometry', 'bigdir', 'aged'];
    return run(loadGolden(names[seed % names.length]!).device.clone(), seed, 120);
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
