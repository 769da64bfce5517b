// Who is compressed: new files and directories, chattr +c, -c and +m, and the choice of a single file.

import { ExtraAttributes, INODE_ADDRESSES_OFFSET, InlineFlag } from '@f2fskit/f2fs-format';
import { fixedClock, runSync } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { FileFlag, utf8Encode } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import { mountF2fs } from '../src/index.ts';
import { CompressionWorld, codeOf, textOf } from './compression-world.ts';

const { compressed, noCompress, immutable } = FileFlag;

/** algorithm, log2 of the cluster, i_compress_flag, i_compr_blocks: as they lie in the inode. */
function stored(world: CompressionWorld, path: string): number[] {
  const { view } = runSync(world.volume.store.readInodeNode(world.inode(path).raw));
  const { compressAlgorithm, logClusterSize, compressFlag, compressedBlocks } = ExtraAttributes;
  return [compressAlgorithm, logClusterSize, compressFlag, compressedBlocks].map((field) =>
    field.get(view, INODE_ADDRESSES_OFFSET),
  );
}

const flagsOf = (world: CompressionWorld, path: string): number =>
  world.inode(path).flags() & (compressed | noCompress | FileFlag.inlineData);

describe('new files', () => {
  it.each([
    ['compress-lz4-4', { algorithm: 'lz4' }],
    ['compress-lz4-16', { logClusterSize: 4 }],
    ['compress-lz4-256', { logClusterSize: 8 }],
    ['compress-lz4hc-chksum', { level: 9, logClusterSize: 3, checksum: true }],
    ['compress-lzo-4', { algorithm: 'lzo' }],
    ['compress-lzo-rle-4', { algorithm: 'lzo-rle' }],
    ['compress-zstd-8', { algorithm: 'zstd', logClusterSize: 3 }],
  ] as const)('of %s say of compression what those of Linux say', (name, compress) => {
    const world = new CompressionWorld(name, { compress });
    world.make('/c/new');
    world.make('/c/directory', 'directory');
    const ofLinux = stored(world, '/c/b4096');
    expect(stored(world, '/c/new')).toEqual(ofLinux);
    // A directory says the same: Linux made this one with the same options.
    expect(stored(world, '/c/directory')).toEqual(stored(world, '/c'));
    expect([flagsOf(world, '/c/new'), flagsOf(world, '/c/directory')]).toEqual([
      compressed,
      compressed | FileFlag.inlineData,
    ]);
    expect(world.fields('/c/new').inlineFlags).toBe(world.fields('/c/b4096').inlineFlags);
    world.make('/c/directory/below');
    expect(flagsOf(world, '/c/directory/below')).toBe(compressed);
    world.make('/d/plain');
    expect(flagsOf(world, '/d/plain')).toBe(FileFlag.inlineData);
    if (name === 'compress-lz4-256') world.leave();
  });

  it('take their compression from the mount, and not as their directory was told', () => {
    const world = new CompressionWorld('compress-lz4-16', { compress: { algorithm: 'zstd', level: 3 } });
    world.make('/c/new');
    expect(stored(world, '/c/new')).toEqual([2, 2, 0x300, 0]);
    expect(stored(world, '/c')[1]).toBe(4);
    world.leave();
  });

  it('are compressed by their extensions, or not', () => {
    const compress = { extensions: ['txt'], noExtensions: ['zip'] };
    const world = new CompressionWorld('compress-lz4-4', { compress });
    for (const path of ['/d/a.txt', '/d/a.log', '/c/a.zip', '/c/a.db', '/c/a.jpg']) world.make(path);
    const inline = FileFlag.inlineData;
    expect(['/d/a.txt', '/d/a.log', '/c/a.zip', '/c/a.db', '/c/a.jpg'].map((path) => flagsOf(world, path))).toEqual([
      compressed,
      inline,
      inline,
      inline,
      compressed,
    ]);
    world.leave();
  });

  it('that are made in one step are compressed, unless that is said not to be', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const directory = world.inode('/c');
    const loader = directory.loader();
    const load = (name: string, more: object = {}): number => {
      const request = { mode: 0o100644, uid: 0, gid: 0, name: utf8Encode(name), contents: textOf(40_000), ...more };
      return runSync(loader.add(directory, request));
    };
    expect([load('loaded'), load('a.db'), load('plain', { compress: false })].includes(0)).toBe(false);
    expect(load('empty', { contents: new Uint8Array(0) })).not.toBe(0);
    runSync(loader.flush());
    expect(['loaded', 'a.db', 'plain', 'empty'].map((name) => flagsOf(world, `/c/${name}`))).toEqual([
      compressed,
      0,
      0,
      compressed,
    ]);
    expect(world.usage('/c/loaded').savedBlocks).toBeGreaterThan(2);
    for (const name of ['loaded', 'a.db', 'plain']) {
      expect(Buffer.compare(world.read(`/c/${name}`), textOf(40_000))).toBe(0);
    }
    world.leave();
  });

  it('other kinds say nothing of it', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const owner = { mode: 0o600, uid: 0, gid: 0 };
    runSync(world.inode('/c').symlink(utf8Encode('link'), utf8Encode('text'), owner));
    runSync(world.inode('/c').mknod(utf8Encode('fifo'), { ...owner, kind: 'fifo' }));
    expect(['/c/link', '/c/fifo'].map((path) => flagsOf(world, path) & compressed)).toEqual([0, 0]);
    world.leave();
  });
});

