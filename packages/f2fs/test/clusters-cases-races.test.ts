// Races with the writeback of compressed clusters: writers, cuts, removal, the cleaner, and memory that is short; by both engines,
// with clusters tiled by small folios, in folios of their own and in larger ones. Numbers: the list of known defects in
// docs/testing.md, and the invariants I-50 to I-58.

import { BLOCK_SIZE } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { runSync, seededRandom } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fileUsage, mountF2fs } from '../src/index.ts';
import { cleanSegments } from '../src/log/cleaner.ts';
import { truncateBlocks } from '../src/names/free-inode.ts';
import { expectBytes, isWrite, later, nameOf, OWNER, settle } from './case-world.ts';
import { BLOCKS, CLUSTER, ClusterCase, noise, pattern, range, SIZES, text } from './cluster-case-world.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(SIZES)('engine %s, folios up to order %i, %s encoder', (engine, orderMax, encoder) => {
  const size = [engine, orderMax, encoder] as const;

  it('R12, I-50: a cluster on its way does not change; replaced raw beside a writer and a flusher its writeback ends once', async () => {
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    const random = seededRandom(3);
    for (let round = 0; round < 6; round++) {
      const contents = (seed: number): Uint8Array => (seed % 2 === 0 ? noise(CLUSTER, seed) : text(CLUSTER, seed));
      world.write(CLUSTER, contents(round));
      world.watch.holds = isWrite;
      const flushing = [world.start(world.file.writeBack())];
      await later();
      const bytes = contents(round + 1).subarray(0, 3000);
      const writing = world.start(world.file.write(CLUSTER + 700, new BytesSource(bytes)));
      flushing.push(
        world.start(world.file.syncRange(world.file.errorCursor(), 'start', 0, Number.POSITIVE_INFINITY)),
        world.start(world.file.writeBack(0, CLUSTER * 2)),
      );
      await settle(Promise.all([writing, ...flushing]), () => world.watch.releaseSome(random));
      world.watch.release();
      world.follow(CLUSTER + 700, bytes);
      each.expectModel();
    }
    world.leave();
  });

  it('D11: a cluster that becomes plain while a write waits for it is written to as a plain one', async () => {
    const each = ClusterCase.stored(size, 3);
    const { world } = each;
    // Its slots are known: a write has nothing to reserve, and waits for nothing before it looks at the cluster.
    world.write(2 * CLUSTER, noise(CLUSTER, 5));
    runSync(world.file.writeBack());
    world.write(2 * CLUSTER, noise(10, 6));
    runSync(world.file.writeBack());
    world.write(CLUSTER, noise(CLUSTER, 2));
    world.watch.holds = isWrite;
    // Slots do not change while a checkpoint is written: the pass has taken the cluster, and waits.
    const checkpoint = world.start(world.writer.checkpoint());
    for (let turn = 0; turn < 3; turn++) await later();
    const flushing = world.start(world.file.writeBack());
    for (let turn = 0; turn < 3; turn++) await later();
    const bytes = pattern(10, 3);
    const writing = world.start(world.file.write(CLUSTER + BLOCK_SIZE + 9, new BytesSource(bytes)));
    for (let turn = 0; turn < 3; turn++) await later();
    expect(each.classOf(1)).toBe('compressed');
    world.watch.release();
    await settle(Promise.all([checkpoint, flushing, writing]));
    world.follow(CLUSTER + BLOCK_SIZE + 9, bytes);
    expect(each.classOf(1)).toBe('plain');
    // The pass may have come to the tile of the write once more.
    expect([[BLOCKS + 1], []]).toContainEqual(world.dirtyBlocks());
    each.expectModel();
  });

  it('R22: a cluster tiled by folios of several orders, one absent, one dirty, one on its way', async () => {
    if (engine === 'page') return expect(ClusterCase.stored(size, 1).world.mapping.orderMax).toBe(0);
    const layouts = [
      [2, 1, 1],
      [1, 1, 2],
      [1, 1, 1, 1],
      [2, 2],
    ];
    for (const layout of layouts) {
      for (const absent of range(0, layout.length)) {
        const each = ClusterCase.stored(size, 3);
        const { world } = each;
        each.allowTiles();
        const starts = layout.map((_, tile) => BLOCKS + layout.slice(0, tile).reduce((sum, pages) => sum + pages, 0));
        for (const [tile, pages] of layout.entries()) {
          if (tile !== absent) each.emptyFolio(starts[tile]!, Math.log2(pages));
        }
        // One on its way, one dirty.
        const [first, second] = range(0, layout.length).filter((tile) => tile !== absent);
        each.dirtyBlock(starts[first!]!, 7);
        world.watch.holds = isWrite;
        const flushing = world.start(world.file.writeBack());
        for (let turn = 0; turn < 5; turn++) await later();
        const bytes = pattern(30, 8);
        const position = starts[second ?? first!]! * BLOCK_SIZE + 9;
        let over = false;
        const writing = world.start(world.file.write(position, new BytesSource(bytes))).then(() => {
          over = true;
        });
        for (let turn = 0; turn < 5; turn++) await later();
        expect(over).toBe(false);
        world.watch.release();
        await settle(Promise.all([flushing, writing]));
        world.follow(position, bytes);
        expect(world.dirtyBlocks()).toEqual(range(BLOCKS, 2 * BLOCKS));
        each.expectModel();
      }
    }
  });

  it('I-56: two writers in one cluster: all of both', async () => {
    const each = ClusterCase.stored(size, 3);
    const { world } = each;
    const random = seededRandom(9);
    for (let round = 0; round < 8; round++) {
      if (round % 2 === 0) world.drop();
      world.watch.holds = () => true;
      const one = pattern(BLOCK_SIZE + 50, 2 * round);
      const other = pattern(2 * BLOCK_SIZE, 2 * round + 1);
      const block = pattern(BLOCK_SIZE, 200 + round);
      const writing = [
        world.start(world.file.write(CLUSTER + 10, new BytesSource(one))),
        world.start(world.file.write(CLUSTER + 2 * BLOCK_SIZE, new BytesSource(other))),
        world.start(world.file.dirtyRange(2 * CLUSTER, BLOCK_SIZE, (memory) => memory.set(block))),
        world.start(world.file.syncRange(world.file.errorCursor(), 'start', 0, Number.POSITIVE_INFINITY)),
      ];
      await settle(Promise.all(writing), () => world.watch.releaseSome(random));
      world.watch.release();
      world.follow(CLUSTER + 10, one);
      world.follow(CLUSTER + 2 * BLOCK_SIZE, other);
      world.follow(2 * CLUSTER, block);
      each.expectModel();
    }
    world.leave();
  });

  it('H2: a cut inside a cluster that a flusher is compressing leaves whole clusters', async () => {
    for (const cut of [CLUSTER + BLOCK_SIZE + 9, CLUSTER + 2 * BLOCK_SIZE]) {
      for (let delay = 0; delay < (FULL ? 6 : 2); delay++) {
        const each = ClusterCase.stored(size, 1);
        const { world } = each;
        world.write(CLUSTER, text(3 * CLUSTER, 4));
        world.watch.holds = isWrite;
        const background = world.start(
          world.file.syncRange(world.file.errorCursor(), 'start', 0, Number.POSITIVE_INFINITY),
        );
        for (let turn = 0; turn < delay; turn++) await later();
        const cutting = world.start(world.file.truncate(cut));
        for (let turn = 0; turn < 3; turn++) await later();
        const again = world.start(world.file.syncRange(world.file.errorCursor(), 'start', 0, Number.POSITIVE_INFINITY));
        await settle(Promise.all([background, cutting, again]), () => world.watch.release(isWrite));
        world.watch.release();
        world.resize(cut);
        each.expectQuiet();
        each.expectCounted();
        world.truncate(4 * CLUSTER);
        each.expectModel();
        world.leave();
      }
    }
  });

  it('H2: a cluster that is compressed after a cut has looked at it is not taken apart', () => {
    const each = ClusterCase.stored(size, 1);
    const { world } = each;
    world.write(CLUSTER, text(CLUSTER, 4));
    // A flusher that comes wherever the cut lets go of everything.
    const flush = (): void => {
      if (world.file.pages().clusterLocks.holders === 0 && world.folios().every(({ locked }) => !locked)) {
        runSync(each.pass({ mode: 'none' }));
      }
    };
    vi.spyOn(world.writer.flusher, 'throttle').mockImplementation(() => {
      flush();
      return undefined;
    });
    const operation = world.writer.operation.bind(world.writer);
    vi.spyOn(world.writer, 'operation').mockImplementation(function* (body) {
      flush();
      return yield* operation(body);
    } as typeof operation);
    world.truncate(CLUSTER + BLOCK_SIZE + 9);
    vi.restoreAllMocks();
    each.expectCounted();
    expectBytes(world.read(), world.model);
    world.truncate(3 * CLUSTER);
    each.expectModel();
    world.leave();
  });

  it('I-54: a checkpoint while a file gets shorter knows what its clusters save', async () => {
    // The pass comes before the checkpoint.
    const each = ClusterCase.stored(size, 12, { overlap: { waitChance: 0 } });
    const { world } = each;
    world.write(11 * CLUSTER, text(CLUSTER, 4));
    world.watch.holds = isWrite;
    const end = world.start(each.pass({ mode: 'none', rangeStart: 11 * CLUSTER, rangeEnd: 12 * CLUSTER }));
    for (let turn = 0; turn < 3; turn++) await later();
    world.watch.holds = () => false;
    world.write(2 * CLUSTER, noise(CLUSTER, 4));
    // It waits for the cluster of the old end; meanwhile another one is replaced, and a checkpoint is taken.
    const cutting = world.start(world.file.truncate(5 * CLUSTER));
    for (let turn = 0; turn < 3; turn++) await later();
    expect(world.file.shrinking).toBe(true);
    const pass = world.start(each.pass({ mode: 'none', rangeStart: 2 * CLUSTER, rangeEnd: 3 * CLUSTER }));
    const checkpoint = world.start(world.writer.checkpoint());
    for (let turn = 0; turn < 3; turn++) await later();
    expect(each.classOf(2)).toBe('plain');
    world.watch.release();
    await settle(checkpoint);
    const volume = runSync(mountF2fs(world.medium.clone(), { writable: true, codecs: defaultCodecs() }));
    const root = runSync(volume.readInode(volume.rootIno));
    const file = runSync(volume.readInode(runSync(root.lookup(nameOf('file')))));
    expect(file.savedBlocks).toBe(runSync(fileUsage(volume.store, file.raw)).savedBlocks);
    await settle(Promise.all([end, cutting, pass]));
    world.resize(5 * CLUSTER);
    each.expectModel();
    world.leave();
  });

  it('H18: a file that is removed while its clusters are on their way takes nothing along, and leaves nothing', async () => {
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    const root = runSync(world.volume.readInode(world.volume.rootIno));
    const { validBlocks } = world.writer.space;
    const { blocks } = world.file.fields;
    world.write(0, text(4 * CLUSTER, 4));
    world.watch.holds = isWrite;
    const flushing = world.start(world.file.writeBack());
    for (let turn = 0; turn < 3; turn++) await later();
    const removing = world.start(root.unlink(nameOf('file')));
    const random = seededRandom(2);
    await settle(Promise.all([flushing, removing]), () => world.watch.releaseSome(random));
    world.watch.release();
    expect(world.writer.space.validBlocks).toBe(validBlocks - blocks);
    runSync(world.volume.unmount());
    const later_ = runSync(mountF2fs(world.medium, { codecs: defaultCodecs() }));
    expect(runSync(runSync(later_.readInode(later_.rootIno)).lookup(nameOf('file')))).toBe(0);
  });

  it('H12: the cleaner moves payload like any block, and readers, writers and writeback go on behind it', () => {
    const each = ClusterCase.stored(size, 30);
    const { world } = each;
    // The log goes on until what stays lies in segments that hold little.
    const churn = noise(25 * CLUSTER, 9);
    for (let round = 0; round < 17; round++) {
      world.write(5 * CLUSTER, churn);
      if (round === 8) world.write(2 * CLUSTER, text(2 * CLUSTER, 8));
      runSync(world.file.writeBack());
    }
    world.write(5 * CLUSTER, text(25 * CLUSTER, 9));
    runSync(world.volume.sync());
    world.drop();
    world.read(0, 2 * CLUSTER);
    world.write(3 * CLUSTER + 9, pattern(100, 3));
    each.dirtyBlock(4 * BLOCKS + 2, 4);
    const before = range(0, 30).map((cluster) => each.payloadOf(cluster));
    // Everything valid moves, as in a volume that is nearly full.
    const { writer } = world;
    vi.spyOn(writer.allocator, 'roomFor').mockReturnValue(100_000);
    const moved = runSync(writer.operation(cleanSegments(writer)));
    vi.restoreAllMocks();
    expect(moved).toBeGreaterThan(0);
    const now = range(0, 30).map((cluster) => each.payloadOf(cluster));
    expect(now.map(({ length }) => length)).toEqual(before.map(({ length }) => length));
    expect(now.slice(0, 5)).not.toEqual(before.slice(0, 5));
    each.expectCounted();
    expectBytes(world.read(), world.model);
    each.expectModel();
    world.leave();
  });

  it('H1: slots that went while their clusters were dirty do not come back', () => {
    for (const far of [0, 1000 * CLUSTER]) {
      const each = ClusterCase.stored(size, 2);
      const { world } = each;
      world.write(far + CLUSTER, text(3 * CLUSTER, 4));
      const { writer, file } = world;
      // A truncation has taken the slots, and with them a node; its pages are about to go.
      runSync(writer.operation(truncateBlocks(writer, file.raw, (far + 2 * CLUSTER) / BLOCK_SIZE)));
      runSync(file.writeBack());
      expect(each.sent.map(({ cluster }) => cluster)).toEqual([(far + CLUSTER) / CLUSTER]);
      expect([2 * BLOCKS, 3 * BLOCKS].map((block) => world.addressOf(far / BLOCK_SIZE + block))).toEqual([0, 0]);
      each.expectQuiet();
      world.truncate(far + 2 * CLUSTER);
      each.expectModel();
      world.leave();
    }
  });

  it('H9: clusters of a MiB, several files, and the smallest cache: writers, stores and syncs come through', () => {
    const each = ClusterCase.stored(size, 0, { cache: { budgetBytes: 4 << 20 }, compress: { logClusterSize: 8 } });
    const { world } = each;
    const root = runSync(world.volume.readInode(world.volume.rootIno));
    const other = runSync(root.create(nameOf('other'), OWNER));
    const contents = text(each.bytes, 3);
    runSync(other.write(0, new BytesSource(contents)));
    world.write(0, text(each.bytes, 4));
    runSync(world.volume.sync());
    for (let write = 0; write < 4; write++) {
      const position = write * 240_011;
      const bytes = pattern(111, write);
      world.write(position, bytes);
      runSync(other.write(position, new BytesSource(bytes)));
      contents.set(bytes, position);
      runSync(other.dirtyRange(position + 5000, 1, (memory) => memory.fill(7)));
      contents[position + 5000] = 7;
      if (write % 3 === 2) runSync(other.fsync(other.errorCursor(), false));
      other.evict();
    }
    const found = new Uint8Array(contents.length);
    runSync(other.read(0, found));
    expectBytes(found, contents);
    each.expectModel();
    world.leave();
  });
});
