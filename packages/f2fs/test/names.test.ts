// Names on a volume that is written to: every kind of file, directories of every size, renames of every kind. After each
// scenario the volume is left and read by a mount that knows nothing of the writer, and judged by fsck.f2fs where it is
// installed.

import type { MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { afterEach, describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o640, uid: 1000, gid: 1001 };
const clock = fixedClock(1_900_000_000, 7);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

class Written {
  readonly device: MemoryDevice;
  readonly volume: F2fsVolume;

  constructor(name: string) {
    this.device = loadGolden(name).device.clone();
    this.volume = runSync(mountF2fs(this.device, { writable: true, clock, random: seededRandom(1) }));
    expectExactCounts(this.volume);
  }

  inode(path: string): F2fsInode {
    return inodeAt(this.volume, path);
  }

  get root(): F2fsInode {
    return this.inode('/');
  }

  /** Leaves the volume; the same volume, mounted for reading. */
  leave(): F2fsVolume {
    runSync(this.volume.unmount());
    if (judged) expect(objections(this.device)).toBe('');
    return runSync(mountF2fs(this.device));
  }
}

function expectExactCounts(volume: F2fsVolume): void {
  const { space } = volume.writer!;
  const { validBlockCount, validNodeCount, validInodeCount } = volume.writer!.current;
  expect([space.validBlocks, space.validNodes, space.validInodes]).toEqual([
    validBlockCount,
    validNodeCount,
    validInodeCount,
  ]);
}

function inodeAt(volume: F2fsVolume, path: string): F2fsInode {
  return runSync(new Vfs(volume).walk(Buffer.from(path, 'latin1'))).inode as F2fsInode;
}

function namesIn(directory: F2fsInode): string[] {
  const names: string[] = [];
  const reader = directory.list();
  for (;;) {
    const batch = runSync(reader.next());
    if (batch === undefined) return names.sort();
    expect(batch.problems).toEqual([]);
    names.push(...batch.entries.map(({ name }) => Buffer.from(name).toString('latin1')));
  }
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('new files', () => {
  it('of every kind have what they were asked to have', () => {
    const written = new Written('plain');
    const top = runSync(written.root.mkdir(bytes('made'), { ...OWNER, mode: 0o2750 }));
    runSync(top.create(bytes('file'), OWNER));
    runSync(top.mkdir(bytes('directory'), OWNER));
    runSync(top.symlink(bytes('link'), bytes('../target'), OWNER));
    runSync(top.symlink(bytes('long link'), bytes('x'.repeat(4000)), OWNER));
    runSync(top.mknod(bytes('char'), { ...OWNER, kind: 'char', major: 259, minor: 70_000 }));
    runSync(top.mknod(bytes('block'), { ...OWNER, kind: 'block', major: 8, minor: 1 }));
    runSync(top.mknod(bytes('fifo'), { ...OWNER, kind: 'fifo' }));
    runSync(top.mknod(bytes('socket'), { ...OWNER, kind: 'socket' }));
    const names = ['block', 'char', 'directory', 'fifo', 'file', 'link', 'long link', 'socket'];
    expect(namesIn(top)).toEqual(names);
    const volume = written.leave();
    const read = inodeAt(volume, '/made');
    expect(namesIn(read)).toEqual(names);
    expect(read.attributes()).toMatchObject({ kind: 'directory', mode: 0o42750, links: 3, uid: 1000, gid: 1001 });
    const at = (name: string): F2fsInode => inodeAt(volume, `/made/${name}`);
    const time = { seconds: 1_900_000_000, nanoseconds: 7 };
    expect(at('file').attributes()).toMatchObject({ kind: 'file', mode: 0o100640, links: 1, size: 0, uid: 1000, mtime: time });
    expect(at('directory').attributes()).toMatchObject({ kind: 'directory', mode: 0o42640, links: 2, gid: 1001 });
    expect(Buffer.from(runSync(at('link').readLink())).toString()).toBe('../target');
    expect(Buffer.from(runSync(at('long link').readLink())).toString()).toBe('x'.repeat(4000));
    expect(at('char').attributes()).toMatchObject({ kind: 'char', deviceMajor: 259, deviceMinor: 70_000 });
    expect(at('block').attributes()).toMatchObject({ kind: 'block', deviceMajor: 8, deviceMinor: 1 });
    expect([at('fifo').kind, at('socket').kind]).toEqual(['fifo', 'socket']);
  });
});
