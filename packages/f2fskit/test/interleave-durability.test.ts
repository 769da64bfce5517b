// What is promised beside writers, over a device that ends requests in any order and fails some: fsync ends and tells of errors, atomic
// writes are there as a whole or not, what the cleaner moves stays what it is, and what is removed goes away.

import { MemoryDevice } from '@f2fskit/block';
import { assert, FsError } from '@f2fskit/errno';
import { type F2fsInode, mountF2fs } from '@f2fskit/f2fs';
import { BLOCK_SIZE, SegmentType } from '@f2fskit/f2fs-format';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { Mark } from '@f2fskit/pagecache';
import { fixedClock, runSync, seededRandom, type Task } from '@f2fskit/task';
import { BytesSource, utf8Encode } from '@f2fskit/vfs';
import { afterAll, describe, expect, it } from 'vitest';
import { interleave } from './interleave/interleaved.ts';
import { breathe } from './interleave/seeded-scheduler.ts';
import type { World, WorldFile } from './interleave/world.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };

/** Pages of folios that a pass which begins now has to visit. */
function taggedPages({ inode }: WorldFile): number {
  const { index } = inode.pages().mapping;
  let pages = 0;
  for (let folio = index.next(0, Mark.DIRTY); folio !== undefined; folio = index.next(folio.endIndex, Mark.DIRTY)) {
    pages += folio.pages;
  }
  return pages;
}

interleave('fsync against an endless writer', (run) => {
  const world = run.start({ flusher: false });
  const span = Math.max(run.span, 1_500_000);
  const file = world.create('file', span);
  world.syncAtRest();
  const opened = world.open(file);
  for (let round = 0; round < 3; round++) {
    let over = false;
    world.race({
      writer: (function* (): Task<void> {
        for (let turn = 0; !over; turn++) {
          assert(turn < 5000, 'fsync ends (I-43)');
          yield* world.write(file, run.random.below(span), 1 + run.random.below(9000));
          yield* breathe();
        }
      })(),
      // They write no data, but fsync has to wait for them on its way.
      checkpoints: (function* (): Task<void> {
        while (!over) {
          yield* world.volume.writer!.checkpoint();
          yield* breathe();
        }
      })(),
      fsync: (function* (): Task<void> {
        for (let turn = 0; turn < 10; turn++) yield* breathe();
        const tagged = taggedPages(file);
        const before = world.dataBlocks;
        expect(yield* world.fsync(file, opened, { cut: true })).toBe('fine');
        over = true;
        // What became dirty meanwhile is not its business.
        expect(world.dataBlocks - before).toBeLessThanOrEqual(tagged);
      })(),
    });
    world.syncAtRest();
  }
  world.leave();
});

interleave('fsync of two open files beside writes that fail', (run) => {
  const world = run.start({ failChance: 0.15 });
  const file = world.create('file', Math.min(run.span, 900_000));
  if (run.oneIn(2)) world.syncAtRest();
  const opened = [world.open(file), world.open(file)] as const;
  const fsyncs = (which: 0 | 1): Task<void> =>
    run.times(6, () => world.fsync(file, opened[which], { dataOnly: run.oneIn(2), cut: run.oneIn(4) }));
  for (let round = 0; round < 2; round++) {
    world.race({
      writer: run.writes(world, file, 12),
      'one fsync': fsyncs(0),
      'other fsync': fsyncs(1),
      reader: run.reads(world, file, 8),
      sync: run.syncs(world, 2),
      truncation: run.cuts(world, file, 2),
      evictions: run.evictions(file, 10),
    });
    // Each of them is told of what it has not heard, once; then nobody, whoever comes (R25).
    for (const each of opened) {
      world.do(world.fsync(file, each));
      expect(world.do(world.fsync(file, each))).toBe('fine');
    }
    expect(world.do(world.fsync(file, world.open(file)))).toBe('fine');
    // Written anew, it is durable (I-66).
    world.do(world.write(file, 0, Math.max(1, file.model.size)));
    expect(world.do(world.fsync(file, opened[round % 2]!, { cut: true }))).toBe('fine');
    expect(file.model.unknown.size).toBe(0);
  }
  world.leave();
});

/** Atomic writes of a file, committed or not; `states`: what a mount may find of it, as long as that is known. */
function* atomicWrites(world: World, file: WorldFile, keep: () => boolean, states: Uint8Array[]): Task<void> {
  const { inode, model } = file;
  const opened = world.open(file);
  for (let turn = 0; turn < 3; turn++) {
    states.length = 0;
    yield* world.sync();
    const before = model.content();
    states.push(before);
    yield* inode.startAtomicWrite(opened);
    for (let write = 0; write < 5; write++) {
      const at = world.random.below(model.size + 5000);
      yield* world.write(file, at, 1 + world.random.below(20_000), world.random.chance(0.3) ? 'slow' : 'plain');
      yield* breathe();
    }
    const after = model.content();
    if (keep()) {
      states.push(after);
      yield* inode.commitAtomicWrite(opened, opened.cursor);
      states.shift();
    } else {
      const bytes = new Uint8Array(after.length);
      bytes.set(before);
      const change = { from: 0, bytes, size: before.length, began: world.scheduler.steps };
      model.begin(change);
      yield* inode.abortAtomicWrite(opened);
      model.end(change, 0, bytes.length, before.length);
    }
    for (let pause = 0; pause < 20; pause++) yield* breathe();
  }
}

