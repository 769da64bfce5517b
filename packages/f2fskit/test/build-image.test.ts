// The image of a build: how large it is, that the same source gives the same bytes, and that there is a whole one or none.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { formatGeometry } from '@f2fskit/f2fs-tools';
import { seededRandom } from '@f2fskit/task';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type BuildOptions, type BuildProgress, buildImage, openVolumeSync } from '../src/node/index.ts';
import { WriterLock } from '../src/node/writer-lock.ts';
import { buildAndOpen, expectSound, hostLines, isRoot, notesOf, testFolder, volumeLines } from './build-world.ts';

const inFolder = testFolder();
afterEach(() => vi.restoreAllMocks());
const MIB = 1 << 20;
const SEGMENT = 2 * MIB;
const files = (): string[] => fs.readdirSync(inFolder('.')).sort();

/** Directories, names, links, holes and sizes by chance. Contents compress badly and are no zeros. */
function randomTree(seed: number, dataBytes: number): string {
  const random = seededRandom(seed);
  const tree = inFolder(`tree${seed}`);
  fs.mkdirSync(tree);
  const directories = [tree];
  const pool = Buffer.from(Array.from({ length: 1 << 16 }, () => 1 + random.below(255)));
  const made: string[] = [];
  for (let left = dataBytes, count = 0; left > 0; count++) {
    const at = directories[random.below(directories.length)]!;
    const name = `${at}/${'name '.repeat(random.below(20))}${count}`;
    if (random.chance(0.08)) directories.push(mkdir(name));
    else if (random.chance(0.05) && made.length > 0) fs.linkSync(made[random.below(made.length)]!, name);
    else if (random.chance(0.05)) fs.symlinkSync('x'.repeat(1 + random.below(4000)), name);
    else {
      const size = random.chance(0.3) ? random.below(3600) : random.below(random.chance(0.05) ? 8 * MIB : 60_000);
      const fd = fs.openSync(name, 'w');
      for (let done = 0; done < size; done += pool.length)
        fs.writeSync(fd, pool, 0, Math.min(pool.length, size - done));
      fs.closeSync(fd);
      made.push(name);
      left -= size;
    }
  }
  return tree;
}

function mkdir(name: string): string {
  fs.mkdirSync(name);
  return name;
}

const sha256 = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

