// What went wrong in other implementations of the same, each as a test of ours, by both engines. Numbers: the list of known
// defects in docs/testing.md.

import { BLOCK_SIZE } from '@f2fskit/block';
import { EIO, FsError } from '@f2fskit/errno';
import { lockFolioForWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import { fixedClock, runSync, seededRandom, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { begin, durable, runPowerCuts } from '@f2fskit/testkit/power-cut';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mountF2fs } from '../src/index.ts';
import {
  CaseWorld,
  ENGINES,
  expectBytes,
  isRead,
  later,
  nameOf,
  OWNER,
  PartialSource,
  pattern,
  settle,
} from './case-world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(ENGINES)('reads, engine %s', (engine) => {
  it('R1: folios that are all hole are uptodate and unlocked, without a request', () => {
    const world = CaseWorld.stored(engine, 1);
    world.truncate(300 * BLOCK_SIZE);
    expectBytes(world.read(BLOCK_SIZE), new Uint8Array(299 * BLOCK_SIZE));
    expect(world.takeReads()).toEqual([]);
    world.expectQuiet();
    expect(world.folios().every(({ uptodate }) => uptodate)).toBe(true);
    world.expectModel();
  });

  it('R2: each block its own request, that ends at once: nothing is unlocked early', () => {
    const world = CaseWorld.stored(engine, 0);
    world.truncate(40 * BLOCK_SIZE);
    // From the last to the first: none follows on another.
    for (let block = 39; block >= 0; block--) {
      world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, block));
      runSync(world.file.writeBack());
    }
    world.drop();
    world.watch.reads.length = 0;
    expectBytes(world.read(), world.model);
    expect(world.watch.reads).toHaveLength(40);
    world.expectQuiet();
    world.expectModel();
  });

  it('R3: reserved blocks are zeros, and nobody waits for them', async () => {
    const world = CaseWorld.stored(engine, 8);
    runSync(world.file.allocate('allocate', 8 * BLOCK_SIZE, 8 * BLOCK_SIZE));
    world.resize(16 * BLOCK_SIZE);
    world.watch.holds = isRead;
    const target = new Uint8Array(16 * BLOCK_SIZE);
    const reading = world.start(world.file.read(0, target));
    await later();
    world.watch.release();
    expect(await settle(reading)).toBe(target.length);
    expectBytes(target, world.model);
    expect(world.takeReads().sort()).toEqual(Array.from({ length: 8 }, (_, block) => world.addressOf(block)).sort());
    world.expectModel();
  });

  it('R4: behind zeros the walk goes on with what follows', () => {
    const world = CaseWorld.stored(engine, 0);
    world.truncate(64 * BLOCK_SIZE);
    runSync(world.file.allocate('keepSize', 4 * BLOCK_SIZE, 4 * BLOCK_SIZE));
    runSync(world.file.allocate('keepSize', 40 * BLOCK_SIZE, 1));
    for (const block of [0, 3, 6, 9, 10, 30, 39, 41, 63]) world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, block));
    world.expectModel();
  });

  it('R5: of a folio of which some blocks are there the others are read, and counted from what is missing', () => {
    const world = CaseWorld.stored(engine, 16);
    const folio = runSync(lockFolioForWrite(world.mapping, 0, Math.min(4, world.mapping.orderMax)));
    folio.unlock();
    folio.put();
    for (const block of [2, 3, 9]) world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, block));
    expectBytes(world.read(), world.model);
    const missing = [0, 1, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];
    expect(world.takeReads()).toEqual(missing.map((block) => world.addressOf(block)));
    expect(world.dirtyBlocks()).toEqual([2, 3, 9]);
    world.expectModel();
  });

  it('R6: a folio across the end of the file is uptodate when its reads are over, with zeros behind the end', async () => {
    const world = CaseWorld.stored(engine, 8);
    world.truncate(5 * BLOCK_SIZE + 100);
    runSync(world.volume.sync());
    world.drop();
    // Of the page engine, one of a page.
    const across = runSync(lockFolioForWrite(world.mapping, 0, Math.min(3, world.mapping.orderMax)));
    across.unlock();
    across.put();
    world.watch.holds = isRead;
    const target = new Uint8Array(8 * BLOCK_SIZE);
    const reading = world.start(world.file.read(0, target));
    // Nothing is uptodate as long as something is on its way to it.
    for (let turn = 0; turn < 4; turn++) {
      await later();
      for (const folio of world.folios()) if (folio.locked) expect(folio.uptodate).toBe(false);
      world.watch.release(isRead);
    }
    world.watch.release();
    expect(await settle(reading)).toBe(5 * BLOCK_SIZE + 100);
    for (const folio of world.folios()) {
      expect([folio.index, folio.uptodate, folio.locked]).toEqual([folio.index, true, false]);
      const inside = Math.max(0, Math.min(folio.size, world.file.size - folio.position));
      expect(folio.bytes.subarray(inside).every((byte) => byte === 0)).toBe(true);
    }
    world.expectModel();
  });
});