interleave('atomic writes beside checkpoints', (run) => {
  const world = run.start();
  const file = world.create('file', 5000 + run.random.below(Math.min(run.span, 400_000)));
  const other = world.create('other', 50_000);
  const states: Uint8Array[] = [];
  world.race({
    atomic: atomicWrites(world, file, () => run.oneIn(2), states),
    reader: run.reads(world, file, 12),
    'other writer': run.writes(world, other, 20),
    'other fsync': run.fsyncs(world, other, 5),
    checkpoints: run.syncs(world, 6),
    evictions: run.evictions(file, 20),
    'power cuts': run.times(12, function* () {
      for (let pause = 0; pause < 15; pause++) yield* breathe();
      if (states.length === 0) return;
      const found = world.afterCut(file)!;
      const known = states.some((state) => Buffer.compare(state, found) === 0);
      if (!known) throw new Error('behind a cut there is a part of an atomic write');
    }),
  });
  world.syncAtRest();
  world.leave();
});

interleave('files that are removed beside writeback', (run) => {
  const world = run.start({ cache: { dirtyBytesBackground: 64 << 10 }, flusher: run.oneIn(2) });
  const other = world.create('other', 30_000);
  for (let round = 0; round < 3; round++) {
    const file = world.create('removed', 5000 + run.random.below(Math.min(run.span, 600_000)));
    file.inode.hold();
    const name = utf8Encode(file.name);
    world.race({
      writer: run.writes(world, file, 6),
      reader: run.reads(world, file, 6),
      sync: run.syncs(world, 2),
      unlink: world.root.unlink(name),
    });
    world.race({
      closer: (function* (): Task<void> {
        yield* run.writes(world, file, 2);
        yield* file.inode.release();
        world.forget(file);
      })(),
      writer: run.writes(world, other, 8),
      // Not of what is removed: who closes a file is the last to use it.
      fsync: run.fsyncs(world, other, 2),
      sync: run.syncs(world, 3),
    });
    if (run.oneIn(2)) world.syncAtRest();
  }
  world.leave();
});

const KEPT_BYTES = 64 * 1024;

/** Content that names its file. */
function contentOf(file: number): Uint8Array {
  const content = new Uint8Array(KEPT_BYTES);
  const view = new DataView(content.buffer);
  for (let at = 0; at < KEPT_BYTES; at += 512) {
    view.setUint32(at, file);
    view.setUint32(at + 4, at);
  }
  return content;
}

let scattered: { medium: MemoryDevice; kept: number[] } | undefined;

/** A volume of which nearly every segment holds something, and none much. */
function scatteredMedium(): { medium: MemoryDevice; kept: number[] } {
  if (scattered !== undefined) return { ...scattered, medium: scattered.medium.clone() };
  const medium = new MemoryDevice(64 << 20);
  const clock = fixedClock(1_900_000_000, 0);
  runSync(formatVolume(medium, { clock, random: seededRandom(1), blank: true, overprovision: 20 }));
  const volume = runSync(mountF2fs(medium, { writable: true, clock, random: seededRandom(2) }));
  const root = runSync(volume.readInode(volume.rootIno));
  const names: string[] = [];
  try {
    for (let file = 0; ; file++) {
      const name = `kept ${file}`;
      const inode: F2fsInode = runSync(root.create(utf8Encode(name), OWNER));
      names.push(name);
      if (runSync(inode.write(0, new BytesSource(contentOf(file)))).bytes < KEPT_BYTES) break;
    }
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'ENOSPC')) throw error;
  }
  runSync(volume.sync());
  const kept: number[] = [];
  for (const [file, name] of names.entries()) {
    if (file % 8 === 0 && file < names.length - 2) kept.push(file);
    else runSync(root.unlink(utf8Encode(name)));
  }
  runSync(volume.unmount());
  scattered = { medium, kept };
  return { medium: medium.clone(), kept };
}

let moved = 0;

interleave('the cleaner beside writers', (run) => {
  const { medium, kept } = scatteredMedium();
  const world = run.start({ medium });
  world.tracer.listen((event, payload) => {
    if (event === 'segment:clean') moved += (payload as { moved: number }).moved;
  });
  const { allocator } = world.volume.writer!;
  const roomFor = allocator.roomFor.bind(allocator);
  let missing = 0;
  allocator.roomFor = (type) => Math.max(0, roomFor(type) - missing);
  const some = Array.from({ length: 6 }, () => kept[run.random.below(kept.length)]!);
  const files = [...new Set(some)].map((file) => world.adopt(`kept ${file}`, contentOf(file)));
  const any = (): WorldFile => files[run.random.below(files.length)]!;
  world.race({
    // Hardly anything is left to write to, as far as anybody knows: that is when segments are cleaned.
    cleaner: run.times(4, function* () {
      for (let pause = 0; pause < 20; pause++) yield* breathe();
      missing = roomFor(SegmentType.warmNode) - 340;
      yield* world.volume.writer!.balance();
      missing = 0;
    }),
    writer: run.times(30, () => world.write(any(), run.random.below(KEPT_BYTES), 1 + run.random.below(9000))),
    direct: run.times(10, () => world.write(any(), BLOCK_SIZE * run.random.below(16), BLOCK_SIZE, 'direct')),
    reader: run.times(60, () => {
      const file = any();
      file.inode.evict();
      return world.read(file, run.random.below(KEPT_BYTES), 9000);
    }),
    truncation: run.times(6, () => world.truncate(any(), run.random.below(KEPT_BYTES))),
    fsync: run.times(8, () => {
      const file = any();
      return world.fsync(file, world.open(file), { cut: run.oneIn(4) });
    }),
  });
  world.syncAtRest();
  world.leave();
});

describe('the cleaner', () => {
  it('had something to do', () => expect(moved).toBeGreaterThan(0));
});

afterAll(() => {
  scattered = undefined;
});