describe('the size', () => {
  it.each([1, 2])('is known before anything is written: to the block (tree %i)', async (seed) => {
    const tree = randomTree(seed, 12 * MIB);
    for (const features of [[], ['extra_attr', 'inode_checksum', 'flexible_inline_xattr', 'lost_found']]) {
      const options: BuildOptions = { format: { features }, force: true };
      const planned = await buildImage(tree, inFolder('image'), { ...options, dryRun: true });
      expect(planned).toMatchObject({ attempts: 0, files: 0, failures: 0 });
      expect(planned.uuid).toBeUndefined();
      const { report, volume } = await buildAndOpen(tree, inFolder('image'), options);
      expect(report.size).toEqual(planned.size);
      expect(volumeLines(volume).size - (features.length > 0 ? 1 : 0)).toBe(hostLines(tree).size);
      expectSound(inFolder('image'));
      await volume.close();
    }
  });

  it('auto leaves a fifth free', async () => {
    const tree = randomTree(3, 20 * MIB);
    const { bytes, usedBlocks, userBlocks } = (await buildImage(tree, inFolder('image'))).size;
    expect(fs.statSync(inFolder('image')).size).toBe(bytes);
    expect(bytes % SEGMENT).toBe(0);
    expect(usedBlocks / userBlocks).toBeLessThanOrEqual(0.8);
    expect(usedBlocks / formatGeometry(bytes - SEGMENT).userBlockCount).toBeGreaterThan(0.8);
  });

  it('min is the smallest that works', async () => {
    const tree = randomTree(4, 20 * MIB);
    const { report, volume } = await buildAndOpen(tree, inFolder('image'), { size: 'min' });
    const { bytes } = report.size;
    expect(report.attempts).toBe(1);
    expect(volumeLines(volume)).toEqual(hostLines(tree));
    expectSound(inFolder('image'));
    await volume.close();
    // One segment less is too little, and that is said before anything is written.
    await expect(buildImage(tree, inFolder('less'), { size: bytes - SEGMENT })).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    const exact = await buildAndOpen(tree, inFolder('exact'), { size: bytes });
    expect(exact.report.size).toEqual(report.size);
    await exact.volume.close();
  });

  it('min is searched where only trying tells: files of zeros that the host has as blocks of something else', async () => {
    // The host counts fewer blocks than there are: as one that compresses does.
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    fs.writeFileSync(`${tree}/a`, Buffer.alloc(24 * MIB, 'text that compresses well '));
    const { lstatSync } = fs;
    vi.spyOn(fs, 'lstatSync').mockImplementation(((name: Buffer, options: { bigint: true }) => {
      const stat = lstatSync(name, options);
      if (stat?.isFile()) stat.blocks = 8n;
      return stat;
    }) as unknown as typeof fs.lstatSync);
    const { report, volume } = await buildAndOpen(tree, inFolder('image'), { size: 'min' });
    vi.restoreAllMocks();
    expect(report.attempts).toBeGreaterThan(2);
    const { bytes, usedBlocks } = report.size;
    expect(formatGeometry(bytes - 3 * SEGMENT).userBlockCount).toBeLessThan(usedBlocks);
    expect(volumeLines(volume)).toEqual(hostLines(tree));
    expectSound(inFolder('image'));
    await volume.close();
    expect(files()).toEqual(['image', 'tree']);
  });

  it('that is given holds what fits, and says what is missing of what does not', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    fs.writeFileSync(`${tree}/a`, Buffer.alloc(30 * MIB, 1));
    const { report, volume } = await buildAndOpen(tree, inFolder('image'), { size: 100 * MIB + 4096 });
    expect(report.size.bytes).toBe(100 * MIB + 4096);
    await volume.close();
    const size = 60 * MIB;
    const room = formatGeometry(size).userBlockCount;
    const error = await buildImage(tree, inFolder('small'), { size }).catch((caught: Error) => caught);
    const [, blocks, missing, enough] =
      /need about (\d+) blocks, .* about (\d+) bytes are missing; (\d+) are enough/.exec((error as Error).message) ??
      [];
    expect(Number(blocks)).toBeGreaterThan((30 * MIB) / 4096);
    expect(Number(missing)).toBe((Number(blocks) - room) * 4096);
    expect((await buildImage(tree, inFolder('enough'), { size: Number(enough) })).failures).toBe(0);
    await expect(buildImage(tree, inFolder('tiny'), { size: MIB })).rejects.toThrow(
      /EINVAL.*size: 1048576 bytes are too few/,
    );
    // Where it shows only in the middle: sparse files may be anything.
    fs.truncateSync(`${tree}/a`, 31 * MIB);
    await expect(buildImage(tree, inFolder('middle'), { size })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(files()).toEqual(['enough', 'image', 'tree']);
  });
});

describe('the same source', () => {
  const epoch = 1_800_000_000;

  it('gives the same bytes with sourceDateEpoch, whatever order and numbers the host has', async () => {
    const tree = randomTree(5, 6 * MIB);
    fs.utimesSync(tree, 2_000_000_000, 2_000_000_000); // later: becomes the epoch
    await buildImage(tree, inFolder('one'), { sourceDateEpoch: epoch });
    const copy = inFolder('copy');
    spawnSync('cp', ['-a', tree, copy]);
    const { readdirSync } = fs;
    vi.spyOn(fs, 'readdirSync').mockImplementation(((name: Buffer, options: { encoding: 'buffer' }) =>
      readdirSync(name, options).reverse()) as unknown as typeof fs.readdirSync);
    const { report, volume } = await buildAndOpen(copy, inFolder('two'), { sourceDateEpoch: epoch });
    vi.restoreAllMocks();
    expect(sha256(inFolder('two'))).toBe(sha256(inFolder('one')));
    expect(volume.statSync('/').mtimeMs).toBe(epoch * 1000);
    const { mtimeMs, atimeMs, ctimeMs } = volume.statSync(`/${volume.readdirSync('/')[0]}`);
    expect([atimeMs, ctimeMs]).toEqual([mtimeMs, epoch * 1000]);
    expectSound(inFolder('two'));
    await volume.close();
    // Another name is another volume.
    fs.renameSync(`${copy}/${fs.readdirSync(copy)[0]}`, `${copy}/renamed`);
    const other = await buildImage(copy, inFolder('three'), { sourceDateEpoch: epoch });
    expect(other.uuid).not.toBe(report.uuid);
    const uuid = '00112233-4455-6677-8899-aabbccddeeff';
    const named = await buildImage(copy, inFolder('four'), { sourceDateEpoch: epoch, format: { uuid, label: 'x' } });
    expect(named).toMatchObject({ uuid, label: 'x' });
  });

  it('as an archive too, through any format', async () => {
    const tree = randomTree(6, MIB);
    spawnSync('find', [tree, '-exec', 'touch', '-h', '-d', '@1600000000', '{}', '+']);
    for (const format of ['gnu', 'pax']) {
      spawnSync('tar', ['-C', tree, `--format=${format}`, '-cf', inFolder('tar'), '.']);
      await buildImage(inFolder('tar'), inFolder(format), { sourceDateEpoch: epoch });
    }
    await buildImage(tree, inFolder('host'), { sourceDateEpoch: epoch });
    expect(sha256(inFolder('gnu'))).toBe(sha256(inFolder('host')));
    expect(sha256(inFolder('pax'))).toBe(sha256(inFolder('host')));
  });

  it('gives other volumes without', async () => {
    fs.mkdirSync(inFolder('tree'));
    const one = await buildImage(inFolder('tree'), inFolder('one'));
    const two = await buildImage(inFolder('tree'), inFolder('two'));
    expect(one.uuid).not.toBe(two.uuid);
  });
});

