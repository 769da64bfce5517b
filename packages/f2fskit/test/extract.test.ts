// Extraction, judged from outside: the host's own view of what was extracted is what Linux printed of the volume.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bio, type BlockDevice, DeviceWrapper, FaultDevice, ShuffleDevice } from '@f2fskit/block';
import { buildGptDisk, buildSparse, sparsePieces } from '@f2fskit/images/builders';
import { adversaries, type Golden, goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { windowsNameProblem } from '../src/node/extract/extraction.ts';
import { extract, openVolume, openVolumeSync, tarStream, type Volume } from '../src/node/index.ts';
import { paxRecordsOf } from './tar-reader.ts';

const root = process.getuid?.() === 0;
const has = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-extract-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string): string => path.join(folder, name);

/** What of a manifest line a host can show: by path (latin1), without what is special or unreadable. */
function expectedOf(golden: Golden): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of golden.raw('manifest')!.toString('latin1').split('\n').slice(0, -1)) {
    const [kind, mode, uid, gid, links, size, mtime, , hash, ...rest] = line.split('\t') as string[];
    const name = rest.join('\t');
    if (name === '.' || !['file', 'directory', 'symlink'].includes(kind!)) continue;
    lines.set(name.slice(2), describeEntry(kind!, mode!, uid!, gid!, links!, size!, mtime!, hash!));
  }
  return lines;
}

function describeEntry(
  kind: string,
  mode: string,
  uid: string,
  gid: string,
  links: string,
  size: string,
  mtime: string,
  hash: string,
): string {
  const owner = root ? `${uid}:${gid}` : '';
  const permissions = kind === 'symlink' ? '' : (Number.parseInt(mode, 8) & (root ? 0o7777 : 0o1777)).toString(8);
  const isFile = kind === 'file';
  return [kind, permissions, owner, isFile ? links : '', isFile ? size : '', mtime.split('.')[0], hash].join(' ');
}

/** The same of the host. */
function foundIn(directory: string): Map<string, string> {
  const lines = new Map<string, string>();
  const visit = (at: Buffer, name: string): void => {
    for (const entry of fs.readdirSync(at, { encoding: 'buffer' })) {
      const child = Buffer.concat([at, Buffer.from('/'), entry]);
      const relative = name === '' ? entry.toString('latin1') : `${name}/${entry.toString('latin1')}`;
      const stat = fs.lstatSync(child, { bigint: true });
      if (!stat.isDirectory() && !stat.isSymbolicLink() && !stat.isFile()) continue;
      const kind = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'file';
      const hash = kind === 'file' ? hashOf(child, Number(stat.size)) : kind === 'symlink' ? targetOf(child) : '-';
      const mtime =
        stat.mtimeNs >= 0n ? stat.mtimeNs / 1_000_000_000n : -((-stat.mtimeNs + 999_999_999n) / 1_000_000_000n);
      const mode = (Number(stat.mode) & 0o7777).toString(8);
      const { uid, gid, nlink, size } = stat;
      lines.set(relative, describeEntry(kind, mode, `${uid}`, `${gid}`, `${nlink}`, `${size}`, `${mtime}`, hash));
      if (kind === 'directory') visit(child, relative);
    }
  };
  visit(Buffer.from(directory), '');
  return lines;
}

const targetOf = (file: Buffer): string => fs.readlinkSync(file, { encoding: 'buffer' }).toString('latin1');

/** Files of gigabytes are holes here: hashed only as far as a test can wait. */
const HASHED_MAX = 64 << 20;
function hashOf(file: Buffer, size: number): string {
  if (size > HASHED_MAX) return 'large';
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

function comparable(lines: Map<string, string>): Map<string, string> {
  return new Map(
    [...lines].map(([name, line]) => {
      const fields = line.split(' ');
      if (fields[0] === 'file' && Number(fields[4]) > HASHED_MAX) fields[6] = 'large';
      return [name, fields.join(' ')];
    }),
  );
}

const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => !/(^|\/)(crash-|encrypted)/.test(name));

/** The full run takes every volume. */
const contained = process.env.F2FSKIT_FULL === '1' ? names : ['plain', 'compress-lz4-4', 'xattr-heavy'];

