// f2fs fsck as a command: what it says of sound, damaged and crashed volumes, and with which exit code.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RawInode } from '@f2fskit/f2fs-format';
import { buildGptDisk, buildSparse, sparsePieces } from '@f2fskit/images/builders';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { f2fs } from './run-cli.ts';
import { writeSparse } from './sparse-file.ts';

const folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fs-cli-fsck-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const judgeThere = spawnSync('fsck.f2fs', ['-V'], { env }).error === undefined;

function file(name: string, bytes: Uint8Array): string {
  const full = path.join(folder, name);
  writeSparse(full, bytes);
  return full;
}

/** A copy of a golden volume with bytes changed. */
function damaged(name: string, change: (bytes: Uint8Array) => void): string {
  const bytes = loadGolden(name).bytes.slice();
  change(bytes);
  return file(`damaged-${name}.img`, bytes);
}

const plain = loadGolden('plain').bytes;
const image = file('plain.img', plain);
const { geometry } = JSON.parse((await f2fs(['info', '--quick', '--json', image])).stdout.toString()) as {
  geometry: { sitAddress: number; natAddress: number; ssaAddress: number; checkpointAddress: number };
};
/** Where the inodes of paths lie. */
async function inodeBlocks(...paths: string[]): Promise<number[]> {
  const { stdout } = await f2fs(['stat', '--json', image, ...paths]);
  const lines = stdout.toString().trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { inodeBlock: number }).inodeBlock);
}

const area = (from: number, to: number) => (bytes: Uint8Array) => void bytes.fill(0, from * 4096, to * 4096);

