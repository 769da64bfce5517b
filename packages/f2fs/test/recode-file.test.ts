// Files that become compressed, ordinary ones again, or compressed in another way, with everything else that they have; cut off
// in the middle, on a full volume, and while somebody reads them.

import { MemoryDevice, readBytes, ShuffleDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { ADDRESSES_PER_NODE, InlineFlag } from '@f2fskit/f2fs-format';
import { runAsync, runSync, Scheduler, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { begin, durable, oneOf, runPowerCuts, type Scenario } from '@f2fskit/testkit/power-cut';
import { type FileCompression, FileFlag, utf8Encode, Vfs } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { CompressionWorld, clock, codeOf, expectOwned, mounted, noiseOf, textOf } from './compression-world.ts';
import { judged, objections } from './judge.ts';
import { linuxManifest, manifestOf } from './volume-manifest.ts';

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('every compressed file of Linux', () => {
  it.each(['compress-lz4-256', 'compress-zstd-8'])('of %s becomes an ordinary one', (name) => {
    const world = new CompressionWorld(name);
    const files = world.names('/c').filter((file) => world.fields(`/c/${file}`).compressed);
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const path = `/c/${file}`;
      expect(world.using(path, (c) => c.decompress())).toBe(true);
      const usage = world.usage(path);
      expect([usage.savedBlocks, usage.releasedBlocks, usage.clusters]).toEqual([0, 0, 0]);
      expectOwned(world, path);
      // What lay behind the end is gone.
      expect(usage.storedBlocks).toBeLessThanOrEqual(Math.ceil(usage.logicalBytes / 4096));
      expect(world.inode(path).flags() & FileFlag.compressed).toBe(0);
      expect(world.using(path, (c) => c.decompress())).toBe(false);
    }
    expect(world.writer.orphans.size).toBe(0);
    const golden = loadGolden(name);
    expect(manifestOf(world.leave(), 'bare')).toEqual(linuxManifest(golden.raw('manifest')!, 'bare'));
  });

  it('becomes compressed in another way', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const files = world.names('/c').filter((file) => world.fields(`/c/${file}`).compressed);
    let saved = 0;
    for (const file of files) {
      const wanted = { algorithm: 'lzo-rle', logClusterSize: 3, checksum: true };
      world.using(`/c/${file}`, (c) => c.compress(wanted));
      if (file !== 'released') expectOwned(world, `/c/${file}`);
      const { compressAlgorithm, logClusterSize, compressFlag } = world.fields(`/c/${file}`);
      // What saves nothing in this way stays as it was.
      if (compressAlgorithm === 1) continue;
      expect([compressAlgorithm, logClusterSize, compressFlag.checksum]).toEqual([3, 3, true]);
      saved += world.usage(`/c/${file}`).savedBlocks;
    }
    expect(saved).toBeGreaterThan(50);
    expect(manifestOf(world.leave(), 'bare')).toEqual(
      linuxManifest(loadGolden('compress-lz4-4').raw('manifest')!, 'bare'),
    );
  });
});

