// Atomic and direct writes where something else happens: no room for a commit, segments that are cleaned meanwhile, a mount that
// comes later, contents that nobody can read.

import { BLOCK_SIZE } from '@f2fskit/block';
import { Advise, NULL_ADDRESS, RawInode, SegmentType } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changeInodeNode } from '../src/change-inode.ts';
import { type BufferedIo, type F2fsInode, mountF2fs } from '../src/index.ts';
import { findSlot } from '../src/names/slots.ts';
import {
  CaseWorld,
  contentOf,
  ENGINES,
  expectBytes,
  isWrite,
  later,
  nameOf,
  OWNER,
  pattern,
  settle,
} from './case-world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const start = ({ file }: CaseWorld): void => runSync(file.startAtomicWrite(file));
const commit = ({ file }: CaseWorld): void => runSync(file.commitAtomicWrite(file, file.errorCursor()));
const abort = ({ file }: CaseWorld): boolean => runSync(file.abortAtomicWrite(file));

/** Another file, which takes what room there is but for `left` blocks. */
function fill(world: CaseWorld, left: number): F2fsInode {
  const root = runSync(world.volume.readInode(world.volume.rootIno));
  const filler = runSync(root.create(nameOf('filler'), OWNER));
  const all = world.writer.space.blocksFree;
  expect(() => runSync(filler.allocate('allocate', 0, all * BLOCK_SIZE))).toThrow(
    expect.objectContaining({ code: 'ENOSPC' }),
  );
  runSync(filler.truncate(filler.size - left * BLOCK_SIZE));
  expect(world.writer.space.blocksFree).toBe(left);
  return filler;
}

/** `put` writes blocks into a segment of which afterwards hardly anything else is valid; so it is with another segment. */
function scatter(world: CaseWorld, put: () => void): void {
  const root = runSync(world.volume.readInode(world.volume.rootIno));
  const waste = runSync(root.create(nameOf('waste'), OWNER));
  const keep = runSync(root.create(nameOf(`keep ${world.writer.moves} ${world.writer.space.validInodes}`), OWNER));
  const write = (inode: F2fsInode, from: number, blocks: number): void => {
    runSync(inode.write(from * BLOCK_SIZE, new BytesSource(pattern(blocks * BLOCK_SIZE, 1))));
    runSync(inode.writeBack());
  };
  write(waste, 0, 300);
  put();
  write(waste, 300, 500);
  write(keep, 0, 20);
  // The logs go on elsewhere.
  write(waste, 800, 500);
  runSync(root.unlink(nameOf('waste')));
  runSync(world.volume.sync());
}

/** Has the cleaner run with the next `balance`; gives a function that lets things be as they are. */
function wantCleaning({ writer }: CaseWorld): () => void {
  const { allocator } = writer;
  const roomFor = allocator.roomFor.bind(allocator);
  // A little more each time: else cleaning is not tried again.
  let room = 0;
  const spy = vi
    .spyOn(allocator, 'roomFor')
    .mockImplementation((log) => (log === SegmentType.warmData ? room++ : roomFor(log)));
  return () => spy.mockRestore();
}

/** Has the cleaner run until the blocks of `places` have been moved. */
function moveAll(world: CaseWorld, places: () => number[]): void {
  const before = places();
  const moved = (): boolean => places().every((address, index) => address !== before[index]);
  const enough = wantCleaning(world);
  for (let round = 0; round < 20 && !moved(); round++) runSync(world.writer.balance());
  enough();
  expect(moved()).toBe(true);
}

function addressIn(world: CaseWorld, inode: F2fsInode, block: number): number {
  return runSync(findSlot(world.writer, inode.raw, block))?.address ?? NULL_ADDRESS;
}

