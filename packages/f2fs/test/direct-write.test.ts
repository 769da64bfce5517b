// O_DIRECT writes: which of them go past the cache, what the cache shows behind them, when they are durable.

import { FaultDevice, type MemoryDevice, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { fixedClock, runAsync, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type BufferedIo, type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const name = (text: string): Uint8Array => new TextEncoder().encode(text);
const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

class World {
  readonly medium: MemoryDevice = loadGolden('plain').device.clone();
  readonly statistics = new StatisticsDevice(this.medium);
  readonly device = new FaultDevice(this.statistics, []);
  readonly volume: F2fsVolume;
  readonly file: F2fsInode;

  constructor(bufferedIo: BufferedIo = 'iomap') {
    const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(1), bufferedIo };
    this.volume = runSync(mountF2fs(this.device, { cache: { poison: true }, ...options }));
    const root = runSync(this.volume.readInode(this.volume.rootIno));
    this.file = runSync(root.create(name('file'), OWNER));
  }

  write(position: number, bytes: Uint8Array): void {
    expect(runSync(this.file.write(position, new BytesSource(bytes))).bytes).toBe(bytes.length);
  }

  writeDirect(position: number | 'end', bytes: Uint8Array): number {
    return runSync(this.file.writeDirect(position, new BytesSource(bytes))).bytes;
  }

  content(): Uint8Array {
    const bytes = new Uint8Array(this.file.size);
    runSync(this.file.read(0, bytes));
    return bytes;
  }

  /** What is written while `body` runs. */
  writesIn(body: () => void): { bios: number; bytes: number } {
    this.statistics.reset();
    body();
    const { bios, bytes } = this.statistics.snapshot().write;
    return { bios, bytes };
  }

  get cachedPages(): number {
    let pages = 0;
    const { index } = this.file.pages().mapping;
    for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) pages += folio.pages;
    return pages;
  }
}

/** A file of 64 blocks, written and synced. */
function stored(bufferedIo?: BufferedIo): World {
  const world = new World(bufferedIo);
  world.write(0, filled(64 * BLOCK_SIZE, 1));
  runSync(world.volume.sync());
  return world;
}

describe('a write of blocks that have places', () => {
  it('is one request to these places, and nothing stays in the cache', () => {
    const world = stored();
    const before = runSync(world.file.extents(0, Number.MAX_SAFE_INTEGER).next());
    const writes = world.writesIn(() => world.writeDirect(8 * BLOCK_SIZE, filled(16 * BLOCK_SIZE, 2)));
    expect(writes).toEqual({ bios: 1, bytes: 16 * BLOCK_SIZE });
    expect(runSync(world.file.extents(0, Number.MAX_SAFE_INTEGER).next())).toEqual(before);
    const expected = filled(64 * BLOCK_SIZE, 1).fill(2, 8 * BLOCK_SIZE, 24 * BLOCK_SIZE);
    expect(Buffer.compare(world.content(), expected)).toBe(0);
  });

  it('comes behind what is dirty there, in whole folios', () => {
    const world = stored();
    world.content();
    world.write(7 * BLOCK_SIZE + 5, filled(3 * BLOCK_SIZE, 3));
    world.writeDirect(8 * BLOCK_SIZE, filled(BLOCK_SIZE, 2));
    const expected = filled(64 * BLOCK_SIZE, 1).fill(3, 7 * BLOCK_SIZE + 5, 10 * BLOCK_SIZE + 5);
    expected.fill(2, 8 * BLOCK_SIZE, 9 * BLOCK_SIZE);
    expect(Buffer.compare(world.content(), expected)).toBe(0);
  });

  it('lets the file grow within its last block', () => {
    const world = stored();
    runSync(world.file.truncate(63 * BLOCK_SIZE + 10));
    runSync(world.volume.sync());
    expect(world.writesIn(() => world.writeDirect(63 * BLOCK_SIZE, filled(BLOCK_SIZE, 4))).bios).toBe(1);
    expect(world.file.size).toBe(64 * BLOCK_SIZE);
    expect(world.content().at(-1)).toBe(4);
  });

  it('fails with the device, and the file does not grow', () => {
    const world = stored();
    runSync(world.file.truncate(63 * BLOCK_SIZE + 10));
    runSync(world.volume.sync());
    world.device.inject({ operation: 'write', action: { kind: 'fail' }, times: 1 });
    expect(() => world.writeDirect(63 * BLOCK_SIZE, filled(BLOCK_SIZE, 4))).toThrow(
      expect.objectContaining({ code: 'EIO' }),
    );
    expect(world.file.size).toBe(63 * BLOCK_SIZE + 10);
    // It was told: fsync has nothing more to say, and the volume goes on.
    runSync(world.file.fsync(world.file.errorCursor(), false));
    expect(world.writeDirect(0, filled(BLOCK_SIZE, 4))).toBe(BLOCK_SIZE);
  });
});

