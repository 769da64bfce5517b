// Volumes that were cut off, recovered: the checker finds them sound, with nothing left to recover.

import { mountF2fs } from '@f2fskit/f2fs';
import { runSync } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { expect, it } from 'vitest';
import { checkVolume } from '../src/index.ts';

const names = goldenVolumes().map(({ name }) => name);

it.each(names.filter((name) => /(^|\/)crash-/.test(name)))('%s', (name) => {
  const device = loadGolden(name).device.clone();
  const volume = runSync(mountF2fs(device, { writable: true }));
  runSync(volume.unmount());
  const { findings, notes, clean } = runSync(checkVolume(device));
  expect(findings).toEqual([]);
  expect(notes.map(({ kind }) => kind).filter((kind) => kind !== 'flag')).toEqual([]);
  expect(clean).toBe(true);
});
