import { type BlockDevice, FaultDevice, type MemoryDevice } from '@f2fskit/block';
import { EAGAIN, EIO, ENOSPC, FsError } from '@f2fskit/errno';
import {
  cacheProblems,
  cancelDirty,
  type Folio,
  Mark,
  markDirty,
  PAGE_SIZE,
  redirty,
  waitWriteback,
} from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { CheckingDevice } from '../test/checking-device.ts';
import { type FakeFile, FakeFilesystem, type FakeOptions, pattern } from '../test/fake-filesystem.ts';
import { dirtyPages, expectBytes, later, settle, start, watched } from '../test/harness.ts';
import { type PageWriter, writeCachePages, writeSinglePage } from './index.ts';

interface Rig {
  filesystem: FakeFilesystem;
  file: FakeFile;
  checking: CheckingDevice;
  fault: FaultDevice;
  /** What is between that and the memory: always sync, so that what was held can fail. */
  below: FaultDevice;
}

function makeRig(options: FakeOptions & { asynchronous?: boolean } = {}): Rig {
  let checking: CheckingDevice | undefined;
  let fault: FaultDevice | undefined;
  let below: FaultDevice | undefined;
  const filesystem = new FakeFilesystem({
    ...options,
    device: (memory: MemoryDevice): BlockDevice => {
      below = new FaultDevice(memory);
      fault = new FaultDevice(below, [], { mode: options.asynchronous ? 'async' : 'sync' });
      checking = new CheckingDevice(fault);
      return checking;
    },
  });
  return { filesystem, file: filesystem.files[0]!, checking: checking!, fault: fault!, below: below! };
}

/** Dirties the pages [from, to). */
function dirty(file: FakeFile, from: number, to: number, seed = 1): void {
  runSync(file.pwrite(from * PAGE_SIZE, pattern((to - from) * PAGE_SIZE, seed)));
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const finish = <T>(task: Task<T>): Promise<T> => settle(start(task));
const throwing = (errno: number): Task<never> =>
  (function* (): Task<never> {
    throw new FsError(errno);
  })();

describe('a pass', () => {
  it('W3, W5: writes what is dirty, in order and merged, and nothing else (I-44)', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 40);
    dirty(file, 60, 61);
    const result = runSync(file.write({ mode: 'all' }));
    expect(result).toMatchObject({ pagesWritten: 41, pagesSkipped: 0, error: 0 });
    expect(checking.writes.length).toBe(2);
    expect(checking.takeBlocks()).toEqual([...range(0, 40), 60]);
    expect(dirtyPages(file)).toEqual([]);
    expect(runSync(file.write({ mode: 'all' })).pagesWritten).toBe(0);
    expectBytes(file.onDevice(), file.model);
    expect(cacheProblems([file.mapping])).toEqual([]);
  });

  it('R14, W9: writes the blocks that are dirty, not the folio around them (I-44)', () => {
    const { file, checking } = makeRig({ order: 8 });
    dirty(file, 0, 256);
    runSync(file.fsync());
    expect([file.mapping.index.size, checking.takeBlocks().length]).toEqual([1, 256]);
    for (let round = 0; round < 5; round++) {
      runSync(file.pwrite(PAGE_SIZE * (3 + round) + 5, Uint8Array.of(round)));
      runSync(file.fsync());
      expect(checking.takeBlocks()).toEqual([3 + round]);
    }
    for (const page of [9, 200]) dirty(file, page, page + 2);
    runSync(file.fsync());
    expect(checking.takeBlocks()).toEqual([9, 10, 200, 201]);
    expectBytes(file.onDevice(), file.model);
  });

  it('writes the folios that hold bytes of its range, and no others', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 10);
    runSync(file.write({ mode: 'all', rangeStart: 2 * PAGE_SIZE + 4095, rangeEnd: 5 * PAGE_SIZE + 1 }));
    expect(checking.takeBlocks()).toEqual([2, 3, 4, 5]);
    runSync(file.write({ mode: 'none', rangeStart: 8 * PAGE_SIZE }));
    expect(checking.takeBlocks()).toEqual([8, 9]);
    expect(dirtyPages(file)).toEqual([0, 1, 6, 7]);
  });

  it('W2: drops what is behind the end of the file, and zeroes the rest of its last block (I-12, I-48)', () => {
    const { file, checking } = makeRig({ order: 2 });
    dirty(file, 0, 8);
    file.size = 5 * PAGE_SIZE + 100;
    // A block whose file has become shorter after the pass had begun to look.
    const result = runSync(file.write({ mode: 'all' }));
    expect([result.pagesWritten, checking.takeBlocks()]).toEqual([8, [0, 1, 2, 3, 4, 5]]);
    const last = file.onDevice().subarray(5 * PAGE_SIZE);
    expect(last.subarray(0, 100)).toEqual(file.model.subarray(5 * PAGE_SIZE, 5 * PAGE_SIZE + 100));
    expect(last.subarray(100).every((byte) => byte === 0)).toBe(true);
    dirty(file, 4, 8);
    file.size = 4 * PAGE_SIZE;
    expect(runSync(file.write({ mode: 'all' }))).toMatchObject({ pagesWritten: 0, error: 0 });
    expect([checking.takeBlocks(), dirtyPages(file), file.mapping.dirtyPages]).toEqual([[], [], 0]);
    expect(cacheProblems([file.mapping])).toEqual([]);
  });

  it('looks again under the lock: gone, or clean by then (I-2)', async () => {
    const { file, checking } = makeRig({ asynchronous: true });
    for (const leave of [true, false]) {
      await finish(file.pwrite(0, pattern(2 * PAGE_SIZE, 3)));
      const folio = file.mapping.find(0)!;
      folio.tryLock();
      const done = start(file.write({ mode: 'all' }));
      await later();
      expect(checking.takeBlocks()).toEqual([]);
      cancelDirty(folio);
      if (leave) file.mapping.remove(folio);
      folio.unlock();
      expect(await settle(done)).toMatchObject({ pagesWritten: 1, error: 0 });
      expect(checking.takeBlocks()).toEqual([1]);
    }
  });

  it('a block that has gone meanwhile is dropped (H1)', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 4);
    file.onPlace = function* (index) {
      return index !== 2;
    };
    expect(runSync(file.write({ mode: 'all' }))).toMatchObject({ pagesWritten: 3, error: 0 });
    expect([checking.takeBlocks(), dirtyPages(file)]).toEqual([[0, 1, 3], []]);
  });
});

