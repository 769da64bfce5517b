// Atomic writes: what readers see, what is left behind a commit, an abort, a close and a cut, what cannot be written so.

import { FaultDevice, type MemoryDevice } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { fixedClock, runSync, seededRandom, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { begin, durable, oneOf, runPowerCuts } from '@f2fskit/testkit/power-cut';
import { Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type BufferedIo, type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { findSlot, slotOwner } from '../src/names/slots.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const NAME = new TextEncoder().encode('file');
const filled = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

function* mount(device: MemoryDevice | Parameters<typeof mountF2fs>[0], bufferedIo: BufferedIo): Task<F2fsVolume> {
  const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(1), bufferedIo };
  return yield* mountF2fs(device, { ...options, cache: { poison: true } });
}

function* fileOf(volume: F2fsVolume): Task<F2fsInode> {
  const root = yield* volume.readInode(volume.rootIno);
  return yield* volume.readInode(yield* root.lookup(NAME));
}

function* contentOf(file: F2fsInode): Task<Uint8Array> {
  const bytes = new Uint8Array(file.size);
  yield* file.read(0, bytes);
  return bytes;
}

class World {
  readonly medium = loadGolden('plain').device.clone();
  readonly volume: F2fsVolume;
  readonly file: F2fsInode;

  constructor(bufferedIo: BufferedIo, content: Uint8Array) {
    this.volume = runSync(mount(this.medium, bufferedIo));
    const root = runSync(this.volume.readInode(this.volume.rootIno));
    this.file = runSync(root.create(NAME, OWNER));
    this.write(0, content);
    runSync(this.volume.sync());
  }

  write(position: number, bytes: Uint8Array): void {
    runSync(this.file.write(position, new BytesSource(bytes)));
  }

  start(owner: object = this): void {
    runSync(this.file.startAtomicWrite(owner));
  }

  commit(owner: object = this): void {
    runSync(this.file.commitAtomicWrite(owner, this.file.errorCursor()));
  }

  abort(owner: object = this): boolean {
    return runSync(this.file.abortAtomicWrite(owner));
  }

  content(): Uint8Array {
    return runSync(contentOf(this.file));
  }

  /** What is read with nothing in the cache. */
  cold(): Uint8Array {
    runSync(this.file.writeBack());
    this.file.pages().mapping.dropUnused();
    return this.content();
  }

  /** What a mount finds if the power goes now, and everything has arrived. */
  behindCut(): Uint8Array {
    const volume = runSync(mountF2fs(this.medium.clone(), { writable: true }));
    const found = runSync(contentOf(runSync(fileOf(volume))));
    runSync(volume.unmount());
    return found;
  }

  /** Leaves the volume; what a reader finds then. */
  left(): Uint8Array {
    runSync(this.volume.unmount());
    if (judged) expect(objections(this.medium)).toBe('');
    return runSync(contentOf(runSync(fileOf(runSync(mountF2fs(this.medium))))));
  }
}

describe.each(['iomap', 'page'] as const)('engine %s', (bufferedIo) => {
  const old = filled(20 * BLOCK_SIZE, 1);
  const begun = (): World => {
    const world = new World(bufferedIo, old);
    world.start();
    return world;
  };

  it('readers see what was written, from the cache and without it; parts of blocks are filled from the file', () => {
    const world = begun();
    const expected = old.slice().fill(2, 100, 3 * BLOCK_SIZE + 50);
    world.write(100, filled(3 * BLOCK_SIZE - 50, 2));
    expect(Buffer.compare(world.content(), expected)).toBe(0);
    expect(Buffer.compare(world.cold(), expected)).toBe(0);
    // And from what was written before.
    world.write(BLOCK_SIZE + 7, filled(5, 3));
    expected.fill(3, BLOCK_SIZE + 7, BLOCK_SIZE + 12);
    expect(Buffer.compare(world.cold(), expected)).toBe(0);
  });

  it('a commit is durable, and the volume has no blocks too many', () => {
    const world = new World(bufferedIo, old);
    const before = world.volume.usage();
    world.start();
    const expected = old.slice().fill(2, 5000, 9000);
    world.write(5000, filled(4000, 2));
    world.commit();
    expect(Buffer.compare(world.behindCut(), expected)).toBe(0);
    runSync(world.volume.sync());
    // The second inode is gone, and every block that was replaced.
    expect(world.volume.usage()).toEqual(before);
    expect(world.volume.writer!.orphans.size).toBe(0);
    expect(Buffer.compare(world.cold(), expected)).toBe(0);
    expect(Buffer.compare(world.left(), expected)).toBe(0);
  });

  it('a commit puts blocks into holes and behind the old end, also where nodes are missing', () => {
    const world = new World(bufferedIo, old);
    runSync(world.file.truncate(2000 * BLOCK_SIZE));
    runSync(world.volume.sync());
    world.start();
    const expected = new Uint8Array(2100 * BLOCK_SIZE);
    expected.set(old);
    for (const block of [30, 1500, 2099]) {
      world.write(block * BLOCK_SIZE, filled(BLOCK_SIZE, 4));
      expected.fill(4, block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
    }
    expect(Buffer.compare(world.cold(), expected)).toBe(0);
    world.commit();
    // The summaries name the file, too: the cleaner goes by them.
    const writer = world.volume.writer!;
    for (const block of [0, 30, 1500, 2099]) {
      const slot = runSync(findSlot(writer, world.file.raw, block))!;
      expect(runSync(writer.allocator.ownerOf(slot.address))).toEqual(runSync(slotOwner(writer, slot)));
    }
    expect(Buffer.compare(world.behindCut(), expected)).toBe(0);
    expect(Buffer.compare(world.left(), expected)).toBe(0);
  });

  it('a cut before the commit finds nothing of it, whatever was written, synced and checkpointed', () => {
    const world = begun();
    world.write(0, filled(30 * BLOCK_SIZE, 5));
    runSync(world.file.fsync(world.file.errorCursor(), false));
    expect(Buffer.compare(world.behindCut(), old)).toBe(0);
    runSync(world.volume.sync());
    expect(Buffer.compare(world.behindCut(), old)).toBe(0);
    if (judged) {
      const medium = world.medium.clone();
      runSync(runSync(mountF2fs(medium, { writable: true })).unmount());
      expect(objections(medium)).toBe('');
    }
  });

  it('a commit behind a checkpoint is durable too', () => {
    const world = begun();
    const expected = filled(30 * BLOCK_SIZE, 5);
    world.write(0, expected);
    runSync(world.volume.sync());
    world.commit();
    expect(Buffer.compare(world.behindCut(), expected)).toBe(0);
    expect(Buffer.compare(world.left(), expected)).toBe(0);
  });

  it('an abort leaves what was there, size and room included', () => {
    const world = new World(bufferedIo, old);
    const before = world.volume.usage();
    world.start();
    world.write(100, filled(40 * BLOCK_SIZE, 6));
    world.cold();
    world.write(50, filled(10, 7));
    expect(world.abort()).toBe(true);
    expect(Buffer.compare(world.content(), old)).toBe(0);
    runSync(world.volume.sync());
    expect(world.volume.usage()).toEqual(before);
    expect(world.abort()).toBe(false);
    world.write(0, filled(10, 8));
    expect(Buffer.compare(world.left(), old.slice().fill(8, 0, 10))).toBe(0);
  });

  it('leaving the volume aborts', () => {
    const world = begun();
    world.write(0, filled(30 * BLOCK_SIZE, 5));
    expect(Buffer.compare(world.left(), old)).toBe(0);
  });

  it('contents move out of the inode first', () => {
    const world = new World(bufferedIo, filled(100, 1));
    world.start();
    world.write(10, filled(10, 2));
    expect(Buffer.compare(world.cold(), filled(100, 1).fill(2, 10, 20))).toBe(0);
    world.commit();
    expect(Buffer.compare(world.left(), filled(100, 1).fill(2, 10, 20))).toBe(0);
  });

  it('belongs to one', () => {
    const world = begun();
    world.start();
    const other = {};
    expect(() => world.start(other)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    expect(() => world.commit(other)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(world.abort(other)).toBe(false);
    expect(() => runSync(world.file.truncate(1))).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    expect(() => runSync(world.file.allocate('punch', 0, 1))).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    world.commit();
    expect(() => world.commit()).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    world.start(other);
  });

  it('closing the file aborts', () => {
    const world = new World(bufferedIo, old);
    const vfs = new Vfs(world.volume);
    const fd = runSync(vfs.open('/file', { access: 'write' }));
    runSync(vfs.file(fd).startAtomicWrite());
    runSync(vfs.file(fd).writeAt(0, filled(BLOCK_SIZE, 9)));
    expect(world.content()[0]).toBe(9);
    runSync(vfs.close(fd));
    expect(Buffer.compare(world.content(), old)).toBe(0);
    const reading = runSync(vfs.open('/file', {}));
    expect(() => runSync(vfs.file(reading).startAtomicWrite())).toThrow(expect.objectContaining({ code: 'EBADF' }));
    const writing = runSync(vfs.open('/file', { access: 'write' }));
    expect(() => runSync(vfs.file(writing).abortAtomicWrite())).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(Buffer.compare(world.left(), old)).toBe(0);
  });

  it('a block that did not arrive speaks against the commit, however often it is asked', () => {
    const medium = loadGolden('plain').device.clone();
    const device = new FaultDevice(medium, []);
    const volume = runSync(mount(device, bufferedIo));
    const root = runSync(volume.readInode(volume.rootIno));
    const file = runSync(root.create(NAME, OWNER));
    runSync(file.write(0, new BytesSource(old)));
    runSync(volume.sync());
    runSync(file.startAtomicWrite(medium));
    runSync(file.write(0, new BytesSource(filled(BLOCK_SIZE, 2))));
    device.inject({ operation: 'write', action: { kind: 'fail' } });
    expect(() => runSync(file.writeBack())).toThrow(expect.objectContaining({ code: 'EIO' }));
    device.clear();
    const commit = (): void => runSync(file.commitAtomicWrite(medium, file.errorCursor()));
    expect(commit).toThrow(expect.objectContaining({ code: 'EIO' }));
    expect(commit).toThrow(expect.objectContaining({ code: 'EIO' }));
    runSync(file.abortAtomicWrite(medium));
    expect(Buffer.compare(runSync(contentOf(file)), old)).toBe(0);
    // The volume says it too, once.
    expect(() => runSync(volume.unmount())).toThrow(expect.objectContaining({ code: 'EIO' }));
  });

  it('what is no regular file, or compressed, is EINVAL', () => {
    const world = new World(bufferedIo, old);
    const root = runSync(world.volume.readInode(world.volume.rootIno));
    expect(() => runSync(root.startAtomicWrite(world))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    const volume = runSync(mount(loadGolden('compress-lz4-4').device.clone(), bufferedIo));
    const vfs = new Vfs(volume);
    const tree = vfs.tree(runSync(vfs.walk('/')).inode, new TextEncoder().encode('.'));
    let refused = 0;
    for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
      if (event.type !== 'entry' || event.inode.kind !== 'file') continue;
      const inode = event.inode as F2fsInode;
      if (!inode.fields.compressed) continue;
      expect(() => runSync(inode.startAtomicWrite(world))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      refused++;
    }
    expect(refused).toBeGreaterThan(0);
  });

  it.each([
    ['one node', 20, [3, 7, 25]],
    ['several nodes', 3000, [3, 1500, 2500, 3100]],
  ] as const)('cut anywhere, it is there as a whole or not at all: %s', async (_what, size, blocks) => {
    const base = loadGolden('plain').device.clone();
    {
      const volume = runSync(mount(base, bufferedIo));
      const root = runSync(volume.readInode(volume.rootIno));
      const file = runSync(root.create(NAME, OWNER));
      runSync(file.write(0, new BytesSource(filled(20 * BLOCK_SIZE, 1))));
      runSync(file.truncate(size * BLOCK_SIZE));
      if (size > 20) runSync(file.write(1500 * BLOCK_SIZE, new BytesSource(filled(BLOCK_SIZE, 1))));
      runSync(volume.unmount());
    }
    /** The size, and what the blocks hold. */
    function* stateOf(file: F2fsInode): Task<string> {
      const values: number[] = [];
      for (const block of blocks) {
        const bytes = new Uint8Array(BLOCK_SIZE);
        const count = yield* file.read(block * BLOCK_SIZE, bytes);
        if (bytes.subarray(0, count).some((byte) => byte !== bytes[0])) values.push(-1);
        else values.push(count === 0 ? -2 : bytes[0]!);
      }
      return `${file.size}: ${values}`;
    }
    const initial = runSync(stateOf(runSync(fileOf(runSync(mountF2fs(base))))));
    const report = await runPowerCuts<string, string>({
      base,
      initial,
      seed: 3,
      cuts: process.env['F2FSKIT_FULL'] === '1' ? 40 : 12,
      recoveryCuts: 1,
      *scenario(device) {
        const volume = yield* mount(device, bufferedIo);
        const file = yield* fileOf(volume);
        yield* volume.sync();
        for (const round of [2, 3, 4]) {
          yield* file.startAtomicWrite(file);
          for (const [index, block] of blocks.entries()) {
            yield* file.write(block * BLOCK_SIZE, new BytesSource(filled(BLOCK_SIZE, round)));
            if (index === 1) yield* file.writeBack();
            if (index === 2 && round === 3) yield* volume.sync();
          }
          const state = yield* stateOf(file);
          yield begin(`commit ${round}`, state);
          yield* file.commitAtomicWrite(file, file.errorCursor());
          yield durable(`commit ${round}`, state);
        }
      },
      *recover(device) {
        const volume = yield* mount(device, bufferedIo);
        const found = yield* stateOf(yield* fileOf(volume));
        yield* volume.unmount();
        return found;
      },
      compare: oneOf((found, state) => found === state),
    });
    expect(report.matched.size).toBeGreaterThan(2);
  });
});
