// Extended attributes, access lists, flags and projects on volumes that are written to, judged as names.test.ts does it.

import type { MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { UserAclEntry, UserAclHeader } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { fixedClock, runSync, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { FileFlag } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';
import { bytesOf, latin1 } from './name-model.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const clock = fixedClock(1_900_000_000);

function open(name: string): { device: MemoryDevice; volume: F2fsVolume; root: F2fsInode } {
  const device = loadGolden(name).device.clone();
  const volume = runSync(mountF2fs(device, { writable: true, clock }));
  return { device, volume, root: runSync(volume.readInode(volume.rootIno)) };
}

/** Leaves the volume and reads an inode of it anew. */
function reread({ device, volume }: { device: MemoryDevice; volume: F2fsVolume }, { ino }: F2fsInode): F2fsInode {
  runSync(volume.unmount());
  if (judged) expect(objections(device)).toBe('');
  return runSync(runSync(mountF2fs(device)).readInode(ino));
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

const set = (inode: F2fsInode, name: string, value: string, mode?: 'set' | 'create' | 'replace'): string =>
  codeOf(() => runSync(inode.setXattr(bytesOf(name), bytesOf(value), mode)));

const allOf = (inode: F2fsInode): Array<[string, string]> =>
  runSync(inode.extendedAttributes()).map(({ name, value }) => [latin1(name), latin1(value)]);

/** An access list as programs have it: tag, permissions, id. */
function listOf(...entries: Array<[tag: number, permissions: number, id?: number]>): string {
  const bytes = new Uint8Array(UserAclHeader.$size + entries.length * UserAclEntry.$size);
  const view = viewOf(bytes);
  UserAclHeader.version.set(view, 0, 2);
  for (const [index, [tag, permissions, id = 0xffff_ffff]] of entries.entries()) {
    const at = UserAclHeader.$size + index * UserAclEntry.$size;
    UserAclEntry.tag.set(view, at, tag);
    UserAclEntry.permissions.set(view, at, permissions);
    UserAclEntry.id.set(view, at, id);
  }
  return latin1(bytes);
}

const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';
const DONE = 'nothing thrown';

describe('extended attributes', () => {
  it.each(['plain', 'plain-default', 'xattr-flexible', 'bigdir'])(
    '%s: grow into a node of their own, and shrink',
    (name) => {
      const opened = open(name);
      const { root, volume } = opened;
      const file = runSync(root.create(bytesOf('file'), OWNER));
      const { space } = volume.writer!;
      const before = [space.validBlocks, space.validNodes];
      expect(set(file, 'user.small', 'one')).toBe(DONE);
      expect([space.validBlocks, space.validNodes]).toEqual(before);
      expect(set(file, 'trusted.large', 'x'.repeat(3000))).toBe(DONE);
      expect(file.attributes().blocks).toBe(8);
      expect(set(file, 'security.other', '')).toBe(DONE);
      runSync(volume.sync());
      expect(set(file, 'user.small', 'another')).toBe(DONE);
      expect(allOf(file)).toEqual([
        ['trusted.large', 'x'.repeat(3000)],
        ['security.other', ''],
        ['user.small', 'another'],
      ]);
      runSync(file.removeXattr(bytesOf('trusted.large')));
      expect(file.attributes().blocks).toBe(0);
      expect([space.validBlocks, space.validNodes]).toEqual(before);
      expect(allOf(reread(opened, file))).toEqual([
        ['security.other', ''],
        ['user.small', 'another'],
      ]);
    },
  );

  // What ext4 under Linux does with each of these calls made by root.
  it.each<[what: string, stays: boolean, run: (file: F2fsInode) => Task<unknown>]>([
    ['a write', false, (file) => file.write(0, new BytesSource(bytesOf('x')))],
    ['a write of nothing', true, (file) => file.write(0, new BytesSource(new Uint8Array(0)))],
    ['truncate', false, (file) => file.truncate(3)],
    ['truncate to the size it has', false, (file) => file.truncate(5)],
    ['fallocate', false, (file) => file.allocate('allocate', 0, 9000)],
    ['a hole', false, (file) => file.allocate('punch', 0, 4096)],
    ['chown', false, (file) => file.setAttributes({ uid: 5 })],
    ['chown to nobody else', false, (file) => file.setAttributes({ dropPowers: true })],
    ['chmod', true, (file) => file.setAttributes({ mode: 0o755 })],
    ['utimens', true, (file) => file.setAttributes({ mtime: { seconds: 1, nanoseconds: 2 } })],
  ])('capabilities: %s', (_what, stays, run) => {
    const opened = open('plain-default');
    const file = runSync(opened.root.create(bytesOf('file'), OWNER));
    runSync(file.write(0, new BytesSource(bytesOf('hello'))));
    expect(set(file, 'user.before', '1')).toBe(DONE);
    // The second time, after a write that had nothing to take away.
    for (let round = 0; round < 2; round++) {
      expect(set(file, 'security.capability', 'c'.repeat(20))).toBe(DONE);
      runSync(run(file));
      expect(allOf(file).map(([name]) => name)).toEqual(['user.before', ...(stays ? ['security.capability'] : [])]);
      runSync(file.write(0, new BytesSource(bytesOf('again'))));
      runSync(file.write(0, new BytesSource(bytesOf('again'))));
      expect(allOf(file)).toEqual([['user.before', '1']]);
    }
    expect(allOf(reread(opened, file))).toEqual([['user.before', '1']]);
  });

  it('are refused by the rules of Linux', () => {
    const opened = open('plain-default');
    const { root } = opened;
    const file = runSync(root.create(bytesOf('file'), OWNER));
    const link = runSync(root.symlink(bytesOf('link'), bytesOf('x'), OWNER));
    expect(set(file, 'user.a', '1', 'replace')).toBe('ENODATA');
    expect(set(file, 'user.a', '1', 'create')).toBe(DONE);
    expect(set(file, 'user.a', '2', 'create')).toBe('EEXIST');
    expect(set(file, 'user.a', '2', 'replace')).toBe(DONE);
    expect(set(file, 'user.', '')).toBe('EINVAL');
    expect(set(file, 'nobody.a', '')).toBe('EOPNOTSUPP');
    expect(set(file, `user.${'n'.repeat(251)}`, '')).toBe('ERANGE');
    expect(set(link, 'user.a', '')).toBe('EPERM');
    expect(set(link, 'trusted.a', 'b')).toBe(DONE);
    const most = 200 + 4072 - 24 - 4;
    expect(set(file, 'user.b', 'x'.repeat(most + 1))).toBe('E2BIG');
    expect(set(file, 'user.b', 'x'.repeat(most))).toBe('ENOSPC');
    expect(codeOf(() => runSync(file.removeXattr(bytesOf('user.b'))))).toBe('ENODATA');
    // What the list has room for, to the byte: header, this entry, and the one that is there.
    const left = 200 + 4072 - 24 - 8 - (4 + 1);
    expect(set(file, 'user.b', 'x'.repeat(left + 1))).toBe('ENOSPC');
    expect(set(file, 'user.b', 'x'.repeat(left))).toBe(DONE);
    runSync(file.setFlags(file.flags() | FileFlag.immutable));
    expect(set(file, 'user.a', '3')).toBe('EPERM');
    expect(allOf(reread(opened, file))).toEqual([
      ['user.a', '2'],
      ['user.b', 'x'.repeat(left)],
    ]);
  });
});

describe('access lists', () => {
  const long = listOf([1, 6], [2, 7, 1000], [4, 5], [16, 5], [32, 4]);

  it('change the mode, and follow it', () => {
    const opened = open('plain-default');
    const file = runSync(opened.root.create(bytesOf('file'), OWNER));
    expect(set(file, ACCESS, long)).toBe(DONE);
    expect(file.attributes().mode).toBe(0o100654);
    runSync(file.setAttributes({ mode: 0o600 }));
    const masked = listOf([1, 6], [2, 7, 1000], [4, 5], [16, 0], [32, 0]);
    expect(allOf(file)).toEqual([[ACCESS, masked]]);
    const read = reread(opened, file);
    expect(allOf(read)).toEqual([[ACCESS, masked]]);
    expect(read.attributes().mode).toBe(0o100600);
  });

  it('that say what a mode says are stored as a mode', () => {
    const opened = open('plain');
    const file = runSync(opened.root.create(bytesOf('file'), OWNER));
    expect(set(file, ACCESS, long)).toBe(DONE);
    expect(set(file, ACCESS, listOf([1, 7], [4, 1], [32, 0]))).toBe(DONE);
    expect([allOf(file), file.attributes().mode]).toEqual([[], 0o100710]);
    expect(allOf(reread(opened, file))).toEqual([]);
  });

  it('that are none are refused', () => {
    const { root } = open('plain');
    const file = runSync(root.create(bytesOf('file'), OWNER));
    const broken = [
      'x',
      listOf([1, 7], [4, 1]),
      listOf([4, 1], [1, 7], [32, 0]),
      listOf([1, 7], [2, 7, 5], [4, 1], [32, 0]),
      listOf([1, 7], [4, 1], [32, 0], [32, 0]),
      listOf([1, 8], [4, 1], [32, 0]),
      listOf([1, 7], [4, 1], [64, 0]),
    ];
    for (const value of broken) expect(set(file, ACCESS, value)).toBe('EINVAL');
    expect(set(file, DEFAULT, listOf([1, 7], [4, 1], [32, 0]))).toBe('EACCES');
    expect(allOf(file)).toEqual([]);
  });

  it('by default are inherited, with the mode that was asked for', () => {
    const opened = open('plain-default');
    const top = runSync(opened.root.mkdir(bytesOf('top'), { ...OWNER, mode: 0o755 }));
    expect(set(top, DEFAULT, long)).toBe(DONE);
    const file = runSync(top.create(bytesOf('file'), { ...OWNER, mode: 0o600 }));
    const inner = runSync(top.mkdir(bytesOf('inner'), { ...OWNER, mode: 0o777 }));
    expect(allOf(file)).toEqual([[ACCESS, listOf([1, 6], [2, 7, 1000], [4, 5], [16, 0], [32, 0])]]);
    expect(file.attributes().mode).toBe(0o100600);
    expect(allOf(inner)).toEqual([
      [DEFAULT, long],
      [ACCESS, long],
    ]);
    expect(reread(opened, inner).attributes().mode).toBe(0o40654);
  });
});

describe('flags and projects', () => {
  it('are kept, refused and inherited', () => {
    const opened = open('android');
    const { root } = opened;
    const top = runSync(root.mkdir(bytesOf('flags'), OWNER));
    runSync(top.setFlags(FileFlag.noDump | FileFlag.caseFold | FileFlag.indexed));
    const inner = runSync(top.mkdir(bytesOf('Inner'), OWNER));
    const file = runSync(top.create(bytesOf('File'), OWNER));
    expect(runSync(top.lookup(bytesOf('FILE')))).toBe(file.ino);
    expect(inner.flags()).toBe(top.flags());
    expect(file.flags() & (FileFlag.noDump | FileFlag.caseFold)).toBe(FileFlag.noDump);
    expect(codeOf(() => runSync(top.setFlags(0)))).toBe('ENOTEMPTY');
    expect(codeOf(() => runSync(file.setFlags(FileFlag.caseFold)))).toBe('EOPNOTSUPP');
    runSync(top.setFlags(top.flags() | FileFlag.appendOnly));
    expect(codeOf(() => runSync(top.unlink(bytesOf('file'))))).toBe('EPERM');
    runSync(top.create(bytesOf('more'), OWNER));
    runSync(top.setFlags(top.flags() | FileFlag.immutable));
    expect(codeOf(() => runSync(top.create(bytesOf('still more'), OWNER)))).toBe('EPERM');
    expect(reread(opened, top).flags()).toBe(top.flags());
  });

  it('of a project: files stay inside', () => {
    const plain = open('plain').root;
    expect(codeOf(() => runSync(plain.setProject(5)))).toBe('EOPNOTSUPP');
    expect(codeOf(() => runSync(plain.setFlags(FileFlag.projectInherit)))).toBe('EOPNOTSUPP');
    const opened = open('plain-default');
    const { root, volume } = opened;
    const top = runSync(root.mkdir(bytesOf('project'), OWNER));
    runSync(top.setProject(5));
    runSync(top.setFlags(FileFlag.projectInherit));
    const inside = runSync(top.create(bytesOf('inside'), OWNER));
    expect(inside.fields.projectId).toBe(5);
    const outside = runSync(root.create(bytesOf('outside'), OWNER));
    expect(codeOf(() => runSync(root.rename(bytesOf('outside'), top, bytesOf('x'))))).toBe('EXDEV');
    expect(codeOf(() => runSync(top.link(bytesOf('x'), outside)))).toBe('EXDEV');
    expect(volume.writer!.locks.size).toBe(0);
    expect(reread(opened, inside).fields.projectId).toBe(5);
  });
});
