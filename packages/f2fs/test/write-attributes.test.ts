// The smallest change there is, on every golden volume: modes and times of all inodes. It goes through the whole write side:
// nodes to their logs, NAT and SIT to journals or other copies, summaries, a checkpoint. fsck.f2fs judges what is left, where
// it is installed; a reader that knows nothing of the writer sees the changes.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MemoryDevice } from '@f2fskit/block';
import { fixedClock, runSync } from '@f2fskit/task';
import { goldenVolumes, loadGolden, writeImageFile } from '@f2fskit/testkit';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { afterAll, describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs, setAttributes } from '../src/index.ts';

const JUDGE = fileURLToPath(new URL('../../../tools/oracle/judge.mjs', import.meta.url));
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const judged = spawnSync('fsck.f2fs', ['-V'], { env: { ...process.env, PATH }, stdio: 'ignore' }).error === undefined;
const folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-write-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What fsck.f2fs objects to; empty when it accepts the volume. */
function objections(device: MemoryDevice): string {
  const image = path.join(folder, 'volume.img');
  writeImageFile(image, device);
  const { stdout, stderr } = spawnSync(process.execPath, [JUDGE, image], {
    env: { ...process.env, PATH },
    encoding: 'utf8',
  });
  return stdout + stderr;
}

const clock = fixedClock(1_900_000_000, 5);
const mount = (device: MemoryDevice, writable = true): F2fsVolume =>
  runSync(mountF2fs(device, writable ? { writable, clock } : {}));

/** Every inode of a volume by path. */
function inodesOf(volume: F2fsVolume): Map<string, F2fsInode> {
  const vfs = new Vfs(volume, 1 << 20);
  const tree = vfs.tree(runSync(vfs.walk('/')).inode, utf8Encode('.'));
  const found = new Map<string, F2fsInode>();
  for (;;) {
    const event = runSync(tree.next());
    if (event === undefined) return found;
    if (event.type === 'entry') found.set(Buffer.from(event.path).toString('latin1'), event.inode as F2fsInode);
  }
}

/** Each has inodes, or tables, that the others have not; all of them in the long run. */
const SHORT = ['plain-default', 'android', 'bigdir', 'compress-lz4-4', 'encrypted', 'geometry', 'xattr-heavy'];
const LONG = process.env.F2FSKIT_FULL === '1';
const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => !/(^|\/)crash-/.test(name))
  .filter((name) => LONG || SHORT.includes(name));

describe.each(names)('%s', (name) => {
  const device = loadGolden(name).device.clone();
  let before: Map<string, F2fsInode>;

  it('takes new modes and times, over several checkpoints', () => {
    const volume = mount(device);
    before = inodesOf(mount(device.clone(), false));
    let changed = 0;
    for (const inode of new Set(inodesOf(volume).values())) {
      const { mode } = inode.attributes();
      const mtime = { seconds: 1_000_000_000 + inode.ino, nanoseconds: inode.ino };
      runSync(setAttributes(volume.writer!, inode, { mode: mode ^ 0o001, mtime }));
      expect(inode.attributes()).toMatchObject({ mode: mode ^ 0o001, mtime });
      // Not a multiple of anything: some checkpoints hold a few nodes, some many.
      if (++changed % 177 === 0) runSync(volume.writer!.checkpoint());
    }
    runSync(volume.unmount());
  });

  it('shows them after a new mount, and nothing else has changed', () => {
    const after = inodesOf(mount(device, false));
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [file, inode] of after) {
      const { ctime, mode, mtime, ...rest } = inode.attributes();
      const { ctime: _, mode: oldMode, mtime: __, ...old } = before.get(file)!.attributes();
      expect(rest).toEqual(old);
      expect([mode, mtime.seconds, mtime.nanoseconds]).toEqual([oldMode ^ 0o001, 1_000_000_000 + inode.ino, inode.ino]);
      expect(ctime).toEqual({ seconds: 1_900_000_000, nanoseconds: 5 });
    }
  });

  it.skipIf(!judged)('is accepted by fsck.f2fs', () => {
    expect(objections(device)).toBe('');
  });
});

it('a writable mount that changes nothing writes nothing', () => {
  const { device } = loadGolden('plain');
  const copy = device.clone();
  const volume = mount(copy);
  inodesOf(volume);
  runSync(volume.unmount());
  expect(Buffer.compare(copy.toBytes(), device.toBytes())).toBe(0);
});
