// Volumes that Linux was cut off from: after our recovery they show what they show after its own.

import type { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { fixedClock, runSync } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { type F2fsVolume, type MountOptions, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';
import { linuxManifest, manifestOf, withoutLargeHashes } from './volume-manifest.ts';

const clock = fixedClock(1_900_000_000, 5);
const mount = (device: MemoryDevice, options: MountOptions = {}): F2fsVolume =>
  runSync(mountF2fs(device, { codecs: defaultCodecs(), clock, ...options }));

const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => /(^|\/)crash-/.test(name));

describe.each(names)('%s', (name) => {
  const golden = loadGolden(name);
  const expected = withoutLargeHashes(linuxManifest(golden.raw('manifest')!, 'untimed'));

  it('shows what Linux shows, and stays as it is', () => {
    const device = golden.device.clone();
    expect(withoutLargeHashes(manifestOf(mount(device), 'untimed'))).toEqual(expected);
    expect(Buffer.compare(device.toBytes(), golden.bytes)).toBe(0);
  });

  it('is recovered for good by a mount for writing', () => {
    const device = golden.device.clone();
    const volume = mount(device, { writable: true });
    expect(withoutLargeHashes(manifestOf(volume, 'untimed'))).toEqual(expected);
    const { space, current } = volume.writer!;
    expect([space.validBlocks, space.validNodes]).toEqual([current.validBlockCount, current.validNodeCount]);
    runSync(volume.unmount());
    if (judged) expect(objections(device)).toBe('');
    const again = mount(device);
    expect(again.problems.filter(({ kind }) => kind !== 'flag')).toEqual([]);
    expect(withoutLargeHashes(manifestOf(again, 'untimed'))).toEqual(expected);
  });

  it.runIf(golden.raw('checkpoint') !== undefined)('shows its last checkpoint when it is told so', () => {
    const volume = mount(golden.device.clone(), { norecovery: true });
    expect(withoutLargeHashes(manifestOf(volume))).toEqual(
      withoutLargeHashes(linuxManifest(golden.raw('checkpoint')!)),
    );
  });
});
