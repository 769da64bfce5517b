// I-12: a file that grows shows zeros where it had no bytes, whatever another system has left on the medium behind its old
// end. By both engines, for everything that lets a file grow.

import { BLOCK_SIZE, writeBytes } from '@f2fskit/block';
import { InlineFlag } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { CaseWorld, ENGINES, expectBytes, filled, pattern } from './case-world.ts';

const SIZE = 2 * BLOCK_SIZE + 1000;

/** A file whose last block has rubbish behind the end, and nothing in the cache. */
function foreign(engine: (typeof ENGINES)[number]): CaseWorld {
  const world = CaseWorld.stored(engine, 3);
  world.truncate(SIZE);
  runSync(world.volume.sync());
  world.drop();
  const block = filled(BLOCK_SIZE, 0xdd);
  block.set(world.model.subarray(2 * BLOCK_SIZE));
  runSync(writeBytes(world.medium, world.addressOf(2) * BLOCK_SIZE, block));
  return world;
}

const far = 9 * BLOCK_SIZE + 5;
const ways: ReadonlyArray<[string, (world: CaseWorld) => void]> = [
  ['a write far behind it', (world) => void world.write(far, pattern(300, 2))],
  ['a write that begins with the next block', (world) => void world.write(3 * BLOCK_SIZE, pattern(300, 2))],
  ['a write inside its block', (world) => void world.write(SIZE + 500, pattern(300, 2))],
  ['a write right behind it', (world) => void world.write(SIZE, pattern(300, 2))],
  [
    'a direct write',
    (world) => {
      const bytes = pattern(2 * BLOCK_SIZE, 2);
      runSync(world.file.writeDirect(8 * BLOCK_SIZE, new BytesSource(bytes)));
      world.follow(8 * BLOCK_SIZE, bytes);
    },
  ],
  ['a truncation, far', (world) => world.truncate(far)],
  ['a truncation inside its block', (world) => world.truncate(SIZE + 700)],
  [
    'an allocation',
    (world) => {
      runSync(world.file.allocate('allocate', 5 * BLOCK_SIZE, BLOCK_SIZE));
      world.resize(6 * BLOCK_SIZE);
    },
  ],
  [
    'zeros',
    (world) => {
      runSync(world.file.allocate('zero', 5 * BLOCK_SIZE, BLOCK_SIZE));
      world.resize(6 * BLOCK_SIZE);
    },
  ],
];

describe.each(ENGINES)('growing, engine %s', (engine) => {
  it.each(ways)('I-12: %s shows zeros behind the old end: in the cache, on the medium, behind a cut', (what, grow) => {
    for (const cached of [false, true]) {
      const world = foreign(engine);
      if (cached) expectBytes(world.read(), world.model);
      grow(world);
      expectBytes(world.read(), world.model);
      world.fsync();
      expectBytes(world.behindCut(), world.model);
      world.expectModel();
      if (cached) world.leave(what === 'a write far behind it');
    }
  });

  it('I-12: blocks that are not there, or end with the file, cost nothing', () => {
    const world = CaseWorld.stored(engine, 3);
    world.write(far, pattern(BLOCK_SIZE - 5, 2));
    expect(world.takeReads()).toEqual([]);
    expect(world.dirtyBlocks()).toEqual([9]);
    world.drop();
    world.truncate(20 * BLOCK_SIZE + 9);
    world.takeReads();
    world.write(30 * BLOCK_SIZE, pattern(10, 2));
    expect([world.takeReads(), world.dirtyBlocks()]).toEqual([[], [30]]);
    world.expectModel();
  });

  it('I-12: an old end that cannot be read is an error, and the file does not grow', () => {
    const world = foreign(engine);
    const start = world.addressOf(2) * BLOCK_SIZE;
    world.faults.inject({ operation: 'read', range: { start, end: start + BLOCK_SIZE }, action: { kind: 'fail' } });
    const io = expect.objectContaining({ code: 'EIO' });
    expect(() => world.write(far, pattern(10, 2))).toThrow(io);
    expect(() => world.truncate(far)).toThrow(io);
    expect(world.file.size).toBe(SIZE);
    world.expectQuiet();
    world.faults.clear();
    world.expectModel();
  });

  it('I-12: contents in the inode, too', () => {
    for (const size of [150, 200, 5000]) {
      const world = CaseWorld.stored(engine, 0);
      world.write(0, pattern(100, 1));
      runSync(world.volume.sync());
      const { bytes } = runSync(world.writer.store.readInodeNode(world.file.raw));
      const { inlineArea, inlineFlags } = world.file.fields;
      expect(inlineFlags & InlineFlag.data).not.toBe(0);
      bytes.fill(0xdd, inlineArea.offset + 100, inlineArea.offset + inlineArea.size);
      world.mapping.dropUnused();
      if (size === 200) world.write(190, pattern(10, 2));
      else world.truncate(size);
      expectBytes(world.read(), world.model);
      world.fsync();
      expectBytes(world.behindCut(), world.model);
      if (size === 200) world.leave(true);
    }
  });

  it('I-12: in an atomic write, of which nothing is seen before its commit', () => {
    for (const commit of [true, false]) {
      const world = foreign(engine);
      const before = world.model.slice();
      runSync(world.file.startAtomicWrite(world));
      world.write(far, pattern(300, 2));
      expectBytes(world.read(), world.model);
      world.drop();
      expectBytes(world.read(), world.model);
      expectBytes(world.behindCut(), before);
      if (commit) runSync(world.file.commitAtomicWrite(world, world.file.errorCursor()));
      else {
        runSync(world.file.abortAtomicWrite(world));
        world.model = before;
      }
      expectBytes(world.behindCut(), world.model);
      world.expectModel();
      world.leave();
    }
  });
});
