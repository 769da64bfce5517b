// Defects that writeback can have, each as what ours does instead, by both engines: what reaches the device and what is told
// about it, with errors, ends of files, scattered blocks and folios of any size. Numbers: the list of known defects in
// docs/testing.md.

import { BLOCK_SIZE } from '@f2fskit/block';
import { Advise, NEW_ADDRESS, NULL_ADDRESS, RawInode, SegmentType } from '@f2fskit/f2fs-format';
import { Mark } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import type { DirtyFile } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { changeInodeNode } from '../src/change-inode.ts';
import { noteContentChange } from '../src/data/pending-attributes.ts';
import { findSlot, slotOwner } from '../src/names/slots.ts';
import { CaseWorld, ENGINES, expectBytes, isWrite, later, pattern, settle } from './case-world.ts';

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** Makes all of the file one folio, as far as the engine has large ones. */
function cached(world: CaseWorld): void {
  world.read();
  world.takeReads();
}

/** The log in whose segment a block lies. */
function logOf({ writer }: CaseWorld, address: number): number {
  const { superblock, segments } = writer.allocator;
  return segments.types[Math.floor((address - superblock.mainAddress) / 512)]!;
}

describe.each(ENGINES)('engine %s', (engine) => {
  it('W1: an error of one folio is told by the fsync, whatever came well behind it', () => {
    for (const bad of [0, 17, 63]) {
      const world = CaseWorld.stored(engine, 64);
      // Scattered, so that each is a request of its own.
      for (let block = bad % 2; block < 64; block += 2) world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, 2));
      const start = world.addressOf(bad) * BLOCK_SIZE;
      world.faults.inject({ operation: 'write', range: { start, end: start + BLOCK_SIZE }, action: { kind: 'fail' } });
      const cursor = world.file.errorCursor();
      const fsync = (): void => runSync(world.file.fsync(cursor, true));
      expect(fsync).toThrow(expect.objectContaining({ code: 'EIO' }));
      expect(world.watch.writes).toHaveLength(32);
      expect(world.dirtyBlocks()).toEqual([]);
      world.expectQuiet();
      expect(fsync).not.toThrow();
      world.faults.clear();
      // In the cache it is what was written; once written again it is on the medium.
      expectBytes(world.read(), world.model);
      world.write(bad * BLOCK_SIZE, world.model.slice(bad * BLOCK_SIZE, (bad + 1) * BLOCK_SIZE));
      world.expectModel();
    }
  });

  it('W2: what is behind the end of the file ends no pass, and none of it is written or held', () => {
    const world = CaseWorld.stored(engine, 0);
    for (const [first, count] of [
      [0, 3],
      [4, 4],
      [9, 1],
      [12, 2],
    ] as const) {
      world.write(first * BLOCK_SIZE, pattern(count * BLOCK_SIZE, 2));
    }
    // A truncation has begun: its folios have not gone yet.
    const size = 5 * BLOCK_SIZE + 100;
    noteContentChange(world.writer, world.file, size);
    world.resize(size);
    world.takeWrites();
    runSync(world.file.writeBack());
    expect([world.takeWrites().length, world.dirtyBlocks()]).toEqual([5, []]);
    const { index } = world.mapping;
    for (const mark of [Mark.DIRTY, Mark.TOWRITE, Mark.WRITEBACK]) expect(index.next(0, mark)).toBeUndefined();
    expect([6, 7, 9, 12, 13].map((block) => world.addressOf(block))).toEqual(new Array(5).fill(NEW_ADDRESS));
    world.expectQuiet();
    world.truncate(size);
    world.expectModel();
    world.leave(true);
  });

  it('W3: every folio is written, not the last one', () => {
    const world = CaseWorld.stored(engine, 0);
    for (let block = 0; block < 120; block += 3) world.write(block * BLOCK_SIZE, pattern(2 * BLOCK_SIZE, block));
    world.takeWrites();
    runSync(world.file.writeBack());
    expect(world.takeWrites()).toHaveLength(80);
    world.expectModel();
  });

  it('W4: the writeback of a folio ends once, with its last request, and also without any', async () => {
    const world = CaseWorld.stored(engine, 32);
    cached(world);
    // Requests that end while others are added.
    for (let block = 0; block < 32; block += 2) world.write(block * BLOCK_SIZE, pattern(10, 2));
    world.fsync(true);
    expect(world.watch.writes).toHaveLength(16);
    world.expectQuiet();
    // Requests that end later, one by one.
    for (let block = 1; block < 32; block += 4) world.write(block * BLOCK_SIZE, pattern(10, 3));
    let left = 8;
    world.watch.holds = (bio) => isWrite(bio) && left-- > 0;
    let over = false;
    const syncing = world.start(world.file.fsync(world.file.errorCursor(), true)).then(() => {
      over = true;
    });
    for (let turn = 0; turn < 5; turn++) await later();
    expect([over, world.folios().some(({ writeback }) => writeback)]).toEqual([false, true]);
    world.watch.release();
    await settle(syncing);
    world.expectModel();
    // Nothing to send: the block has lost its slot.
    world.write(40 * BLOCK_SIZE, pattern(BLOCK_SIZE, 4));
    const slot = runSync(findSlot(world.writer, world.file.raw, 40))!;
    runSync(world.writer.store.readInodeNode(world.file.raw)).view.setUint32(slot.byte, NULL_ADDRESS, true);
    world.takeWrites();
    runSync(world.file.writeBack());
    expect([world.takeWrites(), world.dirtyBlocks()]).toEqual([[], []]);
    world.expectQuiet();
  });

  it('W5: behind a pass nothing is locked, marked or dirty, and the next one has nothing to do', () => {
    const world = CaseWorld.stored(engine, 64);
    cached(world);
    for (const block of [1, 5, 6, 40]) world.write(block * BLOCK_SIZE + 5, pattern(10, 2));
    runSync(world.file.writeBack());
    world.takeWrites();
    world.expectQuiet();
    for (const folio of world.folios()) expect([folio.dirty, folio.dirtyBlocks]).toEqual([false, undefined]);
    expect([world.mapping.dirtyPages, world.mapping.dirtyBlocks, world.mapping.writebackPages]).toEqual([0, 0, 0]);
    runSync(world.file.writeBack());
    expect(world.takeWrites()).toEqual([]);
    world.write(6 * BLOCK_SIZE, pattern(10, 3));
    runSync(world.file.writeBack());
    expect(world.takeWrites()).toHaveLength(1);
    world.expectModel();
  });

  it('W6: of a folio the dirty runs are written, by the numbers of their blocks in the file', () => {
    const world = CaseWorld.stored(engine, 128);
    cached(world);
    const dirty = [64, 67, 68, 69, 100, 127];
    const before = range(0, 128).map((block) => world.addressOf(block));
    for (const block of dirty) world.write(block * BLOCK_SIZE + 1, pattern(BLOCK_SIZE - 1, block));
    expect(world.dirtyBlocks()).toEqual(dirty);
    // In place: just these.
    world.fsync(true);
    expect(world.takeWrites()).toEqual(dirty.map((block) => before[block]!));
    // To new places: these and no others.
    for (const block of dirty) world.write(block * BLOCK_SIZE + 1, pattern(BLOCK_SIZE - 1, block + 1));
    runSync(world.file.writeBack());
    expect(range(0, 128).filter((block) => world.addressOf(block) !== before[block])).toEqual(dirty);
    world.expectModel();
  });

  it('W8: a pass keeps no folio locked while it goes on to the next', () => {
    const world = CaseWorld.stored(engine, 0);
    // Apart, so that there are many folios.
    for (let block = 0; block < 100; block += 5) world.write(block * BLOCK_SIZE, pattern(2 * BLOCK_SIZE, block));
    const folios = world.folios();
    const { bios } = world.writer;
    const begin = bios.begin.bind(bios);
    let begun = 0;
    bios.begin = (folio) => {
      begun++;
      expect(folios.filter(({ locked }) => locked)).toEqual([folio]);
      begin(folio);
    };
    runSync(world.file.writeBack());
    expect(begun).toBe(folios.length);
    bios.begin = begin;
    world.expectModel();
  });

  it('W9: folios of many pages are written page by page, by none that takes one page for the folio', () => {
    const world = CaseWorld.stored(engine, 0);
    const orderMax = (): number => Math.max(...world.folios().map(({ order }) => order));
    world.write(0, pattern(200 * BLOCK_SIZE, 2));
    expect(orderMax()).toBe(engine === 'page' ? 0 : 7);
    for (let round = 0; round < 2; round++) {
      expect(world.mapping.dirtyPages).toBe(200);
      runSync(world.file.writeBack());
      expect(world.mapping.dirtyPages).toBe(0);
      const places = range(0, 200).map((block) => world.addressOf(block));
      expect(new Set(places).size).toBe(200);
      expect(world.takeWrites()).toEqual(places);
      world.expectModel();
      // And of folios as a reader makes them.
      expect(orderMax() > 0).toBe(engine === 'iomap');
      world.write(0, pattern(200 * BLOCK_SIZE, 3));
    }
    world.expectModel();
  });

  it('W10: at the end of a pass, and wherever it waits, the device has everything', async () => {
    const world = CaseWorld.stored(engine, 0);
    world.write(0, pattern(600 * BLOCK_SIZE, 2));
    world.watch.holds = isWrite;
    const { bios } = world.writer;
    const waits: number[] = [];
    const flushing = world.start(
      (function* (): Task<void> {
        const task = world.file.writeBack();
        for (let step = task.next(); !step.done; step = task.next()) {
          if (!step.value.done) waits.push(bios.held);
          yield step.value;
        }
      })(),
    );
    for (let turn = 0; turn < 5; turn++) await later();
    expect([bios.held, bios.inFlight > 0]).toEqual([0, true]);
    world.watch.release();
    await settle(flushing);
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.every((held) => held === 0)).toBe(true);
    world.expectModel();
  });

  it('W11: a budget is used up by what was written, once', () => {
    const world = CaseWorld.stored(engine, 0);
    world.drop();
    const { flusher } = world.writer;
    const add = flusher.add.bind(flusher);
    let dirty: DirtyFile | undefined;
    flusher.add = (file) => {
      dirty = file;
      add(file);
    };
    // A folio is not written in part for want of budget: so they are small.
    for (let block = 0; block < 120; block += 2) world.write(block * BLOCK_SIZE, pattern(BLOCK_SIZE, block));
    for (const left of [40, 20, 0]) {
      const { pagesWritten } = runSync(dirty!.write({ mode: 'none', cyclic: true, budgetPages: 20 }));
      expect([pagesWritten, world.mapping.dirtyPages]).toEqual([20, left]);
    }
    world.expectModel();
  });

  it('W12: a pass in the background makes way for a sync, and goes on behind it', async () => {
    const world = CaseWorld.stored(engine, 0);
    const { flusher } = world.writer;
    const add = flusher.add.bind(flusher);
    let dirty: DirtyFile | undefined;
    flusher.add = (file) => {
      dirty = file;
      add(file);
    };
    world.write(0, pattern(BLOCK_SIZE, 2));
    world.watch.holds = isWrite;
    const syncing = world.start(world.file.fsync(world.file.errorCursor(), false));
    await later();
    world.write(40 * BLOCK_SIZE, pattern(BLOCK_SIZE, 3));
    const background = { mode: 'none' } as const;
    expect(runSync(dirty!.write(background))).toMatchObject({ pagesWritten: 0, error: 0 });
    world.watch.release();
    await settle(syncing);
    expect(runSync(dirty!.write(background))).toMatchObject({ pagesWritten: 1, error: 0 });
    world.expectModel();
  });

  it('W12: hot, warm and cold data go to their logs', () => {
    const world = CaseWorld.stored(engine, 0);
    world.write(0, pattern(4 * BLOCK_SIZE, 2));
    runSync(world.file.writeBack());
    expect(logOf(world, world.addressOf(0))).toBe(SegmentType.hotData);
    world.write(0, pattern(64 * BLOCK_SIZE, 3));
    runSync(world.file.writeBack());
    expect(range(0, 64).map((block) => logOf(world, world.addressOf(block)))).toEqual(
      new Array(64).fill(SegmentType.warmData),
    );
    const { advise } = world.file.fields;
    runSync(
      world.writer.operation(
        changeInodeNode(world.writer, world.file.ino, (view) => RawInode.advise.set(view, 0, advise | Advise.cold)),
      ),
    );
    world.write(0, pattern(64 * BLOCK_SIZE, 4));
    runSync(world.file.writeBack());
    expect(logOf(world, world.addressOf(63))).toBe(SegmentType.coldData);
    world.expectModel();
  });

  it('R24: a block of a folio is known by its own number: its slot, its summary', () => {
    const world = CaseWorld.stored(engine, 0);
    const edge = world.file.fields.addressesPerInode;
    world.write((edge - 40) * BLOCK_SIZE, pattern(80 * BLOCK_SIZE, 2));
    runSync(world.file.writeBack());
    for (let block = edge - 40; block < edge + 40; block++) {
      const slot = runSync(findSlot(world.writer, world.file.raw, block))!;
      const owner = runSync(world.writer.allocator.ownerOf(slot.address));
      expect(owner).toEqual(runSync(slotOwner(world.writer, slot)));
      expect(owner.offsetInNode).toBe(block < edge ? block : block - edge);
    }
    world.expectModel();
  });
});