describe('the rest goes through the cache', () => {
  it('from the first hole on, and leaves it again', () => {
    const world = stored();
    const writes = world.writesIn(() => {
      expect(world.writeDirect(60 * BLOCK_SIZE, filled(8 * BLOCK_SIZE, 5))).toBe(8 * BLOCK_SIZE);
    });
    expect(writes).toEqual({ bios: 2, bytes: 8 * BLOCK_SIZE });
    expect(world.cachedPages).toBe(0);
    expect(world.file.size).toBe(68 * BLOCK_SIZE);
    expect(Buffer.compare(world.content().subarray(60 * BLOCK_SIZE), filled(8 * BLOCK_SIZE, 5))).toBe(0);
  });

  it('for blocks that are only reserved', () => {
    const world = new World();
    runSync(world.file.allocate('allocate', 0, 8 * BLOCK_SIZE));
    expect(world.writeDirect(0, filled(8 * BLOCK_SIZE, 6))).toBe(8 * BLOCK_SIZE);
    expect(Buffer.compare(world.content(), filled(8 * BLOCK_SIZE, 6))).toBe(0);
  });

  const nothingWritten = { bios: 0, bytes: 0 };
  it.each([
    ['a part of a block', 5, BLOCK_SIZE],
    ['a length that is no number of blocks', 0, BLOCK_SIZE + 1],
  ])('for %s', (_what, position, length) => {
    const world = stored();
    expect(world.writesIn(() => world.writeDirect(position, filled(length, 7)))).toEqual(nothingWritten);
    expect(world.content()[position]).toBe(7);
  });

  it('for contents in the inode', () => {
    const world = new World();
    world.write(0, filled(100, 1));
    expect(world.writesIn(() => world.writeDirect(0, filled(200, 7)))).toEqual(nothingWritten);
    expect(world.content()).toEqual(filled(200, 7));
  });

  it('for the page engine', () => {
    const world = stored('page');
    expect(world.writesIn(() => world.writeDirect(0, filled(BLOCK_SIZE, 7)))).toEqual(nothingWritten);
    expect(world.content()[0]).toBe(7);
  });

  it('for memory in several pieces', () => {
    const world = stored();
    const vfs = new Vfs(world.volume);
    const fd = runSync(vfs.open('/file', { access: 'write', direct: true }));
    const pieces = [filled(BLOCK_SIZE, 7), filled(BLOCK_SIZE, 8)];
    expect(world.writesIn(() => runSync(vfs.file(fd).writeAt(0, pieces)))).toEqual(nothingWritten);
    expect(world.content()[BLOCK_SIZE]).toBe(8);
  });
});

describe('an open file with O_DIRECT', () => {
  it('writes past the cache, at its position and at the end', () => {
    const world = stored();
    const vfs = new Vfs(world.volume);
    const file = vfs.file(runSync(vfs.open('/file', { access: 'readWrite', direct: true })));
    runSync(file.write(filled(BLOCK_SIZE, 8)));
    expect(world.writesIn(() => runSync(file.write(filled(BLOCK_SIZE, 9))))).toEqual({ bios: 1, bytes: BLOCK_SIZE });
    const target = new Uint8Array(2 * BLOCK_SIZE);
    runSync(file.readAt(0, target));
    expect([target[0], target[BLOCK_SIZE]]).toEqual([8, 9]);
    const appending = vfs.file(runSync(vfs.open('/file', { access: 'write', direct: true, append: true })));
    runSync(appending.write(filled(BLOCK_SIZE, 10)));
    expect(world.file.size).toBe(65 * BLOCK_SIZE);
    expect(world.content().at(-1)).toBe(10);
  });

  it.each([
    ['data', 1],
    // Times are attributes: the node goes too, in a chain.
    ['all', 2],
  ] as const)('and O_SYNC (%s): what it wrote is durable when the write returns', (sync, writes) => {
    const world = stored();
    const vfs = new Vfs(world.volume);
    const file = vfs.file(runSync(vfs.open('/file', { access: 'write', direct: true, sync })));
    runSync(file.write(filled(BLOCK_SIZE, 8)));
    const { statistics } = world;
    statistics.reset();
    runSync(file.write(filled(BLOCK_SIZE, 9)));
    expect(statistics.snapshot().write.bios).toBe(writes);
    expect(statistics.snapshot().flush.bios).toBe(sync === 'data' ? 1 : 0);
  });
});