describe.each(ENGINES)('atomic writes, engine %s', (engine) => {
  it.each([
    [0, 'commit'],
    [1, 'commit'],
    [0, 'abort'],
    [1, 'abort'],
  ] as const)(
    'a commit without room for its nodes (%i blocks left) is ENOSPC, and still under way: %s',
    (left, then) => {
      const world = CaseWorld.stored(engine, 20);
      world.truncate(5000 * BLOCK_SIZE);
      runSync(world.volume.sync());
      const before = world.model.slice();
      const used = world.writer.space.validBlocks;
      start(world);
      for (const block of [5, 1500, 2500, 4999]) world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, block));
      runSync(world.file.writeBack());
      const filler = fill(world, left);
      for (let tries = 0; tries < 2; tries++) {
        expect(() => commit(world)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
      }
      expect(world.file.atomic).not.toBeUndefined();
      expectBytes(world.read(), world.model);
      expectBytes(world.behindCut(), before);
      runSync(filler.truncate(0));
      if (then === 'commit') commit(world);
      else {
        expect(abort(world)).toBe(true);
        world.model = before;
      }
      expectBytes(world.behindCut(), world.model);
      world.expectModel();
      const root = runSync(world.volume.readInode(world.volume.rootIno));
      runSync(root.unlink(nameOf('filler')));
      // An abort leaves the nodes that the commit had made: they are empty, and go with the file.
      if (then === 'abort') expect(world.writer.space.validBlocks - used).toBe(left);
      expect(world.writer.orphans.size).toBe(0);
      world.leave();
    },
  );

  it('a write without room is ENOSPC, and changes nothing of what was written before', () => {
    const world = CaseWorld.stored(engine, 20);
    const before = world.model.slice();
    start(world);
    world.write(BLOCK_SIZE, pattern(BLOCK_SIZE, 2));
    fill(world, 0);
    expect(() => world.write(3 * BLOCK_SIZE, pattern(10, 3))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    // The block is there already.
    world.write(BLOCK_SIZE + 5, pattern(10, 3));
    expectBytes(world.read(), world.model);
    expectBytes(world.behindCut(), before);
    commit(world);
    expectBytes(world.behindCut(), world.model);
    world.expectModel();
  });

  it('of an encrypted file is EINVAL, and makes nothing', () => {
    const world = CaseWorld.stored(engine, 2);
    const { advise } = world.file.fields;
    const set = (value: number): void => {
      const change = (view: DataView): void => RawInode.advise.set(view, 0, value);
      runSync(world.writer.operation(changeInodeNode(world.writer, world.file.ino, change)));
    };
    set(advise | Advise.encrypt);
    const { validInodes } = world.writer.space;
    expect(() => start(world)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect([world.writer.space.validInodes, world.writer.orphans.size, world.file.atomic]).toEqual([
      validInodes,
      0,
      undefined,
    ]);
    set(advise);
    world.expectModel();
  });

  it('of the encrypted files of a golden volume is EINVAL', () => {
    const volume = runSync(
      mountF2fs(loadGolden('encrypted').device.clone(), { writable: true, bufferedIo: engine as BufferedIo }),
    );
    const vfs = new Vfs(volume);
    const tree = vfs.tree(runSync(vfs.walk('/')).inode, utf8Encode('.'));
    let refused = 0;
    for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
      if (event.type !== 'entry' || event.inode.kind !== 'file') continue;
      const inode = event.inode as F2fsInode;
      if ((inode.fields.advise & Advise.encrypt) === 0) continue;
      expect(() => runSync(inode.startAtomicWrite(vfs))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      refused++;
    }
    expect(refused).toBeGreaterThan(0);
  });

  it.each(['commit', 'abort'] as const)('goes on where its blocks are moved by the cleaner: %s', (then) => {
    const world = CaseWorld.stored(engine, 0);
    const old = pattern(40 * BLOCK_SIZE, 1);
    scatter(world, () => {
      world.write(0, old);
      runSync(world.file.writeBack());
    });
    start(world);
    const { cow } = world.file.atomic!;
    scatter(world, () => {
      world.write(3 * BLOCK_SIZE + 10, pattern(25 * BLOCK_SIZE, 2));
      runSync(world.file.writeBack());
    });
    world.write(30 * BLOCK_SIZE + 10, pattern(100, 3));
    const places = (): number[] => [
      ...[0, 20, 39].map((block) => addressIn(world, world.file, block)),
      ...[3, 20, 28].map((block) => addressIn(world, cow, block)),
    ];
    moveAll(world, places);
    expectBytes(world.read(), world.model);
    world.drop();
    expectBytes(world.read(), world.model);
    expectBytes(world.behindCut(), old);
    if (then === 'commit') commit(world);
    else {
      abort(world);
      world.model = old.slice();
    }
    expectBytes(world.behindCut(), world.model);
    world.expectModel();
    world.leave(then === 'commit');
  });

  it('is what a mount reads that comes later: committed, it is there; begun, it is not', () => {
    const world = CaseWorld.stored(engine, 20);
    start(world);
    world.write(2 * BLOCK_SIZE + 5, pattern(30 * BLOCK_SIZE, 2));
    commit(world);
    world.leave();
    const old = world.model.slice();
    const volume = runSync(mountF2fs(world.medium, { writable: true, bufferedIo: engine }));
    const root = runSync(volume.readInode(volume.rootIno));
    const file = runSync(volume.readInode(runSync(root.lookup(nameOf('file')))));
    const bytes = new Uint8Array(old.length);
    runSync(file.read(0, bytes));
    expectBytes(bytes, old);
    runSync(file.startAtomicWrite(volume));
    runSync(file.write(0, new BytesSource(pattern(50 * BLOCK_SIZE, 3))));
    runSync(volume.unmount());
    expectBytes(contentOf(world.medium), old);
    // And what was read through the inode of the mount that is over is not that of a write that never was.
    runSync(file.read(0, bytes));
    expectBytes(bytes, old);
  });
});

describe.each(ENGINES)('direct writes, engine %s', (engine) => {
  it('no block moves while bytes are on their way to it', async () => {
    const world = CaseWorld.stored(engine, 0);
    scatter(world, () => {
      world.write(0, pattern(40 * BLOCK_SIZE, 1));
      runSync(world.file.writeBack());
    });
    world.drop();
    const before = addressIn(world, world.file, 7);
    const { moves } = world.writer;
    // That of the caller's memory, and nothing else.
    world.watch.holds = (bio) => isWrite(bio) && bio.segments[0]!.buffer === bytes.buffer;
    const bytes = pattern(40 * BLOCK_SIZE, 2);
    const writing = world.start(world.file.writeDirect(0, new BytesSource(bytes)));
    for (let turn = 0; turn < 5; turn++) await later();
    const direct = engine === 'iomap';
    expect(world.watch.inFlight).toBe(direct ? 1 : 0);
    const enough = wantCleaning(world);
    const cleaning = world.start(world.writer.balance());
    for (let turn = 0; turn < 5; turn++) await later();
    // The cleaner waits for what is in flight; of the page engine nothing is.
    if (direct) expect([world.writer.moves, addressIn(world, world.file, 7)]).toEqual([moves, before]);
    world.watch.release();
    await settle(Promise.all([writing, cleaning]));
    enough();
    expect(world.writer.moves).toBe(moves + 1);
    world.follow(0, bytes);
    expect(addressIn(world, world.file, 7)).not.toBe(before);
    world.expectModel();
    world.leave();
  });

  it('writers past the cache and the cleaner, again and again: the last write is there', async () => {
    const world = CaseWorld.stored(engine, 0);
    for (let round = 0; round < 3; round++) {
      scatter(world, () => {
        world.write(0, pattern(40 * BLOCK_SIZE, 10 * round));
        runSync(world.file.writeBack());
      });
      const { moves } = world.writer;
      const enough = wantCleaning(world);
      const tasks: Promise<unknown>[] = [];
      for (let write = 1; write < 4; write++) {
        const bytes = pattern(30 * BLOCK_SIZE, 10 * round + write);
        tasks.push(world.start(world.file.writeDirect(write * BLOCK_SIZE, new BytesSource(bytes))));
        tasks.push(world.start(world.file.read(0, new Uint8Array(10 * BLOCK_SIZE))));
        if (write === 2) tasks.push(world.start(world.writer.balance()));
        world.follow(write * BLOCK_SIZE, bytes);
      }
      await settle(Promise.all(tasks));
      enough();
      expect(world.writer.moves).toBeGreaterThan(moves);
      expectBytes(world.read(), world.model);
    }
    world.expectModel();
    world.leave();
  });
});
