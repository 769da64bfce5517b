// The command as a process that is ended from outside, in the middle of its work.

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openVolumeSync } from 'f2fskit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EditVolume, judged, objections } from './edit-volume.ts';
import { f2fs } from './run-cli.ts';
import { bundleCli, spawnCli } from './spawn-cli.ts';

const volume = new EditVolume('plain');
const FILE_BYTES = 1 << 19;
const FILES = 24;
const nameOf = (file: number): string => `f${String(file).padStart(2, '0')}.bin`;
const contentsOf = (file: number, version: number): Buffer => Buffer.alloc(FILE_BYTES, `${version} of ${file};`);

let folder = '';
let main = '';
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-bundle-'));
  main = await bundleCli(folder);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The newer checkpoint of an image that somebody writes to; -1 where it cannot be read in this instant. */
function checkpointOf(image: string): bigint | number {
  try {
    const opened = openVolumeSync(image, { norecovery: true });
    const { version } = opened.f2fs.checkpoint;
    void opened.close();
    return version;
  } catch {
    return -1;
  }
}

it('kill -9 while files are replaced: each is the old one or the new one, and the next run takes over', async () => {
  const image = volume.image;
  fs.rmSync(image);
  expect((await f2fs(['mkfs', '-q', '--size', '64M', image])).status).toBe(0);
  for (const version of [1, 2]) {
    for (let file = 0; file < FILES; file++) volume.file(`${version}/${nameOf(file)}`, contentsOf(file, version));
  }
  await volume.ok(['put', '-r', 'IMAGE', volume.at('1'), '/d']);
  const before = checkpointOf(image);
  // Old and new files do not fit beside each other: in the middle of the run a checkpoint frees the old ones.
  const sources = Array.from({ length: 40 }, () => `${volume.at('2')}/.`);
  const { child, ended } = spawnCli(main, ['put', '-r', image, ...sources, '/d']);
  await until(() => child.exitCode !== null || ![before, -1].includes(checkpointOf(image)));
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  const lock = `${image}.f2fskit-lock`;
  expect(JSON.parse(fs.readFileSync(lock, 'utf8'))).toMatchObject({ pid: child.pid });

  expect((await f2fs(['fsck', image])).stdout.toString()).toMatch(/^clean/m);
  if (judged) expect(objections(image)).toBe('');
  const versions = Array.from({ length: FILES }, (_, file) => {
    const contents = volume.read(`/d/${nameOf(file)}`);
    return [1, 2].findIndex((version) => contents.equals(contentsOf(file, version))) + 1;
  });
  expect(versions).not.toContain(0);
  expect(versions).toContain(2);

  await volume.ok(['put', '-r', 'IMAGE', `${volume.at('2')}/.`, '/d']);
  expect(volume.names('/d')).toEqual(Array.from({ length: FILES }, (_, file) => nameOf(file)));
  for (let file = 0; file < FILES; file++) {
    expect(volume.read(`/d/${nameOf(file)}`).equals(contentsOf(file, 2))).toBe(true);
  }
});

it('SIGINT while standard input stands still: 130, the old file is there, and nothing else', async () => {
  const [before, names] = [volume.read('/d/one'), volume.names('/d')];
  const { child, ended } = spawnCli(main, ['put', volume.image, '-', '/d/one'], 'pipe');
  child.stdin!.write(Buffer.alloc(FILE_BYTES, 'x'));
  await until(() => fs.existsSync(`${volume.image}.f2fskit-lock`) || child.exitCode !== null);
  await new Promise((resolve) => setTimeout(resolve, 200)); // it has begun to read, most likely
  child.kill('SIGINT');
  expect(await ended).toMatchObject({
    code: 130,
    signal: null,
    stderr: 'f2fs: interrupted: 0 changed, and that stays\n',
  });
  expect([volume.read('/d/one').equals(before), volume.names('/d')]).toEqual([true, names]);
  expect(fs.readdirSync(path.dirname(volume.image))).toEqual(['disk.img']);
});