describe('mode none', () => {
  it('leaves what is under writeback; mode all waits for it (14)', async () => {
    const { file, checking, fault } = makeRig({ asynchronous: true, mapping: { stable: false } });
    fault.inject({ action: { kind: 'hold' }, operation: 'write', times: 1 });
    await finish(file.pwrite(0, pattern(PAGE_SIZE, 1)));
    await finish(file.write({ mode: 'none' }));
    // Dirty again, and still under writeback.
    const folio = file.mapping.find(0)!;
    folio.tryLock();
    markDirty(folio);
    folio.unlock();
    expect([folio.dirty, folio.writeback, checking.takeBlocks()]).toEqual([true, true, [0]]);
    expect(await finish(file.write({ mode: 'none' }))).toMatchObject({ pagesWritten: 0, pagesSkipped: 1 });
    const all = start(file.write({ mode: 'all' }));
    await later();
    expect(checking.takeBlocks()).toEqual([]);
    fault.release();
    expect(await settle(all)).toMatchObject({ pagesWritten: 1, pagesSkipped: 0, error: 0 });
    expect([checking.takeBlocks(), folio.dirty, folio.writeback]).toEqual([[0], false, false]);
    expect(checking.problems).toEqual([]);
  });

  it('W11: stops when its budget is used up; cyclic passes take turns through the file (I-47)', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 40);
    const visited: number[][] = [];
    for (let pass = 0; pass < 5; pass++) {
      runSync(file.write({ mode: 'none', cyclic: true, budgetPages: 16 }));
      visited.push(checking.takeBlocks());
      dirty(file, 0, 1); // somebody writes the first page again and again
    }
    // Not around the end within a pass: lower pages are never visited after higher ones.
    expect(visited).toEqual([range(0, 16), range(16, 32), range(32, 40), [0], [0]]);
    expect(file.mapping.writebackIndex).toBe(0);
    dirty(file, 0, 40);
    expect(runSync(file.write({ mode: 'none', budgetPages: 3 })).pagesWritten).toBe(3);
    expect(runSync(file.write({ mode: 'all', budgetPages: 3 })).pagesWritten).toBe(37);
  });

  it('W1: stops at the first error; mode all goes on and remembers it (I-46)', () => {
    for (const mode of ['none', 'all'] as const) {
      const { file, checking } = makeRig();
      dirty(file, 0, 8);
      file.onPlace = (index) => (index === 3 ? throwing(ENOSPC) : index === 5 ? throwing(EIO) : throughout());
      const result = runSync(file.write({ mode }));
      expect(result.error).toBe(ENOSPC);
      expect(checking.takeBlocks()).toEqual(mode === 'none' ? [0, 1, 2] : [0, 1, 2, 4, 6, 7]);
      expect(dirtyPages(file)).toEqual(mode === 'none' ? [4, 5, 6, 7] : []);
      // Clean and uptodate: not tried for ever (3.5).
      const folio = file.mapping.find(3)!;
      expect([folio.dirty, folio.uptodate, folio.locked]).toEqual([false, true, false]);
      expect(file.cursor.take()).toBe(mode === 'none' ? ENOSPC : EIO);
      expect(file.filesystem.bios.held).toBe(0);
      expect(cacheProblems([file.mapping])).toEqual([]);
    }
  });

  it('W12: makes way, page by page, where somebody needs the device more; mode all does not (15.1)', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 8);
    let pages = 0;
    file.shouldYield = () => ++pages > 5;
    expect(runSync(file.write({ mode: 'none', cyclic: true })).pagesWritten).toBe(5);
    expect(file.mapping.writebackIndex).toBe(5);
    expect(runSync(file.write({ mode: 'all' })).pagesWritten).toBe(3);
    expect(checking.takeBlocks()).toEqual(range(0, 8));
  });
});