describe('an ordinary file', () => {
  it('keeps its number, names, owner, times and attributes', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const text = textOf(300_000);
    const file = world.make('/d/file', text);
    runSync(world.inode('/').link(utf8Encode('second'), file));
    runSync(file.setXattr(utf8Encode('user.small'), utf8Encode('x')));
    runSync(file.setXattr(utf8Encode('user.large'), textOf(3000)));
    runSync(
      file.setAttributes({
        mode: 0o4755,
        uid: 5,
        gid: 6,
        atime: { seconds: 1, nanoseconds: 2 },
        mtime: { seconds: 3, nanoseconds: 4 },
      }),
    );
    file.hold();
    const told = () => {
      const { ino, mode, links, uid, gid, size, blocks, atime, mtime, birthtime } = file.attributes();
      return { ino, mode, links, uid, gid, size, blocks, atime, mtime, birthtime };
    };
    const before = told();
    const xattrs = runSync(file.extendedAttributes());
    const valid = world.writer.space.validBlocks;
    expect(world.using('/d/file', (c) => c.compress())).toBe(true);
    expect(told()).toEqual(before);
    expect(runSync(file.extendedAttributes())).toEqual(xattrs);
    expect(file.flags() & FileFlag.compressed).not.toBe(0);
    const { savedBlocks, storedBlocks } = world.usage('/second');
    expect(savedBlocks).toBeGreaterThan(30);
    expect(savedBlocks + storedBlocks).toBe(Math.ceil(text.length / 4096));
    expect([world.writer.space.validBlocks, world.writer.orphans.size]).toEqual([valid, 0]);
    expect(same(world.read('/second'), text)).toBe(true);
    expectOwned(world, '/d/file');
    // It is written to as any other.
    world.write(file, 4096 * 9, noiseOf(20_000));
    text.set(noiseOf(20_000), 4096 * 9);
    runSync(file.release());
    const left = new Vfs(world.leave());
    for (const path of ['/d/file', '/second']) expect(same(runSync(left.readFile(path)), text)).toBe(true);
  });

  it('with a tree of nodes and holes goes both ways', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const file = world.make('/d/tree', textOf(70_000));
    const far = (872 + 2 * ADDRESSES_PER_NODE + 5) * 4096; // below the first indirect node
    world.write(file, 3_600_000, textOf(100_000, 2));
    world.write(file, far, textOf(50_000, 3));
    runSync(file.truncate(far + 4_000_000));
    const { validNodes, validBlocks } = world.writer.space;
    const content = (at: number, size: number) => {
      const bytes = new Uint8Array(size);
      runSync(file.read(at, bytes));
      return bytes;
    };
    const places = [0, 69_000, 3_590_000, 3_680_000, far - 1000, far + 49_000, far + 3_000_000];
    const contents = places.map((at) => content(at, 20_000));
    for (const logClusterSize of [2, 8]) {
      expect(world.using('/d/tree', (c) => c.compress({ logClusterSize }))).toBe(logClusterSize === 2);
      expect(places.map((at) => content(at, 20_000))).toEqual(contents);
    }
    expect(file.fields.nids.filter((nid) => nid !== 0).length).toBeGreaterThan(1);
    expect(world.usage('/d/tree').clusters).toBeGreaterThan(10);
    expectOwned(world, '/d/tree');
    expect(world.using('/d/tree', (c) => c.decompress())).toBe(true);
    expect(places.map((at) => content(at, 20_000))).toEqual(contents);
    expectOwned(world, '/d/tree');
    expect([world.writer.space.validNodes, world.writer.space.validBlocks]).toEqual([validNodes, validBlocks]);
    world.leave();
  });

  it('stays one where nothing would be saved', () => {
    const world = new CompressionWorld('compress-lz4-4');
    for (const [path, contents] of [
      ['/d/noise', noiseOf(50_000)],
      ['/d/small', textOf(10_000)],
      ['/d/inside', textOf(100)],
      ['/d/nothing', undefined],
    ] as const) {
      world.make(path, contents);
      runSync(world.volume.sync());
      const before = world.fields(path);
      expect([path, world.using(path, (c) => c.compress())]).toEqual([path, false]);
      expect(world.fields(path)).toEqual(before);
    }
    expect(world.writer.orphans.size).toBe(0);
    world.leave();
  });

  it('that is dirty, or lies inside, is taken as it is', () => {
    const world = new CompressionWorld('compress-lz4-4', { compress: { mode: 'user' } });
    const file = world.make('/d/dirty', textOf(100_000));
    expect(file.pages().mapping.dirtyPages).toBeGreaterThan(0);
    expect(world.using('/d/dirty', (c) => c.compress())).toBe(true);
    expect([file.pages().mapping.dirtyPages, world.usage('/d/dirty').savedBlocks > 5]).toEqual([0, true]);
    // Of a compressed file in this mode nothing is compressed of itself.
    const raw = world.make('/c/raw', textOf(100_000));
    expect(world.usage('/c/raw')).toMatchObject({ savedBlocks: 0, storedBlocks: 25 });
    expect(world.using('/c/raw', (c) => c.compress())).toBe(true);
    expect(world.usage('/c/raw').savedBlocks).toBeGreaterThan(5);
    expect(world.using('/c/raw', (c) => c.compress())).toBe(false);
    expect(raw.fields.inlineFlags & InlineFlag.data).toBe(0);
    expect(same(world.read('/c/raw'), textOf(100_000))).toBe(true);
    world.leave();
  });
});

