// Power that fails: during fsyncs, at any moment, with any part of what was not flushed; and during the recovery itself, which
// then finds the same work to do again (I-60, I-62, I-65).

import type { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { runSync, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import {
  begin,
  durable,
  oneOf,
  PowerCutDevice,
  type PowerCutPolicy,
  powerCutPolicies,
  runPowerCuts,
  type Scenario,
} from '@f2fskit/testkit/power-cut';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { CrashWorld, clock, mount } from './crash-world.ts';
import { judged, objections } from './judge.ts';
import { linuxManifest, manifestOf } from './volume-manifest.ts';

const bytes = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

/** A volume with something of everything to recover. */
function busyWorld(name: string): CrashWorld {
  const world = new CrashWorld(name);
  for (const file of ['/w/old', '/w/cut', '/w/taken', '/w/inline']) world.create(file, bytes(20_000, 1));
  world.create('/w/open', bytes(50_000, 2)).hold();
  world.unlink('/w/open');
  world.checkpoint();
  world.write(world.inode('/w/old'), 5000, bytes(9000, 3));
  runSync(world.inode('/w/cut').truncate(5000));
  runSync(world.inode('/w/inline').setXattr(utf8Encode('user.large'), bytes(3000, 4)));
  world.unlink('/w/taken');
  world.create('/w/taken', bytes(30_000, 5));
  world.write(world.create('/w/tree', bytes(100, 6)), 5_000_000, bytes(100, 7));
  for (const file of ['/w/old', '/w/cut', '/w/inline', '/w/taken', '/w/tree'])
    expect(world.fsync(file).how).toBe('chain');
  return world;
}

/** Recovers an image, cuts that at every position, and recovers what is left. */
function expectIdempotent(
  image: MemoryDevice,
  expected: readonly string[],
  policies: readonly PowerCutPolicy[] = powerCutPolicies,
): void {
  const options = { writable: true, clock, codecs: defaultCodecs() };
  const record = new PowerCutDevice(image);
  runSync(mountF2fs(record, options));
  const positions = record.cutPositions();
  expect(positions.length, 'recovery writes').toBeGreaterThan(4);
  let images = 0;
  for (const [index, cut] of positions.entries()) {
    for (const policy of policies) {
      const device = record.imageAfter(cut, policy, index);
      const volume = runSync(mountF2fs(device, options));
      expect(manifestOf(volume, 'bare'), `cut at ${cut}, ${policy}`).toEqual(expected);
      runSync(volume.unmount());
      if (judged && images++ % 16 === 0) expect(objections(device)).toBe('');
    }
  }
}

describe('a recovery that is cut off, and done again', () => {
  it.each<[name: string, policies: readonly PowerCutPolicy[]]>([
    ['xattr-heavy', powerCutPolicies],
    ['plain-default', ['subset']],
    ['geometry', ['subset']],
  ])('on %s', (name, policies) => {
    const world = busyWorld(name);
    expectIdempotent(world.cut(), world.promised, policies);
  });

  it.each(['crash-chain', 'crash-orphan'])('of Linux: %s', (name) => {
    const golden = loadGolden(name);
    expectIdempotent(golden.device.clone(), linuxManifest(golden.raw('manifest')!, 'bare'));
  });
});

describe('fsyncs that are cut off', () => {
  const inodeAt = (volume: F2fsVolume, path: string): F2fsInode =>
    runSync(new Vfs(volume).walk(path, { followLast: false })).inode as F2fsInode;

  /** Contents by name of the files of a directory. */
  type Files = Record<string, string>;

  function filesIn(volume: F2fsVolume): Files {
    const files: Files = {};
    for (const line of manifestOf(volume, 'bare', '/w')) {
      const fields = line.split('\t');
      if (fields[0] !== 'file') continue;
      files[fields[9]!] = [fields[1], fields[5], fields[8]].join(' ');
    }
    return files;
  }

  /** Each step is one fsync of a file with one node: it is there, or not at all. */
  function* steps(volume: F2fsVolume): Generator<{ name: string; ino: number }> {
    const directory = inodeAt(volume, '/w');
    const owner = { mode: 0o600, uid: 0, gid: 0 };
    const make = (name: string): F2fsInode => runSync(directory.create(utf8Encode(name), owner)) as F2fsInode;
    const write = (inode: F2fsInode, position: number, contents: Uint8Array): void => {
      runSync(inode.write(position, new BytesSource(contents)));
    };
    const old = inodeAt(volume, '/w/old');
    for (let round = 1; round <= 3; round++) {
      const inode = make(`new${round}`);
      write(inode, 0, bytes(10 + 9000 * round, round));
      yield { name: `new ${round}`, ino: inode.ino };
      write(old, 4096 * round, bytes(12_000, 10 + round));
      yield { name: `old ${round}`, ino: old.ino };
    }
    runSync(old.truncate(6000));
    yield { name: 'cut', ino: old.ino };
    write(old, 5000, bytes(20_000, 99));
    yield { name: 'grown', ino: old.ino };
  }

  it('show the state before or after, and after it was promised never the one before', async () => {
    const world = new CrashWorld('xattr-heavy');
    world.create('/w/old', bytes(40_000, 9));
    world.checkpoint();
    const base = world.cut();
    const scenario: Scenario<Files> = function* (device) {
      const volume = yield* mountF2fs(device, { writable: true, clock });
      yield* inodeAt(volume, '/w').setAttributes({ mode: 0o700 });
      yield* volume.sync(); // the first fsync of a mount would be this
      for (const { name, ino } of steps(volume)) {
        // What the step wrote in memory is what a cut may show from the first write on.
        yield begin(name, filesIn(volume));
        yield* volume.writer!.flusher.sync();
        const { how } = yield* volume.writer!.fsyncInode(ino);
        expect(how).toBe('chain');
        yield durable(name, filesIn(volume));
      }
    };
    const recover = function* (device: MemoryDevice): Task<Files> {
      return filesIn(yield* mountF2fs(device, { writable: true, clock }));
    };
    const report = await runPowerCuts<Files, Files>({
      base,
      initial: filesIn(mount(base)),
      scenario,
      recover: (device) => recover(device as MemoryDevice),
      compare: oneOf((found, state) => JSON.stringify(found) === JSON.stringify(state)),
      imagesPerCut: 2,
      recoveryCuts: 1,
    });
    expect(report.writes).toBeGreaterThan(15);
    for (const name of ['the base', 'new 1', 'old 1', 'new 3', 'old 3', 'cut', 'grown']) {
      expect(report.matched.get(name), name).toBeGreaterThan(0);
    }
  });
});
