// IMAGE may be a container: what the commands show is what they show of the bare volume.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildGptDisk, buildSparse, sparsePieces } from '@f2fskit/images/builders';
import { loadGolden } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { f2fs } from './run-cli.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'f2fs-cli-containers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function file(name: string, bytes: Uint8Array): string {
  const full = path.join(folder, name);
  writeFileSync(full, bytes);
  return full;
}

const plain = loadGolden('plain').bytes;
const bare = file('plain.img', plain);
const sparse = buildSparse(sparsePieces(plain));
const simg = file('plain.simg', sparse);
const disk = file(
  'disk.img',
  buildGptDisk([
    { name: 'cache', content: plain },
    { name: 'evil\u001b[2J', content: plain },
    { name: 'boot', content: new Uint8Array(4096).fill(7) },
  ]),
);

const listing = (await f2fs(['ls', '-lR', bare, '/d'])).stdout.toString();

describe('IMAGE', () => {
  it.each([
    ['an Android sparse image', [simg]],
    ['a partition by number', [`${disk}#1`]],
    ['a partition by name', [`${disk}#cache`]],
  ])('is %s', async (_what, image) => {
    const { status, stdout, stderr } = await f2fs(['ls', '-lR', ...image, '/d']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.toString()).toBe(listing);
  });

  it('comes on standard input, where -# names a partition', async () => {
    expect((await f2fs(['ls', '-lR', '-', '/d'], { input: sparse })).stdout.toString()).toBe(listing);
    const input = buildGptDisk([{ content: plain }, { content: plain }]);
    expect((await f2fs(['ls', '-lR', '--', '-#2', '/d'], { input })).stdout.toString()).toBe(listing);
    expect((await f2fs(['ls', '-', '/d'], { input })).stderr).toContain('2 partitions of memory hold an F2FS volume');
  });

  it('is looked into by dump as well, which mounts nothing', async () => {
    const found = await f2fs(['dump', `${disk}#1`, 'sb']);
    expect(found.stdout.toString()).toBe((await f2fs(['dump', bare, 'sb'])).stdout.toString());
    expect(found.status).toBe(0);
    const broken = file('broken.img', buildGptDisk([{ content: plain }]).fill(0, 512, 1024));
    expect((await f2fs(['dump', broken, 'sb'])).stderr).toContain('the primary GPT of');
  });

  it('with a choice to make ends with 1 and lists it', async () => {
    const { status, stdout, stderr } = await f2fs(['ls', disk]);
    expect([status, stdout.toString()]).toEqual([1, '']);
    expect(stderr).toContain(`choose one: ${disk}#1 (cache), ${disk}#2 (evil\\x1b[2J)`);
    expect((await f2fs(['ls', `${disk}#boot`])).stderr).toContain('holds no F2FS volume: nothing known');
  });
});

describe('info', () => {
  it('says what the volume is inside of, to a person and to a program', async () => {
    const text = (await f2fs(['info', '--quick', simg], { terminal: true })).stdout.toString();
    expect(text).toMatch(/Inside {8}Android sparse image: \d+ chunks, 13312 blocks of 4096 bytes\n/);
    const named = (await f2fs(['info', '--quick', `${disk}#2`], { terminal: true })).stdout.toString();
    expect(named).toContain('GPT partition #2 (evil\\x1b[2J): Linux filesystem');
    expect((await f2fs(['info', '--quick', bare])).stdout.toString()).not.toContain('Inside');
    const report = JSON.parse((await f2fs(['info', '--quick', '--json', simg])).stdout.toString()) as {
      container: string[];
    };
    expect(report.container).toEqual([expect.stringContaining('Android sparse image')]);
  });
});
