// Builds whose files are compressed: what is, what is not, and what it saves.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { CodecRegistry } from '@f2fskit/codecs';
import type { F2fsInode } from '@f2fskit/f2fs';
import { runSync, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { type BuildOptions, buildImage, openVolumeSync, type Volume } from '../src/node/index.ts';
import { buildAndOpen, expectSound, hostLines, testFolder, volumeLines } from './build-world.ts';

const inFolder = testFolder();

/** Bytes that compress about 1 to 3. */
function textOf(size: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  const words = Array.from({ length: 200 }, () => `${'etaoinshrdlu'.slice(random.below(6), 6 + random.below(6))} `);
  const parts: string[] = [];
  for (let length = 0; length < size; ) {
    const word = words[random.below(words.length)]!;
    parts.push(word);
    length += word.length;
  }
  return Buffer.from(parts.join('')).subarray(0, size);
}

function noiseOf(size: number): Buffer {
  const random = seededRandom(7);
  return Buffer.from(Array.from({ length: size }, () => random.below(256)));
}

function tree(): string {
  const root = inFolder('tree');
  fs.mkdirSync(`${root}/deep/er`, { recursive: true });
  fs.writeFileSync(`${root}/large`, textOf(1_800_000));
  fs.writeFileSync(`${root}/deep/er/text.txt`, textOf(200_000, 2));
  fs.linkSync(`${root}/deep/er/text.txt`, `${root}/deep/second name`);
  fs.writeFileSync(`${root}/deep/noise`, noiseOf(100_000));
  fs.writeFileSync(`${root}/deep/table.db`, textOf(100_000, 3));
  fs.writeFileSync(`${root}/deep/small`, textOf(12_000, 4));
  fs.writeFileSync(`${root}/deep/inside`, textOf(1000, 5));
  fs.writeFileSync(`${root}/deep/nothing`, '');
  fs.symlinkSync('small', `${root}/deep/link`);
  fs.writeFileSync(`${root}/sparse`, textOf(70_000, 6));
  fs.truncateSync(`${root}/sparse`, 400_000);
  return root;
}

/** What the files say of compression: saved blocks by path, -1 for files that are not compressed. */
function savedIn(volume: Volume): Record<string, number> {
  const found: Record<string, number> = {};
  const walk = volume.vfs.tree(runSync(volume.vfs.walk('/')).inode, new Uint8Array(0));
  for (let event = runSync(walk.next()); event !== undefined; event = runSync(walk.next())) {
    if (event.type !== 'entry' || event.inode.kind !== 'file') continue;
    const { fields } = event.inode as F2fsInode;
    found[Buffer.from(event.path).toString()] = fields.compressed ? fields.compressedBlocks : -1;
  }
  return found;
}

describe('a build with compression', () => {
  it('compresses what has a whole cluster and is not hot', async () => {
    const root = tree();
    const { report, volume } = await buildAndOpen(root, inFolder('image'), { compress: {} });
    expect(volumeLines(volume)).toEqual(hostLines(root));
    const saved = savedIn(volume);
    expect(Object.keys(saved).filter((path) => saved[path]! > 0)).toEqual([
      '/deep/er/text.txt',
      '/deep/second name',
      '/large',
      '/sparse',
    ]);
    expect(saved).toMatchObject({
      '/deep/noise': 0,
      '/deep/table.db': -1,
      '/deep/small': -1,
      '/deep/inside': -1,
      '/deep/nothing': -1,
    });
    const sum = saved['/large']! + saved['/deep/second name']! + saved['/sparse']!;
    expect(report).toMatchObject({ compressedFiles: 4, savedBlocks: sum, releasedBlocks: 0, failures: 0 });
    expect(report.features).toEqual(['extra_attr', 'compression']);
    await volume.close();
    expectSound(inFolder('image'));
    // What is saved stays reserved: the volume is as full as without, but for what compressed files cannot have inside.
    const plain = await buildImage(root, inFolder('plain'), { format: { features: ['extra_attr', 'compression'] } });
    expect(report.size.usedBlocks).toBe(plain.size.usedBlocks);
  });

  it.each<[string, BuildOptions['compress']]>([
    ['lz4:9, large clusters, checksums', { level: 9, logClusterSize: 5, checksum: true }],
    ['lzo', { algorithm: 'lzo' }],
    ['lzo-rle', { algorithm: 'lzo-rle', logClusterSize: 8 }],
  ])('in other ways: %s', async (_name, compress) => {
    const root = tree();
    const { report, volume } = await buildAndOpen(root, inFolder('image'), { compress: compress! });
    expect(volumeLines(volume)).toEqual(hostLines(root));
    expect(report.savedBlocks).toBeGreaterThan(150);
    const settings = volume.getCompressionSync('/large');
    expect(settings).toEqual({ algorithm: 'lz4', level: 0, logClusterSize: 2, checksum: false, ...compress });
    await volume.close();
    expectSound(inFolder('image'));
  });

  it('by extensions', async () => {
    const compress = { extensions: ['txt', 'db'], noExtensions: ['db2'] };
    const { volume } = await buildAndOpen(tree(), inFolder('image'), { compress });
    const saved = savedIn(volume);
    // The second name is of the same file; the volume says that db is hot.
    expect(Object.keys(saved).filter((path) => saved[path]! >= 0)).toEqual(['/deep/er/text.txt', '/deep/second name']);
    await volume.close();
  });

  it('the same source gives the same bytes', async () => {
    const root = tree();
    for (const image of ['a', 'b']) {
      await buildImage(root, inFolder(image), { compress: {}, sourceDateEpoch: 1_700_000_000, readOnly: true });
    }
    expect(fs.readFileSync(inFolder('a')).equals(fs.readFileSync(inFolder('b')))).toBe(true);
  });
});

describe('for reading only', () => {
  it('what is saved is free, and the volume smaller', async () => {
    const root = inFolder('texts');
    fs.mkdirSync(root);
    for (let file = 0; file < 16; file++) fs.writeFileSync(`${root}/${file}`, textOf(1_200_000, file + 1));
    const plain = await buildImage(root, inFolder('plain'), { size: 'min' });
    const options: BuildOptions = { size: 'min', compress: { logClusterSize: 5 }, readOnly: true };
    const { report, volume } = await buildAndOpen(root, inFolder('image'), options);
    expect(report.releasedBlocks).toBe(report.savedBlocks);
    expect(report.size.usedBlocks).toBeLessThan(plain.size.usedBlocks - report.savedBlocks + 200);
    expect(plain.size.bytes - report.size.bytes).toBeGreaterThan(report.releasedBlocks * 2048);
    expect(report.features).toContain('ro');
    expect(volumeLines(volume)).toEqual(hostLines(root));
    const usage = volume.compressionUsageSync('/3');
    expect([usage.savedBlocks, usage.releasedBlocks > 100]).toEqual([0, true]);
    expect(volume.f2fs.usage().blocks - volume.f2fs.usage().blocksFree).toBe(report.size.usedBlocks);
    await volume.close();
    expectSound(inFolder('image'));
    expect(() => openVolumeSync(inFolder('image'), { writable: true })).toThrow(/EROFS.*for reading only/);
  });

  it('also without compression', async () => {
    const root = tree();
    const { report, volume } = await buildAndOpen(root, inFolder('image'), { readOnly: true });
    expect([report.compressedFiles, report.features]).toEqual([0, ['ro']]);
    expect(volumeLines(volume)).toEqual(hostLines(root));
    await volume.close();
    expectSound(inFolder('image'));
  });
});

describe('is refused before anything is made', () => {
  it.each<[BuildOptions, RegExp]>([
    [{ compress: { level: 99 } }, /EINVAL.*compress: level 99/],
    [{ compress: { logClusterSize: 9 } }, /EINVAL.*compress: logClusterSize 9/],
    [{ compress: {}, codecs: new CodecRegistry() }, /EOPNOTSUPP.*lz4/],
    [{ format: { features: ['ro'] } }, /EINVAL.*features: .*option of its own/],
  ])('%j', async (options, message) => {
    const root = tree();
    await expect(buildImage(root, inFolder('image'), options)).rejects.toThrow(message);
    expect(fs.readdirSync(inFolder('.'))).toEqual(['tree']);
  });

  it('zstd, where nobody can write it', async () => {
    const written = buildImage(tree(), inFolder('image'), { compress: { algorithm: 'zstd', level: 5 } });
    if ('zstdCompressSync' in (await import('node:zlib'))) {
      expect((await written).savedBlocks).toBeGreaterThan(150);
      return;
    }
    await expect(written).rejects.toThrow(/EOPNOTSUPP.*zstd/);
    expect(spawnSync('ls', [inFolder('.')]).stdout.toString()).toBe('tree\n');
  });
});
