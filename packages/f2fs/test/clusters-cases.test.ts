// Defects that a buffered write into compressed clusters can have, each as what ours does instead: by both engines, with clusters
// tiled by small folios, in folios of their own and in larger ones. Numbers: the list of known defects in docs/testing.md, and
// the invariants I-50 to I-58.

import { BLOCK_SIZE } from '@f2fskit/block';
import { EFAULT, EIO, FsError } from '@f2fskit/errno';
import { COMPRESS_ADDRESS, InlineFlag, InodeFlag, NEW_ADDRESS, RawInode } from '@f2fskit/f2fs-format';
import { runSync, seededRandom, type Task } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changeInodeNode } from '../src/change-inode.ts';
import { expectBytes, isRead, later, PartialSource, settle } from './case-world.ts';
import { BLOCKS, CLUSTER, ClusterCase, codeOf, noise, pattern, range, SIZES, text } from './cluster-case-world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const FULL = process.env['F2FSKIT_FULL'] === '1';

describe.each(SIZES)('engine %s, folios up to order %i, %s encoder', (engine, orderMax, encoder) => {
  const size = [engine, orderMax, encoder] as const;
  const tiled = engine === 'page' || orderMax < 2;

  it('D7, D25: a write goes to the folio of its position, and its cluster is whole, whatever of it is cached', () => {
    for (let cached = 0; cached < 2 ** BLOCKS; cached += FULL ? 1 : 6) {
      const each = ClusterCase.stored(size, 2);
      each.allowTiles();
      for (let block = 0; block < BLOCKS; block++) {
        if ((cached & (1 << block)) === 0) continue;
        each.emptyFolio(BLOCKS + block, 0);
        if (block % 2 === 0) each.world.read(CLUSTER + block * BLOCK_SIZE, 10);
      }
      each.world.write(CLUSTER + 2 * BLOCK_SIZE + 100, pattern(BLOCK_SIZE + 50, 2));
      expect(each.world.dirtyBlocks()).toEqual(range(BLOCKS, 2 * BLOCKS));
      each.expectModel();
    }
  });

  it('D8: where there is no room for a folio of a cluster, everything is given up until there is', () => {
    for (let failing = 0; failing < (tiled ? 4 : 1); failing++) {
      const each = ClusterCase.stored(size, 3);
      const { mapping, file, volume } = each.world;
      const create = mapping.create.bind(mapping);
      let calls = 0;
      const waited = vi.spyOn(volume.cache, 'waitForRoom').mockImplementation(function* (): Task<void> {
        expect(each.world.folios().filter(({ locked, references }) => locked || references > 0)).toEqual([]);
        expect(file.pages().clusterLocks.holders).toBe(0);
      });
      mapping.create = (index, order) => {
        if (calls++ === failing) return undefined;
        return create(index, order);
      };
      each.world.write(CLUSTER + 5, pattern(100, 2));
      if (calls > failing) expect(waited).toHaveBeenCalled();
      vi.restoreAllMocks();
      mapping.create = create;
      each.expectModel();
    }
  });

  it('D9: damage in the slots of a cluster is neither "compressed" nor "plain": nothing is written, nothing changes', () => {
    for (const damage of [
      (each: ClusterCase) => each.putSlot(BLOCKS + 1, NEW_ADDRESS),
      (each: ClusterCase) => each.putSlot(BLOCKS + 2, COMPRESS_ADDRESS),
      (each: ClusterCase) => each.putSlot(BLOCKS + 1, 7),
    ]) {
      const each = ClusterCase.stored(size, 3);
      damage(each);
      for (const [position, length] of [
        [CLUSTER + 10, 10],
        [CLUSTER, CLUSTER],
        [2 * CLUSTER - 5, 5],
      ] as const) {
        expect(codeOf(() => each.world.write(position, pattern(length, 2)))).toBe('EUCLEAN');
      }
      expect(codeOf(() => runSync(each.world.file.truncate(CLUSTER + 7)))).toBe('EUCLEAN');
      expect([each.world.dirtyBlocks(), each.sent, each.world.file.size]).toEqual([[], [], 3 * CLUSTER]);
      each.expectQuiet();
      // What comes before the damage is written, also by a write that reaches it: short.
      expect(each.world.write(10, pattern(CLUSTER, 3))).toBe(CLUSTER - 10);
      runSync(each.world.file.writeBack());
      each.world.write(2 * CLUSTER + 10, pattern(50, 3));
      runSync(each.world.file.writeBack());
      expectBytes(each.world.read(0, CLUSTER), each.world.model.subarray(0, CLUSTER));
      expectBytes(each.world.read(2 * CLUSTER), each.world.model.subarray(2 * CLUSTER));
    }
  });

  it('D10, R21: what a cluster holds decides what a write at or behind the end of the file needs', () => {
    for (const [cut, gap] of [
      [CLUSTER + 2 * BLOCK_SIZE, 0],
      [CLUSTER + 100, 2 * BLOCK_SIZE],
      [2 * CLUSTER - 1, 1],
    ] as const) {
      for (const cold of [true, false]) {
        const each = ClusterCase.stored(size, 3);
        if (!cold) each.world.read();
        each.world.truncate(cut);
        if (cold) each.world.drop();
        expect(each.classOf(1)).toBe('compressed');
        each.world.write(cut + gap, pattern(300, 2));
        expectBytes(each.world.read(), each.world.model);
        each.expectModel();
        each.world.leave();
      }
    }
  });

  it('D11, I-55: a cluster that is compressed, or becomes plain, behind the back of a write is treated as what it is', () => {
    for (const [before, dirty] of [
      [text, range(BLOCKS, 2 * BLOCKS)],
      [noise, [BLOCKS + 1]],
    ] as const) {
      const each = ClusterCase.stored(size, 3);
      const { world } = each;
      if (before === text) {
        world.write(CLUSTER, noise(CLUSTER, 2));
        runSync(world.file.writeBack());
      }
      world.write(CLUSTER, before(CLUSTER, 3));
      // Where the source is asked anything may happen.
      const bytes = pattern(20, 4);
      const source = new PartialSource(bytes, { look: () => runSync(world.file.writeBack()) });
      world.write(CLUSTER + BLOCK_SIZE + 9, bytes, source);
      expect(each.classOf(1)).toBe(before === text ? 'compressed' : 'plain');
      expect(world.dirtyBlocks()).toEqual(dirty);
      each.expectModel();
    }
  });

  it('D12, I-58: a payload of which a part cannot be read leaves nothing that looks as if it had been', () => {
    for (const part of [0, 1]) {
      const each = ClusterCase.stored(size, 3);
      const bad = each.payloadOf(1)[part]! * BLOCK_SIZE;
      each.world.faults.inject({
        operation: 'read',
        range: { start: bad, end: bad + BLOCK_SIZE },
        action: { kind: 'fail' },
      });
      const before = each.payloadOf(1);
      for (const position of [CLUSTER + 5, CLUSTER + 3 * BLOCK_SIZE, 2 * CLUSTER - 1]) {
        expect(codeOf(() => each.world.write(position, pattern(1, 2)))).toBe('EIO');
        expect(each.world.dirtyBlocks()).toEqual([]);
        each.expectQuiet();
      }
      for (const folio of each.world.folios()) {
        for (let block = 0; block < folio.pages; block++) {
          if (Math.floor((folio.index + block) / BLOCKS) !== 1) continue;
          expect(folio.isUptodate(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)).toBe(false);
        }
      }
      runSync(each.world.file.writeBack());
      expect([each.sent, each.payloadOf(1)]).toEqual([[], before]);
      each.world.faults.clear();
      each.world.write(CLUSTER + 5, pattern(10, 2));
      each.expectModel();
    }
  });

  it('D13: each cluster of a write has its own context, and what it took goes back', () => {
    const each = ClusterCase.stored(size, 12);
    const whole = each.world.model.length;
    for (let round = 0; round < 4; round++) {
      each.forget();
      each.world.write(5 + round, pattern(whole - 20, round));
      runSync(each.world.file.writeBack());
      expect(each.sent.map(({ cluster }) => cluster)).toEqual(range(0, 12));
      expectBytes(each.world.read(), each.world.model);
      each.world.drop();
    }
    each.expectModel();
    each.world.leave();
  });

  it('D15: a writer waits for what its cluster is read from, and each lock is let go once', async () => {
    for (const position of [CLUSTER, CLUSTER + BLOCK_SIZE + 10, 2 * CLUSTER - 1]) {
      const each = ClusterCase.stored(size, 3);
      const { world } = each;
      world.watch.holds = isRead;
      const bytes = pattern(20, 2).subarray(0, Math.min(20, 2 * CLUSTER - position));
      let over = false;
      const writing = world.start(world.file.write(position, new BytesSource(bytes))).then(() => {
        over = true;
      });
      for (let turn = 0; turn < 5; turn++) await later();
      const own = world.folios().filter(({ index, endIndex }) => index < 2 * BLOCKS && endIndex > BLOCKS);
      expect([over, own.every(({ locked, dirty, uptodate }) => locked && !dirty && !uptodate)]).toEqual([false, true]);
      world.watch.release();
      await settle(writing);
      world.follow(position, bytes);
      each.expectModel();
    }
  });

  it('D16: one wait for each read, ended by it; the first and the last cluster of a folio are read together', () => {
    const each = ClusterCase.stored(size, 8);
    const { world } = each;
    world.watch.holds = isRead;
    const bytes = pattern(5 * CLUSTER, 2);
    const task = world.file.write(100, new BytesSource(bytes));
    let waits = 0;
    for (let step = task.next(); !step.done; step = task.next()) {
      if (step.value.done) continue;
      waits++;
      world.watch.release(isRead);
      expect(step.value.done).toBe(true);
    }
    world.watch.release();
    // A tile or a page never covers a cluster: each is read when it is come to.
    expect(waits).toBe(tiled ? 6 : orderMax === 9 ? waits : 2);
    if (!tiled) expect(waits).toBeLessThanOrEqual(2);
    world.follow(100, bytes);
    each.expectModel();
  });

  it.each(FULL ? range(1, 30) : [1, 2])(
    'D17, R20: what was not copied is not seen, whatever a source gives, seed %i',
    (seed) => {
      const random = seededRandom(seed);
      const each = ClusterCase.stored(size, 4);
      const { world } = each;
      for (let round = 0; round < 10; round++) {
        if (random.chance(0.6)) world.drop();
        const aligned = random.chance(0.5);
        const position = aligned ? random.below(5) * CLUSTER : random.below(5 * CLUSTER);
        const bytes = pattern(aligned ? (1 + random.below(3)) * CLUSTER : 1 + random.below(3 * CLUSTER), round);
        const copyOf = (_at: number, length: number): number =>
          random.chance(0.5) ? length : random.below(length + 1);
        const endsAt = random.chance(0.4) ? random.below(bytes.length) : Number.POSITIVE_INFINITY;
        const source = new PartialSource(bytes, { copyOf, endsAt, failure: new FsError(EFAULT) });
        try {
          expect(world.write(position, bytes, source)).toBeLessThanOrEqual(Math.min(endsAt, bytes.length));
        } catch (error) {
          if (!(error instanceof FsError) || !['EFAULT', 'EIO'].includes(error.code)) throw error;
        }
        expectBytes(world.read(), world.model);
        if (random.chance(0.5)) each.expectModel();
      }
      each.expectModel();
      world.leave();
    },
  );

  it('R20: a source that ends inside a cluster that is covered whole: what counts ends before it, or in what was there', () => {
    const ends = [1, 2 * BLOCK_SIZE + 5, 2 * CLUSTER + BLOCK_SIZE];
    for (const cached of ['nothing', 'all', 'some'] as const) {
      for (const endsAt of ends) {
        for (const gone of cached === 'all' ? [false] : [false, true]) {
          const each = ClusterCase.stored(size, 5);
          if (cached === 'all') each.world.read();
          if (cached === 'some') runSync(each.world.file.dirtyRange(CLUSTER + BLOCK_SIZE, 10, () => {}));
          const bytes = pattern(3 * CLUSTER, 2);
          const source = new PartialSource(bytes, { endsAt, failure: new FsError(EIO) });
          // It says that it has everything, once; then it has the rest of that, or nothing.
          const prepare = source.prepare.bind(source);
          let asked = 0;
          source.prepare = function* (at) {
            if (asked++ === 0) return bytes.length;
            if (gone) throw new FsError(EIO);
            return yield* prepare(at);
          };
          let taken = 0;
          try {
            taken = each.world.write(CLUSTER, bytes, source);
          } catch (error) {
            if (!(error instanceof FsError) || error.code !== 'EIO') throw error;
          }
          expect(taken).toBeLessThanOrEqual(endsAt);
          expectBytes(each.world.read(), each.world.model);
          each.expectModel();
        }
      }
    }
  });

  it('D18: what is known of the blocks of a cluster stands while its others are read', () => {
    const each = ClusterCase.stored(size, 3);
    const { world } = each;
    each.allowTiles();
    const bytes = pattern(BLOCK_SIZE, 5);
    runSync(world.file.dirtyRange(CLUSTER + BLOCK_SIZE, BLOCK_SIZE, (memory) => memory.set(bytes)));
    world.follow(CLUSTER + BLOCK_SIZE, bytes);
    // One block is newer than the medium; a write of another makes the cluster whole around it (I-11).
    world.write(CLUSTER + 3 * BLOCK_SIZE + 5, pattern(10, 6));
    expect(world.dirtyBlocks()).toEqual(range(BLOCKS, 2 * BLOCKS));
    expectBytes(world.read(), world.model);
    each.expectModel();
  });

  it('D19: holes, plain clusters and what is behind the end, between compressed ones, are what they were', () => {
    const each = ClusterCase.stored(size, 2);
    const { world } = each;
    world.truncate(6 * CLUSTER);
    world.write(3 * CLUSTER + 9, pattern(20, 3));
    world.write(4 * CLUSTER, noise(CLUSTER, 3));
    world.write(5 * CLUSTER, text(CLUSTER, 3));
    world.truncate(6 * CLUSTER - BLOCK_SIZE - 7);
    runSync(world.volume.sync());
    world.drop();
    expect(each.classes()).toEqual(['compressed', 'compressed', 'hole', 'plain', 'plain', expect.any(String)]);
    for (const [position, length] of [
      [CLUSTER + 100, 5 * CLUSTER - 300],
      [2 * CLUSTER + 5, 10],
      [5 * CLUSTER + 1, 1],
      [6 * CLUSTER - BLOCK_SIZE, 20],
    ] as const) {
      world.write(position, pattern(length, length));
      expectBytes(world.read(), world.model);
      each.expectModel();
    }
    world.leave();
  });

  it('D20, I-23: where a source is asked and where writers are slowed down nothing is locked or held, no cluster either', () => {
    const cache = { dirtyBytesBackground: 16 * BLOCK_SIZE, dirtyBytesMax: 32 * BLOCK_SIZE };
    const each = ClusterCase.stored(size, 8, { cache });
    const { world } = each;
    let looks = 0;
    const look = (): void => {
      looks++;
      expect(world.file.pages().clusterLocks.holders).toBe(0);
      const held = world.folios().filter(({ locked, references }) => locked || references > 0);
      if (held.length > 0) throw new Error(`folio ${held[0]!.index} is locked or held`);
      runSync(world.file.read(5 * BLOCK_SIZE, new Uint8Array(100)));
    };
    vi.spyOn(world.writer.flusher, 'throttle').mockImplementation(() => {
      look();
      runSync(world.file.writeBack());
      return undefined;
    });
    const bytes = pattern(7 * CLUSTER, 2);
    const source = new PartialSource(bytes, {
      look,
      copyOf: (at, length) => (at % 7 === 0 ? length : Math.max(1, length - 1)),
    });
    expect(world.write(10, bytes, source)).toBe(bytes.length);
    expect(looks).toBeGreaterThan(1);
    vi.restoreAllMocks();
    each.expectModel();
  });

  it.each([0, 10, CLUSTER, 2 * CLUSTER + 10])(
    'D21, D24: a source that fails at byte %i leaves nothing locked, counted or dirty that was not written',
    (endsAt) => {
      for (const failure of [new FsError(EIO), new Error('bug')]) {
        for (const start of [0, CLUSTER + 100, 4 * CLUSTER, 5 * CLUSTER + 3]) {
          const each = ClusterCase.stored(size, 4);
          const { world } = each;
          const bytes = pattern(3 * CLUSTER, 2);
          const source = new PartialSource(bytes, { endsAt, failure });
          const thrown = endsAt === 0 || !(failure instanceof FsError);
          if (thrown) expect(() => world.write(start, bytes, source)).toThrow(failure.message);
          else expect(world.write(start, bytes, source)).toBe(endsAt);
          if (!(failure instanceof FsError)) world.follow(start, bytes.subarray(0, endsAt));
          expect(world.file.size).toBe(world.model.length);
          each.expectModel();
        }
      }
    },
  );

  it('D22: a folio of several clusters is locked once for each visit, and let go', () => {
    const each = ClusterCase.stored(size, 16);
    const { world } = each;
    each.emptyFolio(0, 6);
    world.read();
    for (const position of [5, 3 * CLUSTER, 3 * CLUSTER + 1]) {
      world.write(position, pattern(12 * CLUSTER, position));
      each.expectQuiet();
    }
    each.expectModel();
  });

  it('D23: nobody waits for the pages of another cluster', async () => {
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    // A reader has them locked, in folios of their own.
    if (!tiled) each.emptyFolio(2 * BLOCKS, 2);
    world.watch.holds = isRead;
    const reading = world.start(world.file.read(2 * CLUSTER, new Uint8Array(CLUSTER)));
    await later();
    expect(world.folios().some(({ index, locked }) => index >= 2 * BLOCKS && locked)).toBe(true);
    let done = 0;
    world.watch.holds = (bio) => isRead(bio) && each.payloadOf(2).some((block) => block * BLOCK_SIZE === bio.offset);
    const bytes = pattern(100, 3);
    const writing = world.start(world.file.write(2 * CLUSTER - 100, new BytesSource(bytes))).then(() => done++);
    for (let turn = 0; turn < 20; turn++) await later();
    expect(done).toBe(1);
    world.follow(2 * CLUSTER - 100, bytes);
    world.watch.release();
    await settle(Promise.all([reading, writing]));
    each.expectModel();
  });

  it('D23: a write keeps others from the clusters of one folio, and from no others of its range', async () => {
    const each = ClusterCase.stored(size, 6);
    const { world } = each;
    each.emptyFolio(0, 2);
    each.emptyFolio(3 * BLOCKS, 2);
    world.write(3 * CLUSTER + 9, pattern(10, 2));
    world.watch.holds = isRead;
    const bytes = pattern(5 * CLUSTER, 3);
    const writing = world.start(world.file.write(100, new BytesSource(bytes)));
    for (let turn = 0; turn < 3; turn++) await later();
    expect(world.mapping.find(0)!.locked).toBe(true);
    const pass = world.start(each.pass({ mode: 'none' }));
    for (let turn = 0; turn < 5; turn++) await later();
    expect(each.sent.map(({ cluster }) => cluster)).toEqual([3]);
    world.watch.release();
    await settle(Promise.all([writing, pass]));
    world.follow(100, bytes);
    each.expectModel();
  });

  it('D24: an error comes when nothing of the write is under way any more', async () => {
    for (const after of [0, 1]) {
      const each = ClusterCase.stored(size, 3);
      const { world } = each;
      each.emptyFolio(0, 4);
      world.watch.holds = isRead;
      world.faults.inject({ operation: 'read', after, times: 1, action: { kind: 'fail' } });
      const bytes = pattern(2 * CLUSTER, 2);
      let over = false;
      const writing = world.start(world.file.write(10, new BytesSource(bytes))).finally(() => {
        over = true;
      });
      writing.catch(() => {});
      for (let turn = 0; turn < 40 && !over; turn++) {
        await later();
        if (over) expect(world.watch.inFlight).toBe(0);
        world.watch.release(isRead);
      }
      try {
        const { bytes: count } = await settle(writing);
        world.follow(10, bytes.subarray(0, count));
        expect(count).toBeLessThan(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 'EIO' });
      }
      each.expectQuiet();
      world.watch.release();
      world.faults.clear();
      each.expectModel();
    }
  });

  it('D26, I-55: a byte of a cluster takes all of it along: none of its blocks is lost with the old payload', () => {
    for (const block of range(0, BLOCKS)) {
      const each = ClusterCase.stored(size, 3);
      const { world } = each;
      const old = each.payloadOf(1);
      world.write(CLUSTER + block * BLOCK_SIZE + 1, Uint8Array.of(9));
      expect(world.dirtyBlocks()).toEqual(range(BLOCKS, 2 * BLOCKS));
      runSync(world.file.writeBack());
      expect(each.sent).toHaveLength(1);
      const now = each.payloadOf(1);
      expect(now.filter((address) => old.includes(address))).toEqual([]);
      each.expectModel();
    }
  });

  it('D27: clusters that a write covers whole are not read, where one folio holds them', () => {
    const each = ClusterCase.stored(size, 8);
    each.world.write(CLUSTER, text(4 * CLUSTER, 2));
    if (!tiled) expect(each.reads).toEqual([]);
    each.expectModel();
    each.forget();
    each.world.drop();
    each.world.write(CLUSTER - 1, text(4 * CLUSTER + 2, 3));
    // Pages and tiles: each once.
    expect(new Set(each.reads).size).toBe(each.reads.length);
    if (!tiled) expect(each.reads.sort()).toEqual([0, 5]);
    each.expectModel();
  });

  it('D28: each check is made before anything is changed', () => {
    const each = ClusterCase.stored(size, 3);
    const { world } = each;
    const refused = (code: string, body = (): unknown => world.write(10, pattern(BLOCK_SIZE, 2))): void => {
      expect(codeOf(body)).toBe(code);
      expect([world.dirtyBlocks(), world.takeReads(), each.sent]).toEqual([[], [], []]);
      each.expectQuiet();
    };
    const change = (body: (view: DataView) => void): void => {
      runSync(world.writer.operation(changeInodeNode(world.writer, world.file.ino, body)));
    };
    const { flags, inlineFlags } = world.file.fields;
    change((view) => RawInode.flags.set(view, 0, flags | InodeFlag.immutable));
    refused('EPERM');
    change((view) => RawInode.flags.set(view, 0, flags));
    change((view) => RawInode.inlineFlags.set(view, 0, inlineFlags | InlineFlag.compressReleased));
    refused('EPERM');
    refused('EPERM', () => runSync(world.file.truncate(CLUSTER + 5)));
    change((view) => RawInode.inlineFlags.set(view, 0, inlineFlags));
    refused('EINVAL', () => runSync(world.file.startAtomicWrite({})));
    for (const mode of ['punch', 'zero', 'zeroKeepSize'] as const) {
      refused('EOPNOTSUPP', () => runSync(world.file.allocate(mode, BLOCK_SIZE, CLUSTER)));
    }
    each.expectModel();
    // A file that cannot grow for want of space can still be changed where it has its clusters.
    const free = vi.spyOn(world.writer.space, 'blocksFree', 'get').mockReturnValue(0);
    expect(codeOf(() => world.write(20 * CLUSTER, pattern(10, 2)))).toBe('ENOSPC');
    world.write(CLUSTER + 9, pattern(10, 2));
    free.mockRestore();
    each.expectModel();
    runSync(world.file.allocate('keepSize', 3 * CLUSTER, CLUSTER));
    runSync(world.file.allocate('allocate', CLUSTER, 3 * CLUSTER + 5));
    world.resize(4 * CLUSTER + 5);
    each.expectModel();
    world.writer.abandon(new Error('test'));
    expect(codeOf(() => world.write(10 * CLUSTER, pattern(10, 2)))).toBe('EROFS');
    each.expectQuiet();
  });
});
