import { FaultDevice, ShuffleDevice } from '@f2fskit/block';
import { EIO, ENOSPC, FsError } from '@f2fskit/errno';
import { BlockBits, CACHE_BYTES_MIN, type Folio, type Mapping, PAGE_SIZE } from '@f2fskit/pagecache';
import { Completion, runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectBytes, pattern, TOY_BLOCKS, WritableToy } from '../test/writable-toy.ts';
import {
  emptyFolio,
  expectModel,
  expectNothingHeld,
  flushAndDrop,
  foliosOf,
  storedFile,
} from '../test/write-checks.ts';
import { BytesSource, type WriteSource, writeBuffered } from './index.ts';

const MiB = 1 << 20;

/** A source whose bytes come and go as the seed says; from byte `endsAt` on there is nothing. */
class MoodySource extends BytesSource {
  readonly #mapping: Mapping;
  readonly #random;
  readonly #endsAt: number;

  constructor(bytes: Uint8Array, mapping: Mapping, seed: number, endsAt = Number.POSITIVE_INFINITY) {
    super(bytes);
    this.#mapping = mapping;
    this.#random = seededRandom(seed);
    this.#endsAt = endsAt;
  }

  override *prepare(at: number, length = 0): Task<number> {
    // Anybody's code runs here.
    expectNothingHeld(this.#mapping);
    if (at >= this.#endsAt) throw new FsError(EIO);
    return Math.min(length, this.#endsAt - at);
  }

  override copy(at: number, target: Uint8Array): number {
    const there = Math.max(0, Math.min(target.length, this.#endsAt - at));
    return super.copy(at, target.subarray(0, this.#random.chance(0.5) ? there : this.#random.below(there + 1)));
  }
}

const _throwing = (cause: unknown): Task<never> =>
  (function* (): Task<never> {
    throw cause;
  })();

afterEach(() => {
  vi.restoreAllMocks();
});

describe('what a write reads (section 8, 4a to 4d)', () => {
  it('the first and the last block of a MiB, if both are touched in part', () => {
    const file = storedFile(256);
    expect(runSync(file.pwrite(1, pattern(MiB - 2, 2)))).toBe(MiB - 2);
    expect(file.device.takeReads()).toEqual([
      [0, 1],
      [255, 1],
    ]);
    const folio = file.mapping.find(0)!;
    expect([folio.order, folio.uptodate, file.mapping.dirtyBlocks]).toEqual([8, true, 256]);
    expectModel(file);
  });

  it('two blocks of an empty folio of a MiB: the other 254 stay as they were, and clean', () => {
    const file = storedFile(256);
    const folio = emptyFolio(file, 0, 8);
    expect(runSync(file.pwrite(1, pattern(4098, 2)))).toBe(4098);
    expect(file.device.takeReads()).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect([folio.blocks!.count, folio.isUptodate(0, 2 * PAGE_SIZE)]).toEqual([2, true]);
    expect([file.mapping.dirtyBlocks, folio.dirtyBlocks!.has(0), folio.dirtyBlocks!.has(1)]).toEqual([2, true, true]);
    expectModel(file);
  });

  it('one block that is touched in its middle, once', () => {
    const file = storedFile(256);
    emptyFolio(file, 0, 8);
    runSync(file.pwrite(5 * PAGE_SIZE + 10, pattern(20, 2)));
    runSync(file.pwrite(5 * PAGE_SIZE + 100, pattern(20, 3)));
    expect(file.device.takeReads()).toEqual([[5, 1]]);
    expectModel(file);
  });

  it('D27: nothing where blocks are covered whole, are cached, or have never been written', () => {
    const cached = storedFile(256);
    for (const [from, pages] of [
      [0, 256],
      [3, 5],
      [255, 1],
    ] as const) {
      emptyFolio(cached, 0, 8);
      runSync(cached.pwrite(from * PAGE_SIZE, pattern(pages * PAGE_SIZE, 2)));
      expect([from, cached.device.takeReads()]).toEqual([from, []]);
      expect(cached.mapping.dirtyBlocks).toBe(pages);
      flushAndDrop(cached);
    }
    runSync(cached.pread(0, MiB));
    cached.device.takeReads();
    runSync(cached.pwrite(1, pattern(MiB - 2, 3)));
    expect(cached.device.takeReads()).toEqual([]);
    expectModel(cached);

    const sparse = new WritableToy();
    sparse.size = MiB;
    sparse.model = new Uint8Array(MiB);
    runSync(sparse.pwrite(1, pattern(MiB - 2, 2)));
    expect(sparse.device.takeReads()).toEqual([]);
    expectModel(sparse);
  });

  it('nothing behind the end of the file, nor of a last block of which everything is replaced', () => {
    const file = storedFile(4);
    runSync(file.truncate(3 * PAGE_SIZE + 100));
    flushAndDrop(file);
    // Up to the end, exactly; beyond it; wholly behind it.
    for (const [position, length] of [
      [2 * PAGE_SIZE, PAGE_SIZE + 100],
      [3 * PAGE_SIZE, 500],
      [9 * PAGE_SIZE + 7, 50],
    ] as const) {
      runSync(file.pwrite(position, pattern(length, length)));
      expect([position, file.device.takeReads()]).toEqual([position, []]);
      expectModel(file);
    }
    // One byte less than the last block holds: its old end is wanted.
    runSync(file.truncate(3 * PAGE_SIZE + 100));
    flushAndDrop(file);
    runSync(file.pwrite(3 * PAGE_SIZE, pattern(99, 2)));
    expect(file.device.takeReads()).toEqual([[3, 1]]);
    expectModel(file);
  });

  it('D8, D12: a block that cannot be read: an error, or what came before it; nothing becomes dirty in it (I-21, I-24)', () => {
    const bad = (block: number): WritableToy => {
      const rule = { start: (block + 1) * PAGE_SIZE, end: (block + 2) * PAGE_SIZE };
      let fault: FaultDevice | undefined;
      const file = storedFile(1024, {
        device: (below) => {
          fault = new FaultDevice(below);
          return fault;
        },
      });
      fault!.inject({ action: { kind: 'fail' }, operation: 'read', range: rule, times: 1 });
      return file;
    };
    for (const [block, order, done] of [
      [0, 0, 0],
      // A folio of which the last block is wanted in part gets nothing; those before it are written.
      [300, 9, 0],
      [300, 0, 300 * PAGE_SIZE - 1],
      [700, 9, 512 * PAGE_SIZE - 1],
    ] as const) {
      const file = bad(block);
      for (const index of [0, 512]) emptyFolio(file, index, order);
      const bytes = pattern(block * PAGE_SIZE + 1, 2);
      const before = file.model;
      if (done === 0) {
        expect(() => runSync(file.pwrite(1, bytes))).toThrow(/EIO/);
        expect([file.mapping.dirtyPages, file.model === before]).toEqual([0, true]);
      } else expect(runSync(file.pwrite(1, bytes))).toBe(done);
      expect(file.ends.map(({ processed }) => processed)).toEqual([done]);
      expect(file.problems()).toEqual([]);
      expectModel(file); // the block has recovered
    }
  });
});

describe('a source that gives less', () => {
  it('D17, R20: every byte arrives in the end, none that was not copied is seen (I-22, I-23)', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(0, 2, 4, 9),
        fc.nat({ max: 5 * PAGE_SIZE }),
        fc.integer({ min: 1, max: 9 * PAGE_SIZE }),
        fc.option(fc.nat({ max: 9 * PAGE_SIZE }), { nil: undefined }),
        fc.boolean(),
        (seed, orderMax, position, length, endsAt, cached) => {
          const file = storedFile(4, { orderMax });
          if (cached) runSync(file.pread(0, file.size));
          const bytes = pattern(length, 2);
          const source = new MoodySource(bytes, file.mapping, seed, endsAt);
          const there = Math.min(length, endsAt ?? length);
          if (there === 0) expect(() => runSync(file.pwrite(position, bytes, {}, source))).toThrow(/EIO/);
          else {
            const done = runSync(file.pwrite(position, bytes, {}, source));
            if (there === length) expect(done).toBe(length);
            else expect(done).toBeLessThanOrEqual(there);
          }
          expectModel(file);
        },
      ),
      { numRuns: 120 },
    );
  });

  it('pieces of a thousand bytes: each copy that ends inside a block is made good by reading that block (8, step 8)', () => {
    for (const orderMax of [0, 4, 9]) {
      const file = storedFile(8, { orderMax });
      const bytes = pattern(5 * PAGE_SIZE, 2);
      const source = new BytesSource(bytes);
      const copy = source.copy.bind(source);
      source.copy = (at, target) => copy(at, target.subarray(0, 1000));
      expect(runSync(file.pwrite(10, bytes, {}, source))).toBe(bytes.length);
      for (const [, blocks] of file.device.takeReads()) expect(blocks).toBe(1);
      expectModel(file);
    }
  });

  it('what is prepared is asked for once, and again after a short copy', () => {
    const file = storedFile(8);
    const bytes = pattern(6 * PAGE_SIZE, 2);
    const source = new BytesSource(bytes);
    const asked: number[] = [];
    const copied: number[] = [];
    let short = true;
    const wrapped: WriteSource = {
      length: bytes.length,
      *prepare(at) {
        asked.push(at);
        return bytes.length - at;
      },
      copy(at, target) {
        copied.push(target.length);
        const taken = short ? 2 * PAGE_SIZE + 100 : target.length;
        short = false;
        return source.copy(at, target.subarray(0, taken));
      },
    };
    expect(runSync(file.pwrite(0, bytes, {}, wrapped))).toBe(bytes.length);
    // Refused at first (nothing was uptodate), then what had come: the folio of four pages, its third block read.
    expect(asked).toEqual([0, 0]);
    expect(copied).toEqual([4 * PAGE_SIZE, 2 * PAGE_SIZE + 100, 2 * PAGE_SIZE - 100, 2 * PAGE_SIZE]);
    expect(file.device.takeReads()).toEqual([[2, 1]]);
    expectModel(file);
  });

  it('D21: a failure before the first byte is thrown, after it the count is short; both end what began (I-24, I-26)', () => {
    for (const bad of [0, PAGE_SIZE, 3 * PAGE_SIZE]) {
      for (const cause of [new FsError(EIO), new Error('bug')]) {
        const file = new WritableToy({ orderMax: 0 });
        const bytes = pattern(6 * PAGE_SIZE, 2);
        const source: WriteSource = {
          length: bytes.length,
          *prepare(at, length) {
            if (at >= bad) throw cause;
            return Math.min(bad - at, length);
          },
          copy: (at, target) => new BytesSource(bytes).copy(at, target),
        };
        if (bad === 0 || !(cause instanceof FsError)) {
          expect(() => runSync(file.pwrite(0, bytes, {}, source))).toThrow(cause.message);
          file.model = bytes.slice(0, bad); // whatever was thrown: what is there is there
        } else expect(runSync(file.pwrite(0, bytes, {}, source))).toBe(bad);
        expect(file.ends.map(({ processed }) => processed)).toEqual([bad]);
        expect(file.reserved.size).toBe(bad / PAGE_SIZE);
        expectModel(file);
      }
    }
  });

  it('a source that gives nothing ends the write after some tries (I-22)', () => {
    const file = storedFile(2);
    let tries = 0;
    const silent: WriteSource = {
      length: 10,
      *prepare() {
        return 1;
      },
      copy: () => {
        tries++;
        return 0;
      },
    };
    expect(() => runSync(file.pwrite(0, new Uint8Array(10), {}, silent))).toThrow(/no bytes/);
    expect([tries, file.mapping.dirtyPages]).toEqual([16, 0]);
    expectModel(file);
  });

  it('one that stops for a moment again and again, and goes on, is not broken', () => {
    const file = storedFile(60, { orderMax: 0 });
    const bytes = pattern(50 * PAGE_SIZE, 2);
    const source = new BytesSource(bytes);
    const copy = source.copy.bind(source);
    let copies = 0;
    source.copy = (at, target) => (copies++ % 2 === 0 ? 0 : copy(at, target));
    expect(runSync(file.pwrite(0, bytes, {}, source))).toBe(bytes.length);
    expect(copies).toBe(100);
    expectModel(file);
  });

  it('nothing to write asks nobody', () => {
    const file = storedFile(1);
    expect(runSync(file.pwrite(5, new Uint8Array(0)))).toBe(0);
    expect([file.begins, file.ends, file.size]).toEqual([0, [], PAGE_SIZE]);
  });
});

describe('mappings', () => {
  it('each begin has its end, which is told what was processed (I-24)', () => {
    const file = storedFile(10, { runBlocks: 4 });
    expect(runSync(file.pwrite(100, pattern(9 * PAGE_SIZE, 2)))).toBe(9 * PAGE_SIZE);
    expect(file.ends).toEqual([
      { position: 100, processed: 4 * PAGE_SIZE - 100, stale: false },
      { position: 4 * PAGE_SIZE, processed: 4 * PAGE_SIZE, stale: false },
      { position: 8 * PAGE_SIZE, processed: PAGE_SIZE + 100, stale: false },
    ]);
    expectModel(file);
  });

  it('no mapping for the rest: what was written before counts; for the first byte: an error (I-20, I-24, I-26)', () => {
    for (const full of [0, 4, 8]) {
      const file = new WritableToy({ runBlocks: 4 });
      file.onBegin = (position) => {
        if (position >= full * PAGE_SIZE) throw new FsError(ENOSPC);
      };
      const bytes = pattern(10 * PAGE_SIZE, 2);
      if (full === 0) expect(() => runSync(file.pwrite(0, bytes))).toThrow(/ENOSPC/);
      else expect(runSync(file.pwrite(0, bytes))).toBe(full * PAGE_SIZE);
      expect([file.begins, file.ends.length, file.size]).toEqual([full / 4, full / 4, full * PAGE_SIZE]);
      expectModel(file);
    }
  });

  it('D11: one that no longer holds is asked for again, and nothing is done with the old one (I-28)', () => {
    const file = storedFile(8, { runBlocks: 4, orderMax: 1 });
    const stale: boolean[] = [];
    let looks = 0;
    const done = runSync(
      file.pwrite(100, pattern(7 * PAGE_SIZE, 2), {
        valid: ({ cookie }) => {
          for (const folio of foliosOf(file.mapping).filter(({ dirty }) => !dirty)) expect(folio.locked).toBe(true);
          // The first of each mapping, and one in its middle.
          if ([1, 3].includes(++looks)) file.generation++;
          stale.push(cookie !== file.generation);
          return cookie === file.generation;
        },
      }),
    );
    expect(done).toBe(7 * PAGE_SIZE);
    expect(stale.slice(0, 4)).toEqual([true, false, true, false]);
    const [first, second, third] = file.ends;
    expect(first).toEqual({ position: 100, processed: 0, stale: true });
    expect(second).toMatchObject({ position: 100, stale: true });
    expect(second!.processed).toBeGreaterThan(0);
    expect(third).toMatchObject({ position: 100 + second!.processed, stale: false });
    expectModel(file);
  });

  it('a block that was written and dropped after its mapping was made keeps what the write leaves alone (6.4, I-28)', () => {
    const file = new WritableToy();
    runSync(file.pwrite(0, pattern(2 * PAGE_SIZE, 1)));
    file.ends.length = 0;
    file.begins = 0;
    let disturbed = false;
    const done = runSync(
      file.pwrite(50, pattern(PAGE_SIZE, 2), {
        valid: ({ cookie }) => cookie === file.generation,
        throttle: () => {
          if (disturbed) return undefined;
          disturbed = true;
          // The mapping says: reserved, so zeros. Now writeback gives it a place, and reclaim takes the folio.
          runSync(file.flush());
          file.mapping.dropUnused();
          return undefined;
        },
      }),
    );
    expect([done, file.ends.length, file.ends[0]!.stale]).toEqual([PAGE_SIZE, 2, true]);
    expectModel(file);
  });
});

describe('folios', () => {
  it('new ones are as large as what is left of the write, where they may be (3.1, 8 step 1)', () => {
    for (const [page, pages, orderMax, expected] of [
      [0, 1, 9, [0]],
      [0, 2, 9, [1]],
      [0, 3, 9, [1, 0]],
      [0, 256, 9, [8]],
      [0, 512, 9, [9]],
      [0, 1024, 9, [9, 9]],
      [0, 255, 9, [7, 6, 5, 4, 3, 2, 1, 0]],
      [1, 7, 9, [0, 1, 2]],
      [2, 8, 9, [1, 2, 1]],
      [0, 64, 4, [4, 4, 4, 4]],
      [0, 3, 0, [0, 0, 0]],
      [512, 40, 9, [5, 3]],
    ] as const) {
      const file = new WritableToy({ orderMax });
      runSync(file.pwrite(page * PAGE_SIZE, pattern(pages * PAGE_SIZE, 1)));
      expect([page, pages, foliosOf(file.mapping).map(({ order }) => order)]).toEqual([page, pages, expected]);
      expectModel(file);
    }
    // In bytes: the pages that are touched, not the bytes.
    const file = new WritableToy();
    runSync(file.pwrite(PAGE_SIZE - 1, pattern(2, 1)));
    runSync(file.pwrite(5 * PAGE_SIZE + 1, pattern(PAGE_SIZE - 1, 1)));
    runSync(file.pwrite(8 * PAGE_SIZE - 1 + PAGE_SIZE, pattern(PAGE_SIZE, 1)));
    expect(foliosOf(file.mapping).map(({ index, order }) => [index, order])).toEqual([
      [0, 1],
      [5, 0],
      [8, 1],
    ]);
    expectModel(file);
  });

  it('D6, D7: those that are there are used, whatever their size; new ones fit between them (I-1)', () => {
    const file = storedFile(64);
    emptyFolio(file, 3, 0);
    emptyFolio(file, 16, 4);
    runSync(file.pwrite(100, pattern(40 * PAGE_SIZE, 2)));
    expect(foliosOf(file.mapping).map(({ index, order }) => [index, order])).toEqual([
      [0, 1],
      [2, 0],
      [3, 0],
      [4, 2],
      [8, 3],
      [16, 4],
      [32, 3],
      [40, 0],
    ]);
    expectModel(file);
  });

  it('a cache without room for large ones gives small ones; without any, the write waits (2.3)', async () => {
    const file = new WritableToy({ cache: { budgetBytes: CACHE_BYTES_MIN } });
    const held: Folio[] = [];
    for (let page = 0; page < TOY_BLOCKS; page += 2) {
      const folio = file.mapping.create(page, 0);
      if (folio === undefined) break;
      held.push(folio);
    }
    for (let page = 5000; ; page++) {
      const folio = file.mapping.create(page, 0);
      if (folio === undefined) break;
      held.push(folio);
    }
    let over = false;
    const writing = new Scheduler('async').run(file.pwrite(1 * PAGE_SIZE, pattern(PAGE_SIZE, 1))).finally(() => {
      over = true;
    });
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([over, file.mapping.cache.statistics.waits]).toEqual([false, 1]);
    held.at(-1)!.unlock();
    expect(await writing).toBe(PAGE_SIZE);
    for (const folio of held.slice(0, -1)) folio.unlock();
    file.mapping.dropUnused();
    expectModel(file);
  });

  it('the file grows while the folio is locked, and its bytes are uptodate and dirty (I-25)', () => {
    const file = new WritableToy({ orderMax: 2 });
    const ends: number[] = [];
    runSync(
      file.pwrite(10, pattern(6 * PAGE_SIZE, 1), {
        grow: (end) => {
          const folio = file.mapping.find(Math.floor((end - 1) / PAGE_SIZE))!;
          const at = end - folio.position;
          expect([folio.locked, folio.dirty, folio.isUptodate(at - 1, at)]).toEqual([true, true, true]);
          expect(folio.bytes[at - 1]).toBe(pattern(6 * PAGE_SIZE, 1)[end - 11]);
          ends.push(end);
          file.size = end;
        },
      }),
    );
    expect(ends).toEqual([4 * PAGE_SIZE, 6 * PAGE_SIZE, 6 * PAGE_SIZE + 10]);
    expectModel(file);
  });

  it('one that leaves while its edge is read is done again, whatever that read came to (I-2)', async () => {
    for (const fails of [false, true]) {
      let fault: FaultDevice | undefined;
      let device: ShuffleDevice | undefined;
      const file = new WritableToy({
        device: (below) => {
          fault = new FaultDevice(below);
          device = new ShuffleDevice(fault, 1, { automatic: false });
          return device;
        },
      });
      const shuffle = device!;
      const scheduler = new Scheduler('async');
      const settled = async <T>(task: Task<T>): Promise<T> => {
        const promise = scheduler.run(task);
        for (let turn = 0; turn < 10; turn++) {
          shuffle.drain();
          await new Promise((resolve) => setImmediate(resolve));
        }
        return promise;
      };
      await settled(file.pwrite(0, pattern(8 * PAGE_SIZE, 1)));
      await settled(file.flush());
      file.mapping.dropUnused();
      file.device.takeReads();

      if (fails) fault!.inject({ action: { kind: 'fail' }, operation: 'read', times: 1 });
      const writing = scheduler.run(file.pwrite(2 * PAGE_SIZE + 5, pattern(10, 2)));
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect([shuffle.pending, file.mapping.find(2)!.locked]).toEqual([1, true]);
      await settled(file.mapping.invalidate(0, 8)); // gets the lock before the writer
      expect(await writing).toBe(10);
      expect(file.device.takeReads()).toEqual([
        [2, 1],
        [2, 1],
      ]);
      expect(file.problems()).toEqual([]);
      expectBytes(await settled(file.pread(0, file.size)), file.model);
    }
  });

  it('one that leaves while a write waits for its lock is another one then (I-2)', async () => {
    const file = storedFile(8);
    const folio = emptyFolio(file, 0, 3);
    const scheduler = new Scheduler('async');
    folio.tryLock();
    const dropping = scheduler.run(file.mapping.invalidate(0, 8));
    const writing = scheduler.run(file.pwrite(2 * PAGE_SIZE, pattern(PAGE_SIZE, 2)));
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    folio.unlock();
    await dropping;
    expect(await writing).toBe(PAGE_SIZE);
    expect([folio.mapping, file.mapping.dirtyBlocks]).toEqual([undefined, 1]);
    expectModel(file);
  });
});

describe('a write past the end of the file (I-12)', () => {
  it('what lies between the old end and the write is zeros, in whatever block it begins', () => {
    for (const gap of [0, 1, 50, PAGE_SIZE - 100, PAGE_SIZE, 5 * PAGE_SIZE + 3]) {
      for (const cached of [true, false]) {
        for (const orderMax of [0, 9]) {
          const file = storedFile(4, { orderMax });
          runSync(file.truncate(3 * PAGE_SIZE + 100));
          if (!cached) flushAndDrop(file);
          runSync(file.pwrite(file.size + gap, pattern(300, 2)));
          expectModel(file);
        }
      }
    }
  });

  it('also where the device holds something else behind the old end of the block', () => {
    for (const cached of [true, false]) {
      for (const gap of [0, 1, 2000]) {
        const file = storedFile(4);
        // As another system may have left it.
        file.size = 3 * PAGE_SIZE + 100;
        file.model = file.model.slice(0, file.size);
        if (cached) runSync(file.pread(0, file.size));
        runSync(file.pwrite(file.size + gap, pattern(300, 2)));
        expectModel(file);
      }
    }
  });

  it('memory that held something else before does not show (I-10)', () => {
    for (const at of [0, 3 * PAGE_SIZE]) {
      for (const left of [0, 50]) {
        const file = storedFile(8, { orderMax: 0 }); // memory that is freed is overwritten
        runSync(file.truncate(at + left));
        flushAndDrop(file);
        runSync(file.pwrite(at, pattern(100, 2)));
        expect(file.device.takeReads()).toEqual([]);
        runSync(file.pwrite(at + 300, pattern(50, 3))); // the block is uptodate by now
        expectModel(file);
      }
    }
  });

  it('after a truncation into the middle of a folio', () => {
    const file = storedFile(16);
    runSync(file.pread(0, file.size));
    runSync(file.pwrite(3 * PAGE_SIZE, pattern(10 * PAGE_SIZE, 2)));
    runSync(file.truncate(5 * PAGE_SIZE + 10));
    runSync(file.pwrite(9 * PAGE_SIZE + 10, pattern(10, 3)));
    expectModel(file);
  });
});

describe('the brake', () => {
  it('D20: is asked before each folio, with none locked or held, and waited for (I-23)', async () => {
    const file = storedFile(40, { orderMax: 3 });
    let asked = 0;
    let waits = 0;
    const turn = function* (): Task<void> {
      const pause = new Completion();
      void Promise.resolve().then(() => pause.complete());
      yield pause;
      expectNothingHeld(file.mapping);
      waits++;
    };
    const throttle = (): Task<void> | undefined => {
      expectNothingHeld(file.mapping);
      return asked++ % 2 === 0 ? turn() : undefined;
    };
    await new Scheduler('async').run(file.pwrite(100, pattern(32 * PAGE_SIZE, 2), { throttle }));
    expect([asked, waits]).toEqual([5, 3]);
    expectModel(file);
  });

  it('R17: is that of the cache, where the file has none of its own (I-23)', () => {
    const cache = { dirtyBytesBackground: 8 * PAGE_SIZE, dirtyBytesMax: 16 * PAGE_SIZE };
    const file = new WritableToy({ orderMax: 2, cache });
    const pageCache = file.mapping.cache;
    pageCache.onPressure = () => {
      expectNothingHeld(file.mapping);
      runSync(file.flush());
    };
    let most = 0;
    const grow = (end: number): void => {
      file.size = end;
      most = Math.max(most, pageCache.dirtyPages);
    };
    runSync(file.pwrite(0, pattern(300 * PAGE_SIZE, 2), { grow }));
    expect(most).toBeLessThanOrEqual(8 + 4);
    expectModel(file);
  });
});

describe('what a write costs', () => {
  /** Blocks of folios that are looked at or changed, and bytes that are moved, by a write of 1 KiB into what is cached. */
  function costOf(order: number): { blocks: number; bytes: number } {
    const file = storedFile(512, { orderMax: order });
    emptyFolio(file, 0, order);
    runSync(file.pread(0, file.size));
    runSync(file.pwrite(3 * PAGE_SIZE + 7, pattern(1024, 2)));
    const source = pattern(1024, 3);
    const { prototype } = BlockBits;
    let blocks = 0;
    let bytes = 0;
    const { set: setBits, clear, allSet, has, next } = prototype;
    vi.spyOn(prototype, 'set').mockImplementation(function (this: BlockBits, from, to) {
      blocks += to - from;
      setBits.call(this, from, to);
    });
    vi.spyOn(prototype, 'clear').mockImplementation(function (this: BlockBits, from, to) {
      blocks += to - from;
      clear.call(this, from, to);
    });
    vi.spyOn(prototype, 'allSet').mockImplementation(function (this: BlockBits, from, to) {
      blocks += to - from;
      return allSet.call(this, from, to);
    });
    vi.spyOn(prototype, 'has').mockImplementation(function (this: BlockBits, block) {
      blocks++;
      return has.call(this, block);
    });
    vi.spyOn(prototype, 'next').mockImplementation(function (this: BlockBits, from, wanted) {
      const found = next.call(this, from, wanted);
      blocks += found - from;
      return found;
    });
    const { set, fill } = Uint8Array.prototype;
    vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, source, at) {
      bytes += source.length;
      set.call(this, source, at);
    });
    vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, value, from, to) {
      bytes += (to ?? this.length) - (from ?? 0);
      return fill.call(this, value, from, to);
    });
    const grow = (): void => {};
    const write = { begin: file.operations.begin, grow };
    const moved = runSync(writeBuffered(file, 3 * PAGE_SIZE + 100, new BytesSource(source), write));
    const cost = { blocks, bytes };
    vi.restoreAllMocks();
    expect(moved).toBe(1024);
    expect([file.mapping.find(3)!.order, file.mapping.dirtyBlocks]).toEqual([order, 1]);
    return cost;
  }

  it('R15: 1 KiB into a cached folio of 2 MiB costs what it costs in one of 4 KiB, but for a bit', () => {
    expect(costOf(0)).toEqual({ blocks: 0, bytes: 1024 });
    const large = costOf(9);
    expect(large.bytes).toBe(1024);
    expect(large.blocks).toBeLessThanOrEqual(2);
  });
});
