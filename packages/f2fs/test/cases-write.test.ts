// Defects that a buffered write can have, each as what our write does instead, by both engines: which blocks a range touches,
// which folio a piece goes to, what is read before a partial copy, what is waited for, what an error leaves behind.
// Numbers: the list of known defects in docs/testing.md.

import { BLOCK_SIZE } from '@f2fskit/block';
import { EFAULT, EIO, FsError } from '@f2fskit/errno';
import { InlineFlag, InodeFlag, NEW_ADDRESS, RawInode } from '@f2fskit/f2fs-format';
import { IomapRequest } from '@f2fskit/iomap';
import { type Folio, lockFolioForWrite } from '@f2fskit/pagecache';
import { runSync, seededRandom, type Task } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changeInodeNode } from '../src/change-inode.ts';
import { FileMap } from '../src/file-map.ts';
import { findSlot } from '../src/names/slots.ts';
import {
  CaseWorld,
  ENGINES,
  expectBytes,
  filled,
  isRead,
  isWrite,
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

/** A folio in the cache of which nothing is uptodate; of the page engine, of one page. */
function emptyFolio({ mapping }: CaseWorld, index: number, order: number): Folio {
  const folio = runSync(lockFolioForWrite(mapping, index, Math.min(order, mapping.orderMax)));
  folio.unlock();
  folio.put();
  return folio;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe.each(ENGINES)('arithmetic, engine %s', (engine) => {
  it('D1: a write touches the blocks from that of its first byte to that of its last', () => {
    const world = CaseWorld.stored(engine, 8);
    for (const [position, length] of [
      [0, 1],
      [4095, 1],
      [4095, 2],
      [100, 3000],
      [4000, 200],
      [0, 4096],
      [1, 4096],
      [4096, 4097],
      [10, 3 * 4096],
      [7 * 4096 + 4090, 6],
    ] as const) {
      world.write(position, pattern(length, length));
      const last = Math.floor((position + length - 1) / BLOCK_SIZE);
      expect(world.dirtyBlocks()).toEqual(range(Math.floor(position / BLOCK_SIZE), last + 1));
      world.expectModel();
    }
  });

  it('D2: a piece ends with its folio, and what lies behind that is not touched', () => {
    const world = CaseWorld.stored(engine, 8);
    for (const more of [0, 1]) {
      emptyFolio(world, 0, 2);
      const next = emptyFolio(world, 4, 0);
      world.write(2 * BLOCK_SIZE, pattern(2 * BLOCK_SIZE + more, 3 + more));
      expect(world.dirtyBlocks()).toEqual(range(2, 4 + more));
      expect([next.dirty, next.uptodate]).toEqual([more === 1, more === 1]);
      world.expectModel();
    }
  });

  it('D3: a last piece of one block is written, cut, zeroed and flushed, also where another node begins with it', () => {
    const world = CaseWorld.open(engine);
    const edge = world.file.fields.addressesPerInode;
    for (const [first, blocks] of [
      [edge - 2, 3],
      [edge, 1],
      [edge - 1, 1],
    ] as const) {
      world.write(first * BLOCK_SIZE, pattern(blocks * BLOCK_SIZE, first));
      const last = first + blocks - 1;
      runSync(world.file.writeBack(last * BLOCK_SIZE, last * BLOCK_SIZE + 1));
      expect(world.addressOf(last)).not.toBe(NEW_ADDRESS);
      world.expectModel();
    }
    runSync(world.file.allocate('zero', (edge - 1) * BLOCK_SIZE + 7, BLOCK_SIZE));
    world.model.fill(0, (edge - 1) * BLOCK_SIZE + 7, edge * BLOCK_SIZE + 7);
    world.expectModel();
    world.truncate(edge * BLOCK_SIZE + 9);
    world.leave();
  });

  it('D4: positions and page numbers have more than 31 bits', () => {
    const world = CaseWorld.open(engine);
    const places = [2 ** 31 - 100, 2 ** 32 - 1, 2 ** 33 + 4095, 2 ** 40 + 5, 2 ** 41 + 2 ** 31 + 1];
    for (const [index, position] of places.entries()) {
      expect(runSync(world.file.write(position, new BytesSource(pattern(200, index)))).bytes).toBe(200);
      expect(world.file.size).toBe(position + 200);
    }
    for (const cold of [false, true]) {
      if (cold) world.drop();
      for (const [index, position] of places.entries()) {
        const expected = new Uint8Array(index === places.length - 1 ? 210 : 220);
        expected.set(pattern(200, index), 10);
        expectBytes(world.read(position - 10, 220), expected);
      }
      // What a number without its high bits would hit.
      expectBytes(world.read(0, BLOCK_SIZE), new Uint8Array(BLOCK_SIZE));
      expectBytes(world.read(2 ** 20, BLOCK_SIZE), new Uint8Array(BLOCK_SIZE));
    }
    world.expectQuiet();
  });

  it('D5: a write takes room for the blocks that it covers, and for no other', () => {
    const world = CaseWorld.open(engine);
    let blocks = 0;
    for (const [first, count, fresh] of [
      [0, 5, 5],
      [3, 4, 2],
      [20, 1, 1],
      [18, 5, 4],
    ] as const) {
      emptyFolio(world, first, 0);
      world.write(first * BLOCK_SIZE, pattern(count * BLOCK_SIZE, first));
      blocks += fresh;
      expect(world.file.attributes().blocks).toBe(8 * blocks);
      for (const block of [...range(7, 18), ...range(23, 30)]) {
        expect([block, world.addressOf(block)]).toEqual([block, 0]);
      }
      world.expectModel();
    }
  });

  it('D6: of a folio that begins before the write only what is left of it is written to', () => {
    const world = CaseWorld.stored(engine, 64);
    emptyFolio(world, 16, 4);
    expectBytes(world.read(16 * BLOCK_SIZE, 16 * BLOCK_SIZE), world.model.subarray(16 * BLOCK_SIZE, 32 * BLOCK_SIZE));
    world.write(26 * BLOCK_SIZE + 5, pattern(20 * BLOCK_SIZE, 2));
    expect(world.dirtyBlocks()).toEqual(range(26, 47));
    world.expectModel();
  });

  it('D7: a write goes to the folio of its position, whatever lies in the cache before it', () => {
    for (let cached = 0; cached < 8; cached++) {
      const world = CaseWorld.stored(engine, 8);
      const folio = emptyFolio(world, cached, 0);
      expectBytes(
        world.read(cached * BLOCK_SIZE, 10),
        world.model.subarray(cached * BLOCK_SIZE, cached * BLOCK_SIZE + 10),
      );
      world.write(3 * BLOCK_SIZE + 100, pattern(2 * BLOCK_SIZE, 2));
      expect([cached, folio.dirty]).toEqual([cached, cached >= 3 && cached <= 5]);
      expect(world.dirtyBlocks()).toEqual([3, 4, 5]);
      world.expectModel();
    }
  });
});

describe.each(ENGINES)('what comes before the copy, engine %s', (engine) => {
  it('D8: an edge that cannot be read is an error at once, and nothing is locked, held or dirty behind it', () => {
    for (const [position, length, bad] of [
      [100, 200, 0],
      [BLOCK_SIZE, 10, 1],
      [3 * BLOCK_SIZE - 1, 1, 2],
    ] as const) {
      const world = CaseWorld.stored(engine, 4);
      const start = world.addressOf(bad) * BLOCK_SIZE;
      world.faults.inject({ operation: 'read', range: { start, end: start + BLOCK_SIZE }, action: { kind: 'fail' } });
      expect(() => world.write(position, pattern(length, 2))).toThrow(expect.objectContaining({ code: 'EIO' }));
      expect(world.takeReads()).toEqual([world.addressOf(bad)]);
      expect(world.dirtyBlocks()).toEqual([]);
      world.expectQuiet();
      world.faults.clear();
      world.expectModel();
    }
  });

  it('D9: a slot that is damaged is damage, and not a hole or a block', () => {
    const world = CaseWorld.stored(engine, 4);
    const slot = runSync(findSlot(world.writer, world.file.raw, 2))!;
    const view = runSync(world.writer.store.readInodeNode(world.file.raw)).view;
    view.setUint32(slot.byte, 5, true);
    runSync(changeInodeNode(world.writer, world.file.ino, (changed) => RawInode.size.set(changed, 0, world.file.size)));
    world.takeWrites();
    expect(() => world.write(2 * BLOCK_SIZE + 5, pattern(10, 2))).toThrow(
      expect.objectContaining({ code: 'EUCLEAN', kind: 'blockAddress' }),
    );
    expect(world.dirtyBlocks()).toEqual([]);
    world.expectQuiet();
    expect(world.takeWrites()).toEqual([]);
  });

  it('D10: what a block needs is decided by what it holds, not by the position: an append keeps what comes before it', () => {
    const world = CaseWorld.stored(engine, 4);
    for (const [size, gap] of [
      [3 * BLOCK_SIZE + 100, 0],
      [2 * BLOCK_SIZE + 4000, 50],
      [BLOCK_SIZE + 1, 3000],
    ] as const) {
      world.truncate(size);
      world.drop();
      world.write(size + gap, pattern(20, 3));
      world.expectModel();
    }
  });

  it('D11: a writer waits until what it writes to is not on its way any more', async () => {
    const world = CaseWorld.stored(engine, 4);
    world.write(BLOCK_SIZE, pattern(BLOCK_SIZE, 2));
    world.watch.holds = isWrite;
    const flushing = world.start(world.file.writeBack());
    await later();
    expect(world.mapping.find(1)!.writeback).toBe(true);
    let over = false;
    for (const [position, length] of [
      [BLOCK_SIZE, BLOCK_SIZE],
      [BLOCK_SIZE + 3, 10],
    ] as const) {
      const bytes = pattern(length, 3);
      over = false;
      const writing = world.start(world.file.write(position, new BytesSource(bytes))).then(() => {
        over = true;
      });
      for (let turn = 0; turn < 5; turn++) await later();
      if (position === BLOCK_SIZE) {
        expect(over).toBe(false);
        world.watch.release();
        await settle(flushing);
      }
      await settle(writing);
      world.follow(position, bytes);
    }
    world.expectModel();
  });

  it('D12: a read that failed leaves a block that is not there: not to a writer, nor to who writes it back', () => {
    const world = CaseWorld.stored(engine, 16);
    const bad = world.addressOf(5);
    world.faults.inject({
      operation: 'read',
      range: { start: bad * BLOCK_SIZE, end: (bad + 1) * BLOCK_SIZE },
      action: { kind: 'fail' },
    });
    expect(() => world.read()).toThrow(expect.objectContaining({ code: 'EIO' }));
    for (const position of [5 * BLOCK_SIZE + 9, 6 * BLOCK_SIZE - 1]) {
      expect(() => world.write(position, pattern(1, 2))).toThrow(expect.objectContaining({ code: 'EIO' }));
    }
    world.write(4 * BLOCK_SIZE + 9, pattern(10, 2));
    world.write(6 * BLOCK_SIZE + 9, pattern(10, 2));
    world.takeWrites();
    world.fsync(true);
    expect(world.takeWrites()).not.toContain(bad);
    world.faults.clear();
    world.expectModel();
    // Covered whole it is not read, and so nothing is wrong with it.
    world.faults.inject({ operation: 'read', action: { kind: 'fail' } });
    world.write(5 * BLOCK_SIZE, pattern(BLOCK_SIZE, 3));
    world.faults.clear();
    world.expectModel();
  });

  it('D14: each operation asks with its own request', () => {
    const world = CaseWorld.stored(engine, 4);
    const begin = vi.spyOn(FileMap.prototype, 'begin');
    const requests = (body: () => unknown): number[] => {
      begin.mockClear();
      body();
      return [...new Set(begin.mock.calls.map(([, , request]) => request))];
    };
    expect(requests(() => world.write(10, pattern(10, 2)))).toEqual([0]);
    expect(requests(() => world.read(2 * BLOCK_SIZE, 10))).toEqual([0]);
    expect(requests(() => runSync(world.file.seek(0, 'hole')))).toEqual([IomapRequest.REPORT]);
    expect(requests(() => runSync(world.file.extents(0, 10).next()))).toEqual([IomapRequest.REPORT]);
    world.drop();
    expect(requests(() => world.truncate(4 * BLOCK_SIZE - 5))).toEqual([IomapRequest.ZERO, 0]);
    const direct = engine === 'page' ? [] : [IomapRequest.WRITE | IomapRequest.DIRECT];
    const bytes = pattern(BLOCK_SIZE, 4);
    expect(requests(() => runSync(world.file.writeDirect(0, new BytesSource(bytes))))).toEqual(direct);
    world.follow(0, bytes);
    world.expectModel();
  });

  it('D19: a hole, a reserved block and what lies behind the end are zeros around a partial copy', () => {
    const world = CaseWorld.stored(engine, 2);
    world.truncate(40 * BLOCK_SIZE);
    runSync(world.file.allocate('allocate', 10 * BLOCK_SIZE, 4 * BLOCK_SIZE));
    runSync(world.file.allocate('keepSize', 40 * BLOCK_SIZE, 4 * BLOCK_SIZE));
    // Memory that held something else.
    expectBytes(world.read(0, 2 * BLOCK_SIZE), world.model.subarray(0, 2 * BLOCK_SIZE));
    world.drop();
    for (const block of [5, 10, 13, 20, 39, 41, 60]) {
      world.write(block * BLOCK_SIZE + 1000, pattern(100, block));
      world.expectModel();
      world.write((block + 1) * BLOCK_SIZE - 7, pattern(14, block));
      world.expectModel();
    }
    world.leave();
  });

  it('D22: a folio that covers much of the range is locked once, and let go', () => {
    const world = CaseWorld.stored(engine, 64);
    emptyFolio(world, 0, 6);
    world.read();
    world.write(5, pattern(64 * BLOCK_SIZE - 10, 2));
    world.expectQuiet();
    world.write(0, pattern(64 * BLOCK_SIZE, 3));
    world.expectModel();
  });

  it('D25: the blocks at both edges are whole, also where folios are smaller than the range', () => {
    for (const cached of [[], [0], [1], [2], [0, 1, 2], [1, 3]]) {
      const world = CaseWorld.stored(engine, 8);
      for (const index of cached) emptyFolio(world, index, 0);
      world.write(BLOCK_SIZE + 50, pattern(2 * BLOCK_SIZE, 2));
      expect(world.takeReads()).toEqual([world.addressOf(1), world.addressOf(3)]);
      world.expectModel();
    }
  });

  it('D27: blocks that are covered whole are not read', () => {
    const world = CaseWorld.stored(engine, 64);
    world.write(3 * BLOCK_SIZE, pattern(40 * BLOCK_SIZE, 2));
    expect(world.takeReads()).toEqual([]);
    world.drop();
    world.write(3 * BLOCK_SIZE - 1, pattern(40 * BLOCK_SIZE + 2, 3));
    expect(world.takeReads()).toHaveLength(2);
    world.expectModel();
  });
});

describe.each(ENGINES)('waiting and counting, engine %s', (engine) => {
  it('D15: the edge of a folio of one page is waited for as well, and its lock is let go once', async () => {
    for (const [position, length] of [
      [BLOCK_SIZE + 10, 20],
      [10, 3 * BLOCK_SIZE],
    ] as const) {
      const world = CaseWorld.stored(engine, 8);
      world.watch.holds = isRead;
      const bytes = pattern(length, 2);
      let over = false;
      const writing = world.start(world.file.write(position, new BytesSource(bytes))).then(() => {
        over = true;
      });
      const folio = (): Folio => world.mapping.find(Math.floor(position / BLOCK_SIZE))!;
      for (let turn = 0; turn < 5; turn++) await later();
      expect([over, folio().locked, folio().dirty]).toEqual([false, true, false]);
      world.watch.release();
      await settle(writing);
      world.follow(position, bytes);
      world.expectModel();
    }
  });

  it.each([
    ['one edge', BLOCK_SIZE + 10, 20, 1],
    ['two edges', 10, 3 * BLOCK_SIZE, 2],
    ['none', BLOCK_SIZE, 2 * BLOCK_SIZE, 0],
  ] as const)('D16: %s: one wait for each read, ended by that read', (_what, position, length, waits) => {
    const world = CaseWorld.stored(engine, 8);
    world.watch.holds = isRead;
    const bytes = pattern(length, 2);
    const task = world.file.write(position, new BytesSource(bytes));
    let seen = 0;
    for (let step = task.next(); !step.done; step = task.next()) {
      if (step.value.done) continue;
      expect(++seen).toBeLessThanOrEqual(waits);
      world.watch.release(isRead);
      expect(step.value.done).toBe(true);
    }
    expect(seen).toBe(waits);
    world.watch.release();
    world.follow(position, bytes);
    world.expectModel();
  });

  it.each([1, 2])('D17: what was not copied is not seen, whatever a source gives, seed %i', (seed) => {
    const random = seededRandom(seed);
    const world = CaseWorld.stored(engine, 8);
    for (let round = 0; round < 12; round++) {
      if (random.chance(0.5)) world.drop();
      const position = random.below(10 * BLOCK_SIZE);
      const bytes = pattern(1 + random.below(6 * BLOCK_SIZE), round);
      const copyOf = (_at: number, length: number): number => (random.chance(0.5) ? length : random.below(length + 1));
      const endsAt = random.chance(0.4) ? random.below(bytes.length) : Number.POSITIVE_INFINITY;
      const source = new PartialSource(bytes, { copyOf, endsAt, failure: new FsError(EFAULT) });
      try {
        expect(world.write(position, bytes, source)).toBeLessThanOrEqual(Math.min(endsAt, bytes.length));
      } catch (error) {
        if (!(error instanceof FsError) || !['EFAULT', 'EIO'].includes(error.code)) throw error;
      }
      expectBytes(world.read(), world.model);
      world.expectModel();
    }
    world.leave();
  });

  it('D18: what is known of the blocks of a folio stands while others of it are read', async () => {
    const world = CaseWorld.stored(engine, 16);
    emptyFolio(world, 0, 4);
    world.write(3 * BLOCK_SIZE, pattern(BLOCK_SIZE, 2));
    world.watch.holds = isRead;
    const target = new Uint8Array(BLOCK_SIZE);
    const reading = world.start(world.file.read(10 * BLOCK_SIZE, target));
    await later();
    // Of the folio that is being filled, what is there can be seen.
    const own = new Uint8Array(BLOCK_SIZE);
    expect(world.file.peekRead(3 * BLOCK_SIZE, own)).toBe(BLOCK_SIZE);
    expectBytes(own, pattern(BLOCK_SIZE, 2));
    world.watch.release();
    await settle(reading);
    expectBytes(target, world.model.subarray(10 * BLOCK_SIZE, 11 * BLOCK_SIZE));
    expect(world.dirtyBlocks()).toEqual([3]);
    world.expectModel();
  });
});

describe.each(ENGINES)('locks and lifetimes, engine %s', (engine) => {
  it('D20: where a source is asked and where writers are slowed down, nothing is locked or held', () => {
    const cache = { dirtyBytesBackground: 16 * BLOCK_SIZE, dirtyBytesMax: 32 * BLOCK_SIZE };
    const world = CaseWorld.stored(engine, 16, { cache });
    const bytes = pattern(100 * BLOCK_SIZE, 2);
    let looks = 0;
    const look = (): void => {
      looks++;
      const held = world.folios().filter(({ locked, references }) => locked || references > 0);
      if (held.length > 0) throw new Error(`folio ${held[0]!.index} is locked or held`);
      // The source may be what is written to.
      runSync(world.file.read(5 * BLOCK_SIZE, new Uint8Array(100)));
    };
    const throttle = vi.spyOn(world.writer.flusher, 'throttle').mockImplementation(() => {
      look();
      runSync(world.file.writeBack());
      return undefined;
    });
    const source = new PartialSource(bytes, {
      look,
      copyOf: (at, length) => (at % 7 === 0 ? length : Math.max(1, length - 1)),
    });
    expect(world.write(10, bytes, source)).toBe(bytes.length);
    expect(looks).toBeGreaterThan(1);
    expect(throttle).toHaveBeenCalled();
    throttle.mockRestore();
    world.expectModel();
  });

  it.each([0, 10, 3 * BLOCK_SIZE + 10])(
    'D21: a source that fails at byte %i leaves nothing locked, and no room taken behind what was written',
    (endsAt) => {
      for (const failure of [new FsError(EIO), new Error('bug')]) {
        const world = CaseWorld.open(engine);
        const { validBlocks } = world.writer.space;
        const bytes = pattern(20 * BLOCK_SIZE, 2);
        const source = new PartialSource(bytes, { endsAt, failure });
        const thrown = endsAt === 0 || !(failure instanceof FsError);
        if (thrown) expect(() => world.write(0, bytes, source)).toThrow(failure.message);
        else expect(world.write(0, bytes, source)).toBe(endsAt);
        world.model = bytes.slice(0, endsAt);
        const blocks = Math.ceil(endsAt / BLOCK_SIZE);
        expect([world.file.size, world.file.attributes().blocks]).toEqual([endsAt, 8 * blocks]);
        expect(world.writer.space.validBlocks - validBlocks).toBe(blocks);
        world.expectQuiet();
        world.write(endsAt, pattern(BLOCK_SIZE, 3));
        world.expectModel();
      }
    },
  );

  it('D24: an error comes when nothing of the write is under way any more', async () => {
    const world = CaseWorld.stored(engine, 8);
    for (const after of [0, 1]) {
      world.drop();
      world.watch.holds = isRead;
      world.faults.inject({ operation: 'read', after, times: 1, action: { kind: 'fail' } });
      const bytes = pattern(BLOCK_SIZE, 2);
      let over = false;
      const writing = world.start(world.file.write(10, new BytesSource(bytes))).finally(() => {
        over = true;
      });
      writing.catch(() => {});
      for (let edge = 0; edge <= after; edge++) {
        for (let turn = 0; turn < 5; turn++) await later();
        expect([over, world.watch.inFlight]).toEqual([false, 1]);
        world.watch.release(isRead);
      }
      if (engine === 'page' && after === 1) {
        // Its first page is there by then.
        expect((await settle(writing)).bytes).toBe(BLOCK_SIZE - 10);
        world.follow(10, bytes.subarray(0, BLOCK_SIZE - 10));
      } else await expect(settle(writing)).rejects.toMatchObject({ code: 'EIO' });
      world.expectQuiet();
      world.watch.release();
      world.faults.clear();
      world.expectModel();
    }
  });
});

describe.each(ENGINES)('what a write means, engine %s', (engine) => {
  it('D26: the blocks that are not written keep their places and their contents', () => {
    const world = CaseWorld.stored(engine, 32);
    emptyFolio(world, 0, 5);
    world.read();
    const before = range(0, 32).map((block) => world.addressOf(block));
    world.write(9 * BLOCK_SIZE + 5, pattern(2 * BLOCK_SIZE, 2));
    expect(world.dirtyBlocks()).toEqual([9, 10, 11]);
    const { validBlocks } = world.writer.space;
    runSync(world.volume.sync());
    const moved = range(0, 32).filter((block) => world.addressOf(block) !== before[block]);
    expect(moved).toEqual([9, 10, 11]);
    expect(world.writer.space.validBlocks).toBe(validBlocks);
    world.expectModel();
    world.leave();
  });

  it('D28: each check is made before anything is changed: space, rights, form, state, room', () => {
    const world = CaseWorld.stored(engine, 4);
    const refused = (code: string): void => {
      expect(() => world.write(0, pattern(BLOCK_SIZE, 2))).toThrow(expect.objectContaining({ code }));
      expect([world.dirtyBlocks(), world.takeReads()]).toEqual([[], []]);
      world.expectQuiet();
    };
    const change = (body: (view: DataView) => void): void => {
      runSync(world.writer.operation(changeInodeNode(world.writer, world.file.ino, body)));
    };
    for (const [bits, code] of [
      [InodeFlag.immutable, 'EPERM'],
      [InodeFlag.append, 'EPERM'],
    ] as const) {
      const { flags } = world.file.fields;
      change((view) => RawInode.flags.set(view, 0, flags | bits));
      refused(code);
      change((view) => RawInode.flags.set(view, 0, flags));
    }
    const { inlineFlags } = world.file.fields;
    change((view) => RawInode.inlineFlags.set(view, 0, inlineFlags | InlineFlag.compressReleased));
    refused('EPERM');
    change((view) => RawInode.inlineFlags.set(view, 0, inlineFlags));
    world.expectModel();

    // Space: what fits is written, what does not is not begun.
    const { space } = world.writer;
    const free = vi.spyOn(space, 'blocksFree', 'get').mockReturnValue(0);
    expect(() => world.write(50 * BLOCK_SIZE, pattern(10, 2))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    world.write(BLOCK_SIZE, pattern(10, 2));
    free.mockRestore();
    world.expectModel();

    // Room is made before the first block is reserved, with nothing locked.
    const balance = vi.spyOn(world.writer, 'balance');
    world.write(60 * BLOCK_SIZE, pattern(10, 2));
    expect(balance).toHaveBeenCalled();
    world.expectModel();

    // Contents in the inode.
    const small = runSync(runSync(world.volume.readInode(world.volume.rootIno)).create(nameOf('small'), OWNER));
    runSync(small.write(0, new BytesSource(filled(100, 1))));
    expect(small.fields.inlineFlags & InlineFlag.data).not.toBe(0);
    runSync(small.write(5000, new BytesSource(filled(100, 1))));
    expect(small.fields.inlineFlags & InlineFlag.data).toBe(0);

    // A volume that must not be written to any more takes nothing that needs a change of it.
    world.writer.abandon(new Error('test'));
    expect(() => world.write(70 * BLOCK_SIZE, pattern(10, 2))).toThrow(expect.objectContaining({ code: 'EROFS' }));
    world.expectQuiet();
  });

  it('D29: what has no place on the device is never read from it', () => {
    const world = CaseWorld.open(engine);
    runSync(world.file.allocate('allocate', 0, 16 * BLOCK_SIZE));
    world.resize(16 * BLOCK_SIZE);
    world.write(5 * BLOCK_SIZE + 9, pattern(20, 2));
    world.takeReads();
    expectBytes(world.read(), world.model);
    world.write(7 * BLOCK_SIZE - 1, pattern(3, 3));
    expect(world.takeReads()).toEqual([]);
    world.drop();
    world.takeReads();
    expectBytes(world.read(), world.model);
    // What was written has a place now, and nothing else.
    expect(world.takeReads().sort()).toEqual([5, 6, 7].map((block) => world.addressOf(block)).sort());
    world.expectModel();
  });

  it.each(['data', 'all'] as const)(
    'D30: O_SYNC (%s) knows what leads to the bytes: also of new blocks they are durable',
    (sync) => {
      const world = CaseWorld.stored(engine, 4);
      const file = world.open({ access: 'write', sync });
      for (const [position, length] of [
        [2 * BLOCK_SIZE, 10],
        [4 * BLOCK_SIZE, 5000],
        [9 * BLOCK_SIZE + 7, 100],
        [2000 * BLOCK_SIZE, BLOCK_SIZE],
      ] as const) {
        const bytes = pattern(length, position);
        expect(runSync(file.writeAt(position, bytes))).toBe(length);
        world.follow(position, bytes);
        expectBytes(world.behindCut(), world.model);
      }
      world.expectModel();
    },
  );

  it('D31: mappings that are asked for at once do not get into each other', async () => {
    const world = CaseWorld.open(engine, { cache: { budgetBytes: 1 << 20 } });
    const edge = world.file.fields.addressesPerInode;
    const blocks = [0, 3, edge - 1, edge, edge + 7, 3000, 3001];
    for (const block of blocks) world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, block));
    runSync(world.volume.sync());
    world.drop();
    world.watch.holds = isRead;
    const tasks: Promise<void>[] = [];
    for (const block of [...blocks, 1, edge + 2, 2999]) {
      // Nodes are read again: so each mapping waits.
      world.writer.store.nodes.dropUnused();
      const target = new Uint8Array(BLOCK_SIZE);
      tasks.push(
        world.start(
          (function* (): Task<void> {
            yield* world.file.read(block * BLOCK_SIZE, target);
            expectBytes(target, world.model.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE));
          })(),
        ),
      );
    }
    const hole = world.start(world.file.seek(0, 'hole'));
    const data = world.start(world.file.seek(BLOCK_SIZE, 'data'));
    for (let turn = 0; turn < 20; turn++) {
      await later();
      world.watch.release(isRead);
    }
    world.watch.release();
    await settle(Promise.all(tasks));
    expect(await settle(Promise.all([hole, data]))).toEqual([BLOCK_SIZE, 3 * BLOCK_SIZE]);
    world.faults.clear();
    world.expectModel();
  });
});