describe.each(ENGINES)('writes, engine %s', (engine) => {
  it('R14: one-byte synchronous overwrites in a cached MiB write one block each', () => {
    const world = CaseWorld.stored(engine, 256);
    world.read();
    const file = world.open({ access: 'write', sync: 'data' });
    for (let round = 0; round < 5; round++) {
      const position = (3 + 50 * round) * BLOCK_SIZE + 5;
      world.takeWrites();
      runSync(file.writeAt(position, Uint8Array.of(round)));
      world.follow(position, Uint8Array.of(round));
      expect(world.takeWrites()).toEqual([world.addressOf(3 + 50 * round)]);
    }
    world.expectModel();
  });

  it('R15: a KiB into a cached MiB moves a KiB, and looks at the blocks that it touches', () => {
    const world = CaseWorld.stored(engine, 256);
    world.read();
    world.write(9 * BLOCK_SIZE, pattern(1024, 2));
    const bytes = pattern(1024, 3);
    const { set, fill } = Uint8Array.prototype;
    let moved = 0;
    vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, source, at) {
      moved += source.length;
      set.call(this, source, at);
    });
    vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, value, from, to) {
      moved += (to ?? this.length) - (from ?? 0);
      return fill.call(this, value, from, to);
    });
    runSync(world.file.write(9 * BLOCK_SIZE + 7, new BytesSource(bytes)));
    vi.restoreAllMocks();
    expect(moved).toBe(1024);
    world.follow(9 * BLOCK_SIZE + 7, bytes);
    expect(world.dirtyBlocks()).toEqual([9]);
    world.expectModel();
  });

  // Zeros behind what was synced: a checkpoint may know of a size before the bytes have been written back.
  it('R16: appends that race with writeback inside a block: behind a cut a size that the file had, and nothing foreign', async () => {
    const base = loadGolden('plain').device.clone();
    const bytes = pattern(40_000, 7);
    const options = {
      writable: true,
      clock: fixedClock(1_900_000_000, 0),
      random: seededRandom(1),
      bufferedIo: engine,
    };
    const report = await runPowerCuts<number, Uint8Array>({
      base,
      initial: -1,
      seed: 5,
      cuts: process.env['F2FSKIT_FULL'] === '1' ? 60 : 8,
      *scenario(device) {
        const volume = yield* mountF2fs(device, options);
        const root = yield* volume.readInode(volume.rootIno);
        const file = yield* root.create(nameOf('file'), OWNER);
        const other = yield* root.create(nameOf('other'), OWNER);
        yield* volume.sync();
        yield durable('empty', 0);
        function* append(count: number): Task<void> {
          yield* file.write('end', new BytesSource(bytes.subarray(file.size, file.size + count)));
        }
        for (let round = 0; round < 6; round++) {
          yield begin(`round ${round}`, file.size + 5000);
          yield* append(1000);
          yield* file.syncRange(file.errorCursor(), 'start', 0, Number.POSITIVE_INFINITY);
          yield* append(1500);
          // Of another file: where it is a checkpoint, that knows the new size.
          yield* other.write(0, new BytesSource(pattern(5000, round)));
          if (round % 2 === 0) yield* other.fsync(other.errorCursor(), false);
          else yield* volume.writer!.checkpoint();
          yield* append(2500);
          yield* file.fsync(file.errorCursor(), round % 2 === 1);
          yield durable(`round ${round}`, file.size);
        }
      },
      *recover(device) {
        const volume = yield* mountF2fs(device, options);
        const root = yield* volume.readInode(volume.rootIno);
        const ino = yield* root.lookup(nameOf('file'));
        if (ino === 0) return new Uint8Array(0);
        const file = yield* volume.readInode(ino);
        const found = new Uint8Array(file.size);
        yield* file.read(0, found);
        return found;
      },
      compare(found, { durable: promised, begun }) {
        const least = Math.max(0, promised.state);
        const most = Math.max(least, ...begun.map(({ state }) => state));
        const sizes = [...Array.from({ length: 7 }, (_, n) => 5000 * n)].flatMap((n) => [n, n + 1000, n + 2500]);
        if (!sizes.includes(found.length)) return { problem: `${found.length} bytes, which the file never had` };
        if (found.length < least || found.length > most) return { problem: `${found.length} bytes, not ${least}` };
        for (let at = 0; at < found.length; at++) {
          if (found[at] !== bytes[at] && (at < least || found[at] !== 0)) return { problem: `byte ${at} is foreign` };
        }
        return { matched: found.length === least ? promised.name : 'more' };
      },
    });
    expect(report.matched.size).toBeGreaterThan(2);
  });

  it('R17: a write much larger than what may be dirty, with an fsync at its end: nobody stalls', () => {
    const cache = { dirtyBytesBackground: 64 * BLOCK_SIZE, dirtyBytesMax: 128 * BLOCK_SIZE, budgetBytes: 4 << 20 };
    const world = CaseWorld.stored(engine, 0, { cache });
    let most = 0;
    for (let round = 0; round < 3; round++) {
      world.write(round * 300 * BLOCK_SIZE, pattern(600 * BLOCK_SIZE, round));
      most = Math.max(most, world.volume.cache.dirtyPages);
    }
    expect(most).toBeLessThanOrEqual(128);
    world.fsync();
    expectBytes(world.behindCut(), world.model);
    world.expectModel();
  });

  it('R18: writers of 4 KiB that sync each: nobody waits for a request that the device has not got', async () => {
    const world = CaseWorld.stored(engine, 0);
    const random = seededRandom(4);
    const { file } = world;
    world.watch.holds = () => true;
    function* writer(first: number): Task<void> {
      for (let page = first; page < 48; page += 3) {
        yield* file.write(page * PAGE_SIZE, new BytesSource(pattern(PAGE_SIZE, page)));
        yield* file.fsync(file.errorCursor(), page % 2 === 0);
      }
    }
    const writers = [0, 1, 2].map((first) => world.start(writer(first)));
    await settle(Promise.all(writers), () => world.watch.releaseSome(random), 20_000);
    world.watch.release();
    for (let page = 0; page < 48; page++) world.follow(page * PAGE_SIZE, pattern(PAGE_SIZE, page));
    expectBytes(world.behindCut(), world.model);
    world.expectModel();
    world.leave();
  });

  it('R19: the source is the memory of the file itself', () => {
    const world = CaseWorld.stored(engine, 8);
    world.read();
    const folio = world.folios()[0]!;
    world.write(0, folio.bytes);
    expectBytes(world.read(), world.model);
    const source = folio.bytes.subarray(0, PAGE_SIZE - 100);
    const expected = source.slice();
    expect(runSync(world.file.write(100, new BytesSource(source))).bytes).toBe(expected.length);
    world.follow(100, expected);
    // And into another place of it.
    const other = world.mapping.find(0)!.bytes.subarray(0, PAGE_SIZE);
    world.write(5 * PAGE_SIZE + 9, other);
    world.expectModel();
  });

  it('R20: a source that cannot be read from some byte on: what came before it counts, up to there or to the block', () => {
    for (const cold of [true, false]) {
      for (const endsAt of [1, 100, BLOCK_SIZE, BLOCK_SIZE + 100, 3 * BLOCK_SIZE + 1]) {
        const world = CaseWorld.stored(engine, 8);
        if (!cold) world.read();
        const bytes = pattern(5 * BLOCK_SIZE, 2);
        // It says that it has more than it gives.
        const source = new PartialSource(bytes, { endsAt, failure: new FsError(EIO) });
        const prepare = source.prepare.bind(source);
        let asked = 0;
        source.prepare = function* (at) {
          return asked++ === 0 ? bytes.length : yield* prepare(at);
        };
        const taken = world.write(BLOCK_SIZE, bytes, source);
        expect(taken).toBeLessThanOrEqual(endsAt);
        expect(taken).toBeGreaterThan(endsAt - BLOCK_SIZE);
        world.expectModel();
      }
    }
  });

  it('R23: the size that is recovered is that of the file, whatever folio its end is in', () => {
    const world = CaseWorld.stored(engine, 0);
    world.write(0, pattern(16 * BLOCK_SIZE, 1));
    world.fsync();
    for (const size of [16 * BLOCK_SIZE + 1, 21 * BLOCK_SIZE + 100, 40 * BLOCK_SIZE, 64 * BLOCK_SIZE - 1]) {
      const { length } = world.model;
      world.write(length, pattern(size - length, size));
      world.fsync();
      expectBytes(world.behindCut(), world.model);
    }
    // And of one that has become shorter.
    for (const size of [50 * BLOCK_SIZE + 9, 20 * BLOCK_SIZE]) {
      world.truncate(size);
      world.fsync();
      expectBytes(world.behindCut(), world.model);
    }
    world.leave();
  });

  it('R25: two open files hear of an error once each, one that is opened later does not', () => {
    const world = CaseWorld.stored(engine, 8);
    const [one, two] = [world.open({ access: 'write' }), world.open({ access: 'write' })];
    const codeOf = (file: typeof one): string => {
      try {
        runSync(file.fsync());
        return 'fine';
      } catch (error) {
        if (error instanceof FsError) return error.code;
        throw error;
      }
    };
    for (const inBackground of [false, true]) {
      world.write(3 * BLOCK_SIZE, pattern(BLOCK_SIZE, 2));
      world.faults.inject({ operation: 'write', times: 1, action: { kind: 'fail' } });
      if (inBackground) expect(() => runSync(world.file.writeBack())).toThrow(expect.objectContaining({ code: 'EIO' }));
      expect(codeOf(one)).toBe('EIO');
      world.faults.clear();
      const later = world.open({ access: 'write' });
      expect([codeOf(one), codeOf(two), codeOf(two), codeOf(later)]).toEqual(['fine', 'EIO', 'fine', 'fine']);
    }
  });
});
