// Visits of writeback that overlap: several are begun, with their folios locked and under writeback, before the first is sent. The
// encoder is one that takes its time (`overlapping-encoder.ts`); clusters are tiled by one-page folios, by halves, in folios of their
// own and in larger ones.

import { BLOCK_SIZE } from '@f2fskit/block';
import { EIO, FsError } from '@f2fskit/errno';
import { Completion, runSync, seededRandom, type Task } from '@f2fskit/task';
import { eventLoopTurn, type OverlappingEncoder } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterOutput } from '../src/clusters/cluster-output.ts';
import { expectBytes, isRead, isWrite, later, settle } from './case-world.ts';
import {
  BLOCKS,
  CLUSTER,
  ClusterCase,
  type ClusterCaseOptions,
  codeOf,
  LOG,
  noise,
  pattern,
  range,
  text,
} from './cluster-case-world.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 20 : 2));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);

/** Pages that may be begun ahead of the visit that is sent, as the source says. */
const PAGES_AHEAD = 512;

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(FULL ? [0, LOG - 1, LOG, 9] : [0, 9])('folios up to order %i', (orderMax) => {
  /** Pages, and clusters, of a visit: folios of a compressed file are at most 512 KiB. */
  const visitPages = Math.max(BLOCKS, Math.min(128, 1 << orderMax));
  const perVisit = visitPages / BLOCKS;
  /** So many visits. */
  const VISITS = 6;
  const clusters = VISITS * perVisit;

  function opened(stored = 0, options: ClusterCaseOptions = {}): ClusterCase & { encoder: OverlappingEncoder } {
    const each = ClusterCase.stored(['iomap', orderMax, 'overlapping'], stored, {
      overlap: { turn: eventLoopTurn },
      ...options,
    });
    return each as ClusterCase & { encoder: OverlappingEncoder };
  }

  /** One with a file of so many visits, all of it dirty and none of it sent. */
  function dirty(visits = VISITS, options: ClusterCaseOptions = {}): ReturnType<typeof opened> {
    // Nobody writes before it is asked for.
    const cache = { budgetBytes: 64 << 20, dirtyBytesBackground: 32 << 20, dirtyBytesMax: 32 << 20 };
    const each = opened(0, { cache, ...options });
    each.world.write(0, text(visits * perVisit * CLUSTER, 2));
    each.forget();
    return each;
  }

  const sentOf = (each: ClusterCase): number[] => each.sent.map(({ cluster }) => cluster);

  async function turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await later();
  }

  it('several are begun before the first is finished; they are finished and sent in their order', async () => {
    for (const sync of [true, false]) {
      const each = dirty();
      const { world, encoder } = each;
      if (sync) runSync(world.file.writeBack());
      else await settle(world.start(world.file.writeBack()));
      const { events } = encoder;
      expect(events.indexOf('finish 0')).toBeGreaterThanOrEqual(3);
      for (const what of ['begin', 'finish']) {
        const numbers = events.filter((event) => event.startsWith(what));
        expect(numbers).toEqual(range(0, VISITS).map((number) => `${what} ${number}`));
      }
      expect(sentOf(each)).toEqual(range(0, clusters));
      expect(each.classes()).toEqual(new Array(clusters).fill('compressed'));
      each.expectModel();
      world.leave();
    }
  });

  it('where nobody compresses in between, one is finished before the next is begun', () => {
    const each = dirty(VISITS, { overlap: { overlaps: false } });
    runSync(each.world.file.writeBack());
    expect([each.encoder.begunMax, sentOf(each)]).toEqual([1, range(0, clusters)]);
    each.expectModel();
  });

  it('behind a visit of which nothing is compressed everything is sent', () => {
    const each = opened();
    const { world, encoder } = each;
    for (const visit of [0, 1, 3, 4]) world.write(visit * perVisit * CLUSTER, text(perVisit * CLUSTER, visit));
    world.write(2 * perVisit * CLUSTER, noise(BLOCK_SIZE, 1));
    const underWay: number[] = [];
    encoder.onBegin = () => void underWay.push(encoder.underWay);
    runSync(world.file.writeBack());
    expect(underWay).toEqual([1, 2, 1, 2]);
    each.expectModel();
  });

  it('no more is begun than so many pages, and memory for results goes back', () => {
    const visits = (2 * PAGES_AHEAD) / visitPages;
    const each = dirty(visits);
    const { payloads } = each.world.writer;
    let most = 0;
    each.encoder.onBegin = () => {
      most = Math.max(most, payloads.bytesTaken);
    };
    runSync(each.world.file.writeBack());
    const pagesMax = each.encoder.bytesMax / BLOCK_SIZE;
    expect(pagesMax).toBeGreaterThan(PAGES_AHEAD);
    expect(pagesMax).toBeLessThanOrEqual(PAGES_AHEAD + visitPages);
    // What was sent is not held.
    expect(most).toBeLessThanOrEqual((PAGES_AHEAD + 2 * visitPages) * BLOCK_SIZE);
    each.expectQuiet();
    each.expectModel();
  });

  it('a pass asks for a rest while something is begun, and goes on where it was', async () => {
    for (const overlaps of [true, false]) {
      const each = dirty(VISITS, { overlap: { overlaps, turn: eventLoopTurn } });
      const { world, encoder } = each;
      const asked: number[] = [];
      const rests: Completion[] = [];
      const rest = (pages: number): Completion | undefined => {
        expect(encoder.underWay).toBeGreaterThan(0);
        asked.push(pages);
        if (pages !== 3 * visitPages) return undefined;
        rests.push(new Completion());
        return rests[0];
      };
      const pass = world.start(each.pass({ mode: 'none', rest }));
      await turns(10);
      if (overlaps) {
        expect([asked.at(-1), encoder.underWay, sentOf(each)]).toEqual([3 * visitPages, 3, []]);
        expect(world.writer.bios.held).toBe(0);
        // Another writer is not in its way.
        await settle(world.start(world.file.write(clusters * CLUSTER, new BytesSource(pattern(9, 9)))));
        world.follow(clusters * CLUSTER, pattern(9, 9));
        rests[0]!.complete();
      }
      const { pagesWritten } = await settle(pass);
      expect(pagesWritten).toBe(clusters * BLOCKS + (overlaps ? 1 : 0));
      expect(asked.slice(0, VISITS)).toEqual(overlaps ? range(1, VISITS + 1).map((visit) => visit * visitPages) : []);
      each.expectModel();
      world.leave();
    }
  });

  it('a pass with a budget writes what it writes where visits do not overlap', () => {
    const budgets = [1, visitPages - 1, visitPages, visitPages + 1, 2 * visitPages, 2 * visitPages + 3, 1000];
    const contents = (each: ClusterCase): void => {
      // What compresses and what does not; blocks of clusters that are not dirty as a whole; holes.
      each.world.write(0, text(2 * perVisit * CLUSTER, 3));
      each.world.write(2 * perVisit * CLUSTER, noise(perVisit * CLUSTER, 3));
      each.world.write((3 * perVisit + 1) * CLUSTER, noise(BLOCK_SIZE, 4));
      each.world.write(4 * perVisit * CLUSTER, text(perVisit * CLUSTER + 9, 5));
      each.forget();
    };
    for (const budgetPages of budgets) {
      const [overlapping, alone] = (['overlapping', 'inline'] as const).map((kind) => {
        const each = ClusterCase.stored(['iomap', orderMax, kind], 0);
        contents(each);
        const passes: unknown[] = [];
        let skipped = 0;
        for (let pass = 0; pass < 200 && each.world.mapping.dirtyPages > 0; pass++) {
          const { pagesWritten, pagesSkipped } = runSync(each.pass({ mode: 'none', budgetPages, cyclic: true }));
          passes.push({ pagesWritten, left: each.world.dirtyBlocks().length });
          skipped += pagesSkipped;
        }
        expect(each.world.dirtyBlocks()).toEqual([]);
        each.expectModel();
        return { passes, sent: each.sent, skipped };
      });
      expect([budgetPages, overlapping!.passes, overlapping!.sent]).toEqual([budgetPages, alone!.passes, alone!.sent]);
      expect(overlapping!.skipped).toBeLessThanOrEqual(alone!.skipped);
    }
  });

  it('what was begun is all that a budget allows: the next is begun only if that was not all of it', () => {
    const each = dirty();
    const { pagesWritten } = runSync(each.pass({ mode: 'none', budgetPages: 2 * visitPages, cyclic: true }));
    expect([pagesWritten, each.encoder.events.filter((event) => event.startsWith('begin')).length]).toEqual([
      2 * visitPages,
      2,
    ]);
    each.expectModel();
  });

  it('tiles of a cluster that was begun are neither waited for nor counted as skipped', async () => {
    for (const mode of ['none', 'all'] as const) {
      const each = dirty(4);
      const { world } = each;
      world.watch.holds = isWrite;
      const pass = world.start(each.pass({ mode }));
      await turns(20);
      // All is sent while nothing has arrived.
      expect(sentOf(each)).toEqual(range(0, 4 * perVisit));
      world.watch.release();
      const { pagesWritten, pagesSkipped, error } = await settle(pass);
      expect({ pagesWritten, pagesSkipped, error }).toEqual({
        pagesWritten: 4 * visitPages,
        pagesSkipped: 0,
        error: 0,
      });
      each.expectModel();
    }
  });

  it('a cold cluster that is dirty in part, in their middle: what was begun before is sent before it is read', async () => {
    const each = opened(clusters);
    const { world } = each;
    const cold = 3 * perVisit;
    for (const visit of [0, 1, 2, 4, 5]) world.write(visit * perVisit * CLUSTER, text(perVisit * CLUSTER, visit + 5));
    each.forget();
    each.dirtyBlock(cold * BLOCKS + 1, 9);
    world.watch.holds = isRead;
    const flushing = world.start(world.file.writeBack());
    await turns(20);
    expect(each.encoder.begunMax).toBe(3);
    expect(sentOf(each)).toEqual(range(0, cold));
    expect(each.encoder.underWay).toBe(0);
    world.watch.release();
    await settle(flushing);
    // Of the folio only the one cluster is dirty.
    expect(sentOf(each)).toEqual([...range(0, cold + 1), ...range(4 * perVisit, clusters)]);
    each.expectModel();
    world.leave();
  });

  it('a cluster that somebody changes, in their middle: waited for with everything sent, or passed over', async () => {
    for (const mode of ['all', 'none'] as const) {
      const each = dirty();
      const { world } = each;
      const at = 3 * perVisit;
      const held = world.file.pages().clusterLocks.tryLock(at, at + 1)!;
      const pass = world.start(each.pass({ mode }));
      await turns(30);
      const others = [...range(0, at), ...range(at + perVisit, clusters)];
      expect(sentOf(each)).toEqual(mode === 'all' ? range(0, at) : others);
      expect(each.encoder.underWay).toBe(0);
      held.unlock();
      const { pagesSkipped } = await settle(pass);
      expect(sentOf(each)).toEqual(mode === 'all' ? range(0, clusters) : others);
      expect(pagesSkipped).toBe(mode === 'all' ? 0 : visitPages);
      each.expectModel();
    }
  });

  it('a folio that somebody has locked, in their middle: everything that was begun is sent first', async () => {
    const each = dirty();
    const { world } = each;
    const folio = world.mapping.find(3 * visitPages)!;
    folio.get();
    expect(folio.tryLock()).toBe(true);
    const flushing = world.start(world.file.writeBack());
    await turns(30);
    expect(sentOf(each)).toEqual(range(0, 3 * perVisit));
    expect(each.encoder.underWay).toBe(0);
    folio.unlock();
    folio.put();
    await settle(flushing);
    expect(sentOf(each)).toEqual(range(0, clusters));
    each.expectModel();
  });

  it('a reader and writers who wait for what was begun go on, and see all of it', async () => {
    const each = dirty();
    const { world, encoder } = each;
    const bytes = pattern(CLUSTER + 77, 3);
    const at = 2 * perVisit * CLUSTER - 1000;
    const block = pattern(BLOCK_SIZE, 4);
    const waiting: Array<Promise<unknown>> = [];
    const found = new Uint8Array(3 * CLUSTER);
    encoder.onBegin = (number) => {
      if (number !== 2) return;
      waiting.push(
        world.start(world.file.read(0, found)),
        world.start(world.file.write(at, new BytesSource(bytes))),
        world.start(world.file.dirtyRange(CLUSTER, BLOCK_SIZE, (memory) => memory.set(block))),
      );
      expect(waiting.length).toBe(3);
    };
    const before = world.model.slice(0, found.length);
    await settle(world.start(world.file.writeBack()));
    await settle(Promise.all(waiting));
    // The one block is stored to before or behind the read.
    before.set(found.subarray(CLUSTER, CLUSTER + BLOCK_SIZE), CLUSTER);
    expectBytes(found, before);
    world.follow(at, bytes);
    world.follow(CLUSTER, block);
    each.expectModel();
    world.leave();
  });

  it('a cut that waits for what was begun', async () => {
    for (const cut of [perVisit * CLUSTER + BLOCK_SIZE + 9, perVisit * CLUSTER, 5, CLUSTER - 1]) {
      const each = dirty();
      const { world, encoder } = each;
      let cutting: Promise<unknown> | undefined;
      encoder.onBegin = (number) => {
        if (number === 2) cutting = world.start(world.file.truncate(cut));
      };
      await settle(world.start(world.file.writeBack()));
      await settle(cutting!);
      encoder.onBegin = () => {};
      world.resize(cut);
      world.truncate(clusters * CLUSTER);
      each.expectModel();
      world.leave();
    }
  });

  it('an fsync beside a pass that has begun: what it promised is behind a cut', async () => {
    const each = dirty();
    const { world, encoder } = each;
    let promised: Promise<unknown> | undefined;
    encoder.onBegin = (number) => {
      if (number !== 2) return;
      promised = world.start(world.file.fsync(world.file.errorCursor(), false)).then(() => {
        expectBytes(world.behindCut(), world.model);
      });
    };
    const random = seededRandom(4);
    world.watch.holds = isWrite;
    const pass = world.start(each.pass({ mode: 'none' }));
    await settle(pass, () => world.watch.releaseSome(random));
    expect(promised).toBeDefined();
    await settle(promised!, () => world.watch.releaseSome(random));
    world.watch.release();
    each.expectModel();
    world.leave();
  });

  it('a pass that is asked to stop leaves nothing begun', () => {
    const each = dirty();
    const { world, encoder } = each;
    let syncs = 0;
    encoder.onBegin = (number) => {
      if (number === 2) syncs = 1;
    };
    const { writer } = world;
    vi.spyOn(writer.gate, 'syncs', 'get').mockImplementation(() => syncs);
    runSync(each.pass({ mode: 'none' }));
    vi.restoreAllMocks();
    expect([encoder.underWay, sentOf(each)]).toEqual([0, range(0, 3 * perVisit)]);
    each.expectModel();
  });

  it('a write that fails is the error of its visit, told once; the next ones are right', () => {
    const each = opened();
    const { world } = each;
    world.write(0, noise(clusters * CLUSTER, 6));
    const cursor = world.file.errorCursor();
    // Each visit is a request of its own.
    each.encoder.onFinish = () => world.writer.bios.submit();
    world.faults.inject({ operation: 'write', action: { kind: 'fail' }, after: 1, times: 1 });
    expect(codeOf(() => runSync(world.file.fsync(cursor, false)))).toBe('EIO');
    expect(codeOf(() => runSync(world.file.fsync(cursor, false)))).toBe('nothing thrown');
    each.expectQuiet();
    each.expectCounted();
    expect(world.dirtyBlocks()).toEqual([]);
    world.drop();
    const found = world.read();
    const wrong = range(0, VISITS).filter((visit) => {
      const at = visit * perVisit * CLUSTER;
      const end = at + perVisit * CLUSTER;
      return Buffer.compare(found.subarray(at, end), world.model.subarray(at, end)) !== 0;
    });
    expect(wrong).toEqual([1]);
  });

  it('a pass of mode "none" stops behind an error, and what was begun is written', () => {
    const each = opened();
    const { world } = each;
    world.write(0, noise(clusters * CLUSTER, 6));
    const write = ClusterOutput.prototype.sendCompressed;
    world.write(0, text(CLUSTER, 1));
    vi.spyOn(ClusterOutput.prototype, 'sendCompressed').mockImplementation(function (this: ClusterOutput, ...what) {
      if (what[0] === 0) throw new FsError(EIO, 'test');
      return write.apply(this, what);
    });
    const { error } = runSync(each.pass({ mode: 'none' }));
    expect(error).toBe(EIO);
    each.expectQuiet();
    each.expectCounted();
    vi.restoreAllMocks();
    // But for the cluster that is lost everything is there, or dirty still.
    runSync(world.file.writeBack());
    world.drop();
    expectBytes(world.read(CLUSTER), world.model.subarray(CLUSTER));
  });

  it('too early for some while others are begun: all of it is written in the end, and counted', () => {
    for (let seed = SEED; seed < SEED + 2 * CASES; seed++) {
      const each = opened(clusters / 2);
      const { world } = each;
      const random = seededRandom(seed);
      world.write(0, text(clusters * CLUSTER, seed));
      for (let k = 0; k < 4; k++) world.write(random.below(clusters) * CLUSTER, noise(CLUSTER, k));
      each.forget();
      // Room is made, in the background not always; what is begun together uses it up.
      let credit = 0;
      vi.spyOn(world.writer, 'hasRoomFor').mockImplementation(() => {
        if (credit === 0 && (seed % 2 === 1 || random.chance(0.8))) credit = 1 + random.below(3 * perVisit);
        return true;
      });
      vi.spyOn(world.writer, 'hasRoom', 'get').mockImplementation(() => credit > 0 && credit-- > 0);
      if (seed % 2 === 0) {
        let passes = 0;
        while (world.mapping.dirtyPages > 0 && passes++ < 1000) {
          const { pagesSkipped } = runSync(each.pass({ mode: 'none', cyclic: true, budgetPages: 2 * visitPages }));
          expect(pagesSkipped % BLOCKS).toBe(0);
        }
      } else runSync(world.file.writeBack());
      vi.restoreAllMocks();
      expect(world.dirtyBlocks()).toEqual([]);
      expect([...new Set(sentOf(each))].length).toBeGreaterThan(clusters - 5);
      each.expectModel();
      world.leave();
    }
  });

  it('room is made while nothing is begun, and asked for again behind what was sent', () => {
    for (const [when, visits] of [
      ['begun', 4],
      ['sent', 2],
    ] as const) {
      const each = dirty();
      const { world, encoder } = each;
      let room = true;
      const { writer } = world;
      vi.spyOn(writer, 'hasRoomFor').mockImplementation(() => room);
      vi.spyOn(writer, 'hasRoom', 'get').mockImplementation(() => room);
      vi.spyOn(writer, 'balance').mockImplementation(function* () {
        expect([encoder.underWay, world.file.pages().clusterLocks.holders]).toEqual([0, 0]);
        expect(world.folios().filter(({ locked }) => locked)).toEqual([]);
        encoder.events.push('room');
        room = true;
      });
      if (when === 'begun') {
        encoder.onBegin = (number) => {
          if (number === 1) room = false;
        };
      } else {
        encoder.onFinish = (number) => {
          if (number === 0) room = false;
        };
      }
      const { pagesSkipped } = runSync(each.pass({ mode: 'none', budgetPages: visits * visitPages }));
      vi.restoreAllMocks();
      const first = ['begin 0', 'begin 1', 'finish 0', 'finish 1', 'room', 'begin 2', 'begin 3'];
      expect(encoder.events.slice(0, first.length)).toEqual(first);
      // It was too early for two; the pass may have come to a tile of the second once more.
      expect(pagesSkipped).toBeGreaterThanOrEqual(2 * visitPages);
      expect(new Set(sentOf(each)).size).toBe(visits * perVisit);
      expect(sentOf(each).length).toBe(visits * perVisit);
      each.expectModel();
    }
  });

  it('a visit of which nothing lies in the file holds nothing while the pass waits', async () => {
    const each = dirty();
    const { world } = each;
    const { file } = world;
    // The size alone: a cut that has come no further.
    vi.spyOn(file, 'size', 'get').mockReturnValue(2 * perVisit * CLUSTER);
    const folio = world.mapping.find(4 * visitPages)!;
    folio.get();
    expect(folio.tryLock()).toBe(true);
    const flushing = world.start(file.writeBack());
    await turns(30);
    expect(world.folios().filter(({ locked }) => locked)).toEqual([folio]);
    expect(file.pages().clusterLocks.holders).toBe(1);
    folio.unlock();
    folio.put();
    await settle(flushing);
    expect(sentOf(each)).toEqual(range(0, 2 * perVisit));
    expect(world.dirtyBlocks()).toEqual([]);
    each.expectQuiet();
  });

  it('a bug in one visit is thrown, and nobody waits for the others', async () => {
    for (const sync of [true, false]) {
      const each = dirty();
      const { world, encoder } = each;
      const send = ClusterOutput.prototype.sendCompressed;
      vi.spyOn(ClusterOutput.prototype, 'sendCompressed').mockImplementation(function (this: ClusterOutput, ...what) {
        if (what[0] === perVisit) throw new TypeError('a bug');
        return send.apply(this, what);
      });
      const writing = (): Task<void> => world.file.writeBack();
      if (sync) expect(() => runSync(writing())).toThrow('a bug');
      else await expect(settle(world.start(writing()))).rejects.toThrow('a bug');
      vi.restoreAllMocks();
      expect(encoder.underWay).toBe(0);
      each.expectQuiet();
      // Others are written to, cut and sent.
      world.write(3 * perVisit * CLUSTER + 5, pattern(100, 2));
      world.truncate(5 * perVisit * CLUSTER + 7);
      runSync(world.file.writeBack());
      each.expectQuiet();
    }
  });

  it('the smallest cache: what is begun is not what memory is waited for', async () => {
    const each = opened(0, { cache: { budgetBytes: 4 << 20 } });
    const { world } = each;
    const random = seededRandom(orderMax);
    const size = 9 << 19;
    const bytes = text(size, 3);
    const pieces = 300_001;
    for (let at = 0; at < size; at += pieces) {
      const piece = bytes.subarray(at, at + pieces);
      if (random.chance(0.5)) world.write(at, piece);
      else {
        await settle(world.start(world.file.write(at, new BytesSource(piece))), undefined, 20_000);
        world.follow(at, piece);
      }
      if (random.chance(0.3)) each.dirtyBlock(random.below(world.model.length >> 12), at);
    }
    await settle(world.start(world.file.fsync(world.file.errorCursor(), false)), undefined, 20_000);
    expect(each.encoder.begunMax).toBeGreaterThan(2);
    each.expectModel();
    world.leave();
  });

  it.each(range(SEED, SEED + CASES))('random changes beside passes of both modes, seed %i', async (seed) => {
    const random = seededRandom(seed * 16 + orderMax);
    const each = opened(clusters);
    const { world } = each;
    const size = clusters * CLUSTER;
    const contents = (length: number, k: number): Uint8Array => (random.chance(0.3) ? noise : text)(length, k);
    for (let round = 0; round < 6; round++) {
      if (random.chance(0.3)) world.drop();
      for (let k = 0; k < 8; k++) {
        const cluster = random.below(clusters);
        if (random.chance(0.3)) each.dirtyBlock(cluster * BLOCKS + random.below(BLOCKS), k);
        else {
          const count = Math.min(clusters - cluster, 1 + random.below(2 * perVisit));
          world.write(cluster * CLUSTER, contents(count * CLUSTER, round * 10 + k));
        }
      }
      world.watch.holds = random.chance(0.5) ? () => true : isWrite;
      // Each in a part of the file of its own: the order does not matter.
      const part = Math.floor(size / 4);
      const writes = range(0, 3).map((k) => {
        const bytes = contents(1 + random.below(part / 2), k + 100 * round);
        return { at: k * part + random.below(part / 2), bytes };
      });
      const budgetPages = 1 + random.below(3 * visitPages);
      const running: Array<Promise<unknown>> = [
        world.start(each.pass({ mode: 'none', cyclic: true, budgetPages })),
        world.start(world.file.writeBack(random.below(size), size)),
        ...writes.map(({ at, bytes }) => world.start(world.file.write(at, new BytesSource(bytes)))),
        world.start(world.file.fsync(world.file.errorCursor(), false)),
        world.start(each.pass({ mode: 'none' })),
        world.start(world.file.read(random.below(size), new Uint8Array(2 * CLUSTER))),
      ];
      await settle(Promise.all(running), () => world.watch.releaseSome(random), 20_000);
      world.watch.release();
      for (const { at, bytes } of writes) world.follow(at, bytes);
      each.expectModel();
    }
    expect(each.encoder.begunMax).toBeGreaterThan(2);
    world.leave();
  });
});
