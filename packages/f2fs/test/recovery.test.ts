// What fsync writes behind a checkpoint, and what recovery makes of it: files of every shape are changed, fsynced and cut off.
// A mount for reading and one for writing must show the checkpoint with the fsynced files on top; the first leaves the volume
// as it is, the second leaves one that fsck.f2fs accepts, whenever it is itself cut off.

import { type MemoryDevice, writeBytes } from '@f2fskit/block';
import { Advise, segmentAddress, XATTR_NODE_OFFSET } from '@f2fskit/f2fs-format';
import { runSync, seededRandom } from '@f2fskit/task';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import type { F2fsInode, F2fsVolume } from '../src/index.ts';
import { readNodeChain } from '../src/recovery/node-chain.ts';
import { CrashWorld, mount } from './crash-world.ts';
import { judged, objections } from './judge.ts';
import { contentsOf, manifestOf } from './volume-manifest.ts';

const random = seededRandom(5);
const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => 1 + random.below(255));
const BLOCK = 4096;
const LONG = process.env.F2FSKIT_FULL === '1';

/** Bytes in the slots of an inode, and of everything that hangs under its two direct nodes. */
const NODE_BYTES = 1018 * BLOCK;

function inodeAt(volume: F2fsVolume, path: string): F2fsInode {
  return runSync(new Vfs(volume).walk(path, { followLast: false })).inode as F2fsInode;
}

function xattrsOf(volume: F2fsVolume, path: string): string[] {
  const shown = runSync(inodeAt(volume, path).extendedAttributes());
  return shown.map(({ name, value }) => `${Buffer.from(name)}=${Buffer.from(value).toString('hex')}`).sort();
}

/** Marks of the nodes in the chain, in order: `FD0` is an inode with both marks, `F1` the first direct node. */
function chainOf(device: MemoryDevice): string[] {
  const { superblock, checkpoint } = mount(device.clone(), { norecovery: true });
  const { nodes, damage } = runSync(readNodeChain(superblock, checkpoint, device));
  expect(damage).toBeUndefined();
  return nodes.map(({ fsync, dentry, nodeOffset }) => {
    const place = nodeOffset === XATTR_NODE_OFFSET ? 'x' : String(nodeOffset);
    return `${fsync ? 'F' : ''}${dentry ? 'D' : ''}${place}`;
  });
}

/** Both mounts show what was promised. Returns the volume of the writable one, which has been left. */
function expectRecovered(world: CrashWorld, check: (volume: F2fsVolume) => void = () => {}): MemoryDevice {
  const { promised } = world;
  const device = world.cut();
  const reading = mount(device);
  expect(manifestOf(reading, 'bare')).toEqual(promised);
  check(reading);
  expect(Buffer.compare(device.toBytes(), world.cut().toBytes())).toBe(0);
  const writing = mount(device, { writable: true });
  expect(manifestOf(writing, 'bare')).toEqual(promised);
  check(writing);
  expectExactCounts(writing);
  runSync(writing.unmount());
  if (judged) expect(objections(device)).toBe('');
  expect(mount(device).problems.filter(({ kind }) => kind !== 'flag')).toEqual([]);
  expect(manifestOf(mount(device), 'bare')).toEqual(promised);
  return device;
}

function expectExactCounts(volume: F2fsVolume): void {
  const { space, current } = volume.writer!;
  expect([space.validBlocks, space.validNodes, space.validInodes]).toEqual([
    current.validBlockCount,
    current.validNodeCount,
    current.validInodeCount,
  ]);
}

