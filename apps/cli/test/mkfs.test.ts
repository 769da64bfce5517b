// f2fs mkfs as a command: the letters mean what they mean to mkfs.f2fs, nothing is lost without -f, nothing half made is
// left. Volumes are compared whole; the two texts that say who made a volume are the only thing masked.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Feature, RawSuperblock, SUPER_CHECKSUM_OFFSET, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import { buildGptDisk } from '@f2fskit/images/builders';
import { loadGolden } from '@f2fskit/testkit';
import { openVolume } from 'f2fskit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { f2fs } from './run-cli.ts';
import { writeSparse } from './sparse-file.ts';

const MIB = 1 << 20;
const UUID = '00112233-4455-6677-8899-aabbccddeeff';
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const judgesThere = ['mkfs.f2fs', 'fsck.f2fs'].every((tool) => {
  const { stdout, error } = spawnSync(tool, ['-V'], { env, encoding: 'utf8' });
  return error === undefined && stdout.includes(' 1.15.');
});

let folder: string;
let image: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-mkfs-'));
  image = path.join(folder, 'disk.img');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function blankFile(file: string, size: number): void {
  fs.writeFileSync(file, '');
  fs.truncateSync(file, size);
}

/** A volume without what says who made it, and without the checksum over that. */
function masked(file: string): Buffer {
  const bytes = fs.readFileSync(file);
  for (const copy of [0, 4096]) {
    const superblock = bytes.subarray(copy + SUPER_OFFSET, copy + 4096);
    const view = new DataView(superblock.buffer, superblock.byteOffset, superblock.byteLength);
    RawSuperblock.version.get(view, 0).fill(0);
    RawSuperblock.initVersion.get(view, 0).fill(0);
    if ((RawSuperblock.features.get(view, 0) & Feature.sbChecksum) !== 0)
      view.setUint32(SUPER_CHECKSUM_OFFSET, 0, true);
  }
  return bytes;
}

describe.skipIf(!judgesThere)('the bytes of mkfs.f2fs 1.15 (skipped where it is not installed)', () => {
  it.each([
    [''],
    ['-l data -O extra_attr,compression,inode_checksum -O inode_crtime'],
    ['-l userdata -g android'],
    ['-g android -O casefold -C utf8:strict -w 4096'],
    ['-O extra_attr,quota,sb_checksum,lost_found,flexible_inline_xattr -s 2'],
    ['-i -o 12.5 -a 1 -t 0'],
    ['-e foo,bar -E hot1,hot2 -R 0:0 -C utf8'],
    ['-O ro,extra_attr -g android'],
  ])('mkfs %s', async (line) => {
    const args = ['-q', '-r', '-f', '-T', '1700000000', '-U', UUID, '-R', '0:0', ...line.split(' ').filter(Boolean)];
    const theirs = path.join(folder, 'theirs.img');
    blankFile(theirs, 100 * MIB + 1024);
    expect(spawnSync('mkfs.f2fs', [...args, theirs], { env, cwd: folder }).status).toBe(0);
    const { status, stderr, stdout } = await f2fs(['mkfs', ...args, '--size', `${100 * MIB + 1024}`, image]);
    expect({ status, stderr, stdout: stdout.toString() }).toEqual({ status: 0, stderr: '', stdout: '' });
    expect(masked(image).equals(masked(theirs))).toBe(true);
    expect((await f2fs(['fsck', image])).status).toBe(0);
  });

  it('a number of sectors is a size, in units of -w', async () => {
    const theirs = path.join(folder, 'theirs.img');
    for (const [size, args] of [
      [130_000 * 512, ['130000']],
      [65_001 * 1024, ['-w', '1024', '65001']],
    ] as const) {
      const common = ['-q', '-r', '-f', '-T', '1', '-U', UUID, '-R', '0:0'];
      fs.rmSync(image, { force: true });
      blankFile(theirs, 100 * MIB);
      const [sectors, ...letters] = [...args].reverse();
      const line = [...common, ...letters.reverse()];
      expect(spawnSync('mkfs.f2fs', [...line, theirs, sectors!], { env }).status).toBe(0);
      expect((await f2fs(['mkfs', ...line, image, sectors!])).status).toBe(0);
      expect(fs.statSync(image).size).toBe(size);
      fs.truncateSync(theirs, size);
      expect(masked(image).equals(masked(theirs))).toBe(true);
    }
  });

  it('fsck.f2fs accepts what is made over an older volume, in place', async () => {
    expect((await f2fs(['mkfs', image, '--size', '128M', '-l', 'old'])).status).toBe(0);
    for (const more of [[], ['-t', '0'], ['--size', '64M'], ['--size', '200M', '-O', 'extra_attr,quota']]) {
      expect((await f2fs(['mkfs', '-f', image, ...more])).status).toBe(0);
      expect(spawnSync('fsck.f2fs', ['--dry-run', '-f', image], { env }).status, more.join(' ')).toBe(0);
      expect((await f2fs(['fsck', '-q', image])).status).toBe(0);
    }
  });
});

