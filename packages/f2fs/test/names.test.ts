// Names on a volume that is written to: every kind of file, directories of every size, renames of every kind. After each
// scenario the volume is left and read by a mount that knows nothing of the writer, and judged by fsck.f2fs where it is
// installed.

import { type MemoryDevice, ShuffleDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { InlineFlag } from '@f2fskit/f2fs-format';
import { fixedClock, runAsync, runSync, Scheduler, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { FileFlag, type RenameMode, Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';
import { bytesOf, linesOf, modelOf, namesIn } from './name-model.ts';

const OWNER = { mode: 0o640, uid: 1000, gid: 1001 };
const clock = fixedClock(1_900_000_000, 7);

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
  return runSync(new Vfs(volume).walk(bytesOf(path), { followLast: false })).inode as F2fsInode;
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
    const top = runSync(written.root.mkdir(bytesOf('made'), { ...OWNER, mode: 0o2750 }));
    runSync(top.create(bytesOf('file'), OWNER));
    runSync(top.mkdir(bytesOf('directory'), OWNER));
    runSync(top.symlink(bytesOf('link'), bytesOf('../target'), OWNER));
    runSync(top.symlink(bytesOf('long link'), bytesOf('x'.repeat(4000)), OWNER));
    runSync(top.mknod(bytesOf('char'), { ...OWNER, kind: 'char', major: 259, minor: 70_000 }));
    runSync(top.mknod(bytesOf('block'), { ...OWNER, kind: 'block', major: 8, minor: 1 }));
    runSync(top.mknod(bytesOf('fifo'), { ...OWNER, kind: 'fifo' }));
    runSync(top.mknod(bytesOf('socket'), { ...OWNER, kind: 'socket' }));
    const names = ['block', 'char', 'directory', 'fifo', 'file', 'link', 'long link', 'socket'];
    expect(namesIn(top)).toEqual(names);
    const volume = written.leave();
    const read = inodeAt(volume, '/made');
    expect(namesIn(read)).toEqual(names);
    expect(read.attributes()).toMatchObject({ kind: 'directory', mode: 0o42750, links: 3, uid: 1000, gid: 1001 });
    const at = (name: string): F2fsInode => inodeAt(volume, `/made/${name}`);
    const time = { seconds: 1_900_000_000, nanoseconds: 7 };
    expect(at('file').attributes()).toMatchObject({
      kind: 'file',
      mode: 0o100640,
      links: 1,
      size: 0,
      uid: 1000,
      mtime: time,
    });
    expect(at('directory').attributes()).toMatchObject({ kind: 'directory', mode: 0o42640, links: 2, gid: 1001 });
    expect(Buffer.from(runSync(at('link').readLink())).toString()).toBe('../target');
    expect(Buffer.from(runSync(at('long link').readLink())).toString()).toBe('x'.repeat(4000));
    expect(at('char').attributes()).toMatchObject({ kind: 'char', deviceMajor: 259, deviceMinor: 70_000 });
    expect(at('block').attributes()).toMatchObject({ kind: 'block', deviceMajor: 8, deviceMinor: 1 });
    expect([at('fifo').kind, at('socket').kind]).toEqual(['fifo', 'socket']);
  });
});