describe.each(['xattr-heavy', 'xattr-flexible'])('on %s, fsync and recovery of', (name) => {
  it('new files, with blocks and without', () => {
    const world = new CrashWorld(name);
    world.create('/w/small', bytes(100));
    world.create('/w/empty');
    world.create('/w/large', bytes(100_000));
    world.create('/w/lost', bytes(5000));
    for (const file of ['/w/small', '/w/empty', '/w/large']) expect(world.fsync(file).how).toBe('chain');
    expect(chainOf(world.cut())).toEqual(['FD0', 'FD0', 'FD0']);
    expectRecovered(world);
  });

  it('a file that is fsynced again and again asks for its name once', () => {
    const world = new CrashWorld(name);
    const inode = world.create('/w/log', bytes(10));
    world.fsync('/w/log');
    for (let size = 10; size < 20_000; size += 3001) {
      world.write(inode, size, bytes(3001));
      expect(world.fsync('/w/log').how).toBe('chain');
    }
    expect(chainOf(world.cut())).toEqual(['FD0', ...new Array(7).fill('F0')]);
    expectRecovered(world);
  });

  it('files that a checkpoint knows: overwritten, grown, cut, out of the inode', () => {
    const world = new CrashWorld(name);
    const files = ['/w/over', '/w/grown', '/w/cut', '/w/inline', '/w/out', '/w/emptied', '/w/untouched'];
    for (const file of files) world.create(file, bytes(file === '/w/inline' || file === '/w/out' ? 200 : 30_000));
    world.checkpoint();
    world.write(world.inode('/w/over'), 8192, bytes(4096));
    world.write(world.inode('/w/grown'), 30_000, bytes(30_000));
    runSync(world.inode('/w/cut').truncate(5000));
    world.write(world.inode('/w/inline'), 50, bytes(300));
    world.write(world.inode('/w/out'), 100, bytes(9000));
    runSync(world.inode('/w/emptied').truncate(0));
    for (const file of files.slice(0, -1)) expect(world.fsync(file).how).toBe('chain');
    world.write(world.inode('/w/untouched'), 0, bytes(4096));
    expect(world.fsync('/w/untouched', true).how).toBe('chain');
    expectRecovered(world);
  });

  it('a file with direct nodes, and below indirect ones, which are not in the chain', () => {
    const world = new CrashWorld(name);
    const inode = world.create('/w/tree', bytes(9000));
    world.write(inode, NODE_BYTES, bytes(5000));
    world.write(inode, 4 * NODE_BYTES + 17, bytes(5000));
    world.write(inode, 1100 * NODE_BYTES, bytes(300));
    expect(world.fsync('/w/tree').how).toBe('chain');
    const chain = chainOf(world.cut());
    expect(chain[0]).toBe('FD0');
    expect(chain.length).toBeGreaterThan(3);
    world.write(inode, NODE_BYTES + 5000, bytes(5000));
    expect(world.fsync('/w/tree').how).toBe('chain');
    const device = expectRecovered(world);
    const { fields } = inodeAt(mount(device), '/w/tree');
    expect(fields.nids.filter((nid) => nid !== 0).length).toBeGreaterThanOrEqual(3);
    expect(fields.blocks).toBe(inode.fields.blocks);
  });

  it('a file that lost its nodes shows zeros where it grows again', () => {
    const world = new CrashWorld(name);
    const inode = world.create('/w/tree', bytes(9000));
    world.write(inode, NODE_BYTES, bytes(5000));
    world.write(inode, 4 * NODE_BYTES, bytes(5000));
    world.checkpoint();
    runSync(inode.truncate(5000));
    expect(world.fsync('/w/tree').how).toBe('chain');
    const device = expectRecovered(world);
    const volume = mount(device, { writable: true });
    const again = inodeAt(volume, '/w/tree');
    expect([again.fields.blocks, again.fields.nids]).toEqual([3, [0, 0, 0, 0, 0]]);
    runSync(again.truncate(4 * NODE_BYTES + 5000));
    expect(
      contentsOf(again)
        .subarray(5000)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('a file that lost some of the nodes below an indirect one', () => {
    const world = new CrashWorld(name);
    const inode = world.create('/w/tree', bytes(9000));
    world.write(inode, 4 * NODE_BYTES, bytes(5000));
    world.write(inode, 9 * NODE_BYTES, bytes(5000));
    world.checkpoint();
    runSync(inode.truncate(5 * NODE_BYTES));
    expect(world.fsync('/w/tree').how).toBe('chain');
    const volume = mount(expectRecovered(world), { writable: true });
    const again = inodeAt(volume, '/w/tree');
    expect(again.fields.blocks).toBe(inode.fields.blocks);
    runSync(again.truncate(9 * NODE_BYTES + 5000));
    expect(contentsOf(again, 9 * NODE_BYTES).every((byte) => byte === 0)).toBe(true);
  });

  it('blocks that are reserved, behind the end as well', () => {
    const world = new CrashWorld(name);
    const over = world.create('/w/over', bytes(9000));
    const behind = world.create('/w/behind', bytes(9000));
    world.checkpoint();
    runSync(over.allocate('allocate', 0, 50_000));
    runSync(behind.allocate('keepSize', 0, 50_000));
    for (const file of ['/w/over', '/w/behind']) expect(world.fsync(file).how).toBe('chain');
    const shown = [over, behind].map((inode) => [inode.size, inode.fields.blocks]);
    expectRecovered(world, (volume) => {
      const found = ['/w/over', '/w/behind'].map((file) => inodeAt(volume, file));
      expect(found.map((inode) => [inode.size, inode.fields.blocks])).toEqual(shown);
    });
  });

  it('owner, mode, times', () => {
    const world = new CrashWorld(name);
    const inode = world.create('/w/file', bytes(100));
    world.checkpoint();
    const mtime = { seconds: -5, nanoseconds: 123_456_789 };
    const atime = { seconds: 4_000_000_000, nanoseconds: 1 };
    runSync(inode.setAttributes({ mode: 0o4711, mtime, atime }));
    runSync(inode.setAttributes({ uid: 5, gid: 6, mtime }));
    expect(world.fsync('/w/file').how).toBe('chain');
    const expected = inode.attributes();
    expectRecovered(world, (volume) => expect(inodeAt(volume, '/w/file').attributes()).toEqual(expected));
  });

  it('attributes: in the inode, in a node of their own, and gone from it', () => {
    const world = new CrashWorld(name);
    const set = (file: string, attribute: string, value: Uint8Array): void =>
      runSync(world.inode(file).setXattr(utf8Encode(attribute), value));
    for (const file of ['/w/a', '/w/b', '/w/c']) world.create(file, bytes(5000));
    set('/w/b', 'user.old', bytes(2000));
    set('/w/c', 'user.old', bytes(2000));
    set('/w/c', 'user.small', bytes(20));
    world.checkpoint();
    set('/w/a', 'user.large', bytes(3000));
    set('/w/a', 'user.small', bytes(10));
    set('/w/b', 'user.old', bytes(2500));
    runSync(world.inode('/w/c').removeXattr(utf8Encode('user.old')));
    world.create('/w/d', bytes(10));
    set('/w/d', 'user.new', bytes(1500));
    const files = ['/w/a', '/w/b', '/w/c', '/w/d'];
    for (const file of files) expect(world.fsync(file).how).toBe('chain');
    expect(chainOf(world.cut())).toEqual(['F0', 'Fx', 'F0', 'Fx', 'F0', 'FD0', 'Fx']);
    const expected = files.map((file) => xattrsOf(world.volume, file));
    expectRecovered(world, (volume) => expect(files.map((file) => xattrsOf(volume, file))).toEqual(expected));
  });

  it('new files under names that others had', () => {
    const world = new CrashWorld(name);
    world.create('/w/file', bytes(9000));
    world.mkdir('/w/directory');
    world.create('/w/twice', bytes(100));
    world.checkpoint();
    world.unlink('/w/file');
    world.create('/w/file', bytes(50));
    world.fsync('/w/file');
    world.rmdir('/w/directory');
    world.create('/w/directory', bytes(6000));
    // Linux leaves a chain where we take a checkpoint.
    world.volume.writer!.checkpointFirst.clear();
    expect(world.fsync('/w/directory').how).toBe('chain');
    for (let round = 0; round < 2; round++) {
      world.unlink('/w/twice');
      world.create('/w/twice', bytes(7000));
      expect(world.fsync('/w/twice').how).toBe('chain');
    }
    expectRecovered(world);
  });

  it.runIf(LONG || name === 'xattr-heavy')('so many new files that their directory outgrows its inode', () => {
    const world = new CrashWorld(name);
    for (let index = 0; index < 300; index++) {
      const file = `/w/${'n'.repeat(index % 200)}${index}`;
      world.create(file, index % 10 === 0 ? bytes(5000) : bytes(10));
      runSync(world.volume.writer!.flusher.sync());
      runSync(world.volume.writer!.fsyncInode(world.inode(file).ino));
      if (index % 50 === 0) world.promise(file);
    }
    const { promised } = world;
    // Promised are all; asked for are some, and that there is nothing else but files.
    const shown = manifestOf(mount(world.cut()), 'bare');
    for (const line of promised) expect(shown).toContain(line);
    expect(shown.filter((line) => line.includes('./w/'))).toHaveLength(300);
    const device = world.cut();
    const writing = mount(device, { writable: true });
    expect(manifestOf(writing, 'bare')).toEqual(shown);
    runSync(writing.unmount());
    if (judged) expect(objections(device)).toBe('');
  });

  it.runIf(LONG || name === 'xattr-flexible')('a chain over several segments', () => {
    const world = new CrashWorld(name);
    const inode = world.create('/w/log', bytes(5000));
    for (let round = 0; round < 1300; round++) {
      runSync(inode.setAttributes({ mode: round % 0o1000 }));
      runSync(world.volume.writer!.fsyncInode(inode.ino));
    }
    world.fsync('/w/log');
    world.promise('/w/log');
    const { superblock, checkpoint } = mount(world.cut(), { norecovery: true });
    const { nodes } = runSync(readNodeChain(superblock, checkpoint, world.device));
    expect(nodes.length).toBeGreaterThan(1290);
    expect(
      new Set(nodes.map(({ address }) => Math.floor((address - segmentAddress(superblock, 0)) / 512))).size,
    ).toBeGreaterThan(2);
    expectRecovered(world);
  });
});

describe('the way of an fsync', () => {
  it('is a checkpoint where recovery could not bring the file back', () => {
    const world = new CrashWorld('xattr-flexible');
    const why = (file: string): unknown => {
      const decision = world.fsync(file);
      return decision.how === 'checkpoint' ? decision.why : decision.how;
    };
    world.create('/w/file', bytes(10));
    runSync(world.inode('/w').symlink(utf8Encode('link'), utf8Encode('target'), { mode: 0, uid: 0, gid: 0 }));
    world.mkdir('/w/new');
    world.create('/w/new/file', bytes(10));
    expect(why('/w/new/file')).toBe('newParent');
    expect(why('/w/new/file')).toBe('nothing');
    runSync(world.inode('/w').link(utf8Encode('second'), world.inode('/w/file')));
    expect(why('/w/file')).toBe('links');
    world.unlink('/w/second');
    expect(why('/w/file')).toBe('names');
    // From then on its name is known again.
    expect(world.inode('/w/file').fields.advise & Advise.lostParent).toBe(0);
    runSync(world.inode('/w/file').setAttributes({ mode: 0o600 }));
    expect(why('/w/file')).toBe('chain');
    expect(why('/w')).toBe('notRegular');
    runSync(world.inode('/w').rename(utf8Encode('file'), world.inode('/w'), utf8Encode('other')));
    expect(why('/w/other')).toBe('names');
    expectRecovered(world);
  });

  it('is a checkpoint where a new file took the name of what lives on under another', () => {
    const world = new CrashWorld('xattr-flexible');
    const directory = world.inode('/w');
    const name = utf8Encode;
    const steps: Array<[what: string, step: () => void]> = [
      ['renamed', () => runSync(directory.rename(name('old'), directory, name('renamed')))],
      [
        'moved',
        () => {
          runSync(directory.rename(name('old'), world.inode('/'), name('moved')));
        },
      ],
      [
        'linked',
        () => {
          runSync(directory.link(name('linked'), world.inode('/w/old')));
          world.unlink('/w/old');
        },
      ],
      [
        'exchanged',
        () => {
          world.create('/w/exchanged', bytes(20));
          runSync(directory.rename(name('old'), directory, name('exchanged'), 'exchange'));
          world.unlink('/w/old');
        },
      ],
    ];
    for (const [, step] of steps) {
      world.create('/w/old', bytes(9000));
      world.checkpoint();
      step();
      world.create('/w/old', bytes(100));
      expect(world.fsync('/w/old')).toEqual({ how: 'checkpoint', why: 'names' });
      world.unlink('/w/old');
    }
    world.mkdir('/w/old');
    world.create('/w/old/file', bytes(10));
    world.checkpoint();
    world.unlink('/w/old/file');
    world.rmdir('/w/old');
    world.create('/w/old', bytes(100));
    expect(world.fsync('/w/old')).toEqual({ how: 'checkpoint', why: 'names' });
    expectRecovered(world);
  });

  it('is a checkpoint when it is the first of a mount: behind the last one nodes of an old chain may lie', () => {
    const world = new CrashWorld('xattr-heavy');
    const inode = world.create('/w/file', bytes(9000));
    world.fsync('/w/file');
    runSync(inode.setAttributes({ mode: 0o700 }));
    world.fsync('/w/file');
    const device = world.cut();
    // The first node of the chain never arrived; the second one, which follows the same checkpoint, did.
    const { superblock, checkpoint } = mount(device.clone(), { norecovery: true });
    const [first] = runSync(readNodeChain(superblock, checkpoint, device)).nodes;
    runSync(writeBytes(device, first!.address * BLOCK, new Uint8Array(BLOCK)));
    const volume = mount(device, { writable: true });
    expect(volume.problems).toEqual([]);
    runSync(inodeAt(volume, '/w').create(utf8Encode('new'), { mode: 0o600, uid: 0, gid: 0 }));
    const { ino } = inodeAt(volume, '/w/new');
    expect(runSync(volume.writer!.fsyncInode(ino))).toEqual({ how: 'checkpoint', why: 'firstOfMount' });
    expect(manifestOf(mount(device.clone()), 'bare')).toEqual(manifestOf(volume, 'bare'));
  });

  it('is nothing where only times changed and only data is asked for', () => {
    const world = new CrashWorld('xattr-flexible');
    const inode = world.create('/w/file', bytes(9000));
    world.fsync('/w/file');
    runSync(inode.setAttributes({ mtime: { seconds: 1, nanoseconds: 2 } }));
    expect(world.fsync('/w/file', true).how).toBe('nothing');
    expect(world.fsync('/w/file', false).how).toBe('chain');
    runSync(inode.setAttributes({ mtime: { seconds: 3, nanoseconds: 2 }, mode: 0o700 }));
    expect(world.fsync('/w/file', true).how).toBe('chain');
    expectRecovered(world);
  });
});
