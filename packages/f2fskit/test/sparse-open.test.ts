// Opening reads a handful of blocks, whatever the size: a sparse volume of 1 TiB that mkfs.f2fs made. Needs f2fs-tools.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StatisticsDevice } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { afterAll, describe, expect, it } from 'vitest';
import { openVolume } from '../src/node/index.ts';

const hasMkfs = !spawnSync('mkfs.f2fs', ['-V'], { stdio: 'ignore' }).error;
const folder = mkdtempSync(path.join(tmpdir(), 'f2fs-sparse-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEBIBYTE = 2 ** 40;

describe.runIf(hasMkfs)('a volume of 1 TiB (needs mkfs.f2fs)', () => {
  it.each([
    ['the usual layout', []],
    ['a large NAT bitmap, payload blocks in the pack', ['-i']],
  ])('opens with less than 1 MiB read: %s', async (_what, options) => {
    const image = path.join(folder, 'tebibyte.img');
    writeFileSync(image, '');
    truncateSync(image, TEBIBYTE);
    const made = spawnSync('mkfs.f2fs', ['-f', '-q', '-t', '0', ...options, image], { encoding: 'utf8' });
    expect(made.status, made.stderr).toBe(0);
    const device = new StatisticsDevice(FileDevice.open(image));
    const volume = await openVolume(device);
    expect(volume.f2fs.superblock.blockCount * 4096).toBe(TEBIBYTE);
    expect(await volume.promises.readdir('/')).toEqual([]);
    const { read } = device.snapshot();
    expect(read.bytes).toBeLessThan(2 ** 20);
    expect(read.bios).toBeLessThan(24);
    await volume.close();
    rmSync(image);
  });
});