describe('directories', () => {
  it('take 10,000 names, over several checkpoints', () => {
    const written = new Written('plain-default');
    const many = runSync(written.root.mkdir(bytesOf('many'), OWNER));
    const names = Array.from({ length: 10_000 }, (_, index) => `a file with number ${index}`);
    // All of one file: the volume has no room for so many.
    const file = runSync(written.root.create(bytesOf('file'), OWNER));
    for (const [index, name] of names.entries()) {
      runSync(many.link(bytesOf(name), file));
      if (index % 2999 === 0) runSync(written.volume.sync());
    }
    expect(many.fields.currentDepth).toBeGreaterThan(5);
    const read = inodeAt(written.leave(), '/many');
    expect(namesIn(read)).toEqual(names.sort());
    for (const name of names.filter((_, index) => index % 10 === 0)) {
      expect(runSync(read.lookup(bytesOf(name)))).toBe(file.ino);
    }
  });

  it('give their blocks back as they lose names', () => {
    const written = new Written('bigdir');
    const before = written.volume.usage().blocksFree;
    const many = runSync(written.root.mkdir(bytesOf('many'), OWNER));
    const names = Array.from({ length: 1500 }, (_, index) => `entry ${index}`);
    for (const name of names) runSync(many.symlink(bytesOf(name), bytesOf('nowhere'), OWNER));
    runSync(written.volume.sync());
    const full = many.attributes().blocks;
    for (const name of names) runSync(many.unlink(bytesOf(name)));
    expect(namesIn(many)).toEqual([]);
    expect(many.attributes().blocks).toBe(8); // the block with the dots
    expect(full).toBeGreaterThan(8 * 10);
    runSync(written.root.rmdir(bytesOf('many')));
    runSync(written.volume.sync());
    expectExactCounts(written.volume);
    expect(written.volume.usage().blocksFree).toBe(before);
    written.leave();
  });

  it('take names of every length, and of any bytes but two', () => {
    const written = new Written('plain');
    const names = Array.from({ length: 255 }, (_, length) =>
      String.fromCharCode(0x80 + (length % 100)).repeat(length + 1),
    );
    const top = runSync(written.root.mkdir(bytesOf('names'), OWNER));
    for (const name of names) runSync(top.create(bytesOf(name), OWNER));
    expect(codeOf(() => runSync(top.create(bytesOf('x'.repeat(256)), OWNER)))).toBe('ENAMETOOLONG');
    for (const name of ['', '.', '..', 'a/b', 'a\0b'])
      expect(codeOf(() => runSync(top.create(bytesOf(name), OWNER)))).toBe('EINVAL');
    expect(codeOf(() => runSync(top.create(bytesOf(names[9]!), OWNER)))).toBe('EEXIST');
    expect(namesIn(inodeAt(written.leave(), '/names'))).toEqual(names.sort());
  });

  it('lie 200 deep in one another, and go again', () => {
    const written = new Written('plain');
    const before = linesOf(modelOf(written.volume));
    let directory = written.root;
    for (let depth = 0; depth < 200; depth++) directory = runSync(directory.mkdir(bytesOf(`d${depth}`), OWNER));
    expect(codeOf(() => runSync(written.root.rmdir(bytesOf('d0'))))).toBe('ENOTEMPTY');
    expect(codeOf(() => runSync(written.root.unlink(bytesOf('d0'))))).toBe('EISDIR');
    const volume = written.leave();
    const path = Array.from({ length: 200 }, (_, depth) => `/d${depth}`).join('');
    expect(inodeAt(volume, path).attributes().links).toBe(2);
    const again = runSync(mountF2fs(written.device, { writable: true, clock }));
    for (let depth = 199; depth >= 0; depth--) {
      const parent = inodeAt(again, Array.from({ length: depth }, (_, above) => `/d${above}`).join('') || '/');
      runSync(parent.rmdir(bytesOf(`d${depth}`)));
    }
    runSync(again.unmount());
    if (judged) expect(objections(written.device)).toBe('');
    expect(linesOf(modelOf(runSync(mountF2fs(written.device))))).toEqual(before);
  });

  it('that ignore case know a name in every spelling, and keep the first', () => {
    const written = new Written('casefold-names');
    const folded = directoriesThatFold(written.volume)[0]!;
    const long = 'Ä'.repeat(127); // 254 bytes; folded it is 381: compared as it is stored
    const make = (text: string): unknown => runSync(folded.create(new TextEncoder().encode(text), OWNER));
    make('Straße und Weg');
    make(long);
    expect(codeOf(() => make('STRASSE UND WEG'))).toBe('EEXIST');
    expect(codeOf(() => make(long))).toBe('EEXIST');
    const ino = runSync(folded.lookup(bytesOf('strasse und weg')));
    runSync(folded.rename(bytesOf('STRASSE und weg'), folded, bytesOf('strasse und WEG')));
    expect(runSync(folded.lookup(bytesOf('STRASSE UND WEG')))).toBe(ino);
    const inner = runSync(folded.mkdir(bytesOf('Inner'), OWNER));
    expect(inner.flags() & FileFlag.caseFold).toBe(FileFlag.caseFold);
    const volume = written.leave();
    const read = runSync(volume.readInode(folded.ino));
    expect(runSync(read.lookup(bytesOf('STRASSE UND WEG')))).toBe(ino);
    expect(runSync(read.lookup(new TextEncoder().encode(long)))).not.toBe(0);
    expect(runSync(read.lookup(bytesOf('INNER')))).toBe(inner.ino);
  });
});

