// Random work on a made-up filesystem, against its model. Several clients, a flusher, a device that carries requests out in any
// order: whatever the interleaving, what is read is what was written, and what was synced is on the device.

import { FaultDevice, ShuffleDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { CACHE_BYTES_MIN, cacheProblems, PAGE_SIZE } from '@f2fskit/pagecache';
import { Completion, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Flusher, WritebackGate } from '../src/index.ts';
import { CheckingDevice } from './checking-device.ts';
import {
  type Engine,
  type FakeFile,
  FakeFilesystem,
  type FakeOptions,
  FILE_BLOCKS,
  pattern,
} from './fake-filesystem.ts';
import { dirtyPages, expectBytes, settle, TestTime, watched } from './harness.ts';

const SIZE_MAX = 50 * PAGE_SIZE;

/** Folios of the folio engine are as large as the write that makes them, up to `order`. */
const withEngine = (engine: Engine, order: number): FakeOptions => ({ engine, order, mapping: { orderMax: order } });
/** Each with its share of the runs. */
const ENGINES = [
  { engine: 'page', orders: [0, 0, 4, 2], share: 1 },
  { engine: 'folio', orders: [0], share: 0.4 },
  { engine: 'folio', orders: [4], share: 0.4 },
  { engine: 'folio', orders: [9], share: 0.4 },
] as const;

/** The last bytes of pages, the first, and those in between. */
const position = fc.oneof(
  fc.nat({ max: SIZE_MAX }),
  fc
    .tuple(fc.nat({ max: 49 }), fc.integer({ min: -2, max: 2 }))
    .map(([page, near]) => Math.max(0, page * PAGE_SIZE + near)),
);
const action = fc.constantFrom(
  'write',
  'write',
  'write',
  'write',
  'truncate',
  'read',
  'read',
  'fsync',
  'fsync alone',
  'write back',
  'sync',
  'time',
  'drop',
);
const step = fc.record({
  action,
  file: fc.nat({ max: 1 }),
  position,
  length: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 12 * PAGE_SIZE })),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface World {
  filesystem: FakeFilesystem;
  flusher: Flusher;
  time: TestTime;
}

/** A file's lock, for what must not be disturbed. */
function* alone<T>(file: FakeFile, task: () => Task<T>): Task<T> {
  if (!file.lock.tryLock()) yield* file.lock.wait();
  try {
    return yield* task();
  } finally {
    file.lock.unlock();
  }
}

function* carryOut({ filesystem, flusher, time }: World, step: Step, seed: number): Task<void> {
  const file = filesystem.files[step.file]!;
  const { position, length } = step;
  switch (step.action) {
    case 'write':
      expect(yield* file.pwrite(position, pattern(length, seed))).toBe(length);
      break;
    case 'truncate':
      yield* file.truncate(position);
      break;
    case 'read':
      yield* alone(file, function* () {
        expectBytes(yield* file.pread(position, length), file.model.subarray(position, position + length));
      });
      break;
    case 'fsync':
      yield* file.fsync(position, position + length);
      break;
    case 'fsync alone':
      yield* alone(file, function* () {
        yield* file.fsync();
        expect(dirtyPages(file)).toEqual([]); // I-42
        const size = file.model.length;
        expectBytes(file.onDevice().subarray(0, size), file.model);
        expect(
          file
            .onDevice()
            .subarray(size)
            .every((byte) => byte === 0),
        ).toBe(true); // I-12
      });
      break;
    case 'write back':
      yield* file.write({ mode: 'none', cyclic: true, budgetPages: 1 + (length % 20) });
      break;
    case 'sync':
      yield* flusher.sync();
      break;
    case 'time':
      time.advance(1000);
      break;
    case 'drop':
      file.mapping.dropUnused();
      break;
  }
}