describe('a sound volume', () => {
  const sound = goldenVolumes().filter(({ name }) =>
    ['plain', 'compress-lz4-16', 'encrypted', 'android'].includes(name),
  );
  it.each(sound)('$name: clean, 0', async ({ name }) => {
    const { status, stdout, stderr } = await f2fs(['fsck', file(`${name}-sound.img`, loadGolden(name).bytes)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.toString()).toMatch(
      /^clean(?:, 1 warning)?: \d+ inodes, \d+ of them directories, \d+ blocks, \d+ free segments$/m,
    );
  });

  it('is found in containers and on standard input', async () => {
    const summary = (await f2fs(['fsck', image])).stdout.toString();
    const disk = file(
      'disk.img',
      buildGptDisk([
        { name: 'cache', content: plain },
        { name: 'userdata', content: plain },
      ]),
    );
    const sparse = buildSparse(sparsePieces(plain));
    expect(await f2fs(['fsck', `${disk}#userdata`])).toMatchObject({ status: 0, stdout: Buffer.from(summary) });
    expect(await f2fs(['fsck', file('plain.simg', sparse)])).toMatchObject({ status: 0, stdout: Buffer.from(summary) });
    expect(await f2fs(['fsck', '-'], { input: sparse })).toMatchObject({ status: 0, stdout: Buffer.from(summary) });
    const choice = await f2fs(['fsck', disk]);
    expect([choice.status, choice.stderr]).toEqual([8, expect.stringContaining('choose one')]);
  });
});

describe('a volume that was not unmounted', () => {
  it.each([
    ['crash-chain', /^note: needs recovery: \d+ fsynced nodes follow the checkpoint$/m],
    ['crash-orphan', /^note: files that were deleted while open wait to be freed$/m],
  ])('%s: what a mount would do is a note', async (name, note) => {
    const { status, stdout } = await f2fs(['fsck', file(`${name}.img`, loadGolden(name).bytes)]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(note);
    expect(stdout.toString()).toMatch(/^clean: /m);
  });
});

describe('a damaged volume', () => {
  it('has its findings one a line, those of a kind together, and 4', async () => {
    const [first, second, gone, moved] = await inodeBlocks('/d/a', '/d/many', '/d/text', '/d/one');
    const broken = damaged('plain', (bytes) => {
      for (const block of [first!, second!]) bytes[block * 4096 + RawInode.links.offset] = 0xff;
      bytes.fill(0x55, gone! * 4096, (gone! + 1) * 4096);
      bytes[moved! * 4096 + RawInode.currentDepth.offset] = 3;
    });
    const { status, stdout } = await f2fs(['fsck', broken]);
    expect(status).toBe(4);
    const lines = stdout.toString().trimEnd().split('\n');
    const summary = lines.pop()!;
    expect(summary).toMatch(/^\d+ errors, \d+ warnings?: /);
    expect(lines.every((line) => /^(?:error|warning|note): /.test(line))).toBe(true);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^error: an inode counts other names than it has: main, block \d+, .* \(\/d\/many\); expected 2, found 255$/,
      ),
    );
    // Once a kind is through it does not come again, and no warning stands before an error.
    const kinds = lines.map((line) => line.split(':').slice(0, 2).join(':'));
    expect(kinds.filter((kind, index) => kind !== kinds[index - 1]).length).toBe(new Set(kinds).size);
    expect(kinds.map((kind) => kind.split(':')[0]).join()).toMatch(/^(?:error,?)*(?:warning,?)*(?:note,?)*$/);
    expect(kinds).toContain('warning: a file that is not pinned counts failed moves');
    if (judgeThere) expect(spawnSync('fsck.f2fs', ['--dry-run', '-f', broken], { env }).status).not.toBe(0);
  });

  it('shows --max of them, and counts all', async () => {
    const broken = damaged('plain', area(geometry.sitAddress, geometry.natAddress));
    const all = JSON.parse((await f2fs(['fsck', '--json', '--max', '100000', broken])).stdout.toString());
    expect(all).toMatchObject({ schema: 'f2fs.fsck/1', image: broken, exitCode: 4, clean: false, complete: true });
    expect(all.findings.length).toBe(all.errors + all.warnings);
    expect(all.findings[0]).toMatchObject({ severity: 'error', place: { area: expect.any(String) } });
    const few = JSON.parse((await f2fs(['fsck', '--json', '--max', '3', broken])).stdout.toString());
    expect([few.findings.length, few.errors, few.counts]).toEqual([3, all.errors, all.counts]);
    const total = Object.values(all.counts as Record<string, number>).reduce((sum, count) => sum + count, 0);
    const lines = (await f2fs(['fsck', '--max', '3', broken])).stdout.toString().trimEnd().split('\n');
    const left = lines.map((line) => Number(/: (\d+) (?:more|times)$/.exec(line)?.[1] ?? 0));
    expect(3 + left.reduce((sum, count) => sum + count, 0)).toBe(total);
    expect(lines.at(-1)).toMatch(new RegExp(`^${all.errors} errors, `));
    const none = (await f2fs(['fsck', '--max', '0', broken])).stdout.toString().trimEnd().split('\n');
    expect(none.length).toBe(Object.keys(all.counts).length + all.notes.length + 1);
  });

  it('without a checkpoint cannot be checked to its end: 4', async () => {
    const broken = damaged('plain', area(geometry.checkpointAddress, geometry.sitAddress));
    const { status, stdout } = await f2fs(['fsck', broken]);
    expect(status).toBe(4);
    expect(stdout.toString()).toMatch(/^error: no checkpoint pack is usable/);
    expect(stdout.toString()).toMatch(/^\d+ errors?, 0 warnings, not everything could be checked$/m);
  });

  it('that is cut off: errors, and blocks that cannot be read, 12', async () => {
    const cut = file('cut.img', plain.subarray(0, geometry.ssaAddress * 4096 + 3 * (2 << 20)));
    const { status, stdout } = await f2fs(['fsck', cut]);
    expect(status).toBe(12);
    expect(stdout.toString()).toMatch(/^error: the device ends before the volume does: /m);
    expect(stdout.toString()).toMatch(/not everything could be checked/);
  });

  it('-q: the exit code only', async () => {
    const broken = damaged('plain', (bytes) => bytes.fill(0xff, 1024, 1028));
    const { status, stdout, stderr } = await f2fs(['fsck', '-q', broken]);
    expect([status, stdout.length, stderr]).toEqual([4, 0, '']);
  });

  it('does not drive the terminal, nor make lines of names', async () => {
    const bytes = loadGolden('casefold-names').bytes.slice();
    area(geometry.sitAddress, geometry.natAddress)(bytes);
    const { stdout } = await f2fs(['fsck', file('names.img', bytes)]);
    expect(stdout.includes(0x07)).toBe(false);
    for (const line of stdout.toString().trimEnd().split('\n').slice(0, -1))
      expect(line).toMatch(/^(error|warning|note): /);
  });
});

describe('what cannot be checked ends with 8', () => {
  it.each([
    ['a file that is not there', '/no/such/image', 'ENOENT'],
    ['a directory', folder, 'EISDIR'],
    ['something else', file('x.zip', Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(10_000)])), 'zip'],
    ['zeros', file('zeros.img', new Uint8Array(1 << 20)), 'EINVAL'],
  ])('%s', async (_what, name, message) => {
    const { status, stdout, stderr } = await f2fs(['fsck', name]);
    expect([status, stdout.length]).toEqual([8, 0]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('internal error');
  });
});

it('interrupted: 130; wrong usage: 2', async () => {
  const interrupted = await f2fs(['fsck', image], { signal: 'SIGINT' });
  expect([interrupted.status, interrupted.stdout.length, interrupted.stderr]).toEqual([130, 0, 'f2fs: interrupted\n']);
  for (const args of [['--max', 'x', image], ['--repair', image], [], [image, 'more']]) {
    expect((await f2fs(['fsck', ...args])).status, args.join(' ')).toBe(2);
  }
});