describe('renames', () => {
  it('move, replace, exchange, and leave whiteouts', () => {
    const written = new Written('plain');
    const { root } = written;
    const make = (parent: F2fsInode, name: string): F2fsInode => runSync(parent.mkdir(bytesOf(name), OWNER));
    const [a, b] = [make(root, 'a'), make(root, 'b')];
    const inner = make(a, 'inner');
    const file = runSync(a.create(bytesOf('file'), OWNER));
    const rename = (from: F2fsInode, name: string, to: F2fsInode, newName: string, mode?: RenameMode): string =>
      codeOf(() => runSync(from.rename(bytesOf(name), to, bytesOf(newName), mode)));
    const done = 'nothing thrown';
    expect(rename(a, 'inner', b, 'moved')).toBe(done);
    expect([a.attributes().links, b.attributes().links]).toEqual([2, 3]);
    expect(rename(root, 'b', inner, 'b')).toBe('EINVAL');
    expect(rename(b, 'moved', root, 'b')).toBe('ENOTEMPTY');
    expect(rename(a, 'file', b, 'moved')).toBe('EISDIR');
    expect(rename(b, 'moved', a, 'file')).toBe('ENOTDIR');
    expect(rename(a, 'file', b, 'moved', 'noReplace')).toBe('EEXIST');
    expect(rename(a, 'nothing', b, 'x')).toBe('ENOENT');
    expect(rename(a, 'file', b, 'moved', 'exchange')).toBe(done);
    expect([a.attributes().links, b.attributes().links]).toEqual([3, 2]);
    expect(runSync(a.lookup(bytesOf('file')))).toBe(inner.ino);
    expect(runSync(b.lookup(bytesOf('moved')))).toBe(file.ino);
    expect(rename(b, 'moved', b, 'white', 'whiteout')).toBe(done);
    make(b, 'empty');
    expect(rename(a, 'file', b, 'empty')).toBe(done);
    expect(inner.home).toEqual({ parentIno: b.ino, name: bytesOf('empty') });
    expect([a.attributes().links, b.attributes().links]).toEqual([2, 3]);
    const volume = written.leave();
    expect(namesIn(inodeAt(volume, '/b'))).toEqual(['empty', 'moved', 'white']);
    expect(inodeAt(volume, '/b/moved').attributes()).toMatchObject({ kind: 'char', deviceMajor: 0, deviceMinor: 0 });
    expect(inodeAt(volume, '/b/white').ino).toBe(file.ino);
  });

  it('of a directory to another make room there first', () => {
    const written = new Written('plain');
    const top = runSync(written.root.mkdir(bytesOf('top'), OWNER));
    const names = Array.from({ length: 90 }, (_, index) => `a long name of ${index}`.padEnd(16, '.'));
    for (const name of names) runSync(top.create(bytesOf(name), OWNER));
    // Each is put beside all others: the directory outgrows its inode in the middle of a rename.
    for (const name of names) runSync(top.rename(bytesOf(name), top, bytesOf(`${name} after it was moved`)));
    expect(namesIn(inodeAt(written.leave(), '/top'))).toEqual(names.map((name) => `${name} after it was moved`).sort());
  });
});

