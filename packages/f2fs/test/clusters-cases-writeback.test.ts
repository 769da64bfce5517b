// Defects that the writeback of compressed clusters can have, each as what ours does instead: by both engines,
// with clusters tiled by small folios, in folios of their own and in larger ones. Numbers: the list of known defects in
// docs/testing.md, and the invariants I-50 to I-58.

import { BLOCK_SIZE } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { ENOSPC, FsError } from '@f2fskit/errno';
import { RawInode, SegmentType } from '@f2fskit/f2fs-format';
import { runSync, seededRandom, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { begin, durable, runPowerCuts } from '@f2fskit/testkit/power-cut';
import { BytesSource } from '@f2fskit/writeback';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changeInodeNode } from '../src/change-inode.ts';
import { ClusterOutput } from '../src/clusters/cluster-output.ts';
import { fileUsage, mountF2fs } from '../src/index.ts';
import { contentOf, expectBytes, isRead, isWrite, later, nameOf, OWNER, settle } from './case-world.ts';
import {
  BLOCKS,
  CLUSTER,
  ClusterCase,
  codeOf,
  noise,
  overlappingOf,
  pattern,
  range,
  SIZES,
  text,
} from './cluster-case-world.ts';
import { clock } from './compression-world.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(SIZES)('engine %s, folios up to order %i, %s encoder', (engine, orderMax, encoder) => {
  const size = [engine, orderMax, encoder] as const;

  it('W1, W2: what is wrong with one cluster is its own: those around it in the same folio are written', () => {
    for (const damaged of ['compressed', 'plain'] as const) {
      const each = ClusterCase.stored(size, 6);
      const { world } = each;
      if (damaged === 'plain') {
        world.write(2 * CLUSTER, noise(CLUSTER, 2));
        runSync(world.volume.sync());
        world.drop();
        each.forget();
      }
      world.read();
      for (const cluster of range(0, 6)) each.dirtyBlock(cluster * BLOCKS + 1, cluster);
      each.putSlot(2 * BLOCKS + 1, 7);
      const cursor = world.file.errorCursor();
      expect(codeOf(() => runSync(world.file.fsync(cursor, false)))).toBe('EUCLEAN');
      expect(each.sent.map(({ cluster }) => cluster)).toEqual([0, 1, 3, 4, 5]);
      expect(world.dirtyBlocks()).toEqual([]);
      each.expectQuiet();
      // Told once; what is on the medium is what was written.
      expect(codeOf(() => runSync(world.file.fsync(cursor, false)))).toBe('nothing thrown');
      world.drop();
      for (const cluster of [0, 1, 3, 4, 5]) {
        const at = cluster * CLUSTER;
        expectBytes(world.read(at, CLUSTER), world.model.subarray(at, at + CLUSTER));
      }
    }
  });

  it('W1: no place for one cluster: the others have theirs, and the error is told', () => {
    const each = ClusterCase.stored(size, 6);
    const { world } = each;
    world.write(0, text(6 * CLUSTER, 2));
    const send = ClusterOutput.prototype.sendCompressed;
    vi.spyOn(ClusterOutput.prototype, 'sendCompressed').mockImplementation(function (this: ClusterOutput, ...what) {
      if (what[0] === 2) throw new FsError(ENOSPC, 'test');
      return send.apply(this, what);
    });
    expect(codeOf(() => runSync(world.file.writeBack()))).toBe('ENOSPC');
    vi.restoreAllMocks();
    expect(each.sent.map(({ cluster }) => cluster)).toEqual([0, 1, 3, 4, 5]);
    expect(world.dirtyBlocks()).toEqual([]);
    each.expectQuiet();
    each.expectCounted();
  });

  it('W1, I-42: where room for a folio is not room for all of its clusters, a sync comes through all the same', () => {
    const each = ClusterCase.stored(size, 8);
    const { world } = each;
    world.write(0, text(8 * CLUSTER, 2));
    // Room for one cluster, whenever it is made.
    let credit = 0;
    vi.spyOn(world.writer, 'hasRoomFor').mockImplementation(() => {
      credit = 2;
      return true;
    });
    vi.spyOn(world.writer, 'hasRoom', 'get').mockImplementation(() => credit-- > 0);
    const send = ClusterOutput.prototype.sendCompressed;
    vi.spyOn(ClusterOutput.prototype, 'sendCompressed').mockImplementation(function (this: ClusterOutput, ...what) {
      expect(credit).toBeGreaterThan(0);
      return send.apply(this, what);
    });
    runSync(world.file.writeBack());
    vi.restoreAllMocks();
    expect(each.sent.map(({ cluster }) => cluster)).toEqual(range(0, 8));
    each.expectModel();
  });

  it('W4: the writeback of a folio ends once, with the last request of its clusters', async () => {
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    world.write(0, text(4 * CLUSTER, 2));
    let left = 3;
    world.watch.holds = (bio) => isWrite(bio) && left-- > 0;
    let over = false;
    const flushing = world.start(world.file.writeBack()).then(() => {
      over = true;
    });
    for (let turn = 0; turn < 5; turn++) await later();
    expect([over, world.folios().some(({ writeback }) => writeback)]).toEqual([false, true]);
    world.watch.release();
    await settle(flushing);
    each.expectModel();
  });

  it('W4: a folio of which some clusters are on their way is waited for before the others are sent', async () => {
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    world.read();
    world.write(0, text(4 * CLUSTER, 2));
    world.watch.holds = isWrite;
    const some = world.start(each.pass({ mode: 'none', rangeStart: CLUSTER, rangeEnd: 2 * CLUSTER }));
    for (let turn = 0; turn < 3; turn++) await later();
    expect(each.sent.map(({ cluster }) => cluster)).toEqual([1]);
    const others = [world.start(world.file.writeBack()), world.start(each.pass({ mode: 'none' }))];
    for (let turn = 0; turn < 5; turn++) await later();
    world.watch.release();
    await settle(Promise.all([some, ...others]));
    expect(each.sent.map(({ cluster }) => cluster).sort()).toEqual([0, 1, 2, 3]);
    each.expectModel();
  });

  it('W5: behind a pass nothing is locked, marked or dirty, and the next one has nothing to do', () => {
    const each = ClusterCase.stored(size, 4);
    each.world.write(CLUSTER + 5, pattern(2 * CLUSTER, 2));
    runSync(each.world.file.writeBack());
    const { mapping } = each.world;
    each.forget();
    expect([mapping.dirtyPages, mapping.dirtyBlocks, mapping.writebackPages]).toEqual([0, 0, 0]);
    runSync(each.world.file.writeBack());
    expect([each.sent, each.world.takeWrites()]).toEqual([[], []]);
    each.expectModel();
  });

  it('W7, W8: a cluster that is gathered at the end of a pass, of its range or of its budget is written all the same', () => {
    for (const from of [0, 1, BLOCKS - 1]) {
      const each = ClusterCase.stored(size, 5);
      const { world } = each;
      world.write(0, text(5 * CLUSTER, from + 2));
      // A range that begins and ends inside of clusters takes them whole.
      runSync(world.file.writeBack(CLUSTER + from * BLOCK_SIZE, 3 * CLUSTER - BLOCK_SIZE));
      expect(each.sent.map(({ cluster, payload }) => [cluster, payload > 0])).toEqual([
        [1, true],
        [2, true],
      ]);
      expect(world.dirtyBlocks()).toEqual([...range(0, BLOCKS), ...range(3 * BLOCKS, 5 * BLOCKS)]);
      each.expectQuiet();
      each.expectModel();
    }
  });

  it('W9: of folios of many pages each cluster gets its own bytes', () => {
    const each = ClusterCase.stored(size, 0);
    for (let round = 0; round < 3; round++) {
      each.world.write(0, round === 1 ? noise(24 * CLUSTER, 3) : text(24 * CLUSTER, round));
      runSync(each.world.file.writeBack());
      expect(each.classes()).toEqual(new Array(24).fill(round === 1 ? 'plain' : 'compressed'));
      each.expectModel();
    }
    each.world.leave();
  });

  it('W10: at the end of a pass, and wherever it waits, the device has everything', async () => {
    const each = ClusterCase.stored(size, 0);
    const { world } = each;
    world.write(0, text(40 * CLUSTER, 2));
    world.watch.holds = isWrite;
    const waits: number[] = [];
    const flushing = world.start(
      (function* (): Task<void> {
        const task = world.file.writeBack();
        for (let step = task.next(); !step.done; step = task.next()) {
          if (!step.value.done) waits.push(world.writer.bios.held);
          yield step.value;
        }
      })(),
    );
    for (let turn = 0; turn < 5; turn++) await later();
    world.watch.release();
    await settle(flushing);
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.filter((held) => held > 0)).toEqual([]);
    each.expectModel();
  });

  it('W11: a pass with a budget ends behind a cluster, and no cluster is taken apart by it', () => {
    for (const [dirty, budgetPages] of [
      [1, 6],
      [2, 7],
      // Used up by what comes before the first whole cluster.
      [1, 1],
      [3, 3],
    ] as const) {
      const each = ClusterCase.stored(size, 0);
      const { world } = each;
      world.write(0, noise(dirty * BLOCK_SIZE, 1));
      for (let cluster = 1; cluster < 9; cluster++) world.write(cluster * CLUSTER, text(CLUSTER, cluster));
      for (let pass = 0; pass < 30 && world.mapping.dirtyPages > 0; pass++) {
        runSync(each.pass({ mode: 'none', budgetPages, cyclic: true }));
      }
      expect(world.dirtyBlocks()).toEqual([]);
      expect(each.classes()).toEqual(['plain', ...new Array(8).fill('compressed')]);
      each.expectModel();
    }
  });

  it('I-50: behind what was compressed there are zeros up to the end of the block, whatever the memory held before', () => {
    const each = ClusterCase.stored(size, 2);
    const { world } = each;
    world.write(0, text(2 * CLUSTER, 3));
    runSync(world.file.writeBack());
    world.write(0, new Uint8Array(2 * CLUSTER).fill(7));
    runSync(world.file.writeBack());
    for (const cluster of [0, 1]) {
      const [address] = each.payloadOf(cluster);
      const block = world.medium.toBytes(address! * BLOCK_SIZE, BLOCK_SIZE);
      const length = new DataView(block.buffer, block.byteOffset).getUint32(0, true);
      expect(block.subarray(24 + length).every((byte) => byte === 0)).toBe(true);
    }
    each.expectModel();
  });

  it('W12: compressed clusters, and plain ones of compressed files, go to the cold log', () => {
    const each = ClusterCase.stored(size, 3);
    const { world } = each;
    world.write(CLUSTER, noise(CLUSTER, 2));
    runSync(world.file.writeBack());
    const { superblock, segments } = world.writer.allocator;
    const logOf = (address: number): number => segments.types[Math.floor((address - superblock.mainAddress) / 512)]!;
    expect(each.payloadOf(0).map(logOf)).toEqual(each.payloadOf(0).map(() => SegmentType.coldData));
    expect(logOf(world.addressOf(BLOCKS))).toBe(SegmentType.coldData);
    each.expectModel();
  });

  it('R8, R9: cut and grown again and again, cold and warm, inside a cluster and at its ends: zeros', () => {
    const random = seededRandom(orderMax + 1);
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    for (let round = 0; round < (FULL ? 100 : 15); round++) {
      const edge = random.below(5) * CLUSTER + [0, 1, -1, BLOCK_SIZE, 3 * BLOCK_SIZE + 7][random.below(5)]!;
      world.truncate(Math.max(0, edge));
      if (random.chance(0.3)) world.drop();
      if (random.chance(0.3)) world.write(random.below(4 * CLUSTER), text(random.below(2 * CLUSTER) + 1, round));
      if (random.chance(0.5)) world.truncate(world.model.length + random.below(2 * CLUSTER));
      expectBytes(world.read(), world.model);
      if (random.chance(0.3)) {
        each.expectModel();
        runSync(world.volume.sync());
        expectBytes(world.behindCut(), world.model);
      }
    }
    each.expectModel();
    world.leave();
  });

  it('R10: a device that fails all reads: overwrites are refused, and what can be written is', () => {
    const each = ClusterCase.stored(size, 6);
    const { world } = each;
    world.read(0, CLUSTER);
    for (const cluster of [0, 1, 2]) if (cluster > 0) each.dirtyBlock(cluster * BLOCKS + 1, cluster);
    world.write(5, pattern(100, 3));
    // Of the clusters 1 and 2 one block is in the cache, where folios are pages: they cannot be made whole.
    world.faults.inject({ operation: 'read', action: { kind: 'fail' } });
    expect(codeOf(() => world.write(4 * CLUSTER + 5, pattern(10, 4)))).toBe('EIO');
    const said = codeOf(() => runSync(world.file.writeBack()));
    const sent = each.sent.map(({ cluster }) => cluster);
    expect(sent).toContain(0);
    expect([said, sent]).toEqual(sent.length === 3 ? ['nothing thrown', [0, 1, 2]] : ['EIO', [0]]);
    world.faults.clear();
    each.expectQuiet();
    each.expectCounted();
    // Nothing is dirty that cannot be written; nothing else has changed.
    expect(world.dirtyBlocks()).toEqual([]);
    world.drop();
    expectBytes(world.read(0, CLUSTER), world.model.subarray(0, CLUSTER));
    expectBytes(world.read(3 * CLUSTER), world.model.subarray(3 * CLUSTER));
  });

  it('R11: clusters of 32 blocks, 11 writes of 111 bytes, sync: it ends', () => {
    const each = ClusterCase.stored(size, 8, { compress: { logClusterSize: 5 } });
    const { world } = each;
    for (let write = 0; write < 11; write++) world.write(write * 90_001, pattern(111, write));
    runSync(world.volume.sync());
    expect(each.sent.map(({ cluster }) => cluster)).toEqual([
      ...new Set(range(0, 11).map((k) => Math.floor((k * 90_001) / 131_072))),
    ]);
    each.expectModel();
    world.leave();
  });

  it('R13, I-51, I-52, I-53, I-64: a cut while clusters become raw, and compressed again, finds each as it was or as it became', async () => {
    const base = loadGolden('compress-lz4-4').device.clone();
    const options = {
      writable: true,
      clock,
      bufferedIo: engine,
      codecs: defaultCodecs(),
      compress: { extensions: ['*'], logClusterSize: 2 },
      cache: { orderMax },
    };
    const CLUSTERS = 4;
    const contents = range(0, 4).map((round) => {
      const kinds = range(0, CLUSTERS).map((k) => ((round + k) % 2 === 0 ? noise : text)(CLUSTER, 10 * round + k));
      return Buffer.concat(kinds);
    });
    const report = await runPowerCuts<number, Uint8Array>({
      base,
      initial: -1,
      seed: 5,
      cuts: FULL ? 60 : 4,
      *scenario(device) {
        const volume = yield* mountF2fs(device, {
          ...options,
          random: seededRandom(1),
          encoder: overlappingOf(encoder),
        });
        const root = yield* volume.readInode(volume.rootIno);
        const file = yield* root.create(nameOf('file'), OWNER);
        yield* file.write(0, new BytesSource(contents[0]!));
        yield* volume.sync();
        yield durable('round 0', 0);
        for (let round = 1; round < contents.length; round++) {
          yield begin(`round ${round}`, round);
          yield* file.write(0, new BytesSource(contents[round]!));
          yield* file.writeBack();
          yield* file.fsync(file.errorCursor(), false);
          yield durable(`round ${round}`, round);
        }
      },
      *recover(device) {
        const volume = yield* mountF2fs(device, options);
        const root = yield* volume.readInode(volume.rootIno);
        const ino = yield* root.lookup(nameOf('file'));
        if (ino === 0) return new Uint8Array(0);
        const file = yield* volume.readInode(ino);
        const usage = yield* fileUsage(volume.store, file.raw);
        if (usage.savedBlocks !== file.savedBlocks)
          throw new Error(`I-54: ${file.savedBlocks}, not ${usage.savedBlocks}`);
        const found = new Uint8Array(file.size);
        yield* file.read(0, found);
        return found;
      },
      compare(found, { durable: promised, begun }) {
        if (promised.state < 0) return { matched: 'not yet' };
        const states = [promised.state, ...begun.map(({ state }) => state)].filter((state) => state >= 0);
        if (found.length !== CLUSTERS * CLUSTER) return { problem: `${found.length} bytes` };
        for (let k = 0; k < CLUSTERS; k++) {
          const cluster = found.subarray(k * CLUSTER, (k + 1) * CLUSTER);
          const known = states.some(
            (state) => Buffer.compare(cluster, contents[state]!.subarray(k * CLUSTER, (k + 1) * CLUSTER)) === 0,
          );
          if (!known) return { problem: `cluster ${k} is neither what it was nor what it became` };
        }
        return { matched: promised.name };
      },
    });
    expect(report.matched.size).toBeGreaterThan(1);
  });

  it('I-54, I-26: what a file saves equals a recount behind each change', () => {
    const random = seededRandom(orderMax + 7);
    const each = ClusterCase.stored(size, 4);
    const { world } = each;
    const before = world.writer.space.validBlocks - world.file.fields.blocks;
    for (let round = 0; round < (FULL ? 150 : 25); round++) {
      const at = random.below(6) * CLUSTER + random.below(2) * random.below(CLUSTER);
      const length = [1, BLOCK_SIZE, CLUSTER, 2 * CLUSTER, 3 * CLUSTER - 5][random.below(5)]!;
      const bytes = random.chance(0.5) ? noise(length, round) : text(length, round);
      switch (random.below(6)) {
        case 0:
          world.truncate(at);
          break;
        case 1:
          if (world.model.length > BLOCK_SIZE) each.dirtyBlock(random.below(world.model.length >> 12), round);
          break;
        case 2:
          runSync(world.file.allocate('allocate', at, length));
          world.resize(Math.max(world.model.length, at + length));
          break;
        default:
          world.write(at, bytes);
      }
      each.expectCounted();
      if (random.chance(0.5)) runSync(world.file.writeBack());
      each.expectCounted();
      if (random.chance(0.2)) world.fsync();
      expect(world.writer.space.validBlocks - world.file.fields.blocks).toBe(before);
    }
    each.expectModel();
    world.leave();
  });

  it('I-50: the cluster in which the file ends is not compressed, until the file has all of it', () => {
    for (const end of [1, BLOCK_SIZE, 3 * BLOCK_SIZE, CLUSTER - BLOCK_SIZE + 1]) {
      const each = ClusterCase.stored(size, 1);
      const { world } = each;
      const whole = Math.ceil(end / BLOCK_SIZE) === BLOCKS;
      world.write(CLUSTER, text(end, 2));
      runSync(world.file.writeBack());
      expect(each.classes()).toEqual(['compressed', whole ? 'compressed' : 'plain']);
      each.expectModel();
      // One that was compressed, and of which the file has lost a part, is written as it is.
      each.forget();
      world.truncate(2 * BLOCK_SIZE + 5);
      world.write(BLOCK_SIZE, text(10, 3));
      runSync(world.file.writeBack());
      expect([each.classes(), each.sent.at(-1)]).toEqual([['plain'], { cluster: 0, payload: 0 }]);
      each.expectModel();
      world.write(0, text(CLUSTER, 3));
      runSync(world.file.writeBack());
      expect(each.classes()).toEqual(['compressed']);
      each.expectModel();
    }
  });

  it('I-55: clusters that are dirty in part are completed when they are written, and nothing of them is lost', () => {
    for (const cold of [true, false]) {
      const each = ClusterCase.stored(size, 4);
      const { world } = each;
      if (!cold) world.read();
      for (const block of [1, BLOCKS, BLOCKS + 3, 3 * BLOCKS + 2]) each.dirtyBlock(block, block);
      expect(world.dirtyBlocks()).toEqual([1, BLOCKS, BLOCKS + 3, 3 * BLOCKS + 2]);
      // A range inside of a cluster writes all of it.
      runSync(world.file.writeBack(CLUSTER + BLOCK_SIZE, CLUSTER + BLOCK_SIZE + 1));
      runSync(world.file.writeBack());
      expect(each.sent.map(({ cluster }) => cluster).sort()).toEqual([0, 1, 3]);
      each.expectModel();
      world.leave();
    }
  });

  it('I-57: what a cut takes stays zeros behind a power cut, too', () => {
    for (const cut of [CLUSTER + BLOCK_SIZE, CLUSTER + 100, 2 * CLUSTER - 1, 1]) {
      const each = ClusterCase.stored(size, 3);
      const { world } = each;
      world.truncate(cut);
      runSync(world.volume.sync());
      const device = world.medium.clone();
      const volume = runSync(
        mountF2fs(device, { writable: true, codecs: defaultCodecs(), bufferedIo: engine, cache: { orderMax } }),
      );
      const root = runSync(volume.readInode(volume.rootIno));
      const file = runSync(volume.readInode(runSync(root.lookup(nameOf('file')))));
      runSync(file.truncate(3 * CLUSTER));
      runSync(volume.unmount());
      const expected = new Uint8Array(3 * CLUSTER);
      expected.set(world.model);
      expectBytes(contentOf(device), expected);
      each.expectModel();
    }
  });

  it('I-57: what lies behind the end on the medium is zeros, for whoever makes the file longer; what others left there is not shown', () => {
    for (const cut of [CLUSTER + BLOCK_SIZE, CLUSTER + 100, 2 * CLUSTER - 1, 1]) {
      for (const warm of [true, false]) {
        const each = ClusterCase.stored(size, 3);
        const { world } = each;
        const { writer, file } = world;
        // The size alone, as another system may change it.
        const setSize = (bytes: number): void => {
          runSync(writer.operation(changeInodeNode(writer, file.ino, (view) => RawInode.size.set(view, 0, bytes))));
          world.resize(bytes);
        };
        world.truncate(cut);
        runSync(world.volume.sync());
        world.drop();
        const cluster = Math.ceil(cut / CLUSTER);
        setSize(cluster * CLUSTER);
        expectBytes(world.read(), world.model);
        // Rubbish behind the end.
        world.write(0, text(cluster * CLUSTER, 7));
        runSync(world.volume.sync());
        world.drop();
        setSize(cut);
        if (warm) world.read();
        if (cut % 2 === 0) world.truncate(4 * CLUSTER);
        else world.write(4 * CLUSTER - 9, pattern(9, 2));
        expectBytes(world.read(), world.model);
        each.expectModel();
        world.leave();
      }
    }
  });

  it('I-55: a node that leaves memory while its cluster is made whole is read again, and the cluster compressed', async () => {
    const each = ClusterCase.stored(size, 1);
    const { world } = each;
    const at = 300 * CLUSTER;
    world.write(at, text(CLUSTER, 4));
    runSync(world.volume.sync());
    world.drop();
    each.forget();
    world.file.clusterSlots();
    each.dirtyBlock(at / BLOCK_SIZE + 1, 5);
    world.watch.holds = isRead;
    const flushing = world.start(world.file.writeBack());
    for (let turn = 0; turn < 10; turn++) {
      await later();
      world.writer.store.nodes.dropUnused();
      world.watch.release(isRead);
    }
    world.watch.release();
    await settle(flushing);
    expect(each.sent).toEqual([{ cluster: 300, payload: expect.any(Number) }]);
    expect(each.sent[0]!.payload).toBeGreaterThan(0);
    each.expectModel();
  });

  it('seek and the map of a file show clusters that were just written', () => {
    const each = ClusterCase.stored(size, 2);
    const { world } = each;
    world.truncate(8 * CLUSTER);
    world.write(5 * CLUSTER, text(CLUSTER, 4));
    world.write(7 * CLUSTER + 5, noise(100, 4));
    expect(runSync(world.file.seek(0, 'hole'))).toBe(2 * CLUSTER);
    expect(runSync(world.file.seek(2 * CLUSTER, 'data'))).toBe(5 * CLUSTER);
    expect(runSync(world.file.seek(5 * CLUSTER + 1, 'hole'))).toBe(6 * CLUSTER);
    expect(runSync(world.file.seek(6 * CLUSTER, 'data'))).toBe(7 * CLUSTER);
    const reader = world.file.extents(5 * CLUSTER, 6 * CLUSTER);
    const extent = runSync(reader.next())!;
    expect([extent.position, extent.position + extent.length]).toEqual([5 * CLUSTER, 6 * CLUSTER]);
    each.expectModel();
  });

  it('the mode "user" leaves clusters plain, and those that were compressed too when they change', () => {
    const each = ClusterCase.stored(size, 3);
    const { world } = each;
    world.file.compressing = false;
    world.write(CLUSTER + 9, text(20, 2));
    runSync(world.file.writeBack());
    expect([each.classes(), each.sent]).toEqual([['compressed', 'plain', 'compressed'], [{ cluster: 1, payload: 0 }]]);
    each.expectModel();
    world.file.compressing = true;
    world.write(CLUSTER, text(CLUSTER, 2));
    runSync(world.file.writeBack());
    expect(each.classes()).toEqual(['compressed', 'compressed', 'compressed']);
    each.expectModel();
  });
});