describe('a new file', () => {
  it('is as large as it should be, sparse, and has what was asked for', async () => {
    const { status, stdout, stderr } = await f2fs([
      'mkfs',
      image,
      '--size',
      '1G',
      '-l',
      'Daten ☂',
      '-O',
      'extra_attr,compression',
      '-U',
      UUID,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { size, blocks } = fs.statSync(image);
    expect(size).toBe(1 << 30);
    expect(blocks * 512).toBeLessThan(MIB);
    const text = stdout.toString();
    expect(text).toMatch(/^.*disk\.img: F2FS volume made\n {2}Label {9}Daten ☂\n {2}UUID {10}00112233-4455-/);
    expect(text).toMatch(/\n {2}Features {6}extra_attr compression\n/);
    expect(text).toMatch(/\n {2}Size {10}1\.0 GiB \(262144 blocks of 4096 bytes\)\n/);
    const info = JSON.parse((await f2fs(['info', '--json', image])).stdout.toString());
    expect(info).toMatchObject({
      uuid: UUID,
      label: 'Daten ☂',
      features: ['extra_attr', 'compression'],
      createdBy: 'f2fskit',
    });
    expect(fs.readdirSync(folder)).toEqual(['disk.img']);
  });

  it('has the same bytes again with the same uuid and SOURCE_DATE_EPOCH, and others without', async () => {
    const make = async (name: string, args: string[], environment = {}): Promise<Buffer> => {
      const file = path.join(folder, name);
      expect((await f2fs(['mkfs', '-q', '--size', '64M', ...args, file], { environment })).status).toBe(0);
      return fs.readFileSync(file);
    };
    const epoch = { SOURCE_DATE_EPOCH: '1600000000' };
    const first = await make('a', ['-U', UUID], epoch);
    expect((await make('b', ['-U', UUID.toUpperCase()], epoch)).equals(first)).toBe(true);
    expect((await make('c', ['-U', UUID, '-T', '1600000000'], { SOURCE_DATE_EPOCH: '5' })).equals(first)).toBe(true);
    expect((await make('d', ['-U', UUID], { SOURCE_DATE_EPOCH: '1600000001' })).equals(first)).toBe(false);
    expect((await make('e', [], epoch)).equals(first)).toBe(false);
    const version = async (name: string): Promise<unknown> =>
      JSON.parse((await f2fs(['info', '--json', path.join(folder, name)])).stdout.toString()).checkpoint.version;
    expect(new Set([await version('a'), await version('d'), await version('e')]).size).toBe(3);
  });

  it('reports as JSON what it made', async () => {
    const { stdout } = await f2fs(['mkfs', '--json', '-q', image, '--size', '64M', '-T', '7', '-e', 'much-too-long']);
    const report = JSON.parse(stdout.toString());
    expect(report).toMatchObject({ schema: 'f2fs.mkfs/1', image, made: true, label: '', features: [], time: 7 });
    expect(report.warnings).toEqual([expect.stringMatching(/^-e: 'much-too-long' is longer/)]);
    const info = JSON.parse((await f2fs(['info', '--json', image])).stdout.toString());
    expect(info.uuid).toBe(report.uuid);
    expect(Number(info.checkpoint.version)).toBe(report.checkpointVersion);
    expect(info.geometry.mainAddress).toBe(report.geometry.mainAddress);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves nothing behind after %s', async (signal, code) => {
    const { status, stderr, stdout } = await f2fs(['mkfs', image, '--size', '64M'], { signal });
    expect([status, stdout.length, stderr]).toEqual([code, 0, 'f2fs: interrupted; nothing of it is left\n']);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing behind where it cannot be', async () => {
    const absent = path.join(folder, 'absent');
    const { status, stderr } = await f2fs(['mkfs', path.join(absent, 'x'), '--size', '64M']);
    expect([status, stderr]).toEqual([1, `f2fs: ENOENT: no such file or directory, access '${absent}'\n`]);
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

describe('what is there already', () => {
  const contents: Array<[what: string, make: () => Uint8Array]> = [
    ['an F2FS volume', () => loadGolden('plain').bytes],
    ['an F2FS volume', () => loadGolden('plain').bytes.slice().fill(0, 0, 4096)],
    ['ext2, ext3 or ext4', () => Buffer.alloc(64 * MIB).fill(Buffer.from([0x53, 0xef]), 1080, 1082)],
    ['a partition table', () => buildGptDisk([{ name: 'x', content: new Uint8Array(4096) }])],
    ['a zip file', () => Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(64 * MIB)])],
    ['data (byte 50331648 is not zero)', () => Buffer.alloc(64 * MIB).fill(1, 48 * MIB, 48 * MIB + 1)],
    ['data (byte 67109263 is not zero)', () => Buffer.concat([Buffer.alloc(64 * MIB + 399), Buffer.from('x')])],
    ['data (byte 0 is not zero)', () => Buffer.from('Dear diary')],
  ];

  it.each(contents)('%s: is not written over, unless forced', async (what, make) => {
    const before = make();
    writeSparse(image, before);
    const size = ['--size', '64M'];
    const refused = await f2fs(['mkfs', image, ...size]);
    expect([refused.status, refused.stdout.length]).toEqual([1, 0]);
    expect(refused.stderr).toBe(`f2fs: ${image} holds ${what}: to write over it, add -f\n`);
    expect(fs.readFileSync(image).equals(before)).toBe(true);
    expect((await f2fs(['mkfs', '-g', 'android', image, ...size])).status).toBe(1);
    expect((await f2fs(['mkfs', '-q', '-f', image, ...size])).status).toBe(0);
    expect((await f2fs(['fsck', '-q', image])).status).toBe(0);
    expect(fs.statSync(image).size).toBe(Math.max(before.length, 64 * MIB));
  });

  it('a file of zeros: is taken, in place, with its size', async () => {
    blankFile(image, 64 * MIB + 100);
    const other = path.join(folder, 'other-name');
    fs.linkSync(image, other);
    expect((await f2fs(['mkfs', '-q', image])).status).toBe(0);
    expect(fs.statSync(image)).toMatchObject({ size: 64 * MIB + 100, ino: fs.statSync(other).ino });
    expect((await f2fs(['fsck', '-q', other])).status).toBe(0);
    expect(fs.readdirSync(folder).sort()).toEqual(['disk.img', 'other-name']);
  });

  it('an interrupted look changes nothing; an interrupted overwriting says what that means', async () => {
    const before = loadGolden('plain').bytes;
    writeSparse(image, before);
    const look = await f2fs(['mkfs', image], { signal: 'SIGINT' });
    expect([look.status, look.stderr]).toEqual([130, 'f2fs: interrupted; nothing was changed\n']);
    expect(fs.readFileSync(image).equals(before)).toBe(true);
    const forced = await f2fs(['mkfs', '-f', image], { signal: 'SIGINT' });
    expect([forced.status, forced.stderr]).toEqual([130, `f2fs: interrupted; ${image} may hold no volume now\n`]);
  });
});

describe('--dry-run', () => {
  it('shows the geometry and touches nothing', async () => {
    const { status, stdout } = await f2fs(['mkfs', '--dry-run', '--size', '16T', image]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/disk\.img: would be an F2FS volume\n/);
    expect(stdout.toString()).not.toContain('UUID');
    expect(fs.readdirSync(folder)).toEqual([]);
    const before = loadGolden('plain').bytes;
    writeSparse(image, before);
    const report = JSON.parse((await f2fs(['mkfs', '--dry-run', '--json', '-f', image])).stdout.toString());
    expect(report).toMatchObject({ made: false, geometry: { bytes: before.length } });
    expect(report.uuid).toBeUndefined();
    expect(fs.readFileSync(image).equals(before)).toBe(true);
  });
});

describe('wrong usage ends with 2, and changes nothing', () => {
  it.each([
    ['', /disk\.img does not exist: say how large it will be with --size/],
    ['--size 1X', /--size <bytes>.*is invalid/],
    ['--size 99999999T', /--size <bytes>.*is invalid/],
    ['--size 1M', /^f2fs: --size: 1048576 bytes are too few/],
    ['--size 17T', /^f2fs: --size: .* too many/],
    ['--size 64M -O frob', /^f2fs: -O: 'frob' cannot be set/],
    ['--size 64M -O project_quota', /^f2fs: -O: .* extra_attr/],
    ['--size 64M -U x', /^f2fs: -U: /],
    ['--size 64M -C klingon', /^f2fs: -C: /],
    ['--size 64M -o 101', /^f2fs: -o: /],
    ['--size 64M -o much', /percentage/],
    ['--size 64M -s 0', /^f2fs: -s: /],
    ['--size 64M -w x', /whole number/],
    ['--size 64M 131072', /said twice/],
    ['99', /^f2fs: --size: 50688 bytes are too few/],
    ['40000000000', /^f2fs: --size: .* too many/],
    ['999999999999999', /^f2fs: 999999999999999 sectors are too many/],
    ['--size 64M -R root', /UID:GID/],
    ['--size 64M -R 0:4294967296', /--owner <uid:gid>.*two numbers/],
    ['--size 64M -g ios', /-g, --defaults/],
    ['--size 64M -T yesterday', /whole number/],
    ['--size 64M -c /dev/null', /unknown option '-c'/],
    ['--size 64M more', /whole number/],
    ['131072 more', /too many arguments/],
    [`--size 64M -l ${'x'.repeat(513)}`, /^f2fs: -l: at most 512 bytes/],
  ])('mkfs %s', async (line, message) => {
    const { status, stdout, stderr } = await f2fs(['mkfs', image, ...line.split(' ').filter(Boolean)]);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('SOURCE_DATE_EPOCH that is no number', async () => {
    const environment = { SOURCE_DATE_EPOCH: 'now' };
    const { status, stderr } = await f2fs(['mkfs', image, '--size', '64M'], { environment });
    expect([status, stderr]).toEqual([2, expect.stringContaining("SOURCE_DATE_EPOCH is 'now'")]);
  });

  it('standard output, no name, a partition of a disk, a symbolic link to nothing', async () => {
    for (const name of ['-', '', `${folder}/x/`]) {
      expect((await f2fs(['mkfs', name, '--size', '64M'])).status).toBe(2);
    }
    fs.writeFileSync(image, 'x');
    expect((await f2fs(['mkfs', `${image}#1`, '--size', '64M'])).stderr).toContain('names a partition of');
    const link = path.join(folder, 'link');
    fs.symlinkSync('nowhere', link);
    expect((await f2fs(['mkfs', link, '--size', '64M'])).stderr).toContain('is a symbolic link to nothing');
    expect(fs.readdirSync(folder).sort()).toEqual(['disk.img', 'link']);
  });
});

describe('what can hold no volume ends with 1', () => {
  it('a directory, a device that is none, a file that is too small', async () => {
    expect(await f2fs(['mkfs', folder])).toMatchObject({ status: 1, stderr: expect.stringMatching(/^f2fs: EISDIR: /) });
    expect(await f2fs(['mkfs', '/dev/null'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/EINVAL/) });
    blankFile(image, MIB);
    const { status, stderr } = await f2fs(['mkfs', image]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/disk\.img: 1048576 bytes are too few/)]);
  });
});

it('a volume that somebody writes to is not written over, -f or not', async () => {
  writeSparse(image, loadGolden('plain').bytes);
  const volume = await openVolume(image, { writable: true });
  const before = fs.readFileSync(image);
  const { status, stderr } = await f2fs(['mkfs', '-f', image]);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/EBUSY: .*process \d+ on .* writes to this image/)]);
  expect(fs.readFileSync(image).equals(before)).toBe(true);
  await volume.close();
  expect((await f2fs(['mkfs', '-q', '-f', image])).status).toBe(0);
  expect(fs.readdirSync(folder)).toEqual(['disk.img']);
});