describe('files that lose their last name', () => {
  it('are freed: of every golden volume everything goes, and the counts are those of an empty one', () => {
    for (const name of ['plain', 'compress-lz4-4', 'far-sparse', 'xattr-heavy', 'encrypted']) {
      const written = new Written(name);
      const removeAll = (directory: F2fsInode): void => {
        for (const entry of namesIn(directory)) {
          const inode = runSync(written.volume.readInode(runSync(directory.lookup(bytesOf(entry)))));
          if (inode.kind === 'directory') {
            removeAll(inode);
            runSync(directory.rmdir(bytesOf(entry)));
          } else runSync(directory.unlink(bytesOf(entry)));
        }
      };
      removeAll(written.root);
      const { inodes } = written.volume.usage();
      const hidden = written.volume.superblock.quotaInos.filter((ino) => ino !== 0).length;
      expect(inodes, name).toBe(1 + hidden);
      expect(namesIn(inodeAt(written.leave(), '/'))).toEqual([]);
    }
  });

  it('stay while they are open, also over a checkpoint, and are freed when they are closed', () => {
    const written = new Written('plain');
    const kept = Array.from({ length: 1100 }, (_, index) => {
      const file = runSync(written.root.create(bytesOf(`open ${index}`), OWNER));
      file.hold();
      runSync(written.root.unlink(bytesOf(`open ${index}`)));
      return file;
    });
    const directory = runSync(written.root.mkdir(bytesOf('open'), OWNER));
    directory.hold();
    runSync(written.root.rmdir(bytesOf('open')));
    expect(codeOf(() => runSync(directory.create(bytesOf('late'), OWNER)))).toBe('ENOENT');
    runSync(written.volume.sync());
    expect(written.volume.writer!.orphans.size).toBe(1101);
    const crashed = written.device.clone();
    expect(runSync(mountF2fs(crashed)).problems.map(({ kind }) => kind)).toContain('orphans');
    if (judged) expect(objections(crashed)).toBe('');
    for (const file of kept.slice(0, 1000)) runSync(file.release());
    expect(kept[0]!.gone).toBe(true);
    expect(written.volume.writer!.orphans.size).toBe(101);
    const inodes = written.volume.usage().inodes;
    const volume = written.leave();
    expect(volume.usage().inodes).toBe(inodes - 101);
    expect(volume.problems.filter(({ kind }) => kind === 'orphans')).toEqual([]);
  });

  it('are freed once, however many close them and leave the volume at the same time', async () => {
    const written = new Written('plain');
    const before = written.volume.usage().inodes;
    const file = runSync(written.root.create(bytesOf('open'), OWNER));
    for (let opened = 0; opened < 3; opened++) file.hold();
    runSync(written.root.unlink(bytesOf('open')));
    runSync(file.release());
    runSync(file.release());
    expect(written.volume.usage().inodes).toBe(before + 1);
    const scheduler = new Scheduler('async');
    await Promise.all([scheduler.run(file.release()), scheduler.run(written.volume.unmount())]);
    expect(written.volume.usage().inodes).toBe(before);
  });

  it('that have another name keep it', () => {
    const written = new Written('plain');
    const file = runSync(written.root.create(bytesOf('first'), OWNER));
    runSync(written.root.link(bytesOf('second'), file));
    expect(file.attributes().links).toBe(2);
    expect(codeOf(() => runSync(written.root.link(bytesOf('second'), file)))).toBe('EEXIST');
    expect(codeOf(() => runSync(written.root.link(bytesOf('root'), written.root)))).toBe('EPERM');
    runSync(written.root.unlink(bytesOf('first')));
    const volume = written.leave();
    expect(inodeAt(volume, '/second').attributes()).toMatchObject({ ino: file.ino, links: 1 });
  });
});