describe('together with everything else', () => {
  it.each([1, 2, 3])('a random program leaves what a plain array has, seed %i', (seed) => {
    const world = new World();
    const random = seededRandom(seed);
    let model = new Uint8Array(0);
    const resize = (size: number): void => {
      const next = new Uint8Array(size);
      next.set(model.subarray(0, size));
      model = next;
    };
    const put = (position: number, bytes: Uint8Array): void => {
      if (position + bytes.length > model.length) resize(position + bytes.length);
      model.set(bytes, position);
    };
    for (let step = 0; step < 150; step++) {
      const block = random.below(300);
      const blocks = 1 + random.below(random.below(3) === 0 ? 100 : 4);
      const bytes = filled(blocks * BLOCK_SIZE, 1 + random.below(255));
      switch (random.below(8)) {
        case 0: {
          const at = block * BLOCK_SIZE + random.below(BLOCK_SIZE);
          world.write(at, bytes.subarray(17));
          put(at, bytes.subarray(17));
          break;
        }
        case 1:
          runSync(world.file.truncate(block * 1000));
          resize(block * 1000);
          break;
        case 2:
          runSync(world.file.allocate('punch', block * 1000, 20_000));
          model.fill(0, block * 1000, block * 1000 + 20_000);
          break;
        case 3:
          runSync(world.file.fsync(world.file.errorCursor(), random.below(2) === 0));
          break;
        case 4:
          runSync(world.volume.sync());
          break;
        default:
          expect(world.writeDirect(block * BLOCK_SIZE, bytes)).toBe(bytes.length);
          put(block * BLOCK_SIZE, bytes);
      }
      if (step % 5 === 0) expect(Buffer.compare(world.content(), model), `step ${step}`).toBe(0);
    }
    runSync(world.volume.unmount());
    const volume = runSync(mountF2fs(world.medium));
    const root = runSync(volume.readInode(volume.rootIno));
    const inode = runSync(volume.readInode(runSync(root.lookup(name('file')))));
    const found = new Uint8Array(inode.size);
    runSync(inode.read(0, found));
    expect(Buffer.compare(found, model)).toBe(0);
    if (judged) expect(objections(world.medium)).toBe('');
  });

  it('readers, syncs and direct writers at once: a block is of one write, the last state is that of the last', async () => {
    const medium = loadGolden('plain').device.clone();
    const device = new ShuffleDevice(medium, 5);
    const volume = await runAsync(mountF2fs(device, { writable: true, cache: { poison: true } }));
    const root = await runAsync(volume.readInode(volume.rootIno));
    const file = await runAsync(root.create(name('file'), OWNER));
    const blocks = 40;
    await runAsync(file.write(0, new BytesSource(filled(blocks * BLOCK_SIZE, 1))));
    await runAsync(volume.sync());
    const random = seededRandom(9);
    const tasks: Promise<unknown>[] = [];
    for (let round = 2; round < 30; round++) {
      const bytes = filled(blocks * BLOCK_SIZE, round);
      tasks.push(runAsync(file.writeDirect(0, new BytesSource(bytes))));
      tasks.push(
        (async () => {
          const target = new Uint8Array(4 * BLOCK_SIZE);
          await runAsync(file.read(random.below(36) * BLOCK_SIZE, target));
          for (let at = 0; at < target.length; at += BLOCK_SIZE) {
            const block = target.subarray(at, at + BLOCK_SIZE);
            if (!block.every((byte) => byte === block[0])) throw new FsError(5, 'two writes in one block');
          }
        })(),
      );
      if (round % 7 === 0) tasks.push(runAsync(volume.sync()));
    }
    await Promise.all(tasks);
    const found = new Uint8Array(blocks * BLOCK_SIZE);
    await runAsync(file.read(0, found));
    expect(Buffer.compare(found, filled(blocks * BLOCK_SIZE, 29))).toBe(0);
  });
});