describe.each(contained)('%s in a file', (name) => {
  it.each<[what: string, file: string, made: (volume: Uint8Array) => Uint8Array]>([
    ['as it is', 'NAME.img', (volume) => volume],
    ['as an Android sparse image', 'NAME.simg', (volume) => buildSparse(sparsePieces(volume))],
    [
      'in a partition',
      'disk.img#userdata',
      (content) =>
        buildGptDisk([
          { name: 'boot', content: new Uint8Array(4096) },
          { name: 'userdata', content },
        ]),
    ],
  ])('%s: comes out as Linux printed it', async (_what, file, made) => {
    const golden = loadGolden(name);
    fs.writeFileSync(inFolder(file.split('#')[0]!), made(golden.bytes));
    await using volume = await openVolume(inFolder(file));
    expect(volume.container.length).toBe(file === 'NAME.img' ? 0 : 1);
    const report = await extract(volume, inFolder('out'));
    expect(report.failures, JSON.stringify([...report.reasons])).toBe(0);
    expect(Object.fromEntries(comparable(foundIn(inFolder('out'))))).toEqual(
      Object.fromEntries(comparable(expectedOf(golden))),
    );
  });
});

describe.each(names)('%s', (name) => {
  const golden = loadGolden(name);
  it('comes out as Linux printed it, sync and from an async device', async () => {
    const expected = comparable(expectedOf(golden));
    for (const device of [golden.device, new ShuffleDevice(golden.device, 5)]) {
      const target = inFolder(device.mode);
      const report = await extract(await openVolume(device), target);
      expect(report.failures, JSON.stringify([...report.reasons])).toBe(0);
      const found = foundIn(target);
      expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [file, line] of comparable(found)) expect(`${file}: ${line}`).toBe(`${file}: ${expected.get(file)}`);
    }
  });

  it.runIf(has('tar'))('comes out of tar as well', async () => {
    const target = inFolder('tar');
    fs.mkdirSync(target);
    const archive = inFolder('volume.tar');
    const fd = fs.openSync(archive, 'w');
    const { chunks, report } = tarStream(await openVolume(golden.device));
    for await (const chunk of chunks) fs.writeSync(fd, chunk);
    fs.closeSync(fd);
    expect(report.failures).toBe(0);
    const options = root ? ['--same-owner', '--numeric-owner'] : ['--no-same-owner'];
    const exclude = root ? [] : ['--exclude=*/null', '--exclude=*/blk'];
    const { status, stderr } = spawnSync('tar', ['-xpf', archive, '-C', target, ...options, ...exclude], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    expect(stderr.replace(/.*(time stamp|implausibly old|'hdrcharset').*\n/g, '')).toBe('');
    expect(status).toBe(0);
    const expected = comparable(expectedOf(golden));
    const found = comparable(foundIn(target));
    for (const [file, line] of expected) expect(`${file}: ${found.get(file)}`).toBe(`${file}: ${line}`);
  });
});

function* everything(directory: string): Generator<string> {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    yield path.join(directory, entry.name);
    if (entry.isDirectory()) yield* everything(path.join(directory, entry.name));
  }
}

const unfinished = (directory: string): string[] =>
  [...everything(directory)].filter((name) => path.basename(name).startsWith('.f2fs-extract-'));