describe('mode all', () => {
  it('ends though somebody writes on and on, and takes what was dirty when it began (I-42, I-43)', async () => {
    for (const control of [{ mode: 'all' }, { mode: 'none', tagged: true }] as const) {
      const { file, checking } = makeRig({ asynchronous: true });
      await finish(file.pwrite(0, pattern(10 * PAGE_SIZE, 1)));
      let ahead = 20;
      file.onPlace = function* (index) {
        // A writer that is always ahead, and one that comes back to what has just been written.
        yield* file.pwrite(ahead++ * PAGE_SIZE, pattern(PAGE_SIZE, 2));
        if (index > 0) yield* file.pwrite((index - 1) * PAGE_SIZE, pattern(PAGE_SIZE, 3));
        return undefined;
      };
      const result = await finish(file.write(control));
      expect(result.pagesWritten).toBe(10);
      expect(checking.takeBlocks()).toEqual(range(0, 10));
      expect(dirtyPages(file)).toEqual([...range(0, 9), ...range(20, 30)]);
    }
  });

  it('without tags a pass would run after the writer', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 2);
    let ahead = 20;
    file.onPlace = function* () {
      if (ahead < 100) yield* file.pwrite(ahead++ * PAGE_SIZE, pattern(PAGE_SIZE, 2));
      return undefined;
    };
    runSync(file.write({ mode: 'none' }));
    expect(checking.takeBlocks()).toEqual([0, 1, ...range(20, 100)]);
  });

  it('waits for all of it, writes that others began included, and tells their errors (14)', async () => {
    const { file, fault, below } = makeRig({ asynchronous: true });
    fault.inject({ action: { kind: 'hold' }, operation: 'write' });
    below.inject({ action: { kind: 'fail' }, range: { start: 0, end: PAGE_SIZE } });
    await finish(file.pwrite(0, pattern(4 * PAGE_SIZE, 1)));
    await finish(file.write({ mode: 'none', rangeEnd: 2 * PAGE_SIZE }));
    let over = false;
    const all = start(file.write({ mode: 'all' })).finally(() => {
      over = true;
    });
    await later();
    const [first, second] = fault.held;
    fault.release(second!);
    await later();
    expect([over, file.mapping.writebackPages]).toEqual([false, 2]);
    fault.release(first!);
    expect(await settle(all)).toMatchObject({ pagesWritten: 2, error: EIO });
    expect([dirtyPages(file), file.mapping.writebackPages]).toEqual([[], 0]);
    expect([file.cursor.take(), file.cursor.take()]).toEqual([EIO, 0]);
  });

  it('two at once: both end after everything has arrived (I-42)', async () => {
    const { file, fault, checking } = makeRig({ asynchronous: true });
    fault.inject({ action: { kind: 'hold' }, operation: 'write' });
    await finish(file.pwrite(0, pattern(20 * PAGE_SIZE, 1)));
    const seen: string[] = [];
    const both = ['a', 'b'].map((name) => start(file.write({ mode: 'all' })).then(() => seen.push(name)));
    await later();
    expect([seen, checking.inFlight]).toEqual([[], 1]);
    fault.release();
    await settle(Promise.all(both));
    expect(seen).toEqual(['a', 'b']);
    expect(checking.takeBlocks()).toEqual(range(0, 20));
  });
});