describe.each(ENGINES)('against a model: $engine engine, orders $orders', ({ engine, orders, share }) => {
  it('any interleaving and any order of completions: nothing is lost, nothing is stuck (I-1 to I-13, I-20 to I-25, I-40 to I-48, I-73)', async () => {
    const clients = fc.array(fc.array(step, { maxLength: 16, size: 'max' }), { minLength: 1, maxLength: 4 });
    const knobs = fc.record({
      seed: fc.nat(),
      order: fc.constantFrom(...orders),
      stable: fc.boolean(),
      batchPages: fc.constantFrom(1, 3, 16),
      bytesMax: fc.constantFrom(PAGE_SIZE, 5 * PAGE_SIZE, 4 << 20),
      dirtyPagesMax: fc.constantFrom(6, 24, 512),
      gate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        clients,
        knobs,
        async (steps, { seed, order, stable, batchPages, bytesMax, dirtyPagesMax, gate }) => {
          let checking: CheckingDevice | undefined;
          let flusher: Flusher | undefined;
          const time = new TestTime();
          const filesystem = new FakeFilesystem({
            files: 2,
            engine,
            order,
            batchPages,
            bios: { bytesMax },
            mapping: { stable, ...(engine === 'folio' ? { orderMax: order } : {}) },
            cache: {
              budgetBytes: CACHE_BYTES_MIN,
              dirtyBytesBackground: (dirtyPagesMax / 2) * PAGE_SIZE,
              dirtyBytesMax: dirtyPagesMax * PAGE_SIZE,
            },
            random: seededRandom(seed),
            device: (below) => {
              checking = new CheckingDevice(new ShuffleDevice(below, seed), !stable);
              return checking;
            },
            onDirty: (file) => flusher?.add(file),
          });
          const { files, bios, mappings } = filesystem;
          if (gate) {
            const serial = new WritebackGate();
            for (const file of files) {
              const write = file.write.bind(file);
              file.write = (control) => serial.enter(control, file === files[0], () => write(control));
              file.shouldYield = () => serial.syncs > 0;
            }
          }
          const scheduler = new Scheduler('async');
          flusher = new Flusher(filesystem.cache, { clock: time.clock, intervalMs: 500, ageMs: 3000, budgetPages: 8 });
          flusher.start(scheduler, time);
          const world = { filesystem, flusher, time };
          const look = (): void => {
            expect(bios.held).toBe(0); // I-45
            expect(cacheProblems(mappings)).toEqual([]);
          };
          const running = steps.map(async (list, client) => {
            for (const [index, each] of list.entries()) {
              await scheduler.run(watched(carryOut(world, each, client * 100 + index), look));
              look();
            }
          });
          // Time goes on slowly: what waits for the timer only is not stuck.
          let turns = 0;
          await settle(Promise.all(running), () => {
            if (++turns % 50 === 0) time.advance(500);
          });
          await settle(scheduler.run(flusher.sync()));
          await settle(scheduler.run(flusher.stop()));
          for (const file of files) {
            expectBytes(file.onDevice().subarray(0, file.model.length), file.model);
            expect(dirtyPages(file)).toEqual([]);
            const { index } = file.mapping;
            for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
              expect([folio.locked, folio.references, folio.writeback]).toEqual([false, 0, false]);
            }
          }
          look();
          expect([checking!.problems, bios.inFlight, filesystem.cache.writebackPages]).toEqual([[], 0, 0]);
        },
      ),
      { numRuns: 100 * share },
    );
  }, 120_000);

  it('a device that fails: each failure is told once, nothing hangs, what is cached stays right (3.5, I-6, I-46, I-66, I-73)', async () => {
    const faults = fc.constantFrom('fail', 'short', 'torn');
    const steps = fc.array(step, { minLength: 5, maxLength: 30, size: 'max' });
    await fc.assert(
      fc.asyncProperty(steps, faults, fc.nat(), fc.constantFrom(...orders), async (list, kind, seed, order) => {
        let fault: FaultDevice | undefined;
        let flusher: Flusher | undefined;
        const time = new TestTime();
        const filesystem = new FakeFilesystem({
          files: 2,
          ...(engine === 'folio' ? withEngine(engine, order) : { order }),
          bios: { bytesMax: 6 * PAGE_SIZE },
          cache: { budgetBytes: CACHE_BYTES_MIN },
          random: seededRandom(seed),
          device: (below) => {
            fault = new FaultDevice(new ShuffleDevice(below, seed), [], { seed });
            return fault;
          },
          onDirty: (file) => flusher?.add(file),
        });
        fault!.inject({ action: { kind }, operation: 'write', chance: 0.3 });
        const scheduler = new Scheduler('async');
        flusher = new Flusher(filesystem.cache, { clock: time.clock });
        const world = { filesystem, flusher, time };
        const { files, mappings } = filesystem;
        /** Failures told to fsync of each file, and to sync. */
        const told = [0, 0, 0];
        const fileOf = (offset: number): number => Math.floor(offset / (FILE_BLOCKS * PAGE_SIZE));
        const failures = (file: number): number =>
          fault!.log.filter(({ offset }) => file === 2 || fileOf(offset) === file).length;
        for (const [index, each] of list.entries()) {
          if (each.action === 'drop') continue; // what failed is right in the cache only
          const syncs = { fsync: each.file, 'fsync alone': each.file, sync: 2 }[each.action as string];
          if (syncs === undefined) await settle(scheduler.run(carryOut(world, each, index)));
          else {
            const file = files[each.file]!;
            const error = await settle(
              (syncs === 2 ? scheduler.run(flusher.sync()) : scheduler.run(file.fsync())).then(
                () => undefined,
                (reason: unknown) => reason,
              ),
            );
            const before = told[syncs]!;
            told[syncs] = failures(syncs);
            if (told[syncs] > before) expect(error).toBeInstanceOf(FsError);
            else expect(error).toBeUndefined();
            if (syncs < 2) expect(dirtyPages(file)).toEqual([]);
          }
          expect(cacheProblems(mappings)).toEqual([]);
          expect(filesystem.bios.held).toBe(0);
        }
        fault!.clear();
        for (const file of files) {
          const content = await settle(scheduler.run(file.pread(0, file.model.length)));
          expectBytes(content, file.model);
          if (content.length > 0) await settle(scheduler.run(file.pwrite(0, content)));
        }
        await settle(scheduler.run(flusher.sync()).catch(() => {}));
        await settle(scheduler.run(flusher.sync()));
        for (const file of files) expectBytes(file.onDevice().subarray(0, file.model.length), file.model);
      }),
      { numRuns: 120 * share },
    );
  }, 120_000);

  it('R18: writers of 4 KiB that sync each: nobody waits for a request that was not submitted', async () => {
    const filesystem = new FakeFilesystem({
      files: 3,
      ...withEngine(engine, orders.at(-1)!),
      device: (below) => new ShuffleDevice(below, 3),
    });
    const scheduler = new Scheduler('async');
    function* writer(file: FakeFile, first: number): Task<void> {
      for (let page = first; page < 60; page += 2) {
        yield* file.pwrite(page * PAGE_SIZE, pattern(PAGE_SIZE, page));
        yield* file.fsync();
      }
    }
    const writers = filesystem.files.flatMap((file) => [writer(file, 0), writer(file, 1)]);
    await settle(Promise.all(writers.map((task) => scheduler.run(task))));
    expect(filesystem.bios.held).toBe(0);
    for (const file of filesystem.files) expectBytes(file.onDevice(), file.model);
  });

  it('R19: the source is the very memory that is written to', async () => {
    const filesystem = new FakeFilesystem(withEngine(engine, orders.at(-1)!));
    const [file] = filesystem.files;
    const scheduler = new Scheduler('async');
    await settle(scheduler.run(file!.pwrite(0, pattern(4 * PAGE_SIZE, 1))));
    const folio = file!.mapping.find(0)!;
    expect(await settle(scheduler.run(file!.pwrite(0, folio.bytes)))).toBe(folio.size);
    expectBytes(
      await settle(scheduler.run(file!.pread(0, folio.size))),
      pattern(4 * PAGE_SIZE, 1).subarray(0, folio.size),
    );
    // Into the rest of its own page: as if it had been copied away first.
    const source = folio.bytes.subarray(0, PAGE_SIZE - 100);
    const expected = source.slice();
    expect(await settle(scheduler.run(file!.pwrite(100, source)))).toBe(source.length);
    expectBytes(await settle(scheduler.run(file!.pread(100, expected.length))), expected);
  });

  it('a writer that never stops, and an fsync: it ends (I-43, H10)', async () => {
    const filesystem = new FakeFilesystem({
      ...withEngine(engine, orders.at(-1)!),
      device: (below) => new ShuffleDevice(below, 7),
    });
    const [file] = filesystem.files;
    const scheduler = new Scheduler('async');
    let stop = false;
    let writes = 0;
    function* writer(): Task<void> {
      for (let at = 0; !stop; at = (at + 5000) % SIZE_MAX) {
        yield* file!.pwrite(at, pattern(4000, at));
        writes++;
        const turn = new Completion();
        setImmediate(() => turn.complete());
        yield turn;
      }
    }
    const writing = scheduler.run(writer());
    for (let round = 0; round < 20; round++) await settle(scheduler.run(file!.fsync()));
    stop = true;
    await settle(writing);
    expect(writes).toBeGreaterThan(20);
    await settle(scheduler.run(file!.fsync()));
    expectBytes(file!.onDevice().subarray(0, file!.size), file!.model);
  });
});