describe('is refused', () => {
  it.each<[string, string, (world: CompressionWorld) => void]>([
    ['a directory', 'EISDIR', (world) => world.make('/x', 'directory')],
    ['an immutable file', 'EPERM', (world) => lock(world, FileFlag.immutable)],
    ['one that is never to be compressed', 'EINVAL', (world) => lock(world, FileFlag.noCompress)],
    ['an atomic write', 'EBUSY', (world) => runSync(world.make('/x', textOf(50_000)).startAtomicWrite({}))],
    ['an unknown algorithm', 'EINVAL', () => {}],
  ])('%s: %s', (_what, code, prepare) => {
    const world = new CompressionWorld('compress-lz4-4');
    prepare(world);
    const settings = world.names('/').includes('x') ? {} : { algorithm: 'none' };
    if (!world.names('/').includes('x')) world.make('/x', textOf(50_000));
    const { size: orphans } = world.writer.orphans;
    expect(codeOf(() => world.using('/x', (c) => c.compress(settings)))).toBe(code);
    expect(world.writer.orphans.size).toBe(orphans);
  });

  it('on a volume without compression, and one that is only read', () => {
    const plain = new CompressionWorld('plain-default');
    plain.make('/x', textOf(50_000));
    expect(codeOf(() => plain.using('/x', (c) => c.compress()))).toBe('EOPNOTSUPP');
    const read = runSync(mountF2fs(loadGolden('compress-lz4-4').device, { codecs: defaultCodecs() }));
    const change = () => runSync(new Vfs(read).useCompression('/c/text', (c) => c.decompress()));
    expect(codeOf(change)).toBe('EROFS');
  });

  it('where there is no room for both, and nothing is changed', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const text = textOf(400_000);
    const file = world.make('/d/file', text);
    runSync(world.volume.sync());
    const { space } = world.writer;
    const taken = space.blocksFree - 50;
    space.reserve(taken);
    const before = [space.validBlocks, space.validNodes, space.validInodes, file.fields.blocks];
    expect(codeOf(() => world.using('/d/file', (c) => c.compress()))).toBe('ENOSPC');
    expect([space.validBlocks, space.validNodes, space.validInodes, file.fields.blocks]).toEqual(before);
    space.release(taken);
    expect(same(world.read('/d/file'), text)).toBe(true);
    expect(world.using('/d/file', (c) => c.compress())).toBe(true);
    world.leave();
  });
});

it.each([3, 8])('a reader meets the same bytes all the time: seed %i', async (seed) => {
  const text = textOf(600_000);
  // Below nodes, which have to be read.
  const start = 880 * 4096;
  const world = new CompressionWorld('compress-lz4-4');
  world.write(world.make('/d/file'), start, text);
  runSync(world.volume.unmount());
  const device = new ShuffleDevice(world.device, seed);
  const volume = await runAsync(mountF2fs(device, { writable: true, clock, codecs: defaultCodecs() }));
  const scheduler = new Scheduler('async');
  const vfs = new Vfs(volume);
  const { inode } = await scheduler.run(vfs.walk('/d/file'));
  let done = false;
  let reads = 0;
  const reader = async (first: number): Promise<void> => {
    const bytes = new Uint8Array(30_000);
    for (let at = first; !done; at = (at * 7 + 11) % 570_000) {
      await scheduler.run(inode.read(start + at, bytes));
      if (!same(bytes, text.subarray(at, at + bytes.length))) throw new Error(`other bytes at ${at}`);
      reads++;
      inode.evict?.();
      volume.store.nodes.dropUnused();
    }
  };
  const readers = [1, 2, 3, 4].map((number) => reader(70_000 * number + seed));
  try {
    for (const logClusterSize of [2, 4]) {
      expect(await scheduler.run(vfs.useCompression('/d/file', (c) => c.compress({ logClusterSize })))).toBe(true);
      expect(await scheduler.run(vfs.useCompression('/d/file', (c) => c.decompress()))).toBe(true);
    }
  } finally {
    done = true;
    await Promise.all(readers);
  }
  expect(reads).toBeGreaterThan(10);
  await scheduler.run(volume.unmount());
  const left = new Vfs(runSync(mountF2fs(world.device)));
  expect(same(runSync(left.readFile('/d/file')).subarray(start), text)).toBe(true);
});