describe('a page for which it is too early (EAGAIN)', () => {
  const tooEarly = (times: number): FakeFile['onPlace'] => {
    let left = times;
    return (index) => (index === 2 && left-- > 0 ? throwing(EAGAIN) : throughout());
  };

  it('stays dirty in mode none', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 4);
    file.onPlace = tooEarly(1);
    expect(runSync(file.write({ mode: 'none' }))).toMatchObject({ pagesWritten: 3, pagesSkipped: 1, error: 0 });
    expect([checking.takeBlocks(), dirtyPages(file)]).toEqual([[0, 1, 3], [2]]);
    expect(cacheProblems([file.mapping])).toEqual([]);
  });

  it('is tried once more at the end of mode all, and is an error if that does not help', () => {
    for (const [times, error] of [
      [1, 0],
      [2, EAGAIN],
    ] as const) {
      const { file, checking } = makeRig();
      dirty(file, 0, 4);
      file.onPlace = tooEarly(times);
      expect(runSync(file.write({ mode: 'all' })).error).toBe(error);
      expect(checking.takeBlocks()).toEqual(error === 0 ? [0, 1, 3, 2] : [0, 1, 3]);
      expect(dirtyPages(file)).toEqual(error === 0 ? [] : [2]);
      // It is not lost: nothing is reported later.
      expect(file.cursor.take()).toBe(0);
      expect(runSync(file.write({ mode: 'all' })).error).toBe(0);
      expect(dirtyPages(file)).toEqual([]);
      expectBytes(file.onDevice(), file.model);
    }
  });

  it('is tried in its place, as often as it takes, where one can wait for it', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 4);
    file.onPlace = tooEarly(7);
    let waits = 0;
    file.backOff = function* () {
      waits++;
      expect(file.mapping.find(2)!.locked).toBe(false);
    };
    expect(runSync(file.write({ mode: 'all' }))).toMatchObject({ pagesWritten: 4, error: 0 });
    expect([waits, checking.takeBlocks()]).toEqual([7, [0, 1, 2, 3]]);
  });
});

describe('requests', () => {
  it('R18, W10: nobody waits while the device has not got them, and none is left at the end (L3, I-45)', async () => {
    const { filesystem, file, checking } = makeRig({ asynchronous: true });
    let waits = 0;
    const look = (): void => {
      waits++;
      expect(filesystem.bios.held).toBe(0);
    };
    await finish(file.pwrite(0, pattern(20 * PAGE_SIZE, 1)));
    const folio = file.mapping.find(7)!;
    folio.tryLock();
    file.onPlace = function* (index) {
      if (index === 12) yield* waitWriteback(file.mapping.find(11)!);
      if (index === 15) throw new FsError(EIO);
    };
    const done = start(watched(file.write({ mode: 'all' }), look));
    await later();
    expect(checking.takeBlocks()).toEqual(range(0, 7));
    folio.unlock();
    await settle(done);
    expect(checking.takeBlocks()).toEqual([...range(7, 15), ...range(16, 20)]);
    expect([waits > 2, filesystem.bios.held]).toEqual([true, 0]);
  });
});

