// chmod, chown and touch as commands: what they change is changed, nothing else is, and the volume stays sound.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSparse, sparsePieces } from '@f2fskit/images/builders';
import { loadGolden } from '@f2fskit/testkit';
import { type BigIntStats, openVolume, openVolumeSync } from 'f2fskit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseMode } from '../src/mode.ts';
import { type CliOptions, f2fs } from './run-cli.ts';
import { writeSparse } from './sparse-file.ts';

const JUDGE = fileURLToPath(new URL('../../../tools/oracle/judge.mjs', import.meta.url));
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
const judged = spawnSync('fsck.f2fs', ['-V'], { env, stdio: 'ignore' }).error === undefined;

const plain = loadGolden('plain').bytes;
let folder: string;
let image: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-edit-'));
  image = path.join(folder, 'disk.img');
  writeSparse(image, plain);
});
afterEach(async () => {
  // Whatever a test did: the volume is sound, and nothing is left beside it.
  expect(fs.readdirSync(folder)).toEqual(['disk.img']);
  const { stdout } = await f2fs(['fsck', image]);
  expect(stdout.toString()).toMatch(/^clean/m);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What `lstat` shows of files. */
function look(...files: string[]): BigIntStats[] {
  const volume = openVolumeSync(image);
  const found = files.map((file) => volume.lstatSync(file, { bigint: true }) as BigIntStats);
  void volume.close();
  return found;
}

const modesOf = (...files: string[]): string[] => look(...files).map(({ mode }) => (Number(mode) & 0o7777).toString(8));
const ownersOf = (...files: string[]): string[] => look(...files).map(({ uid, gid }) => `${uid}:${gid}`);

async function edit(args: string[], options: CliOptions = {}): Promise<void> {
  const { status, stdout, stderr } = await f2fs(args, options);
  expect({ args, status, stdout: stdout.toString(), stderr }).toEqual({ args, status: 0, stdout: '', stderr: '' });
}

/** Lines of a manifest as fields: type, mode, uid, gid, links, size, mtime, device, hash, path. */
async function manifest(): Promise<string[][]> {
  const { stdout, status } = await f2fs(['manifest', image]);
  expect(status).toBe(0);
  return stdout
    .toString('latin1')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
}

describe('chmod', () => {
  it('octal and symbolic, of files, directories and what symlinks lead to', async () => {
    await edit(['chmod', image, '600', '/d/text', '/d/b4096']);
    await edit(['chmod', image, 'g+s,o=', '/d/a']);
    expect(modesOf('/d/text', '/d/b4096', '/d/a', '/d')).toEqual(['600', '600', '2770', '755']);
    await edit(['chmod', image, 'a+x', '/d/short']);
    expect(modesOf('/d/short', '/d/text')).toEqual(['777', '711']);
    await edit(['chmod', '--', image, '-x', '/d/text']);
    expect(modesOf('/d/text')).toEqual(['600']);
  });

  it('-R: everything below but symlinks, and nothing else of it', async () => {
    writeSparse(image, loadGolden('compress-zstd-8').bytes);
    const before = await manifest();
    const { status, stderr } = await f2fs(['chmod', '-R', image, 'u=rwX,go-w', '/']);
    // Files with an access control list are refused, which is said of each.
    const refused = [...stderr.matchAll(/^f2fs: EOPNOTSUPP: .*chmod '(.*)' \(.*access control list.*\)$/gm)];
    expect([status, stderr.split('\n').length - 1]).toEqual([refused.length > 0 ? 1 : 0, refused.length]);
    const left = new Set(refused.map(([, file]) => `.${file}`));
    const change = parseMode('u=rwX,go-w');
    const expected = before.map(([type, mode, ...rest]) => {
      const skipped = type === 'symlink' || left.has(rest.at(-1)!);
      const after = skipped ? mode : change(Number.parseInt(mode!, 8), type === 'directory').toString(8);
      return [type, after, ...rest];
    });
    expect(await manifest()).toEqual(expected);
    expect(expected).not.toEqual(before);
  });

  it('changes nothing where nothing is to be changed: not one byte', async () => {
    const again = ['chmod', '--json', image, '644', '/d/text', '/d/b4096'];
    expect(JSON.parse((await f2fs(again)).stdout.toString())).toMatchObject({ changed: 0, unchanged: 2 });
    expect(fs.readFileSync(image).equals(plain)).toBe(true);
  });

  it('gives the same bytes again with SOURCE_DATE_EPOCH', async () => {
    const environment = { SOURCE_DATE_EPOCH: '1900000000' };
    await edit(['chmod', '-R', image, 'go=', '/d/many'], { environment });
    const first = fs.readFileSync(image);
    writeSparse(image, plain);
    await edit(['chmod', '-R', image, 'go=', '/d/many'], { environment });
    expect(fs.readFileSync(image).equals(first)).toBe(true);
    expect(look('/d/many/file-1')[0]!.ctimeNs).toBe(1_900_000_000n * 10n ** 9n);
  });

  it('goes on after a path that fails, and reports it', async () => {
    const { status, stdout, stderr } = await f2fs([
      'chmod',
      '--json',
      image,
      '600',
      '/d/absent',
      '/d/text/x',
      '/d/one',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain("f2fs: ENOENT: no such file or directory, chmod '/d/absent'\n");
    expect(stderr).toContain("f2fs: ENOTDIR: not a directory, chmod '/d/text/x'");
    expect(JSON.parse(stdout.toString())).toMatchObject({
      schema: 'f2fs.chmod/1',
      image,
      changed: 1,
      failed: 2,
      failures: [
        { path: '/d/absent', code: 'ENOENT' },
        { path: '/d/text/x', code: 'ENOTDIR' },
      ],
      interrupted: false,
    });
    expect(modesOf('/d/one')).toEqual(['600']);
  });

  it.skipIf(!judged)('leaves a volume that fsck.f2fs accepts (skipped where that is not installed)', async () => {
    for (const name of ['plain', 'android', 'compress-lz4-4']) {
      writeSparse(image, loadGolden(name).bytes);
      await f2fs(['chmod', '-R', image, 'ug+x', '/']);
      expect((await f2fs(['chown', '-R', image, '7:8', '/'])).status).toBe(0);
      expect((await f2fs(['touch', '-R', '-d', '@1', image, '/'])).status).toBe(0);
      const { stdout, stderr } = spawnSync(process.execPath, [JUDGE, image], { env, encoding: 'utf8' });
      expect([name, stdout + stderr]).toEqual([name, '']);
    }
  });
});

describe('chown', () => {
  it('owner, group, or both', async () => {
    await edit(['chown', image, '5', '/d/text']);
    await edit(['chown', image, ':6', '/d/b4096']);
    await edit(['chown', image, '4294967294:8', '/d', '/d/b4097']);
    expect(ownersOf('/d/text', '/d/b4096', '/d', '/d/b4097', '/d/empty')).toEqual([
      '5:0',
      '0:6',
      '4294967294:8',
      '4294967294:8',
      '0:0',
    ]);
  });

  it('takes set-user-ID away', async () => {
    expect(modesOf('/d/one')).toEqual(['4755']);
    await edit(['chown', image, '0:0', '/d/one']);
    expect(modesOf('/d/one')).toEqual(['4755']);
    await edit(['chown', image, '1:1', '/d/one']);
    expect(modesOf('/d/one')).toEqual(['755']);
  });

  it('follows a symlink, changes it itself with -h, and always with -R', async () => {
    await edit(['chown', image, '1:1', '/d/short']);
    expect(ownersOf('/d/short', '/d/text')).toEqual(['0:0', '1:1']);
    await edit(['chown', '-h', image, '2:2', '/d/short']);
    expect(ownersOf('/d/short', '/d/text')).toEqual(['2:2', '1:1']);
    await edit(['chown', '-R', image, '4:4', '/d/short']);
    expect(ownersOf('/d/short', '/d/text')).toEqual(['4:4', '1:1']);
    const { stdout } = await f2fs(['chown', '-R', '--json', image, '3:3', '/d/short', '/d']);
    const all = (await manifest()).filter(([, , , , , , , , , file]) => file === './d' || file!.startsWith('./d/'));
    expect(all.every(([, , uid, gid]) => `${uid}:${gid}` === '3:3')).toBe(true);
    // A file of three names is changed when its first one is met.
    expect(JSON.parse(stdout.toString())).toMatchObject({ changed: all.length - 2, unchanged: 3, failed: 0 });
    expect(ownersOf('/')).toEqual(['0:0']);
  });
});

describe('touch', () => {
  const second = 10n ** 9n;

  it('sets both times, or one of them, to the nanosecond', async () => {
    const [old] = look('/d/b4096');
    await edit(['touch', '-d', '@1700000000.123456789', image, '/d/text']);
    await edit(['touch', '-a', '-d', '2026-11-20T23:33:00Z', image, '/d/b4096']);
    await edit(['touch', '-m', '-d', '@-1', image, '/d/b4097']);
    const [text, b4096, b4097] = look('/d/text', '/d/b4096', '/d/b4097');
    expect([text!.atimeNs, text!.mtimeNs]).toEqual([1_700_000_000_123_456_789n, 1_700_000_000_123_456_789n]);
    expect([b4096!.atimeNs, b4096!.mtimeNs]).toEqual([1_795_217_580n * second, old!.mtimeNs]);
    expect(b4097!.mtimeNs).toBe(-1n * second);
  });

  it('without a date it is now, or SOURCE_DATE_EPOCH', async () => {
    await edit(['touch', image, '/d/text'], { environment: { SOURCE_DATE_EPOCH: '1234567890' } });
    const [text] = look('/d/text');
    expect([text!.atimeNs, text!.mtimeNs, text!.ctimeNs]).toEqual(Array(3).fill(1_234_567_890n * second));
    const before = BigInt(Date.now()) * 1_000_000n;
    await edit(['touch', image, '/d/text']);
    expect(look('/d/text')[0]!.mtimeNs).toBeGreaterThanOrEqual(before);
  });

  it('takes the times of another file', async () => {
    await edit(['touch', '-r', '/d/b4096', image, '/d/text']);
    const [text, b4096] = look('/d/text', '/d/b4096');
    expect([text!.atimeNs, text!.mtimeNs]).toEqual([b4096!.atimeNs, b4096!.mtimeNs]);
    const { status, stderr } = await f2fs(['touch', '-r', '/absent', image, '/d/text']);
    expect([status, stderr]).toEqual([1, "f2fs: ENOENT: no such file or directory, stat '/absent'\n"]);
  });

  it('-h and -R: symlinks themselves', async () => {
    const [, old] = look('/d/short', '/d/text');
    await edit(['touch', '-h', '-d', '@1', image, '/d/short']);
    const [link, text] = look('/d/short', '/d/text');
    expect([link!.mtimeNs, text!.mtimeNs]).toEqual([second, old!.mtimeNs]);
    await edit(['touch', '-R', '-d', '@2', image, '/']);
    expect(new Set((await manifest()).map(([, , , , , , mtime]) => mtime))).toEqual(new Set(['2']));
  });
});

describe('what cannot be written to is refused with the reason, and not changed', () => {
  const refused = async (file: string, message: string | RegExp): Promise<void> => {
    const before = fs.existsSync(file) ? fs.readFileSync(file) : undefined;
    const { status, stdout, stderr } = await f2fs(['chmod', file, '600', '/d/text']);
    expect([status, stdout.length]).toEqual([1, 0]);
    expect(stderr).toMatch(message);
    if (before !== undefined) expect(fs.readFileSync(file).equals(before)).toBe(true);
  };

  it('a volume that somebody writes to', async () => {
    const volume = await openVolume(image, { writable: true });
    await refused(image, /EBUSY: .*process \d+ on .* writes to this image/);
    await volume.close();
  });

  it('an Android sparse image, what is no volume, what is not there', async () => {
    const other = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-edit-'));
    const file = (name: string, bytes: Uint8Array): string => {
      writeSparse(path.join(other, name), bytes);
      return path.join(other, name);
    };
    try {
      await refused(file('sparse', buildSparse(sparsePieces(plain))), /EROFS: .*Android sparse image/);
      await refused(file('text', Buffer.alloc(8192, 'x')), /EINVAL/);
      await refused(path.join(other, 'absent'), /ENOENT/);
      expect(fs.readdirSync(other).sort()).toEqual(['sparse', 'text']);
    } finally {
      fs.rmSync(other, { recursive: true, force: true });
    }
  });
});

it('a volume that was cut off is recovered before it is changed', async () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-edit-'));
  const crash = path.join(folder, 'crash');
  writeSparse(crash, loadGolden('crash-chain').bytes);
  try {
    const { status, stderr } = await f2fs(['chmod', crash, '640', '/d/new']);
    expect(stderr).toContain('recovered fsynced changes of 5 files');
    expect(status).toBe(0);
    const again = await f2fs(['ls', '-l', crash, '/d/new']);
    expect(again.stderr).not.toContain('recover');
    expect(again.stdout.toString()).toContain('rw-r-----');
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

it('interrupted before it began: 130, and not one byte is changed', async () => {
  const { status, stdout, stderr } = await f2fs(['chmod', '-R', image, '600', '/'], { signal: 'SIGINT' });
  const said = 'f2fs: interrupted: 0 changed, and that stays\n';
  expect([status, stdout.length, stderr]).toEqual([130, 0, said]);
  expect(fs.readFileSync(image).equals(plain)).toBe(true);
});
