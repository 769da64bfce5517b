// A flusher that works in turns with writers, on one thread: over files whose passes begin more than they send, as those do that
// hand work to other threads.

import { CACHE_BYTES_MIN, cacheProblems, PAGE_SIZE } from '@f2fskit/pagecache';
import { Scheduler, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { Flusher, type PassResult, type WritebackControl, WritebackPass } from '../src/index.ts';
import { type FakeFile, FakeFilesystem, pattern } from './fake-filesystem.ts';
import { dirtyPages, expectBytes, TestTime } from './harness.ts';

/** Pages that may be dirty before writeback begins, and at most. */
const BACKGROUND = 64;
const MAX = 128;
/** Pages of a turn: an eighth of those. */
const TURN = BACKGROUND / 8;

/** Files with a pass that asks for a rest behind every page, while the page before it is locked. */
class World {
  readonly scheduler = new Scheduler('sync');
  readonly filesystem: FakeFilesystem;
  readonly flusher: Flusher;
  /** What the passes were told, and `rest`. */
  readonly events: string[] = [];
  /** Pages that were written when passes rested. */
  readonly restedAt: number[] = [];

  constructor(files = 1, budgetPages?: number) {
    const cache = {
      budgetBytes: CACHE_BYTES_MIN,
      dirtyBytesBackground: BACKGROUND * PAGE_SIZE,
      dirtyBytesMax: MAX * PAGE_SIZE,
    };
    let flusher: Flusher | undefined;
    this.filesystem = new FakeFilesystem({ files, cache, onDirty: (file) => flusher?.add(file) });
    const budget = budgetPages === undefined ? {} : { budgetPages };
    flusher = new Flusher(this.filesystem.cache, { clock: new TestTime().clock, ...budget });
    this.flusher = flusher;
    for (const file of this.filesystem.files) this.#overlap(file);
    flusher.takeTurns(this.scheduler);
  }

  get file(): FakeFile {
    return this.filesystem.files[0]!;
  }

  /** Writes pages, and throttles as a file of a volume does. */
  write(from: number, pages: number, file = this.file): void {
    for (let page = from; page < from + pages; page++) {
      this.scheduler.runSync(file.pwrite(page * PAGE_SIZE, pattern(PAGE_SIZE, page)));
      const brake = this.flusher.throttle();
      if (brake !== undefined) this.scheduler.runSync(brake);
    }
  }

  #overlap(file: FakeFile): void {
    const write = file.write.bind(file);
    const overlapping = (control: WritebackControl): Task<PassResult> => this.#pass(file, write, control);
    file.write = overlapping;
  }

  *#pass(
    file: FakeFile,
    write: (control: WritebackControl) => Task<PassResult>,
    control: WritebackControl,
  ): Task<PassResult> {
    const { mode, budgetPages, rest } = control;
    this.events.push(`${mode} ${budgetPages ?? 'all'}${rest === undefined ? '' : ' rests'}`);
    if (mode === 'all') return yield* write(control);
    const pass = new WritebackPass(file.mapping, control);
    for (let index = pass.startIndex; !pass.exhausted; index++) {
      const page = file.mapping.index.next(index)?.index;
      if (page === undefined) break;
      index = page;
      const range = { rangeStart: page * PAGE_SIZE, rangeEnd: (page + 1) * PAGE_SIZE };
      pass.wrote((yield* write({ mode: 'none', ...range })).pagesWritten);
      file.mapping.writebackIndex = page + 1;
      const folio = file.mapping.find(page);
      if (folio === undefined || rest === undefined) continue;
      folio.get();
      if (!folio.tryLock()) yield* folio.lock();
      const resting = rest(pass.pagesWritten);
      if (resting !== undefined) {
        this.restedAt.push(pass.pagesWritten);
        yield resting;
      }
      folio.unlock();
      folio.put();
    }
    if (!pass.exhausted) file.mapping.writebackIndex = 0;
    this.events.push('over');
    return pass;
  }
}

