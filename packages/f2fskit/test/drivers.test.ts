// One implementation, two drivers: in whatever order the device completes, however late, and whatever fails, the async
// driver reads what the sync driver reads.

import { type BlockDevice, FaultDevice, type FaultRule, ShuffleDevice } from '@f2fskit/block';
import { seededRandom } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { openVolume, openVolumeSync, type Volume } from '../src/node/index.ts';
import { manifestAsync, manifestSync } from './manifest-lines.ts';

const wanted = ['plain', 'compress-lz4-4', 'compress-zstd-256', 'android'];
const names = goldenVolumes().map(({ name }) => name);
const seeds = Array.from({ length: process.env['F2FSKIT_FULL'] === '1' ? 10 : 2 }, (_, index) => index + 1);
const BLOCK_BYTES = 4096;

/** Rules that make single blocks of the main area unreadable, in whatever request they are wanted. */
function badBlocks(volume: Volume, seed: number, count: number): FaultRule[] {
  const random = seededRandom(seed);
  const { mainAddress } = volume.f2fs.superblock;
  return Array.from({ length: count }, () => {
    // Near the start of a segment: where blocks are in use on a small volume.
    const segment = random.below(12);
    const start = (mainAddress + segment * 512 + random.below(96)) * BLOCK_BYTES;
    return {
      action: { kind: 'fail' as const },
      operation: 'read' as const,
      range: { start, end: start + BLOCK_BYTES },
    };
  });
}

describe.each(wanted)('%s', (name) => {
  it('is there', () => expect(names).toContain(name));
  const { device } = loadGolden(name);
  const expected = manifestSync(openVolumeSync(device.clone()));

  it.each(seeds)('reads the same in any completion order, with delays (seed %i)', async (seed) => {
    const volume = await openVolume(new ShuffleDevice(device.clone(), seed));
    expect(await manifestAsync(volume)).toEqual(expected);
    expect(() => volume.readFileSync('/')).toThrow('asynchronous');
    await volume.close();
  });

  it.each(seeds)('fails in the same places, and only there (seed %i)', async (seed) => {
    const rules = badBlocks(openVolumeSync(device.clone()), seed, 40);
    const open = (): BlockDevice => new FaultDevice(device.clone(), rules);
    let sync: ReturnType<typeof manifestSync>;
    try {
      sync = manifestSync(openVolumeSync(open()));
    } catch (error) {
      // The root inode or its directory lies in a bad block: then nothing opens, either way.
      await expect(openVolume(new ShuffleDevice(open(), seed))).rejects.toThrow((error as Error).message);
      return;
    }
    const async = await manifestAsync(await openVolume(new ShuffleDevice(open(), seed)));
    expect(async).toEqual(sync);
    // What can be read is right: every line without an error is a line of the good volume.
    const good = new Set(expected.lines);
    for (const line of sync.lines) if (!line.includes('\t!')) expect(good).toContain(line);
  });

  it.each(seeds)('recovers from failures that pass: a later try reads what it should (seed %i)', async (seed) => {
    // Thirty reads fail, scattered over the first ones behind the mount; nothing that failed may be remembered.
    const rule: FaultRule = { action: { kind: 'fail' }, operation: 'read', after: 30, times: 30, chance: 0.2 };
    const faulty = new FaultDevice(device.clone(), [rule], { seed });
    const volume = await openVolume(new ShuffleDevice(faulty, seed));
    const good = new Set(expected.lines);
    let tries = 0;
    for (let found = await manifestAsync(volume); tries < 40; found = await manifestAsync(volume), tries++) {
      for (const line of found.lines) if (!line.includes('\t!')) expect(good).toContain(line);
      if (found.errors.length === 0) {
        expect(found).toEqual(expected);
        break;
      }
    }
    expect(tries).toBeLessThan(40);
    // What was read is cached, so not all of the thirty may come to pass; some did.
    expect(faulty.log.length).toBeGreaterThan(5);
  });

  it.each(seeds)('serves many readers at once (seed %i)', async (seed) => {
    const volume = await openVolume(new ShuffleDevice(device.clone(), seed));
    const reference = openVolumeSync(device.clone());
    const files = expected.lines
      .map((line) => line.split('\t'))
      .filter(([type, , , , , size]) => type === 'file' && Number(size) < 300_000)
      .slice(0, 60)
      .map((fields) => Buffer.from(fields[9]!, 'latin1').subarray(1));
    const contents = await Promise.all(files.map((path) => volume.promises.readFile(path)));
    for (const [index, path] of files.entries()) {
      expect(Buffer.compare(contents[index]!, reference.readFileSync(path)), String(path)).toBe(0);
    }
    expect(files.length).toBeGreaterThan(5);
  });
});