describe('chattr', () => {
  const set = (world: CompressionWorld, path: string, flags: number): string =>
    codeOf(() => runSync(world.vfs.setFlags(path, flags)));

  it('+c makes an empty file compressed, inside or not, and -c takes it back', () => {
    const world = new CompressionWorld('compress-lz4-4', { compress: { algorithm: 'zstd', level: 5, checksum: true } });
    const file = world.make('/d/new');
    expect(file.flags()).toBe(FileFlag.inlineData);
    file.pages(); // what is cached was made for a file without clusters
    expect(set(world, '/d/new', compressed)).toBe('nothing thrown');
    expect(file.flags()).toBe(compressed);
    expect(stored(world, '/d/new')).toEqual([2, 2, 0x501, 0]);
    expect(file.fields.inlineFlags & InlineFlag.data).toBe(0);
    expect(file.pages().unitOrder).toBe(2);
    expect(set(world, '/d/new', 0)).toBe('nothing thrown');
    expect([file.flags(), file.pages().unitOrder]).toEqual([0, 0]);
    world.write(file, 0, textOf(10_000));
    expect(Buffer.compare(world.read('/d/new'), textOf(10_000))).toBe(0);
    world.leave();
  });

  it('does neither to a file with contents, wherever they are', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const block = world.make('/d/block', textOf(10_000));
    const inline = world.make('/d/small', textOf(100));
    const hole = world.make('/d/hole');
    runSync(hole.truncate(100_000));
    for (const [path, code] of [
      ['/d/block', 'EINVAL'],
      ['/d/small', 'EINVAL'],
      ['/d/hole', 'nothing thrown'],
    ] as const) {
      expect([path, set(world, path, compressed)]).toEqual([path, code]);
    }
    expect([block.flags(), inline.flags()]).toEqual([0, FileFlag.inlineData]);
    expect(set(world, '/c/text', 0)).toBe('EINVAL');
    expect(set(world, '/c/text', noCompress)).toBe('EINVAL');
    // Where nothing of compression changes, other flags can.
    expect(set(world, '/c/text', compressed | immutable)).toBe('nothing thrown');
    expect(set(world, '/c/text', compressed)).toBe('nothing thrown');
    world.leave();
  });

  it('+m is for any file, and excludes +c', () => {
    const world = new CompressionWorld('compress-lz4-4', { compress: { extensions: ['txt'] } });
    world.make('/d/full', textOf(10_000));
    world.make('/d/vacant');
    world.make('/d/directory', 'directory');
    for (const path of ['/d/full', '/d/vacant', '/d/directory']) {
      expect(set(world, path, noCompress | compressed)).toBe('EINVAL');
      expect(set(world, path, noCompress)).toBe('nothing thrown');
      expect(flagsOf(world, path) & noCompress).toBe(noCompress);
    }
    expect(set(world, '/d/vacant', compressed)).toBe('nothing thrown');
    expect(flagsOf(world, '/d/vacant')).toBe(compressed);
    world.make('/d/directory/a');
    world.make('/d/directory/a.txt');
    expect(flagsOf(world, '/d/directory/a') & noCompress).toBe(noCompress);
    expect(flagsOf(world, '/d/directory/a.txt')).toBe(compressed);
    world.leave();
  });

  it('a pinned file, a symlink, and a volume without compression have none', () => {
    const world = new CompressionWorld('compress-lz4-4');
    expect(set(world, '/d/null', compressed)).toBe('EOPNOTSUPP');
    const plain = new CompressionWorld('plain-default', { compress: { algorithm: 'lzo' } });
    plain.make('/new');
    expect(set(plain, '/new', compressed)).toBe('EOPNOTSUPP');
    expect(set(plain, '/new', noCompress)).toBe('EOPNOTSUPP');
    expect(plain.volume.problems.map(({ kind }) => kind)).toContain('option');
  });

  it('is refused where the mount options cannot be, whatever the volume has', () => {
    const { device } = loadGolden('plain-default');
    const mount = () => runSync(mountF2fs(device, { compress: { level: 99 }, clock: fixedClock(0) }));
    expect(codeOf(mount)).toBe('EINVAL');
  });
});