describe('units of several pages', () => {
  const UNIT = 4;

  /** Writes units as a whole: pages that are missing are made dirty first, and all four travel together. */
  function unitWriter(file: FakeFile, fail: (event: string) => void = () => {}): PageWriter & { units: number[][] } {
    const { bios } = file.filesystem;
    const kept: Folio[] = [];
    const units: number[][] = [];
    function* flush(): Task<void> {
      const unit = kept.splice(0);
      if (unit.length === 0) return;
      units.push(unit.map(({ index }) => index));
      for (const folio of unit) {
        yield* writeSinglePage(folio, bios, function* (index) {
          return { offset: file.offsetOf(index * PAGE_SIZE) };
        });
      }
      fail('unit');
    }
    return {
      units,
      lengthToWrite: (folio) => Math.max(0, Math.min(folio.size, file.size - folio.position)),
      submit: () => bios.submit(),
      *prepare(batch, at) {
        const { index } = batch[at]!;
        const first = index - (index % UNIT);
        if (kept.length > 0 && kept[0]!.index < first) yield* flush();
        if (kept.length > 0) return -1;
        const whole = batch
          .slice(at, at + UNIT)
          .every((folio, position) => folio.index === first + position && folio.dirty);
        if (whole && batch.length - at >= UNIT) return -1;
        fail(`prepare ${first}`);
        for (let page = first; page < first + UNIT; page++) {
          yield* file.pwrite(page * PAGE_SIZE, file.model.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
        }
        return first;
      },
      *writePage(folio) {
        kept.push(folio);
        return 'written';
      },
      finish: flush,
    };
  }

  it('W7, W8: are made whole, gathered again and written together, whatever was dirty (15.3, 15.4, R11)', () => {
    for (const [control, batchPages] of [
      [{ mode: 'all' }, 4],
      [{ mode: 'none' }, 16],
      [{ mode: 'all' }, 16],
    ] as const) {
      const { file, checking } = makeRig();
      dirty(file, 0, 24);
      runSync(file.fsync());
      checking.takeBlocks();
      for (const page of [1, 7, 8, 9, 10, 11, 18, 19]) dirty(file, page, page + 1, 9);
      const writer = unitWriter(file);
      const result = runSync(writeCachePages(file.mapping, control, writer, { batchPages }));
      expect(writer.units).toEqual([range(0, 4), range(4, 8), range(8, 12), range(16, 20)]);
      expect([result.error, dirtyPages(file)]).toEqual([0, []]);
      expect(checking.takeBlocks()).toEqual([...range(0, 12), ...range(16, 20)]);
      expectBytes(file.onDevice(), file.model);
      expect(cacheProblems([file.mapping])).toEqual([]);
    }
  });

  it('a unit that cannot be made whole is dropped with an error, the others are written (I-46, R10)', () => {
    const { file } = makeRig();
    dirty(file, 0, 16);
    runSync(file.fsync());
    for (const page of [1, 6, 13]) dirty(file, page, page + 1, 9);
    const writer = unitWriter(file, (event) => {
      if (event === 'prepare 4') throw new FsError(EIO);
    });
    const result = runSync(writeCachePages(file.mapping, { mode: 'all' }, writer));
    expect([result.error, writer.units, dirtyPages(file)]).toEqual([EIO, [range(0, 4), range(12, 16)], []]);
    expect([file.cursor.take(), file.mapping.find(6)!.locked]).toEqual([EIO, false]);
  });

  it('a unit for which it is too early stays dirty, and has its second try in mode all', () => {
    for (const mode of ['none', 'all'] as const) {
      const { file } = makeRig();
      dirty(file, 0, 16);
      runSync(file.fsync());
      for (const page of [1, 6]) dirty(file, page, page + 1, 9);
      let tries = 0;
      const writer = unitWriter(file, (event) => {
        if (event === 'prepare 0' && tries++ === 0) throw new FsError(EAGAIN);
      });
      const result = runSync(writeCachePages(file.mapping, { mode }, writer));
      expect([result.error, result.pagesSkipped, dirtyPages(file)]).toEqual([0, 1, mode === 'all' ? [] : [1]]);
      expect(writer.units).toEqual(mode === 'all' ? [range(4, 8), range(0, 4)] : [range(4, 8)]);
    }
  });

  it('an error at the end is in the result, and nothing is left unsubmitted', () => {
    const { file, filesystem } = makeRig();
    dirty(file, 0, 4);
    const writer = unitWriter(file, (event) => {
      if (event === 'unit') throw new FsError(ENOSPC);
    });
    expect(runSync(writeCachePages(file.mapping, { mode: 'none' }, writer)).error).toBe(ENOSPC);
    expect([filesystem.bios.held, file.cursor.take()]).toEqual([0, ENOSPC]);
  });

  it('a unit that never becomes whole is a bug that is found (15.9)', () => {
    const { file } = makeRig();
    dirty(file, 0, 4);
    const writer = { ...unitWriter(file), prepare: () => nowhere() };
    expect(() => runSync(writeCachePages(file.mapping, { mode: 'all' }, writer))).toThrow(/made whole/);
    expect(file.mapping.find(0)!.references).toBe(0);
  });

  it('a page that was dirtied again by the writer keeps its tag for the second round', () => {
    const { file, checking } = makeRig();
    dirty(file, 0, 3);
    const { bios } = file.filesystem;
    let refused = 0;
    const writer: PageWriter = {
      lengthToWrite: (folio) => folio.size,
      submit: () => bios.submit(),
      *writePage(folio) {
        if (folio.index !== 1 || refused++ > 0) {
          return yield* writeSinglePage(folio, bios, function* (index) {
            return { offset: file.offsetOf(index * PAGE_SIZE) };
          });
        }
        redirty(folio);
        expect(file.mapping.index.hasMark(folio, Mark.TOWRITE)).toBe(true);
        folio.unlock();
        return 'retry';
      },
    };
    expect(runSync(writeCachePages(file.mapping, { mode: 'all' }, writer)).error).toBe(0);
    expect(checking.takeBlocks()).toEqual([0, 2, 1]);
    expect(file.mapping.index.next(0, Mark.TOWRITE)).toBeUndefined();
  });
});

function* throughout(): Task<undefined> {
  return undefined;
}

function* nowhere(): Task<number> {
  return 0;
}
