// Files that are made in one step are what they would be if they were created, written to and given their attributes; after
// each scenario the volume is left, read by another mount, and judged by fsck.f2fs where it is installed.

import { type BlockDevice, FaultDevice, type MemoryDevice, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { ENOSPC, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, ModeType } from '@f2fskit/f2fs-format';
import { fixedClock, runAsync, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judged, objections } from '../../test/judge.ts';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../index.ts';
import type { InodeRequest } from './build-inode.ts';
import { LOADED_BYTES_MAX } from './file-loader.ts';

const now = { seconds: 1_900_000_000, nanoseconds: 7 };
const atime = { seconds: 1_500_000_000, nanoseconds: 1 };
const mtime = { seconds: -5, nanoseconds: 999_999_999 };
const owner = { uid: 1000, gid: 1001, atime, mtime };
const MODE = ModeType.regular | 0o4640;
const NOTHING = new Uint8Array(0);

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that no other seed or position has. */
function contentsOf(size: number, seed = size): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + 1, 2 * seed + 1);
  return new Uint8Array(words.buffer, 0, size);
}

/** Text: compresses well. */
function textOf(size: number): Uint8Array {
  const random = seededRandom(size);
  return Uint8Array.from({ length: size }, (_, index) => (index % 9 === 8 ? 32 : 97 + random.below(3)));
}

const fileOf = (name: string, contents: Uint8Array): InodeRequest => ({
  ...owner,
  name: bytesOf(name),
  mode: MODE,
  contents,
});

function mounted(device: BlockDevice, writable = true): F2fsVolume {
  return runSync(
    mountF2fs(device, writable ? { writable, clock: fixedClock(1_900_000_000, 7), random: seededRandom(1) } : {}),
  );
}

const golden = (name = 'plain'): MemoryDevice => loadGolden(name).device.clone();
const rootOf = (volume: F2fsVolume): F2fsInode => runSync(volume.readInode(volume.rootIno));

function childOf(volume: F2fsVolume, directory: F2fsInode, name: string): F2fsInode {
  return runSync(volume.readInode(runSync(directory.lookup(bytesOf(name)))));
}

const inodeAt = (volume: F2fsVolume, name: string): F2fsInode => childOf(volume, rootOf(volume), name);

function read(inode: F2fsInode): Uint8Array {
  const target = new Uint8Array(inode.size + 1);
  return target.subarray(0, runSync(inode.read(0, target)));
}