it('engines, folio sizes and batches change nothing: same bytes, same sizes, same blocks written (I-13, I-44)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (list) => {
      const results: unknown[] = [];
      for (const [engine, order, batchPages] of [
        ['page', 0, 16],
        ['page', 0, 1],
        ['page', 3, 16],
        ['page', 9, 2],
        ['folio', 0, 16],
        ['folio', 4, 16],
        ['folio', 9, 16],
      ] as const) {
        const checking: CheckingDevice[] = [];
        let flusher: Flusher | undefined;
        const filesystem = new FakeFilesystem({
          files: 2,
          ...withEngine(engine, order),
          batchPages,
          device: (below) => {
            checking.push(new CheckingDevice(below));
            return checking[0]!;
          },
          onDirty: (file) => flusher?.add(file),
        });
        const time = new TestTime();
        flusher = new Flusher(filesystem.cache, { clock: time.clock });
        const scheduler = new Scheduler('sync');
        const written: number[][] = [];
        for (const [index, each] of list.entries()) {
          // Passes that count pages, and drops, are about folios.
          if (each.action === 'write back' || each.action === 'drop') continue;
          if (each.action === 'fsync') each.action = 'fsync alone';
          scheduler.runSync(carryOut({ filesystem, flusher, time }, each, index));
          written.push(checking[0]!.takeBlocks());
        }
        scheduler.runSync(flusher.sync());
        written.push(checking[0]!.takeBlocks());
        results.push([written, filesystem.files.map(({ size }) => size)]);
        for (const file of filesystem.files) expectBytes(file.onDevice().subarray(0, file.size), file.model);
      }
      for (const result of results) expect(result).toEqual(results[0]);
    }),
    { numRuns: 30 },
  );
}, 120_000);