describe('a flusher that takes turns with writers', () => {
  it('writes an eighth of what may be dirty in each turn, of one file in one pass', () => {
    const world = new World();
    world.write(0, BACKGROUND + 1);
    expect([world.events, world.restedAt]).toEqual([['none Infinity rests'], [TURN]]);
    world.write(BACKGROUND + 1, 3 * TURN);
    // Whenever it is too much again.
    expect(world.restedAt).toEqual([TURN, 2 * TURN, 3 * TURN, 4 * TURN]);
    expect([world.flusher.passes, world.flusher.rests]).toEqual([1, 4]);
    const { cache } = world.filesystem;
    expect(cache.dirtyPages).toBeLessThanOrEqual(BACKGROUND);
    world.scheduler.runSync(world.flusher.sync());
    expectBytes(world.file.onDevice(), world.file.model);
  });

  it('with more files than one each has its budget', () => {
    const world = new World(2);
    const [first, second] = world.filesystem.files;
    world.write(0, 10, second);
    world.write(0, BACKGROUND, first);
    expect(world.events[0]).toBe('none 1024 rests');
    expect(new World(1, 7).flusher.passes).toBe(0);
    const small = new World(1, 7);
    small.write(0, BACKGROUND + 1);
    expect(small.events[0]).toBe('none 7 rests');
  });

  it('does not rest while more is dirty than there may be at most', () => {
    const world = new World();
    const { cache } = world.filesystem;
    // Without the brake, and then one turn.
    for (let page = 0; page < MAX + 20; page++) {
      world.scheduler.runSync(world.file.pwrite(page * PAGE_SIZE, pattern(PAGE_SIZE, page)));
    }
    expect(cache.overDirtyLimit).toBe(true);
    world.scheduler.runSync(world.flusher.throttle()!);
    expect(world.restedAt[0]).toBe(20);
    expect(cache.overDirtyLimit).toBe(false);
  });

  it('who needs a page that a resting pass has locked gets it', () => {
    const world = new World();
    world.write(0, BACKGROUND + 1);
    const locked = world.file.mapping.find(TURN - 1)!;
    expect(locked.locked).toBe(true);
    world.write(TURN - 1, 1);
    expect(locked.locked).toBe(false);
    // It went on to its end.
    expect(world.restedAt).toEqual([TURN]);
    expect(dirtyPages(world.file).length).toBeLessThanOrEqual(1);
    world.scheduler.runSync(world.flusher.sync());
    expectBytes(world.file.onDevice(), world.file.model);
    expect(cacheProblems(world.filesystem.mappings)).toEqual([]);
  });

  it('sync waits for the pass to end, and writes what it has left', () => {
    const world = new World(1, TURN + 4);
    world.write(0, BACKGROUND + 1);
    world.scheduler.runSync(world.flusher.sync());
    expect(world.events).toEqual([`none ${TURN + 4} rests`, 'over', 'none all', 'over']);
    expect(dirtyPages(world.file)).toEqual([]);
    expectBytes(world.file.onDevice(), world.file.model);
    expect(world.flusher.size).toBe(0);
  });

  it('stop ends it too: then nobody takes turns, and a writer writes all that is too much', () => {
    const world = new World(1, TURN + 4);
    const { cache } = world.filesystem;
    world.write(0, BACKGROUND + 1);
    for (let page = 100; page < 120; page++)
      world.scheduler.runSync(world.file.pwrite(page * PAGE_SIZE, pattern(1, 1)));
    world.scheduler.runSync(world.flusher.stop());
    // The pass, and no other behind it.
    expect(cache.dirtyPages).toBe(BACKGROUND + 1 + 20 - (TURN + 4));
    expect(world.file.mapping.find(TURN - 1)!.locked).toBe(false);
    const { rests } = world.flusher;
    const { length } = world.events;
    world.write(200, BACKGROUND + 9);
    expect(cache.overDirtyBackground).toBe(false);
    expect([world.events.slice(length).filter((event) => event.includes('rests')), world.flusher.rests]).toEqual([
      [],
      rests,
    ]);
    world.scheduler.runSync(world.flusher.stop());
    world.scheduler.runSync(world.flusher.sync());
    expectBytes(world.file.onDevice(), world.file.model);
  });

  it('a bug of a pass is told by the writer', () => {
    const world = new World();
    world.file.write = () => {
      throw new TypeError('bug');
    };
    expect(() => world.write(0, BACKGROUND + 1)).toThrow('bug');
  });
});