describe('what is there already', () => {
  const { device } = loadGolden('plain');
  const open = (): Volume => openVolumeSync(device);

  it('stays, and is reported; force replaces it, resume keeps what is complete', async () => {
    const target = inFolder('out');
    await extract(open(), target);
    const victim = path.join(target, 'd', 'text');
    fs.writeFileSync(victim, 'mine');
    const again = await extract(open(), target);
    expect(again.reasons.get('exists')!.count).toBeGreaterThan(5);
    expect(fs.readFileSync(victim, 'utf8')).toBe('mine');
    const resumed = await extract(open(), target, { resume: true });
    // The one that is not ours has three names: nothing partial has a final name, so it is somebody's, and stays.
    expect([resumed.failures, resumed.files, resumed.kept > 5]).toEqual([3, 0, true]);
    fs.writeFileSync(victim, 'mine');
    const forced = await extract(open(), target, { force: true });
    expect([forced.failures, forced.kept]).toEqual([0, 0]);
    expect(foundIn(target)).toEqual(foundIn(await fresh()));
  });

  const fresh = async (): Promise<string> => {
    await extract(open(), inFolder('fresh'));
    return inFolder('fresh');
  };

  it('a symlink on the way is never followed', async () => {
    const outside = inFolder('outside');
    fs.mkdirSync(outside);
    const target = inFolder('out');
    fs.mkdirSync(target);
    fs.symlinkSync(outside, path.join(target, 'd'));
    for (const options of [{}, { force: true }, { resume: true }]) {
      const report = await extract(open(), target, options);
      expect(report.reasons.get('exists')!.count).toBe(1);
      expect(fs.readdirSync(outside)).toEqual([]);
    }
  });

  it('paths select files and directories, with what leads to them', async () => {
    const target = inFolder('out');
    const report = await extract(open(), target, { paths: ['/d/text', '/d/one'] });
    expect(report.files + report.hardLinks).toBe(2);
    expect(fs.readdirSync(path.join(target, 'd')).sort()).toEqual(['one', 'text']);
    await expect(extract(open(), target, { paths: ['/absent'] })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** Calls `trip` when so many requests have been made. */
class TrippingDevice extends DeviceWrapper {
  #left: number;
  readonly #trip: () => void;

  constructor(device: BlockDevice, requests: number, trip: () => void) {
    super(device);
    this.#left = requests;
    this.#trip = trip;
  }

  submit(bio: Bio): void {
    if (--this.#left === 0) this.#trip();
    this.device.submit(bio);
  }
}

describe('interrupted', () => {
  it('leaves nothing unfinished, and a resumed run completes it', async () => {
    const { device } = loadGolden('aged');
    const whole = inFolder('whole');
    await extract(openVolumeSync(device), whole);
    const target = inFolder('out');
    const stop = new AbortController();
    const volume = openVolumeSync(new TrippingDevice(device, 150, () => stop.abort(new Error('enough'))));
    await expect(extract(volume, target, { signal: stop.signal })).rejects.toThrow('enough');
    expect(unfinished(target)).toEqual([]);
    const before = foundIn(target);
    const all = foundIn(whole);
    expect(before.size).toBeGreaterThan(0);
    expect(before.size).toBeLessThan(all.size);
    // What a killed process would leave.
    fs.writeFileSync(path.join(target, '.f2fs-extract-x-1'), 'half');
    await extract(openVolumeSync(device), target, { resume: true });
    expect(foundIn(target)).toEqual(all);
  });
});

it.runIf(process.platform === 'linux')(
  'a directory that cannot be made is an error, and not an endless try',
  async () => {
    await expect(extract(openVolumeSync(loadGolden('plain').device), '/proc/absent')).rejects.toMatchObject({
      code: 'ENOENT',
    });
  },
);

describe('what cannot be read', () => {
  it('is missing, and everything else is there: a device that fails in the middle', async () => {
    const { device } = loadGolden('plain');
    const volume = openVolumeSync(device);
    const { inode } = volume.scheduler.runSync(volume.vfs.walk('/d/text'));
    const extent = volume.scheduler.runSync(inode.extents(0, 1 << 30).next())!;
    const start = extent.deviceOffset + 8192;
    const rule = { action: { kind: 'fail' as const }, operation: 'read' as const, range: { start, end: start + 4096 } };
    const target = inFolder('out');
    const report = await extract(openVolumeSync(new FaultDevice(device, [rule])), target);
    // Every name of the file fails for itself.
    expect(report.reasons.get('unreadable')!.count).toBeGreaterThan(0);
    expect(report.reasons.get('unreadable')!.examples[0]!.message).toMatch(/EIO/);
    expect(fs.existsSync(path.join(target, 'd', 'text'))).toBe(false);
    expect(unfinished(target)).toEqual([]);
    const all = foundIn(inFolder('out'));
    expect(all.size).toBeGreaterThan(400);
  });

  it.each(adversaries.map((adversary) => [adversary.name, adversary] as const))('%s', async (_, adversary) => {
    const outside = inFolder('outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'sentinel'), 'safe');
    let volume: Volume;
    try {
      volume = openVolumeSync(adversary.build());
    } catch (error) {
      expect((error as { code?: string }).code).toBeDefined();
      return;
    }
    const target = path.join(folder, 'out');
    const stop = AbortSignal.timeout(20_000); // claims of terabytes are holes: far below this
    await extract(volume, target, { signal: stop });
    expect(fs.readdirSync(folder).sort()).toEqual(['out', 'outside']);
    expect(fs.readdirSync(outside)).toEqual(['sentinel']);
    expect(unfinished(target)).toEqual([]);
  });
});

describe('the archive', () => {
  it('has attributes, nanoseconds and sparse maps in its records', async () => {
    const records = await paxRecordsOf(tarStream(await openVolume(loadGolden('xattr-heavy').device)).chunks);
    expect(records.some(([key]) => key.startsWith('SCHILY.xattr.user.'))).toBe(true);
    expect(records.some(([key, value]) => key === 'mtime' && /\.\d{1,9}$/.test(value))).toBe(true);
    const sparse = await paxRecordsOf(tarStream(await openVolume(loadGolden('plain').device)).chunks);
    expect(sparse).toContainEqual(['GNU.sparse.realsize', '9500004097']);
  });
});

it('names that Windows cannot have are known', () => {
  for (const name of ['con', 'COM1.txt', 'a:b', 'a?', 'dot.', 'blank ', 'back\\slash', 'bell\u0007']) {
    expect(windowsNameProblem(name), name).toBeDefined();
  }
  for (const name of ['console', 'a.b', 'com', 'ünïcode', '.hidden']) expect(windowsNameProblem(name)).toBeUndefined();
});