describe('the choice of one file', () => {
  it('is asked for, and made anew while it is empty', () => {
    const compress = { algorithm: 'zstd', level: 7, checksum: true } as const;
    const world = new CompressionWorld('compress-lz4-4', { compress });
    world.make('/c/new');
    const settings = () => world.using('/c/new', (c) => of(c.settings()));
    expect(settings()).toEqual({ algorithm: 'zstd', level: 7, logClusterSize: 2, checksum: true });
    const choose = (wanted: object) => codeOf(() => world.using('/c/new', (c) => c.choose(wanted)));
    expect(choose({ algorithm: 'lz4', logClusterSize: 5 })).toBe('nothing thrown');
    expect(settings()).toEqual({ algorithm: 'lz4', level: 0, logClusterSize: 5, checksum: true });
    expect(world.inode('/c/new').pages().unitOrder).toBe(5);
    // The level of the mount, for its algorithm.
    expect(choose({ algorithm: 'zstd', checksum: false })).toBe('nothing thrown');
    expect(settings()).toEqual({ algorithm: 'zstd', level: 7, logClusterSize: 5, checksum: false });
    for (const wrong of [{ algorithm: 'gzip' }, { logClusterSize: 9 }, { level: 23 }])
      expect(choose(wrong)).toBe('EINVAL');
    world.leave();
  });

  it('is refused for others', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const choose = (path: string) => codeOf(() => world.using(path, (c) => c.choose({ algorithm: 'lz4' })));
    world.make('/d/plain');
    expect([choose('/d/plain'), choose('/c/text'), choose('/c'), choose('/d/null')]).toEqual([
      'EINVAL',
      'EFBIG',
      'EISDIR',
      'EINVAL',
    ]);
    expect(codeOf(() => world.using('/d/plain', (c) => of(c.settings())))).toBe('ENODATA');
    const read = runSync(mountF2fs(loadGolden('compress-lz4-4').device));
    const inode = runSync(read.readInode(read.rootIno));
    expect(codeOf(() => runSync(read.compressionOf(inode).release()))).toBe('EROFS');
    const plain = new CompressionWorld('plain-default');
    plain.make('/new');
    expect(codeOf(() => plain.using('/new', (c) => c.choose({})))).toBe('EOPNOTSUPP');
  });
});

function* of<T>(value: T) {
  return value;
}