/** Leaves a volume; the same, mounted for reading. */
function left(volume: F2fsVolume, device: MemoryDevice): F2fsVolume {
  runSync(volume.unmount());
  if (judged) expect(objections(device)).toBe('');
  return mounted(device, false);
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

const SIZES = [0, 1, 3000, 3487, 3488, 3489, 3653, 4095, 4096, 4097, 65_537, 300_000, LOADED_BYTES_MAX];

describe('a file that is made in one step', () => {
  it.each(['plain', 'plain-default', 'xattr-flexible', 'android', 'geometry'])(
    'has the contents and attributes it was given (%s)',
    (name) => {
      const device = golden(name);
      const volume = mounted(device);
      const root = rootOf(volume);
      const loader = root.loader();
      for (const size of SIZES)
        expect(runSync(loader.add(root, fileOf(`of ${size}`, contentsOf(size))))).toBeGreaterThan(3);
      runSync(loader.flush());
      expect(Buffer.compare(read(inodeAt(volume, 'of 300000')), contentsOf(300_000))).toBe(0);
      const later = left(volume, device);
      for (const size of SIZES) {
        const inode = inodeAt(later, `of ${size}`);
        expect(Buffer.compare(read(inode), contentsOf(size))).toBe(0);
        expect(inode.attributes()).toMatchObject({
          mode: MODE,
          links: 1,
          uid: 1000,
          gid: 1001,
          size,
          atime,
          mtime,
          ctime: now,
        });
      }
    },
  );

  it.each(['lz4', 'lzo'] as const)('is compressed cluster by cluster where the mount says so (%s)', (algorithm) => {
    const device = golden('compress-lz4-4');
    const compress = { extensions: ['txt'], algorithm, logClusterSize: 3, checksum: true };
    const clock = fixedClock(1_900_000_000, 7);
    const volume = runSync(mountF2fs(device, { writable: true, clock, codecs: defaultCodecs(), compress }));
    const root = rootOf(volume);
    const loader = root.loader();
    const cluster = 8 * BLOCK_SIZE;
    const sizes = [
      1,
      3000,
      cluster - BLOCK_SIZE,
      cluster - 1,
      cluster,
      cluster + 1,
      5 * cluster + 5000,
      LOADED_BYTES_MAX,
    ];
    for (const size of sizes) {
      runSync(loader.add(root, fileOf(`${size}.txt`, textOf(size))));
      runSync(loader.add(root, fileOf(`${size}.random.txt`, contentsOf(size))));
      runSync(loader.add(root, fileOf(`${size}.bin`, textOf(size))));
    }
    runSync(loader.flush());
    // One that was made in one step can be written to.
    const whole = inodeAt(volume, `${5 * cluster + 5000}.txt`);
    runSync(whole.write(cluster + 10, new BytesSource(bytesOf('changed'))));
    runSync(volume.unmount());
    if (judged) expect(objections(device)).toBe('');
    const later = runSync(mountF2fs(device, { codecs: defaultCodecs() }));
    for (const size of sizes) {
      const text = inodeAt(later, `${size}.txt`);
      const expected = textOf(size);
      if (text.size === 5 * cluster + 5000) expected.set(bytesOf('changed'), cluster + 10);
      expect(Buffer.compare(read(text), expected)).toBe(0);
      expect(text.savedBlocks >= Math.floor(Math.ceil(size / BLOCK_SIZE) / 8)).toBe(true);
      const random = inodeAt(later, `${size}.random.txt`);
      expect(Buffer.compare(read(random), contentsOf(size))).toBe(0);
      expect([random.savedBlocks, random.fields.compressed]).toEqual([0, true]);
      const plain = inodeAt(later, `${size}.bin`);
      expect(Buffer.compare(read(plain), textOf(size))).toBe(0);
      expect(plain.fields.compressed).toBe(false);
    }
  });

  it('may be of any kind that is no directory', () => {
    const device = golden();
    const volume = mounted(device);
    const root = rootOf(volume);
    const loader = root.loader();
    const add = (name: string, what: Pick<InodeRequest, 'mode' | 'target' | 'device'>): number =>
      runSync(loader.add(root, { ...owner, name: bytesOf(name), ...what }));
    add('short', { mode: ModeType.symlink | 0o777, target: bytesOf('../target') });
    add('long', { mode: ModeType.symlink | 0o777, target: bytesOf('x'.repeat(4000)) });
    add('char', { mode: ModeType.characterDevice | 0o600, device: { major: 259, minor: 70_000 } });
    add('fifo', { mode: ModeType.fifo | 0o644 });
    expect(codeOf(() => add('', { mode: ModeType.fifo }))).toBe('EINVAL');
    expect(codeOf(() => add('none', { mode: ModeType.symlink, target: bytesOf('') }))).toBe('ENOENT');
    expect(codeOf(() => add('much', { mode: ModeType.symlink, target: bytesOf('x'.repeat(4096)) }))).toBe(
      'ENAMETOOLONG',
    );
    const later = left(volume, device);
    expect(runSync(inodeAt(later, 'short').readLink())).toEqual(bytesOf('../target'));
    expect(runSync(inodeAt(later, 'long').readLink())).toHaveLength(4000);
    expect(inodeAt(later, 'long').attributes()).toMatchObject({ atime, mtime, ctime: now });
    expect(inodeAt(later, 'char').attributes()).toMatchObject({ kind: 'char', deviceMajor: 259, deviceMinor: 70_000 });
    expect(inodeAt(later, 'fifo').attributes()).toMatchObject({ kind: 'fifo', mode: 0o10644 });
  });

  it('is what create, write and setAttributes make, and costs as many blocks', () => {
    const sizes = fc.array(fc.oneof(fc.nat(5000), fc.nat(70_000), fc.constantFrom(...SIZES)), { maxLength: 40 });
    const nameOf = (size: number, index: number): string =>
      `file ${index} ${'.'.repeat(size % 90)}${size % 3 === 0 ? '.jpg' : ''}`;
    fc.assert(
      fc.property(sizes, (list) => {
        const make = (inOneStep: boolean) => {
          const volume = mounted(golden());
          const root = rootOf(volume);
          const directory = runSync(root.mkdir(bytesOf('files'), { mode: 0o2755, uid: 5, gid: 6 }));
          const loader = root.loader();
          for (const [index, size] of list.entries()) {
            const { name, contents = NOTHING, ...request } = fileOf(nameOf(size, index), contentsOf(size));
            if (inOneStep) runSync(loader.add(directory, { ...request, name, contents }));
            else {
              const inode = runSync(directory.create(name, { ...owner, mode: 0o4640 }));
              runSync(inode.write(0, new BytesSource(contents)));
              runSync(inode.setAttributes({ atime, mtime }));
            }
          }
          runSync(volume.unmount());
          const { validBlocks, validNodes, validInodes } = volume.writer!.space;
          const shown = list.map((size, index) => {
            const inode = childOf(volume, directory, nameOf(size, index));
            const { advise, inlineFlags, flags, nameBytes, parentIno } = inode.fields;
            const bytes = Buffer.from(read(inode)).toString('base64');
            return { ...inode.attributes(), ino: 0, advise, inlineFlags, flags, nameBytes, parentIno, bytes };
          });
          return { validBlocks, validNodes, validInodes, shown };
        };
        expect(make(true)).toEqual(make(false));
      }),
      { numRuns: 8 },
    );
  });

  it('takes over what its directory says: the access list', () => {
    const device = golden();
    const volume = mounted(device);
    const root = rootOf(volume);
    const directory = runSync(root.mkdir(bytesOf('made'), { mode: 0o755, uid: 0, gid: 0 }));
    const list = Uint8Array.of(2, 0, 0, 0, ...entry(1, 6), ...entry(4, 4), ...entry(32, 0));
    runSync(directory.setXattr(bytesOf('system.posix_acl_default'), list));
    const ino = runSync(
      root.loader().add(directory, { ...fileOf('file', contentsOf(10)), mode: ModeType.regular | 0o777 }),
    );
    expect(runSync(volume.readInode(ino)).attributes().mode & 0o777).toBe(0o640);
    left(volume, device);
  });
});

/** An entry of an access list, without an id. */
function entry(tag: number, permissions: number): number[] {
  return [tag, 0, permissions, 0, 255, 255, 255, 255];
}

describe('a loader', () => {
  it('refuses a name that is there, inside the inode of the directory and in its blocks', () => {
    const device = golden();
    const volume = mounted(device);
    const root = rootOf(volume);
    const directory = runSync(root.mkdir(bytesOf('made'), { mode: 0o755, uid: 0, gid: 0 }));
    const loader = root.loader();
    for (let index = 0; index < 400; index++) {
      const add = (): number => runSync(loader.add(directory, fileOf(`name ${index}`, contentsOf(index))));
      expect(add()).toBeGreaterThan(0);
      expect(codeOf(add)).toBe('EEXIST');
      expect(codeOf(() => runSync(loader.add(directory, fileOf('name 0', NOTHING))))).toBe('EEXIST');
    }
    expect(directory.size).toBeGreaterThan(BLOCK_SIZE);
    const later = left(volume, device);
    const made = inodeAt(later, 'made');
    for (const index of [0, 90, 399])
      expect(Buffer.compare(read(childOf(later, made, `name ${index}`)), contentsOf(index))).toBe(0);
  });

  it('makes nothing of contents that are too long', () => {
    const device = golden();
    const volume = mounted(device);
    const root = rootOf(volume);
    expect(runSync(root.loader().add(root, fileOf('long', new Uint8Array(LOADED_BYTES_MAX + 1))))).toBe(0);
    expect(runSync(root.lookup(bytesOf('long')))).toBe(0);
    left(volume, device);
  });

  it('makes nothing where room is short, and says so', () => {
    const device = golden();
    const volume = mounted(device);
    const root = rootOf(volume);
    const { allocator } = volume.writer!;
    const roomFor = allocator.roomFor.bind(allocator);
    allocator.roomFor = () => 150;
    expect(runSync(root.loader().add(root, fileOf('long', contentsOf(100_000))))).toBe(0);
    allocator.roomFor = roomFor;
    expect(runSync(root.lookup(bytesOf('long')))).toBe(0);
    expect(runSync(root.loader().add(root, fileOf('long', contentsOf(100_000))))).toBeGreaterThan(3);
    left(volume, device);
  });

  it('fills a volume until there is no space, and leaves it sound', () => {
    const device = golden();
    const volume = mounted(device);
    const root = rootOf(volume);
    const loader = root.loader();
    const made: number[] = [];
    let declined = 0;
    let code = '';
    for (let index = 0; code === ''; index++) {
      const size = [900_000, 60_000, 5000][index % 3]!;
      code = codeOf(() => {
        if (runSync(loader.add(root, fileOf(`file ${index}`, contentsOf(size, index)))) !== 0) made.push(index);
        else if (++declined > 100) throw new FsError(ENOSPC);
      }).replace('nothing thrown', '');
    }
    expect(code).toBe('ENOSPC');
    expect(made.length).toBeGreaterThan(10);
    const later = left(volume, device);
    for (const index of made) {
      expect(
        Buffer.compare(read(inodeAt(later, `file ${index}`)), contentsOf([900_000, 60_000, 5000][index % 3]!, index)),
      ).toBe(0);
    }
  });

  it('sends contents that lie side by side together, and no node before the checkpoint', () => {
    const device = new StatisticsDevice(golden());
    const volume = mounted(device);
    const root = rootOf(volume);
    const loader = root.loader();
    device.reset();
    for (let index = 0; index < 100; index++)
      runSync(loader.add(root, fileOf(`file ${index}`, contentsOf(8192, index))));
    runSync(loader.flush());
    const { write } = device.snapshot();
    expect(write.bytes).toBe(100 * 8192);
    expect(write.bios).toBeLessThanOrEqual(3);
  });

  it('tells once contents could not be written', () => {
    const device = new FaultDevice(golden(), []);
    const volume = mounted(device);
    const root = rootOf(volume);
    const loader = root.loader();
    runSync(loader.add(root, fileOf('file', new Uint8Array(8192).fill(0x41))));
    device.inject({ operation: 'write', match: ({ segments }) => segments[0]![0] === 0x41, action: { kind: 'fail' } });
    expect(codeOf(() => runSync(loader.flush()))).toBe('EIO');
    expect(codeOf(() => runSync(loader.add(root, fileOf('other', NOTHING))))).toBe('EIO');
  });

  it('keeps contents in memory until a slow device has written them', async () => {
    const medium = golden();
    const device = new ShuffleDevice(medium, 3);
    const volume = await runAsync(mountF2fs(device, { writable: true, random: seededRandom(1) }));
    const root = await runAsync(volume.readInode(volume.rootIno));
    const loader = root.loader();
    for (let index = 0; index < 40; index++) {
      await runAsync(loader.add(root, fileOf(`file ${index}`, contentsOf(60_000, index))));
    }
    await runAsync(loader.flush());
    await runAsync(volume.unmount());
    const later = mounted(medium, false);
    for (let index = 0; index < 40; index++) {
      expect(Buffer.compare(read(inodeAt(later, `file ${index}`)), contentsOf(60_000, index))).toBe(0);
    }
  });
});