describe('the image', () => {
  it('takes the place of another one only when it is asked to, and not while somebody writes to that', async () => {
    const tree = mkdir(inFolder('tree'));
    fs.writeFileSync(inFolder('image'), 'precious');
    fs.symlinkSync('image', inFolder('link'));
    await expect(buildImage(tree, inFolder('link'))).rejects.toMatchObject({ code: 'EEXIST' });
    const lock = WriterLock.take(inFolder('image'));
    await expect(buildImage(tree, inFolder('image'), { force: true })).rejects.toMatchObject({ code: 'EBUSY' });
    lock.release();
    expect(fs.readFileSync(inFolder('image'), 'utf8')).toBe('precious');
    await buildImage(tree, inFolder('link'), { force: true });
    expectSound(inFolder('image'));
    expect(fs.lstatSync(inFolder('link')).isSymbolicLink()).toBe(true);
    expect(files()).toEqual(['image', 'link', 'tree']);
  });

  it('may lie in the directory that it is made of: it is not part of itself', async () => {
    const tree = mkdir(inFolder('tree'));
    fs.writeFileSync(`${tree}/a`, 'a');
    await buildImage(tree, `${tree}/image`);
    const { volume } = await buildAndOpen(tree, `${tree}/image`, { force: true });
    expect(volume.readdirSync('/')).toEqual(['a']);
    await volume.close();
  });

  it('that came into being meanwhile stays', async () => {
    const tree = mkdir(inFolder('tree'));
    fs.writeFileSync(`${tree}/a`, 'a');
    atOpening(`${tree}/a`, () => fs.writeFileSync(inFolder('image'), 'faster'));
    await expect(buildImage(tree, inFolder('image'))).rejects.toMatchObject({ code: 'EEXIST' });
    expect(fs.readFileSync(inFolder('image'), 'utf8')).toBe('faster');
    expect(files()).toEqual(['image', 'tree']);
  });

  it.each<[string, string, BuildOptions, string]>([
    ['a directory', 'tree', { force: true }, 'EISDIR'],
    ['a folder that is not there', 'nowhere/image', {}, 'ENOENT'],
    ['the name of a folder', 'image/', {}, 'EINVAL'],
    ['features that do not go together', 'image', { format: { features: ['inode_checksum'] } }, 'EINVAL'],
    ['a volume for reading only', 'image', { format: { features: ['ro'] } }, 'EINVAL'],
    ['an empty pattern', 'image', { exclude: ['/'] }, 'EINVAL'],
    ['a wrong uuid', 'image', { format: { uuid: 'x' } }, 'EINVAL'],
  ])('is none: %s', async (_, image, options, code) => {
    mkdir(inFolder('tree'));
    await expect(buildImage(inFolder('tree'), inFolder(image), options)).rejects.toMatchObject({ code });
    expect(files()).toEqual(['tree']);
  });

  it('is not begun for a source that is not there', async () => {
    await expect(buildImage(inFolder('nowhere'), inFolder('image'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(files()).toEqual([]);
  });

  it('is not left half: aborted at the start, in the middle of a file, at the end', async () => {
    const tree = mkdir(inFolder('tree'));
    for (const name of ['a', 'b', 'c']) fs.writeFileSync(`${tree}/${name}`, Buffer.alloc(4 * MIB, 7));
    const reason = new Error('enough');
    for (const at of ['before', 'a', 'b', 'c']) {
      const stop = new AbortController();
      if (at === 'before') stop.abort(reason);
      else atOpening(`${tree}/${at}`, () => stop.abort(reason));
      const aborted = buildImage(tree, inFolder('image'), { signal: stop.signal, size: 'min' });
      await expect(aborted).rejects.toBe(reason);
      vi.restoreAllMocks();
      expect(files()).toEqual(['tree']);
    }
    // A stream that never says anything.
    const stop = new AbortController();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const waiting = buildImage(silent, inFolder('image'), { signal: stop.signal });
    setTimeout(() => stop.abort(reason), 20);
    await expect(waiting).rejects.toBe(reason);
    expect(files()).toEqual(['tree']);
  });

  it('is not left half when the host refuses a write', async () => {
    const tree = mkdir(inFolder('tree'));
    fs.writeFileSync(`${tree}/a`, Buffer.alloc(30 * MIB, 7));
    let writes = 0;
    const full = (): never => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28 });
    };
    const { writevSync } = fs;
    vi.spyOn(fs, 'writevSync').mockImplementation(((...rest: Parameters<typeof writevSync>) =>
      ++writes > 5 ? full() : writevSync(...rest)) as typeof fs.writevSync);
    const message = expect.stringMatching(/^ENOSPC: .*write '.*f2fs-unfinished'/);
    await expect(buildImage(tree, inFolder('image'))).rejects.toMatchObject({ code: 'ENOSPC', message });
    expect(files()).toEqual(['tree']);
  });

  it('says how far it is', async () => {
    const tree = randomTree(7, 30 * MIB);
    const seen: BuildProgress[] = [];
    const report = await buildImage(tree, inFolder('image'), { onProgress: (progress) => seen.push(progress) });
    const writing = seen.filter(({ phase }) => phase === 'writing');
    expect(writing.length).toBeGreaterThan(0);
    const { entriesTotal, bytesTotal } = writing[0]!;
    expect(bytesTotal).toBe(report.bytes);
    expect(entriesTotal).toBe(report.files + report.directories + report.symlinks + report.hardLinks);
    for (const [index, { entries, bytes }] of writing.entries()) {
      expect(entries).toBeLessThanOrEqual(entriesTotal);
      expect(bytes).toBeLessThanOrEqual(bytesTotal);
      if (index > 0) expect(entries).toBeGreaterThanOrEqual(writing[index - 1]!.entries);
    }
  });

  it('with quotas says that they are to be counted', async () => {
    const report = await buildImage(mkdir(inFolder('tree')), inFolder('image'), { format: { android: true } });
    expect(report.features).toContain('quota');
    expect(report.warnings.join()).toMatch(/quota files do not count/);
    expect(
      openVolumeSync(inFolder('image'))
        .problems.map(({ message }) => message)
        .join(),
    ).toMatch(/quota/);
  });

  it('on a device is written in place, and half of one is no volume', { timeout: 60_000 }, async () => {
    fs.writeFileSync(inFolder('disk'), '');
    fs.truncateSync(inFolder('disk'), 80 * MIB);
    const made = isRoot ? spawnSync('losetup', ['-f', '--show', inFolder('disk')], { encoding: 'utf8' }) : undefined;
    const device = made?.status === 0 ? made.stdout.trim() : undefined;
    if (device === undefined) return; // no such devices here
    try {
      const tree = mkdir(inFolder('tree'));
      for (const name of ['a', 'b']) fs.writeFileSync(`${tree}/${name}`, Buffer.alloc(3 * MIB, 7));
      await expect(buildImage(tree, device)).rejects.toMatchObject({ code: 'EEXIST' });
      const report = await buildImage(tree, device, { force: true });
      expect(notesOf(report)).toEqual({});
      expect(report.size.bytes).toBe(80 * MIB);
      expectSound(device);
      const stop = new AbortController();
      atOpening(`${tree}/b`, () => stop.abort(new Error('enough')));
      await expect(buildImage(tree, device, { force: true, signal: stop.signal })).rejects.toThrow('enough');
      vi.restoreAllMocks();
      expect(() => openVolumeSync(device)).toThrow(/EINVAL/);
      await expect(buildImage(tree, device, { force: true, size: 81 * MIB })).rejects.toThrow(/only 83886080 bytes/);
      expect((await buildImage(tree, device, { force: true, size: 70 * MIB })).size.bytes).toBe(70 * MIB);
    } finally {
      spawnSync('losetup', ['-d', device]);
    }
  });
});

/** Does something the moment before a file of the host is opened by the build. */
function atOpening(file: string, what: () => void): void {
  const { openSync } = fs;
  vi.spyOn(fs, 'openSync').mockImplementation(((name: fs.PathLike, ...rest: [number]) => {
    if (Buffer.isBuffer(name) && name.toString() === file) what();
    return openSync(name, ...rest);
  }) as typeof fs.openSync);
}
