import { type BlockDevice, FaultDevice, type MemoryDevice, readBytes, StatisticsDevice } from '@f2fskit/block';
import { EAGAIN, EIO, ENOSPC, EROFS, FsError } from '@f2fskit/errno';
import { cacheProblems, cancelDirty, type Folio, Mark, PAGE_SIZE, waitWriteback } from '@f2fskit/pagecache';
import { runSync, type Task, Tracer } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckingDevice } from '../test/checking-device.ts';
import { type FakeFile, FakeFilesystem, type FakeOptions, pattern } from '../test/fake-filesystem.ts';
import { dirtyPages, expectBytes, later, pause, settle, start, watched } from '../test/harness.ts';
import { type FolioWriter, type WritebackControl, writeFolios } from './index.ts';

interface Rig {
  filesystem: FakeFilesystem;
  file: FakeFile;
  checking: CheckingDevice;
  fault: FaultDevice;
  /** What is between that and the memory: always sync, so that what was held can fail. */
  below: FaultDevice;
}

type RigOptions = FakeOptions & { asynchronous?: boolean; orderMax?: number };

function makeRig({ asynchronous = false, orderMax = 9, mapping = {}, ...options }: RigOptions = {}): Rig {
  let checking: CheckingDevice | undefined;
  let fault: FaultDevice | undefined;
  let below: FaultDevice | undefined;
  const filesystem = new FakeFilesystem({
    engine: 'folio',
    ...options,
    mapping: { orderMax, ...mapping },
    device: (memory: MemoryDevice): BlockDevice => {
      below = new FaultDevice(memory);
      fault = new FaultDevice(below, [], { mode: asynchronous ? 'async' : 'sync' });
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

/** A file of one clean folio of `pages` pages. */
function oneFolio(pages: number): Rig & { folio: Folio } {
  const rig = makeRig();
  const { file, checking } = rig;
  dirty(file, 0, pages);
  runSync(file.fsync());
  checking.takeBlocks();
  const folio = file.mapping.find(0)!;
  expect([file.mapping.index.size, folio.pages]).toEqual([1, pages]);
  return { ...rig, folio };
}

/** A writer that needs no tasks: `place` says what becomes of a block, by its number in the file. */
function plainWriter(file: FakeFile, place: (block: number) => 'sent' | 'dropped' = () => 'sent'): FolioWriter {
  const { bios } = file.filesystem;
  return {
    bios,
    lengthToWrite: (folio) => Math.max(0, Math.min(folio.size, file.size - folio.position)),
    writeRange(range) {
      const { folio } = range;
      for (; range.next < range.end; range.next++) {
        const block = folio.index + range.next;
        if (place(block) === 'dropped') range.dropped++;
        else bios.add(folio, range.next * PAGE_SIZE, (range.next + 1) * PAGE_SIZE, file.offsetOf(block * PAGE_SIZE));
      }
      return undefined;
    },
  };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const finish = <T>(task: Task<T>): Promise<T> => settle(start(task));
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await later();
};
const throwing = (errno: number): Task<never> =>
  (function* (): Task<never> {
    throw new FsError(errno);
  })();
function* nothing(): Task<undefined> {
  return undefined;
}

function expectQuiet({ filesystem, file }: Rig): void {
  expect(cacheProblems(filesystem.mappings)).toEqual([]);
  expect([filesystem.bios.held, filesystem.bios.inFlight, filesystem.cache.writebackPages]).toEqual([0, 0, 0]);
  const { index } = file.mapping;
  for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
    expect([folio.index, folio.locked, folio.references, folio.writesPending]).toEqual([folio.index, false, 0, 0]);
  }
}

/** All of the file is on the device, whoever gave its blocks their places. */
function expectDevice(file: FakeFile): void {
  const bytes = new Uint8Array(Math.ceil(file.size / PAGE_SIZE) * PAGE_SIZE);
  runSync(readBytes(file.filesystem.memory, file.offsetOf(0), bytes));
  expectBytes(bytes.subarray(0, file.size), file.model);
}

describe('what is sent', () => {
  it('R14: one byte into a cached folio of a MiB, and fsync: one block (I-44)', () => {
    const rig = oneFolio(256);
    const { file, checking } = rig;
    for (let round = 0; round < 5; round++) {
      runSync(file.pwrite(PAGE_SIZE * (3 + 50 * round) + 5, Uint8Array.of(round)));
      expect(runSync(file.fsync())).toMatchObject({ pagesWritten: 1, error: 0 });
      expect(checking.takeBlocks()).toEqual([3 + 50 * round]);
    }
    expectBytes(file.onDevice(), file.model);
    expectQuiet(rig);
  });

  it('W6: each run of dirty blocks, once and in order, and what lies between them is not (I-44)', () => {
    const rig = oneFolio(256);
    const { file, checking } = rig;
    const runs = [
      [0, 1],
      [9, 12],
      [31, 33],
      [200, 202],
      [255, 256],
    ] as const;
    for (const [from, to] of runs) dirty(file, from, to, 2);
    const asked: number[][] = [];
    const writer = plainWriter(file);
    const writeRange: FolioWriter['writeRange'] = (part, pass) => {
      asked.push([part.next, part.end]);
      expect([part.folio.writeback, part.folio.locked, part.folio.writesPending > 0]).toEqual([true, true, true]);
      return writer.writeRange(part, pass);
    };
    const result = runSync(writeFolios(file.mapping, { mode: 'all' }, { ...writer, writeRange }));
    expect(asked).toEqual(runs);
    expect([result.pagesWritten, checking.writes.length]).toEqual([9, 5]);
    expect(checking.takeBlocks()).toEqual(runs.flatMap(([from, to]) => range(from, to)));
    expectBytes(file.onDevice(), file.model);
    expectQuiet(rig);
  });

  it('any dirty blocks of folios of any size: these, and the bytes that they have (I-42, I-44)', () => {
    const blocks = fc.array(fc.nat({ max: 299 }), { minLength: 1, maxLength: 40, size: 'max' });
    fc.assert(
      fc.property(blocks, fc.constantFrom(0, 2, 4, 9), fc.boolean(), fc.boolean(), (list, orderMax, later, partly) => {
        const rig = makeRig({ orderMax });
        const { file, checking } = rig;
        dirty(file, 0, 300);
        runSync(file.fsync());
        checking.takeBlocks();
        for (const block of list)
          runSync(file.pwrite(block * PAGE_SIZE + (partly ? 7 : 0), pattern(partly ? 9 : PAGE_SIZE, 5)));
        const expected = [...new Set(list)].sort((a, b) => a - b);
        expect([dirtyPages(file), file.mapping.dirtyBlocks]).toEqual([expected, expected.length]);
        const control: WritebackControl = { mode: 'all' };
        const task = later ? file.write(control) : writeFolios(file.mapping, control, plainWriter(file));
        expect(runSync(task)).toMatchObject({ pagesWritten: expected.length, pagesSkipped: 0, error: 0 });
        expect(checking.takeBlocks()).toEqual(expected);
        expectBytes(file.onDevice(), file.model);
        expect([dirtyPages(file), file.mapping.dirtyBlocks]).toEqual([[], 0]);
        expectQuiet(rig);
      }),
      { numRuns: 30 },
    );
  });

  it('R23, W2: nothing behind the end of the file, and zeros in the rest of its last block (I-12, I-48)', () => {
    const rig = oneFolio(8);
    const { file, checking } = rig;
    dirty(file, 0, 8, 2);
    file.size = 5 * PAGE_SIZE + 100; // has become shorter, and nobody has truncated the cache yet
    expect(runSync(file.write({ mode: 'all' }))).toMatchObject({ pagesWritten: 6, error: 0 });
    expect(checking.takeBlocks()).toEqual(range(0, 6));
    const last = file.onDevice().subarray(5 * PAGE_SIZE);
    expectBytes(last.subarray(0, 100), file.model.subarray(5 * PAGE_SIZE, 5 * PAGE_SIZE + 100));
    expect(last.subarray(100).every((byte) => byte === 0)).toBe(true);
    // Exactly at the end of a block; all of it behind the end.
    for (const pages of [3, 0]) {
      file.size = 8 * PAGE_SIZE;
      dirty(file, 2, 8, 3);
      file.size = pages * PAGE_SIZE;
      runSync(file.write({ mode: 'all' }));
      expect([checking.takeBlocks(), file.mapping.dirtyPages]).toEqual([pages === 3 ? [2] : [], 0]);
    }
    expectQuiet(rig);
  });

  it('not a block that has gone meanwhile, nor is it counted (H1)', () => {
    for (const later of [true, false]) {
      const rig = makeRig();
      const { file, checking } = rig;
      dirty(file, 0, 8);
      file.onPlace = function* (index) {
        return index !== 2 && index !== 7;
      };
      const writer = plainWriter(file, (block) => (block === 2 || block === 7 ? 'dropped' : 'sent'));
      const control: WritebackControl = { mode: 'all' };
      const result = runSync(later ? file.write(control) : writeFolios(file.mapping, control, writer));
      expect([result.pagesWritten, checking.takeBlocks(), dirtyPages(file)]).toEqual([6, [0, 1, 3, 4, 5, 6], []]);
      expectQuiet(rig);
    }
  });

  it('not a folio that has left, or is clean, by the time its lock is free (I-2)', async () => {
    for (const leave of [true, false]) {
      const rig = makeRig({ asynchronous: true, orderMax: 2 });
      const { file, checking } = rig;
      await finish(file.pwrite(0, pattern(8 * PAGE_SIZE, 3)));
      const folio = file.mapping.find(0)!;
      folio.tryLock();
      const done = start(file.write({ mode: 'all' }));
      await later();
      cancelDirty(folio);
      if (leave) file.mapping.remove(folio);
      folio.unlock();
      expect(await settle(done)).toMatchObject({ pagesWritten: 4, error: 0 });
      expect(checking.takeBlocks()).toEqual(range(4, 8));
      expectQuiet(rig);
    }
  });
});

describe('writeback of a folio', () => {
  it('W4: begins and ends once, though each of its blocks is a request that ends at once (bias: I-6, I-9, H17)', () => {
    const rig = makeRig({ bios: { bytesMax: PAGE_SIZE } });
    const { file, filesystem, checking } = rig;
    dirty(file, 0, 8);
    const seen: string[] = [];
    const tracer = new Tracer();
    tracer.listen((name, event) => {
      if (name === 'folio:writeback') seen.push((event as { begins: boolean }).begins ? 'begins' : 'ends');
    });
    Object.assign(filesystem.cache, { tracer });
    const folio = file.mapping.find(0)!;
    const writer = plainWriter(file, () => {
      // All requests but the one that is open have ended.
      expect([folio.writeback, folio.writesPending <= 2, seen]).toEqual([true, true, ['begins']]);
      return 'sent';
    });
    runSync(writeFolios(file.mapping, { mode: 'all' }, writer));
    expect([seen, checking.writes.length]).toEqual([['begins', 'ends'], 8]);
    expectQuiet(rig);
  });

  it('ends with the last of its requests, in whatever order they end (I-9, I-73)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(range(0, 8), { minLength: 8 }),
        fc.subarray(range(0, 8), { maxLength: 3 }),
        async (order, failing) => {
          const rig = makeRig({ asynchronous: true, bios: { bytesMax: PAGE_SIZE } });
          const { file, fault, below } = rig;
          await finish(file.pwrite(0, pattern(8 * PAGE_SIZE, 1)));
          const folio = file.mapping.find(0)!;
          fault.inject({ action: { kind: 'hold' }, operation: 'write' });
          for (const block of failing) {
            below.inject({
              action: { kind: 'fail' },
              range: { start: block * PAGE_SIZE, end: (block + 1) * PAGE_SIZE },
            });
          }
          await finish(file.write({ mode: 'none' }));
          const held = [...fault.held];
          expect([held.length, folio.locked, folio.dirty]).toEqual([8, false, false]);
          for (const [done, request] of order.entries()) {
            expect([folio.writeback, folio.writesPending]).toEqual([true, 8 - done]);
            fault.release(held[request]!);
            await turns();
          }
          expect([folio.writeback, folio.uptodate, dirtyPages(file)]).toEqual([false, true, []]);
          expect(file.cursor.take()).toBe(failing.length > 0 ? EIO : 0);
          for (const block of range(0, 8)) {
            const part = [block * PAGE_SIZE, (block + 1) * PAGE_SIZE] as const;
            if (failing.includes(block))
              expect(
                file
                  .onDevice()
                  .subarray(...part)
                  .every((byte) => byte === 0),
              ).toBe(true);
            else expectBytes(file.onDevice().subarray(...part), file.model.subarray(...part));
          }
          expectQuiet(rig);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('W4: with nothing to send it is over at once', () => {
    const rig = makeRig();
    const { file, checking } = rig;
    dirty(file, 0, 4);
    const result = runSync(
      writeFolios(
        file.mapping,
        { mode: 'all' },
        plainWriter(file, () => 'dropped'),
      ),
    );
    expect([result.pagesWritten, checking.writes, dirtyPages(file)]).toEqual([0, [], []]);
    expectQuiet(rig);
  });

  it('a truncation of a folio that straddles the new end waits for it; what is cut off stays away (H1, I-12)', async () => {
    const rig = makeRig({ asynchronous: true });
    const { file, fault } = rig;
    await finish(file.pwrite(0, pattern(8 * PAGE_SIZE, 1)));
    fault.inject({ action: { kind: 'hold' }, operation: 'write', times: 1 });
    await finish(file.write({ mode: 'none' }));
    const folio = file.mapping.find(0)!;
    let over = false;
    const cutting = start(file.truncate(3 * PAGE_SIZE + 10)).finally(() => {
      over = true;
    });
    await turns();
    expect([over, folio.writeback, folio.bytes[7 * PAGE_SIZE] !== 0]).toEqual([false, true, true]);
    fault.release();
    await settle(cutting);
    expect([folio.mapping, file.size, dirtyPages(file)]).toEqual([file.mapping, 3 * PAGE_SIZE + 10, [3]]);
    await finish(file.pwrite(8 * PAGE_SIZE, pattern(10, 2)));
    await finish(file.fsync());
    expectBytes(await finish(file.pread(0, file.size)), file.model);
    expectBytes(file.onDevice().subarray(0, file.size), file.model);
    expectQuiet(rig);
  });

  it('a truncation that comes while its blocks get their places waits for the lock (H1)', async () => {
    const rig = makeRig({ asynchronous: true });
    const { file } = rig;
    await finish(file.pwrite(0, pattern(8 * PAGE_SIZE, 1)));
    let cutting: Promise<void> | undefined;
    file.onPlace = function* (index) {
      if (index === 2) cutting = start(file.truncate(4 * PAGE_SIZE));
      yield* pause();
      return undefined;
    };
    await finish(file.write({ mode: 'all' }));
    await settle(cutting!);
    expect([file.size, range(0, 8).map((block) => file.isAllocated(block))]).toEqual([
      4 * PAGE_SIZE,
      [true, true, true, true, false, false, false, false],
    ]);
    file.onPlace = undefined;
    await finish(file.pwrite(6 * PAGE_SIZE, pattern(5, 2)));
    await finish(file.fsync());
    expectBytes(file.onDevice().subarray(0, file.size), file.model);
    expectQuiet(rig);
  });
});

describe('errors', () => {
  it('W1: one drops the rest of its folio; what was sent before it arrives; mode all goes on (I-46, 16 step 7)', () => {
    for (const mode of ['none', 'all'] as const) {
      for (const later of [true, false]) {
        const rig = makeRig({ orderMax: 3 });
        const { file, checking } = rig;
        dirty(file, 0, 24);
        const fails = (block: number): number => (block === 10 ? ENOSPC : block === 17 ? EIO : 0);
        file.onPlace = (index) => (fails(index) > 0 ? throwing(fails(index)) : nothing());
        const writer = plainWriter(file, (block) => {
          if (fails(block) > 0) throw new FsError(fails(block));
          return 'sent';
        });
        const result = runSync(later ? file.write({ mode }) : writeFolios(file.mapping, { mode }, writer));
        const sent = mode === 'none' ? range(0, 10) : [...range(0, 10), 16];
        expect(result).toMatchObject({ error: ENOSPC, pagesWritten: sent.length });
        expect(checking.takeBlocks()).toEqual(sent);
        expect([dirtyPages(file), file.mapping.dirtyBlocks]).toEqual(mode === 'none' ? [range(16, 24), 8] : [[], 0]);
        // Clean and uptodate: not tried for ever (3.5).
        const folio = file.mapping.find(10)!;
        expect([folio.dirty, folio.uptodate, folio.locked, folio.writeback]).toEqual([false, true, false, false]);
        expect(file.mapping.index.hasMark(folio, Mark.TOWRITE)).toBe(false);
        expect([file.cursor.take(), file.cursor.take()]).toEqual([mode === 'none' ? ENOSPC : EIO, 0]);
        expectQuiet(rig);
      }
    }
  });

  it('one in a later run of a folio leaves the runs before it alone (I-46)', () => {
    const rig = oneFolio(64);
    const { file, checking, folio } = rig;
    for (const block of [3, 20, 40, 60]) dirty(file, block, block + 2, 2);
    file.onPlace = (index) => (index === 41 ? throwing(EIO) : nothing());
    expect(runSync(file.write({ mode: 'all' }))).toMatchObject({ error: EIO, pagesWritten: 5 });
    expect([checking.takeBlocks(), folio.dirty, folio.dirtyBlocks]).toEqual([[3, 4, 20, 21, 40], false, undefined]);
    expectQuiet(rig);
  });

  it('a bug in a writer is thrown, and nothing stays locked or unsubmitted', () => {
    for (const bug of ['throws', 'stops early'] as const) {
      const rig = makeRig({ orderMax: 3 });
      const { file, checking } = rig;
      dirty(file, 0, 16);
      const writer = plainWriter(file);
      const writeRange: FolioWriter['writeRange'] = (part, pass) => {
        if (part.folio.index === 0) return writer.writeRange(part, pass);
        if (bug === 'throws') throw new TypeError('bug');
        part.next++;
        return undefined;
      };
      const pass = writeFolios(file.mapping, { mode: 'all' }, { ...writer, writeRange });
      expect(() => runSync(pass)).toThrow(bug === 'throws' ? 'bug' : /as a whole/);
      expect(checking.takeBlocks()).toEqual(range(0, 8));
      expectQuiet(rig);
    }
  });
});

describe('a block for which it is too early (EAGAIN)', () => {
  const tooEarly = (block: number, times: number): ((index: number) => Task<undefined>) => {
    let left = times;
    return (index) => (index === block && left-- > 0 ? throwing(EAGAIN) : nothing());
  };
  const plainly = (file: FakeFile, block: number, times: number): FolioWriter => {
    let left = times;
    return plainWriter(file, (each) => {
      if (each === block && left-- > 0) throw new FsError(EAGAIN);
      return 'sent';
    });
  };

  it('mode none: what was sent stays sent, the rest stays dirty (I-44, 17.3)', () => {
    for (const later of [true, false]) {
      const rig = makeRig({ orderMax: 3 });
      const { file, checking } = rig;
      dirty(file, 0, 16);
      file.onPlace = tooEarly(5, 1);
      const control: WritebackControl = { mode: 'none' };
      const result = runSync(later ? file.write(control) : writeFolios(file.mapping, control, plainly(file, 5, 1)));
      expect(result).toMatchObject({ pagesWritten: 5 + 8, pagesSkipped: 8, error: 0 });
      expect([checking.takeBlocks(), dirtyPages(file)]).toEqual([
        [...range(0, 5), ...range(8, 16)],
        [5, 6, 7],
      ]);
      expect(file.mapping.dirtyBlocks).toBe(3);
      expectQuiet(rig);
      file.onPlace = undefined;
      expect(runSync(file.write({ mode: 'none' })).pagesWritten).toBe(3);
      expect([checking.takeBlocks(), dirtyPages(file)]).toEqual([[5, 6, 7], []]);
      expectDevice(file);
    }
  });

  it('in the first block, the whole folio stays dirty; between runs, the later runs', () => {
    const rig = oneFolio(64);
    const { file, checking, folio } = rig;
    dirty(file, 0, 64, 2);
    file.onPlace = tooEarly(0, 1);
    runSync(file.write({ mode: 'none' }));
    expect([checking.takeBlocks(), folio.dirty, folio.dirtyBlocks]).toEqual([[], true, undefined]);
    runSync(file.fsync());
    checking.takeBlocks();
    for (const block of [3, 20, 40]) dirty(file, block, block + 2, 3);
    file.onPlace = tooEarly(20, 1);
    runSync(file.write({ mode: 'none' }));
    expect([checking.takeBlocks(), dirtyPages(file)]).toEqual([
      [3, 4],
      [20, 21, 40, 41],
    ]);
    expectQuiet(rig);
  });

  it('mode all tries once more at the end, and fails if that does not help: nothing is lost (I-42, I-66)', () => {
    for (const later of [true, false]) {
      for (const [times, error] of [
        [1, 0],
        [2, EAGAIN],
      ] as const) {
        const rig = makeRig({ orderMax: 3 });
        const { file, checking } = rig;
        dirty(file, 0, 16);
        file.onPlace = tooEarly(5, times);
        const control: WritebackControl = { mode: 'all' };
        const writer = plainly(file, 5, times);
        const result = runSync(later ? file.write(control) : writeFolios(file.mapping, control, writer));
        expect(result).toMatchObject({ error, pagesWritten: error === 0 ? 16 : 13 });
        const first = [...range(0, 5), ...range(8, 16)];
        expect(checking.takeBlocks()).toEqual(error === 0 ? [...first, 5, 6, 7] : first);
        expect([dirtyPages(file), file.cursor.take()]).toEqual([error === 0 ? [] : [5, 6, 7], 0]);
        expectQuiet(rig);
        file.onPlace = undefined;
        runSync(file.fsync());
        expect(file.mapping.index.next(0, Mark.TOWRITE)).toBeUndefined();
        expectDevice(file);
      }
    }
  });

  it('mode all tries in its place, as often as it takes, where one can wait for it; nothing is held meanwhile (L3, I-45)', async () => {
    const rig = makeRig({ asynchronous: true, orderMax: 3 });
    const { file, filesystem, checking } = rig;
    await finish(file.pwrite(0, pattern(16 * PAGE_SIZE, 1)));
    file.onPlace = tooEarly(5, 7);
    let waits = 0;
    file.backOff = function* () {
      waits++;
      expect(file.mapping.find(5)!.locked).toBe(false);
      yield* pause();
      expect(filesystem.bios.held).toBe(0);
    };
    expect(await finish(file.write({ mode: 'all' }))).toMatchObject({ pagesWritten: 16, error: 0 });
    expect([waits, checking.takeBlocks(), checking.problems]).toEqual([7, range(0, 16), []]);
    expectBytes(file.onDevice(), file.model);
    expectQuiet(rig);
  });

  it('mode none does not wait for it', () => {
    const rig = makeRig({ orderMax: 3 });
    const { file } = rig;
    dirty(file, 0, 8);
    file.onPlace = tooEarly(5, 1);
    file.backOff = () => expect.unreachable();
    expect(runSync(file.write({ mode: 'none' }))).toMatchObject({ pagesWritten: 5, error: 0 });
  });
});

describe('how far a pass goes', () => {
  it('W11: its budget is in blocks, kept to the folio; cyclic passes take turns (I-47)', () => {
    const { file, checking } = makeRig({ orderMax: 3 });
    dirty(file, 0, 40);
    const visited: number[][] = [];
    for (let pass = 0; pass < 5; pass++) {
      runSync(file.write({ mode: 'none', cyclic: true, budgetPages: 12 }));
      visited.push(checking.takeBlocks());
      dirty(file, 0, 1); // somebody writes the first page again and again
    }
    expect(visited).toEqual([range(0, 16), range(16, 32), range(32, 40), [0], [0]]);
    expect(file.mapping.writebackIndex).toBe(0);
    // Blocks that are dirty are counted, not pages of folios.
    runSync(file.fsync());
    for (const block of [0, 9, 17, 25]) dirty(file, block, block + 1);
    checking.takeBlocks();
    expect(runSync(file.write({ mode: 'none', budgetPages: 3 })).pagesWritten).toBe(3);
    expect(checking.takeBlocks()).toEqual([0, 9, 17]);
    dirty(file, 0, 40);
    expect(runSync(file.write({ mode: 'all', budgetPages: 3 })).pagesWritten).toBe(40);
  });

  it('W12: makes way folio by folio where somebody needs the device more; mode all does not (15.1)', () => {
    const { file, checking } = makeRig({ orderMax: 2 });
    dirty(file, 0, 16);
    let asked = 0;
    file.shouldYield = () => ++asked > 2;
    expect(runSync(file.write({ mode: 'none', cyclic: true })).pagesWritten).toBe(8);
    expect(file.mapping.writebackIndex).toBe(8);
    expect(runSync(file.write({ mode: 'all' })).pagesWritten).toBe(8);
    expect(checking.takeBlocks()).toEqual(range(0, 16));
  });

  it('ends though somebody writes on and on, and takes what was dirty when it began (I-42, I-43, H10)', async () => {
    for (const control of [{ mode: 'all' }, { mode: 'none', tagged: true }] as const) {
      const rig = makeRig({ asynchronous: true, orderMax: 1 });
      const { file, checking } = rig;
      await finish(file.pwrite(0, pattern(10 * PAGE_SIZE, 1)));
      let ahead = 20;
      file.onPlace = function* (index) {
        // A writer that is always ahead, and one that comes back to what has just been written.
        yield* file.pwrite(ahead++ * PAGE_SIZE, pattern(PAGE_SIZE, 2));
        if (index > 1) yield* file.pwrite((index - 2 - (index % 2)) * PAGE_SIZE, pattern(PAGE_SIZE, 3));
        return undefined;
      };
      const result = await finish(file.write(control));
      expect(result.pagesWritten).toBe(10);
      expect(checking.takeBlocks()).toEqual(range(0, 10));
      expect(dirtyPages(file)).toEqual([0, 2, 4, 6, ...range(20, 30)]);
      expect(checking.problems).toEqual([]);
    }
  });

  it('mode all waits for what others began, and tells their errors (14)', async () => {
    const { file, fault, below } = makeRig({ asynchronous: true, orderMax: 1 });
    fault.inject({ action: { kind: 'hold' }, operation: 'write' });
    below.inject({ action: { kind: 'fail' }, range: { start: 0, end: PAGE_SIZE } });
    await finish(file.pwrite(0, pattern(4 * PAGE_SIZE, 1)));
    await finish(file.write({ mode: 'none', rangeEnd: 2 * PAGE_SIZE }));
    let over = false;
    const all = start(file.write({ mode: 'all' })).finally(() => {
      over = true;
    });
    await turns();
    const [first, second] = fault.held;
    fault.release(second!);
    await turns();
    expect([over, file.mapping.writebackPages]).toEqual([false, 2]);
    fault.release(first!);
    expect(await settle(all)).toMatchObject({ pagesWritten: 2, error: EIO });
    expect([file.cursor.take(), file.cursor.take()]).toEqual([EIO, 0]);
  });

  it('room is made before each folio, with none locked', async () => {
    const { file } = makeRig({ orderMax: 2 });
    dirty(file, 0, 16);
    let asked = 0;
    let made = 0;
    const makeRoom = (): Task<void> | undefined => {
      asked++;
      for (let folio = file.mapping.find(0); folio !== undefined; folio = file.mapping.index.next(folio.endIndex)) {
        expect(folio.locked).toBe(false);
      }
      return asked % 2 === 0 ? undefined : making();
    };
    function* making(): Task<void> {
      yield* pause();
      made++;
    }
    await finish(writeFolios(file.mapping, { mode: 'all' }, { ...plainWriter(file), makeRoom }));
    expect([asked, made]).toEqual([5, 3]);
  });

  it('where none can be had is an error of the file, and nothing of it stays dirty', async () => {
    const { file } = makeRig({ orderMax: 2 });
    dirty(file, 0, 16);
    function* none(): Task<void> {
      throw new FsError(EROFS);
    }
    const result = runSync(writeFolios(file.mapping, { mode: 'all' }, { ...plainWriter(file), makeRoom: none }));
    expect(result).toMatchObject({ pagesWritten: 0, error: EROFS });
    expect([file.mapping.dirtyPages, file.mapping.errors.errno]).toEqual([0, EROFS]);
    expect(cacheProblems([file.mapping])).toEqual([]);
  });
});

describe('requests', () => {
  it('R18, W10: nobody waits while the device has not got them, and none is left at the end (L3, I-45)', async () => {
    const rig = makeRig({ asynchronous: true, orderMax: 1 });
    const { filesystem, file, checking } = rig;
    let waits = 0;
    const look = (): void => {
      waits++;
      expect(filesystem.bios.held).toBe(0);
    };
    await finish(file.pwrite(0, pattern(20 * PAGE_SIZE, 1)));
    const folio = file.mapping.find(6)!;
    folio.tryLock();
    file.onPlace = function* (index) {
      // In the middle of a folio, with a part of it added.
      if (index === 13) yield* waitWriteback(file.mapping.find(11)!);
      if (index === 16) throw new FsError(EIO);
    };
    const done = start(watched(file.write({ mode: 'all' }), look));
    await turns();
    expect(checking.takeBlocks()).toEqual(range(0, 6));
    folio.unlock();
    await settle(done);
    expect(checking.takeBlocks()).toEqual([...range(6, 16), 18, 19]);
    expect(waits).toBeGreaterThan(2);
    expectQuiet(rig);
  });

  it('fewer segments, requests and passes through the loop for a MiB, the larger the folios (20)', () => {
    const costs = ([0, 4, 9] as const).map((orderMax) => {
      let device: StatisticsDevice | undefined;
      const filesystem = new FakeFilesystem({
        files: 2,
        engine: 'folio',
        cache: { budgetBytes: 8 << 20 },
        mapping: { orderMax },
        bios: { segmentsMax: 64 },
        device: (below) => {
          device = new StatisticsDevice(below);
          return device;
        },
      });
      const step = Math.min(256, 2 ** orderMax);
      // Two files in turn, so that neighbours in the file are not neighbours in memory.
      for (let page = 0; page < 256; page += step) for (const file of filesystem.files) dirty(file, page, page + step);
      const [file] = filesystem.files;
      let ranges = 0;
      const writer = plainWriter(file!);
      const writeRange: FolioWriter['writeRange'] = (part, pass) => {
        ranges++;
        return writer.writeRange(part, pass);
      };
      expect(runSync(writeFolios(file!.mapping, { mode: 'all' }, { ...writer, writeRange })).pagesWritten).toBe(256);
      const { bios, segments, bytes } = device!.snapshot().write;
      expect(bytes).toBe(1 << 20);
      return [ranges, segments, bios];
    });
    expect(costs).toEqual([
      [256, 256, 4],
      [16, 16, 1],
      [1, 1, 1],
    ]);
  });
});