it('a cut finds the file in one form or in the other, and nothing else', async () => {
  const world = new CompressionWorld('compress-lz4-4');
  world.make('/d/file', textOf(200_000));
  runSync(world.volume.unmount());
  const base = world.device;
  /** What of the file can be seen, and what would be left over. */
  function stateOf(volume: F2fsVolume): string {
    const vfs = new Vfs(volume);
    const { fields } = runSync(vfs.walk('/d/file')).inode as F2fsInode;
    const whole = same(runSync(vfs.readFile('/d/file')), textOf(200_000));
    return `${whole} ${fields.compressed} ${fields.compressedBlocks} ${volume.usage().inodes}`;
  }
  const scenario: Scenario<string> = function* (device) {
    const volume = yield* mountF2fs(device, { writable: true, clock, codecs: defaultCodecs() });
    const vfs = new Vfs(volume);
    const steps: Array<[name: string, step: (compression: FileCompression) => Task<unknown>]> = [
      ['compress', (c) => c.compress()],
      ['release', (c) => c.release()],
      ['reserve', (c) => c.reserve()],
      ['decompress', (c) => c.decompress()],
    ];
    for (const [name, step] of steps) {
      // A checkpoint in the middle knows the second inode; what it shows of the file is what was.
      yield begin(name, AFTER[name]!);
      yield* vfs.useCompression('/d/file', step);
      yield* volume.sync();
      expect(stateOf(volume)).toBe(AFTER[name]);
      yield durable(name, AFTER[name]!);
    }
  };
  const inodes = mounted(base.clone()).usage().inodes;
  const { savedBlocks } = (() => {
    const probe = mounted(base.clone());
    const vfs = new Vfs(probe);
    runSync(vfs.useCompression('/d/file', (c) => c.compress()));
    return runSync(vfs.useCompression('/d/file', (c) => c.usage()));
  })();
  const AFTER: Record<string, string> = {
    compress: `true true ${savedBlocks} ${inodes}`,
    release: `true true 0 ${inodes}`,
    reserve: `true true ${savedBlocks} ${inodes}`,
    decompress: `true false 0 ${inodes}`,
  };
  let images = 0;
  const report = await runPowerCuts<string, string>({
    base,
    initial: `true false 0 ${inodes}`,
    scenario,
    *recover(device) {
      const volume = yield* mountF2fs(device, { writable: true, clock, codecs: defaultCodecs() });
      const state = stateOf(volume);
      yield* volume.unmount();
      if (judged && images++ % 24 === 0) {
        const bytes = new Uint8Array(device.size);
        yield* readBytes(device, 0, bytes);
        expect(objections(MemoryDevice.from(bytes))).toBe('');
      }
      return state;
    },
    compare: oneOf((found, state) => found === state),
    imagesPerCut: 1,
  });
  expect(report.writes).toBeGreaterThan(10);
  for (const name of Object.keys(AFTER)) expect(report.matched.get(name), name).toBeGreaterThan(0);
});

function lock(world: CompressionWorld, flags: number): void {
  world.make('/x', textOf(50_000));
  runSync(world.vfs.setFlags('/x', flags));
}