describe('a volume without room', () => {
  it.each([0, 1, 2, 3, 40])('refuses with %s blocks left, and what was begun leaves nothing behind', (left) => {
    const written = new Written('plain');
    const { space } = written.volume.writer!;
    const top = runSync(written.root.mkdir(bytesOf('full'), OWNER));
    const file = runSync(top.create(bytesOf('file'), OWNER));
    const random = seededRandom(left);
    const reserved = space.userBlocks - space.validBlocks - left;
    space.reserve(reserved);
    const counts = (): number[] => [space.validNodes, space.validInodes, namesIn(top).length, space.validBlocks];
    let refused = 0;
    for (let step = 0; step < 300; step++) {
      const name = bytesOf(`${step}`.padEnd(1 + random.below(250), '-'));
      const before = counts();
      const wasInline = (top.fields.inlineFlags & InlineFlag.dentry) !== 0;
      const kind = random.below(5);
      const code = codeOf(() => {
        if (kind === 0) runSync(top.mkdir(name, OWNER));
        else if (kind === 1) runSync(top.symlink(name, bytesOf('y'.repeat(4000)), OWNER));
        else if (kind === 2) runSync(top.link(name, file));
        else if (kind === 3) runSync(file.setXattr(bytesOf('user.large'), new Uint8Array(3000).fill(step)));
        else runSync(top.rename(bytesOf('file'), top, name, 'whiteout'));
      });
      if (code === 'nothing thrown') {
        if (kind === 4) runSync(top.rename(name, top, bytesOf('file')));
        continue;
      }
      expect(code).toBe('ENOSPC');
      refused++;
      // That the directory outgrows its inode is a change of its own.
      const outgrown = wasInline && (top.fields.inlineFlags & InlineFlag.dentry) === 0 ? 1 : 0;
      expect(counts()).toEqual([...before.slice(0, 3), before[3]! + outgrown]);
    }
    expect(refused).toBeGreaterThan(20);
    space.release(reserved);
    const names = namesIn(top);
    expect(namesIn(inodeAt(written.leave(), '/full'))).toEqual(names);
  });
});

function directoriesThatFold(volume: F2fsVolume): F2fsInode[] {
  const root = runSync(volume.readInode(volume.rootIno));
  return namesIn(root)
    .map((name) => runSync(volume.readInode(runSync(root.lookup(bytesOf(name))))))
    .filter((inode) => inode.kind === 'directory' && (inode.flags() & FileFlag.caseFold) !== 0);
}

it('a file with dirty pages goes while they are being written', async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const device = loadGolden('plain').device.clone();
    const volume: F2fsVolume = await runAsync(mountF2fs(new ShuffleDevice(device, seed), { writable: true, clock }));
    const scheduler = new Scheduler('async');
    const root = await scheduler.run(volume.readInode(volume.rootIno));
    const before = volume.usage().blocksFree;
    const contents = new BytesSource(new Uint8Array(300_000).fill(seed));
    await scheduler.run(root.create(bytesOf('stays'), OWNER));
    const going: Promise<void>[] = [];
    for (const name of ['going 1', 'going 2', 'going 3']) {
      const file = await scheduler.run(root.create(bytesOf(name), OWNER));
      await scheduler.run(file.write(0, contents));
      going.push(scheduler.run(volume.sync()));
      const replaces = name === 'going 2';
      const change = replaces ? root.rename(bytesOf('stays'), root, bytesOf(name)) : root.unlink(bytesOf(name));
      going.push(scheduler.run(change));
    }
    await Promise.all(going);
    await scheduler.run(root.unlink(bytesOf('going 2')));
    await scheduler.run(volume.sync());
    expectExactCounts(volume);
    expect(volume.usage().blocksFree).toBe(before);
    await scheduler.run(volume.unmount());
    if (judged) expect(objections(device)).toBe('');
  }
});
