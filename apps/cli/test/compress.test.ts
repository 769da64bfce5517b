// compress and decompress as commands, and what info, stat and ls say of compression.

import { loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { EditVolume, judged, objections } from './edit-volume.ts';
import { f2fs } from './run-cli.ts';

const volume = new EditVolume('compress-lz4-4');
const TEXT = 'what is said again and again, a little otherwise each time. '.repeat(2000);

interface Compression {
  algorithm: string;
  level: number;
  checksum: boolean;
  clusterBytes: number;
  logicalBlocks: number;
  storedBlocks: number;
  savedBlocks: number;
  releasedBlocks: number;
  released: boolean;
}

async function compressionOf(path: string): Promise<Compression | undefined> {
  const { stdout } = await volume.run(['stat', '--json', 'IMAGE', path]);
  return (JSON.parse(stdout.toString()) as { compression?: Compression }).compression;
}

describe('compress', () => {
  it('a file, in place, and back', async () => {
    await volume.ok(['put', 'IMAGE', volume.file('text', TEXT), '/text']);
    await volume.ok(['ln', 'IMAGE', '/text', '/second']);
    const { mtimeNs, ino } = volume.stat('/text');
    await volume.ok(['compress', '-a', 'lz4:9', '--cluster', '64K', '--checksum', 'IMAGE', '/text']);
    const found = (await compressionOf('/second'))!;
    expect(found).toMatchObject({ algorithm: 'lz4', level: 9, checksum: true, clusterBytes: 65536, released: false });
    expect(found.savedBlocks).toBeGreaterThan(10);
    expect(found.storedBlocks + found.savedBlocks).toBe(found.logicalBlocks);
    expect(volume.read('/second').toString()).toBe(TEXT);
    expect(volume.stat('/text')).toMatchObject({ mtimeNs, ino, nlink: 2n });
    if (judged) expect(objections(volume.image)).toBe('');
    await volume.ok(['decompress', 'IMAGE', '/second']);
    expect(await compressionOf('/text')).toBeUndefined();
    expect(volume.read('/text').toString()).toBe(TEXT);
    if (judged) expect(objections(volume.image)).toBe('');
  });

  it('gives blocks back, and takes them again', async () => {
    await volume.ok(['put', 'IMAGE', volume.file('text', TEXT), '/text']);
    await volume.ok(['compress', '--release', 'IMAGE', '/text']);
    const released = (await compressionOf('/text'))!;
    expect([released.released, released.savedBlocks, released.releasedBlocks > 10]).toEqual([true, 0, true]);
    expect(await volume.fails(['truncate', '-s', '5', 'IMAGE', '/text'])).toMatch(/EPERM/);
    // In another way: they stay given back.
    await volume.ok(['compress', '--cluster', '32K', 'IMAGE', '/text']);
    const anew = (await compressionOf('/text'))!;
    expect([anew.released, anew.clusterBytes, anew.releasedBlocks >= released.releasedBlocks]).toEqual([
      true,
      32768,
      true,
    ]);
    await volume.ok(['compress', '--reserve', 'IMAGE', '/text']);
    expect(await compressionOf('/text')).toMatchObject({
      released: false,
      savedBlocks: anew.releasedBlocks,
      releasedBlocks: 0,
    });
    await volume.ok(['truncate', '-s', '5', 'IMAGE', '/text']);
    expect(volume.read('/text').toString()).toBe(TEXT.slice(0, 5));
  });

  it('whole trees, and what is to come', async () => {
    await volume.ok(['mkdir', '-p', 'IMAGE', '/t/a/b']);
    await volume.ok(['put', 'IMAGE', volume.file('text', TEXT), '/t/a/b/text']);
    await volume.ok(['put', 'IMAGE', volume.file('small', 'small'), '/t/small']);
    await volume.ok(['ln', '-s', 'IMAGE', '/d/text', '/t/link']);
    const { stdout } = await volume.run(['compress', '-R', '--inherit', '--json', 'IMAGE', '/t']);
    // Three directories and a file; what is too small, and behind a symlink, stays as it is.
    expect(JSON.parse(stdout.toString())).toMatchObject({
      schema: 'f2fs.compress/1',
      changed: 4,
      unchanged: 1,
      failed: 0,
    });
    expect((await compressionOf('/t/a/b/text'))?.savedBlocks).toBeGreaterThan(5);
    await volume.ok(['put', 'IMAGE', volume.file('new', TEXT), '/t/a/new']);
    expect((await compressionOf('/t/a/new'))?.savedBlocks).toBeGreaterThan(5);
    await volume.ok(['decompress', '-R', '--inherit', 'IMAGE', '/t']);
    expect(await compressionOf('/t/a/new')).toBeUndefined();
    await volume.ok(['put', 'IMAGE', volume.file('newer', TEXT), '/t/a/newer']);
    expect(await compressionOf('/t/a/newer')).toBeUndefined();
    // Nothing is left to do.
    const again = await volume.run(['decompress', '-R', '--inherit', '--json', 'IMAGE', '/t']);
    expect(JSON.parse(again.stdout.toString())).toMatchObject({ changed: 0, failed: 0 });
  });

  it('what cannot be is said, and the rest is done', async () => {
    await volume.ok(['put', 'IMAGE', volume.file('text', TEXT), '/text']);
    const said = await volume.fails(['compress', 'IMAGE', '/absent', '/d', '/d/null', '/text']);
    expect(said).toMatch(/ENOENT.*\/absent/);
    expect(said).toMatch(/EISDIR.*-R is for directories/);
    expect(said).toMatch(/EINVAL.*no regular file/);
    expect((await compressionOf('/text'))?.savedBlocks).toBeGreaterThan(5);
  });

  it.each([
    ['compress -a gzip IMAGE /x', /lz4, lzo, lzo-rle or zstd/],
    ['compress -a lzo:3 IMAGE /x', /lzo has no levels/],
    ['compress -a lz4:2 IMAGE /x', /3 to 16/],
    ['compress -a zstd:23 IMAGE /x', /1 to 22/],
    ['compress -a zstd: IMAGE /x', /whole number/],
    ['compress --cluster 8K IMAGE /x', /16K, 32K/],
    ['compress --cluster 48K IMAGE /x', /16K, 32K/],
    ['compress --release --reserve IMAGE /x', /cannot be used with/],
    ['compress --reserve -a lz4 IMAGE /x', /--reserve compresses nothing/],
    ['compress IMAGE', /missing required argument/],
  ])('%s: wrong usage', async (line, message) => {
    expect(await volume.fails(line.split(' '), 2)).toMatch(message);
  });
});

it('a volume without compression says so', async () => {
  const { image } = volume;
  const { writeSparse } = await import('./sparse-file.ts');
  writeSparse(image, loadGolden('plain-default').bytes);
  await volume.ok(['put', 'IMAGE', volume.file('text', TEXT), '/text']);
  expect(await volume.fails(['compress', 'IMAGE', '/text'])).toMatch(/EOPNOTSUPP.*the volume has no compression/);
});

describe('reports', () => {
  it('info, stat and ls agree with Linux and with each other', async () => {
    const cblocks = loadGolden('compress-lz4-4')
      .cblocks!.trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    const json = JSON.parse((await volume.run(['info', '--json', 'IMAGE'])).stdout.toString()) as {
      compression: Compression & { files: number; releasedFiles: number };
    };
    const { stdout } = await volume.run(['ls', '--json', '-c', 'IMAGE', '/c']);
    const { entries } = JSON.parse(stdout.toString()) as {
      entries: Array<{ name: string; compression?: Compression }>;
    };
    const files = entries.filter(({ compression }) => compression !== undefined);
    const sum = (what: 'storedBlocks' | 'savedBlocks' | 'releasedBlocks' | 'logicalBlocks'): number =>
      files.reduce((total, { compression }) => total + compression![what], 0);
    expect(files.map(({ name, compression }) => `${compression!.savedBlocks}\t${name}`)).toEqual(
      cblocks.map((line) => line.join('\t')),
    );
    expect(json.compression).toMatchObject({
      files: files.length,
      logicalBlocks: sum('logicalBlocks'),
      storedBlocks: sum('storedBlocks'),
      savedBlocks: sum('savedBlocks'),
      releasedBlocks: sum('releasedBlocks'),
      releasedFiles: 1,
    });
    // The same contents, once with what is saved kept, and once given back.
    const of = (name: string): Compression => files.find((file) => file.name === name)!.compression!;
    expect(of('released').releasedBlocks).toBe(of('refused').savedBlocks);
    expect(of('released').storedBlocks).toBe(of('refused').storedBlocks);
  });

  it('and look like this', async () => {
    const text = async (...args: string[]): Promise<string> => (await volume.run(args)).stdout.toString();
    expect(await text('info', 'IMAGE')).toMatch(
      /\nCompression\n {2}Files {9}17, 1 with their saved blocks released\n {2}Contents {6}[\d.]+ MiB\n {2}On volume {5}[\d.]+ (KiB|MiB) stored, .* saved, 16.0 KiB released \(\d+ %\)\n/,
    );
    const stat = await text('stat', 'IMAGE', '/c/released', '/c/text');
    expect(stat).toMatch(
      /Compressed lz4, clusters of 16.0 KiB\n {2}Stored {5}24.0 KiB stored, 0 B saved, 16.0 KiB released \(40 %\); not writable/,
    );
    expect(stat).toMatch(/Stored {5}36.0 KiB stored, 32.0 KiB saved \(47 %\)\n/);
    const list = await text('ls', '-lc', 'IMAGE', '/c');
    expect(list).toMatch(/ lz4 +24576 +16384 released released\n/);
    expect(list).toMatch(/ lz4 +36864 +32768 saved text\n/);
    expect(await text('ls', '-l', 'IMAGE', '/c')).not.toMatch(/lz4|saved/);
    expect(await text('ls', '-lc', 'IMAGE', '/d')).toMatch(/ - - - text\n/);
  });

  it('go on behind damage', async () => {
    const { openVolumeSync } = await import('f2fskit');
    const mounted = openVolumeSync(volume.image);
    const { address, fields } = (
      mounted.scheduler.runSync(mounted.vfs.walk('/c/big')).inode as unknown as {
        raw: { address: number; fields: { addressesOffset: number } };
      }
    ).raw;
    await mounted.close();
    const { readFileSync, writeFileSync } = await import('node:fs');
    const bytes = readFileSync(volume.image);
    const slot = address * 4096 + fields.addressesOffset + 4;
    const before = bytes.readUInt32LE(slot);
    bytes.writeUInt32LE(0, slot);
    writeFileSync(volume.image, bytes);
    const { status, stdout, stderr } = await f2fs(['info', '--json', volume.image]);
    expect([status, stderr.includes('EUCLEAN')]).toEqual([1, true]);
    expect((JSON.parse(stdout.toString()) as { compression: { files: number } }).compression.files).toBe(16);
    bytes.writeUInt32LE(before, slot);
    writeFileSync(volume.image, bytes);
  });
});
