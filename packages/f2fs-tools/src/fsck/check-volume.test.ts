import { FaultDevice, MemoryDevice, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, RawInode, segmentAddress } from '@f2fskit/f2fs-format';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import { describeMutation, goldenVolumes, loadGolden, mutatorOf } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { damaged, goldenDevice, goldenVolume, inoOf } from '../../test/volumes.ts';
import { checkVolume } from './check-volume.ts';
import type { CheckReport } from './report.ts';
import { fsckExitCode } from './report.ts';

const names = goldenVolumes().map(({ name }) => name);
const check = (name: string): CheckReport => runSync(checkVolume(loadGolden(name).device));

describe('sound volumes', () => {
  it.each(names)('%s is clean, without a warning', (name) => {
    const report = check(name);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ clean: true, complete: true, errors: 0, warnings: 0, unreadable: 0 });
    expect(fsckExitCode(report)).toBe(0);
    const { checkpoint } = goldenVolume(name).pack;
    expect(report.totals).toMatchObject({
      nodes: checkpoint.validNodeCount,
      inodes: checkpoint.validInodeCount,
      blocks: checkpoint.validBlockCount,
      freeSegments: checkpoint.freeSegmentCount,
    });
  });

  it('counts directories and names as the manifest of Linux does', () => {
    const { totals } = check('plain-default');
    // The root is a line of its own, and has no name.
    const lines = loadGolden('plain-default')
      .manifest!.split('\n')
      .filter((line) => line !== '');
    expect(totals!.entries).toBe(lines.length - 1);
  });

  it('says what a mount would do, and finds nothing wrong with it', () => {
    expect(check('crash-chain').notes).toEqual([
      { kind: 'recovery', message: 'needs recovery: 6 fsynced nodes follow the checkpoint' },
    ]);
    expect(check('crash-orphan').notes.map(({ kind }) => kind)).toEqual(['orphans']);
    expect(check('plain').notes).toEqual([]);
  });

  it.each(['plain', 'compress-lz4-4', 'bigdir'])('%s is read in few requests, and nothing is written', (name) => {
    const device = new StatisticsDevice(loadGolden(name).device);
    runSync(checkVolume(device));
    const { read, write, flush, discard } = device.snapshot();
    expect([write.bios, flush.bios, discard.bios]).toEqual([0, 0, 0]);
    // One block a request would be many hundreds.
    expect(read.bios).toBeLessThan(60);
    // NAT, SIT and SSA in use, the pack, nodes and dentry blocks with the gaps between them: no file data, nothing twice.
    expect(read.bytes).toBeLessThan(device.size / 4);
  });

  it.each([1, 2])('an asynchronous device in any order gives the same report (seed %i)', async (seed) => {
    for (const name of ['plain', 'crash-orphan']) {
      expect(await runAsync(checkVolume(new ShuffleDevice(loadGolden(name).device, seed)))).toEqual(check(name));
    }
  });
});

describe('what is no volume, or cannot be read', () => {
  it('throws EINVAL for what is not F2FS, of any size', () => {
    for (const size of [0, 512, 4096, 1 << 20]) {
      const caught = catching(() => runSync(checkVolume(new MemoryDevice(size))));
      expect(caught).toMatchObject({ code: 'EINVAL' });
    }
  });

  it('a block that cannot be read is told with its place; the rest is checked, but not complete', () => {
    const ino = inoOf(goldenVolume('plain'), '/d/text');
    const block = runSync(goldenVolume('plain').readInode(ino)).raw.address;
    const range = { start: block * BLOCK_SIZE, end: (block + 1) * BLOCK_SIZE };
    const device = new FaultDevice(goldenDevice('plain'), [{ action: { kind: 'fail' }, operation: 'read', range }]);
    const report = runSync(checkVolume(device));
    expect(report).toMatchObject({ clean: false, complete: false, unreadable: 1 });
    expect(report.findings[0]).toMatchObject({ code: 'unreadable', place: { area: 'main', block } });
    expect(fsckExitCode(report)).toBe(4 | 8);
  });
});

describe('findings', () => {
  it('say the path of an inode, through inline and other directories', () => {
    const volume = goldenVolume('plain');
    for (const path of ['/d/text', '/d']) {
      const { raw } = runSync(volume.readInode(inoOf(volume, path)));
      const device = damaged('plain', { [raw.address]: (view) => RawInode.links.set(view, 0, 99) });
      const { findings } = runSync(checkVolume(device));
      expect(findings.map(({ code, place }) => [code, place.path])).toEqual([['linkCount', path]]);
    }
  });

  it('are capped; their counts go on', () => {
    const { superblock } = goldenVolume('plain');
    // Footers of many nodes that name others.
    const changes: Record<number, (view: DataView) => void> = {};
    for (let n = 0; n < 40; n++) {
      changes[segmentAddress(superblock, 1) + n] = (view) => view.setUint32(4072, 0xffff_ffff, true);
    }
    const full = runSync(checkVolume(damaged('plain', changes)));
    const capped = runSync(checkVolume(damaged('plain', changes), { findingsMax: 5 }));
    expect(full.findings.length).toBeGreaterThan(40);
    expect(capped.findings).toEqual(full.findings.slice(0, 5));
    expect(capped).toMatchObject({ errors: full.errors, counts: full.counts, clean: false });
    expect(runSync(checkVolume(damaged('plain', changes), { findingsMax: 0 }))).toMatchObject({ errors: full.errors });
  });
});

describe('damaged volumes', () => {
  const BIOS_MAX = 3000;
  it.each(['plain', 'compress-lz4-4', 'xattr-heavy', 'crash-orphan'])('%s: no crash, bounded work, places', (name) => {
    const mutator = mutatorOf(name);
    const random = seededRandom(20_26);
    for (let n = 0; n < 15; n++) {
      const mutation = mutator.make(1000 + random.below(1_000_000));
      const device = new StatisticsDevice(mutator.device(mutation));
      const outcome = catching(() => runSync(checkVolume(device)));
      const what = describeMutation(mutation);
      expect(device.snapshot().read.bios, what).toBeLessThan(BIOS_MAX);
      if (outcome instanceof FsError) expect(['EINVAL', 'EOPNOTSUPP'], what).toContain(outcome.code);
      else if (outcome instanceof Error) throw new Error(what, { cause: outcome });
      else {
        const placeless = outcome.findings.filter(({ place }) => {
          return place.block === undefined && place.nid === undefined && place.ino === undefined;
        });
        expect(placeless, what).toEqual([]);
        expect(outcome.clean, what).toBe(outcome.errors === 0);
      }
    }
  });
});

function catching<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (error) {
    return error as Error;
  }
}
