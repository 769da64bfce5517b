import { FaultDevice, type FaultRule, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { CACHE_BYTES_MIN, FolioFlag, PAGE_SIZE, ReadaheadState } from '@f2fskit/pagecache';
import { type Completion, runSync, Scheduler, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Run, type RunKind, type Toy, toyFile } from '../test/toy-file.ts';
import { peekBuffered, readBuffered, readFolios } from './index.ts';

const run = (kind: RunKind, blocks: number): Run => ({ kind, blocks });

function* read(file: Toy, position: number, length: number, readahead?: ReadaheadState): Task<Uint8Array> {
  const target = new Uint8Array(length).fill(0x55);
  const peeked = peekBuffered(file, position, target);
  const count = peeked >= 0 ? peeked : yield* readBuffered(file, position, target, readahead);
  return target.subarray(0, count);
}

function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(found, expected) === 0) return;
  const at = found.findIndex((byte, index) => byte !== expected[index]);
  expect.fail(`${found.length} bytes for ${expected.length}; byte ${at} is ${found[at]}, not ${expected[at]}`);
}

/** Waits until every readahead is over: nothing is locked any more, and nobody holds anything (I-6, I-8). */
async function expectQuiet(file: Toy): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    let busy = false;
    for (let folio = file.mapping.index.next(0); folio !== undefined; folio = file.mapping.index.next(folio.endIndex)) {
      busy ||= folio.locked || folio.references > 0;
    }
    if (!busy) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect.fail('a folio is locked or held for ever');
}

describe('reads against a model', () => {
  const kinds: RunKind[] = ['hole', 'unwritten', 'mapped', 'mapped', 'scattered', 'private', 'damage', 'vague damage'];
  const runs = fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      blocks: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 200 })),
    }),
    { minLength: 1, maxLength: 8, size: 'max' },
  );
  const requests = fc.array(fc.tuple(fc.nat({ max: 1 << 22 }), fc.nat({ max: 300_000 }), fc.boolean()), {
    minLength: 1,
    maxLength: 8,
    size: 'max',
  });
  const sizeChange = fc.oneof(fc.integer({ min: -5000, max: 0 }), fc.constantFrom(0, 1, 9000, 1 << 20));

  // I-10, I-11, I-12, I-13, I-24, I-73.
  it('any runs, any requests, folios of any order, any order of completion: the right bytes, errors where the damage is', async () => {
    await fc.assert(
      fc.asyncProperty(
        runs,
        requests,
        sizeChange,
        fc.nat({ max: 9 }),
        fc.nat(),
        async (script, list, change, orderMax, seed) => {
          const cache = { orderMax, budgetBytes: CACHE_BYTES_MIN };
          const sync = toyFile(script, { sizeChange: change, cache });
          const shuffled = toyFile(script, {
            sizeChange: change,
            cache,
            device: (below) => new ShuffleDevice(below, seed),
          });
          const scheduler = new Scheduler('async');
          const readahead = new ReadaheadState();
          const places = list.map(([at, count, ahead]) => [at % (sync.size + 10), count, ahead] as const);
          const results = await Promise.allSettled(
            places.map(([at, count, ahead]) =>
              scheduler.run(read(shuffled, at, count, ahead ? new ReadaheadState() : undefined)),
            ),
          );
          for (const [index, [at, count, ahead]] of places.entries()) {
            const expected = sync.model.subarray(at, at + count);
            const result = results[index]!;
            if (expected.length > 0 && sync.damagedIn(at, at + expected.length)) {
              expect(() => runSync(read(sync, at, count))).toThrow(/EUCLEAN/);
              expect(result).toMatchObject({ status: 'rejected', reason: { code: 'EUCLEAN' } });
              continue;
            }
            expectBytes(runSync(read(sync, at, count, ahead ? readahead : undefined)), expected);
            if (result.status === 'rejected') throw result.reason;
            expectBytes(result.value, expected);
          }
          for (const file of [sync, shuffled]) {
            await expectQuiet(file);
            expect(file.ends).toBe(file.begins);
          }
        },
      ),
      { numRuns: 120 },
    );
  });

  it('a device that fails anywhere, in any order, for many readers: right bytes or EIO, and nothing stays locked', async () => {
    const script = [run('mapped', 40), run('hole', 5), run('private', 16), run('scattered', 30), run('mapped', 70)];
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 9 }), async (seed, orderMax) => {
        const cache = { orderMax, budgetBytes: CACHE_BYTES_MIN };
        const file = toyFile(script, { cache, device: (below) => new ShuffleDevice(below, seed, { failChance: 0.2 }) });
        const scheduler = new Scheduler('async');
        const results = await Promise.allSettled(
          Array.from({ length: 8 }, (_, index) =>
            scheduler.run(read(file, index * 70_000, 120_000, new ReadaheadState())),
          ),
        );
        for (const [index, result] of results.entries()) {
          if (result.status === 'fulfilled') {
            expectBytes(result.value, file.model.subarray(index * 70_000, index * 70_000 + 120_000));
            continue;
          }
          failures++;
          expect(result.reason).toBeInstanceOf(FsError);
          expect(result.reason.code).toBe('EIO');
        }
        await expectQuiet(file);
      }),
      { numRuns: 60 },
    );
    expect(failures).toBeGreaterThan(0);
  });
});

describe('regressions of others, as tests', () => {
  it('R1: folios that are all hole are uptodate and unlocked, without a request', () => {
    const file = toyFile([run('hole', 2048)], { device: (below) => new StatisticsDevice(below) });
    expectBytes(runSync(read(file, 0, 1 << 20, new ReadaheadState())), file.model.subarray(0, 1 << 20));
    for (let folio = file.mapping.find(0); folio !== undefined; folio = file.mapping.index.next(folio.endIndex)) {
      expect([folio.locked, folio.uptodate, folio.blocks]).toEqual([false, true, undefined]);
    }
    expect((file.device as StatisticsDevice).snapshot().read.bios).toBe(0);
  });

  it('R2: each block its own request, completed inside submit: no early unlock, each byte settled once', () => {
    const file = toyFile([run('scattered', 512)], { device: (below) => new StatisticsDevice(below) });
    expectBytes(runSync(read(file, 0, file.size, new ReadaheadState())), file.model);
    expect(file.mapping.find(0)!.order).toBe(9);
    expect((file.device as StatisticsDevice).snapshot().read.bios).toBe(512);
  });

  it('R3, R4: reserved space between mapped runs is zeros, and the walk goes on behind it', () => {
    const file = toyFile([run('mapped', 3), run('unwritten', 5), run('mapped', 3), run('hole', 1), run('mapped', 4)]);
    expectBytes(runSync(read(file, 0, file.size, new ReadaheadState())), file.model);
  });

  it('D18, R5: a folio with some blocks uptodate starts its count at what is missing', () => {
    const file = toyFile([run('mapped', 8)], { device: (below) => new StatisticsDevice(below) });
    const folio = file.mapping.create(0, 3)!;
    folio.bytes.fill(0xee, 2 * PAGE_SIZE, 4 * PAGE_SIZE);
    folio.markUptodate(2, 4); // newer than the device
    const [fill] = runSync(readFolios(file, [folio]));
    expect([fill!.completion.done, folio.locked, folio.uptodate]).toEqual([true, false, true]);
    const expected = file.model.slice();
    expected.fill(0xee, 2 * PAGE_SIZE, 4 * PAGE_SIZE);
    expectBytes(folio.bytes, expected); // I-11
    expect((file.device as StatisticsDevice).snapshot().read.bytes).toBe(6 * PAGE_SIZE);
  });

  it('R6: a folio across the end of the file is uptodate once its reads are over, with zeros behind the end', async () => {
    const device = (below: ConstructorParameters<typeof ShuffleDevice>[0]): ShuffleDevice =>
      new ShuffleDevice(below, 1, { automatic: false });
    const file = toyFile([run('mapped', 5)], { sizeChange: -100, device });
    const folio = file.mapping.create(0, 3)!;
    const task = new Scheduler('async').run(readFolios(file, [folio]));
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([folio.uptodate, folio.locked]).toEqual([false, true]); // zeros are settled, the read is not
    (file.device as ShuffleDevice).drain();
    await task;
    expect([folio.uptodate, folio.locked]).toEqual([true, false]);
    expect(folio.bytes.subarray(file.size).every((byte) => byte === 0)).toBe(true);
  });
});

it('a folio that was dropped while a reader waited for its lock is read again (I-2)', async () => {
  const device = (below: ConstructorParameters<typeof ShuffleDevice>[0]): ShuffleDevice =>
    new ShuffleDevice(below, 1, { automatic: false });
  const file = toyFile([run('mapped', 8)], { device });
  const scheduler = new Scheduler('async');
  const folio = file.mapping.create(0, 3)!;
  const dropped = scheduler.run(file.mapping.invalidate(0, 8));
  const reading = scheduler.run(read(file, 0, file.size));
  folio.unlock(); // nothing was read into it; it goes, and with it its memory
  let settled = false;
  void Promise.all([dropped, reading]).finally(() => {
    settled = true;
  });
  for (let turn = 0; turn < 20 && !settled; turn++) {
    (file.device as ShuffleDevice).drain();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expectBytes(await reading, file.model);
  expect(file.mapping.find(0)?.uptodate).toBe(true);
});

describe('a device error in the middle of a large folio', () => {
  const bad =
    (blocks: number[], times: number) =>
    (below: ConstructorParameters<typeof FaultDevice>[0]): FaultDevice => {
      const rules = blocks.map((block): FaultRule => {
        const range = { start: block * PAGE_SIZE, end: (block + 1) * PAGE_SIZE };
        return { action: { kind: 'fail' }, operation: 'read', range, times };
      });
      return new FaultDevice(below, rules);
    };

  it('good blocks are served, the bad one is EIO, and a later try reads only what is missing', () => {
    const probe = toyFile([run('mapped', 256)]);
    const block = probe.blockOf(100);
    const counted = (below: ConstructorParameters<typeof FaultDevice>[0]): StatisticsDevice =>
      new StatisticsDevice(bad([block], 2)(below));
    const file = toyFile([run('mapped', 256)], { device: counted });
    const part = (from: number, to: number): Uint8Array =>
      runSync(read(file, from * PAGE_SIZE, (to - from) * PAGE_SIZE));
    expect(() => part(0, 256)).toThrow(/EIO.*4096 bytes/);
    for (const [from, to] of [
      [0, 100],
      [101, 256],
    ] as const) {
      expectBytes(part(from, to), file.model.subarray(from * PAGE_SIZE, to * PAGE_SIZE));
    }
    const device = file.device as StatisticsDevice;
    device.reset();
    expectBytes(part(0, 256), file.model); // the device has recovered
    expect(device.snapshot().read).toMatchObject({ bios: 1, bytes: PAGE_SIZE });
    const folio = file.mapping.find(0)!;
    expect([folio.uptodate, folio.flags & FolioFlag.FAILED]).toEqual([true, 0]);
  });

  it("errors of a readahead are nobody's until somebody wants the bytes", () => {
    const probe = toyFile([run('mapped', 600)]);
    const file = toyFile([run('mapped', 600)], { device: bad([probe.blockOf(5)], 1) });
    const readahead = new ReadaheadState();
    expectBytes(runSync(read(file, 0, 4 * PAGE_SIZE, readahead)), file.model.subarray(0, 4 * PAGE_SIZE));
    expectBytes(runSync(read(file, 0, file.size, readahead)), file.model);
  });
});

describe('what a read costs', () => {
  function counts(orderMax: number): { bios: number; segments: number; folios: number } {
    const file = toyFile([run('mapped', 1024)], {
      cache: { orderMax },
      device: (below) => new StatisticsDevice(below),
    });
    const created = file.mapping.cache.statistics.foliosCreated;
    for (let at = 0; at < file.size; at += 1 << 20) runSync(read(file, at, 1 << 20, new ReadaheadState()));
    const { bios, segments } = (file.device as StatisticsDevice).snapshot().read;
    return { bios, segments, folios: file.mapping.cache.statistics.foliosCreated - created };
  }

  it('folios and segments fall with the order; one extent is one request a window', () => {
    const single = counts(0);
    const medium = counts(4);
    const large = counts(9);
    expect([single.folios, medium.folios, large.folios]).toEqual([1024, 64, 4]);
    expect(single.segments).toBeGreaterThanOrEqual(medium.segments);
    expect(medium.segments).toBeGreaterThanOrEqual(large.segments);
    expect(large.bios).toBe(3); // the first reader is taken for a sequential one: its window is two requests long
    expect(large.segments).toBeLessThanOrEqual(4);
  });

  it('a file larger than the cache is read once: what was read ahead outlives what was used', () => {
    for (const orderMax of [0, 4, 9]) {
      for (const requestPages of [1, 7, 256]) {
        const file = toyFile([run('mapped', 2048)], {
          cache: { orderMax, budgetBytes: 4 << 20 },
          device: (below) => new StatisticsDevice(below),
        });
        const readahead = new ReadaheadState();
        for (let pass = 0; pass < 2; pass++) {
          for (let page = 0; page < 2048; page += requestPages) {
            runSync(read(file, page * PAGE_SIZE, requestPages * PAGE_SIZE, readahead));
          }
        }
        const { bytes } = (file.device as StatisticsDevice).snapshot().read;
        expect([orderMax, requestPages, bytes / file.size]).toEqual([orderMax, requestPages, 2]);
      }
    }
  });

  it('what is wanted again outlives what is read once', () => {
    const file = toyFile([run('mapped', 4096)], {
      cache: { budgetBytes: 8 << 20 },
      device: (below) => new StatisticsDevice(below),
    });
    const hot = (): void => void runSync(read(file, 0, 64 * PAGE_SIZE));
    hot();
    hot();
    const readahead = new ReadaheadState();
    const device = file.device as StatisticsDevice;
    for (let page = 64; page < 4096; page += 64) {
      runSync(read(file, page * PAGE_SIZE, 64 * PAGE_SIZE, readahead));
      device.reset();
      hot();
      expect([page, device.snapshot().read.bytes]).toEqual([page, 0]);
    }
  });

  it('D16: one wait a folio, however many requests it takes', async () => {
    const file = toyFile([run('scattered', 128)], { device: (below) => new ShuffleDevice(below, 9) });
    const task = readFolios(file, [file.mapping.create(0, 7)!]);
    let step = task.next();
    for (; !step.done; step = task.next())
      await new Promise<void>((resolve) => (step.value as Completion).subscribe(resolve));
    const [fill] = step.value;
    const waits: Completion[] = [];
    const reader = readBuffered(file, 0, new Uint8Array(file.size));
    for (let next = reader.next(); !next.done; next = reader.next()) {
      waits.push(next.value);
      await new Promise<void>((resolve) => (next.value as Completion).subscribe(resolve));
    }
    expect(fill!.completion.done).toBe(true);
    expect(waits.length).toBeLessThanOrEqual(1);
  });

  it('a folio that one request covers needs no bits for its blocks', () => {
    const file = toyFile([run('mapped', 64)]);
    const folio = file.mapping.create(0, 6)!;
    runSync(readFolios(file, [folio]));
    expect([folio.blocks, folio.uptodate]).toEqual([undefined, true]);
  });

  it('who comes to the marker starts the next window, before anybody misses it', () => {
    const file = toyFile([run('mapped', 200)]);
    const readahead = new ReadaheadState();
    const page = (index: number): void => void runSync(read(file, index * PAGE_SIZE, PAGE_SIZE, readahead));
    page(0);
    const { start, size } = readahead;
    expect(file.mapping.find(start + size)).toBeUndefined();
    for (let index = 1; index < start + size; index++) page(index); // all of it is cached
    expect(file.mapping.find(start + size)).toBeDefined();
  });

  it('readahead ends at the end of the file, and one byte of a sparse file costs one page', () => {
    const small = toyFile([run('mapped', 5)], { device: (below) => new StatisticsDevice(below) });
    runSync(read(small, 0, 1, new ReadaheadState()));
    expect(small.mapping.cache.bytesUsed).toBeLessThanOrEqual(5 * PAGE_SIZE);
    const sparse = toyFile([run('hole', 100_000)]);
    runSync(read(sparse, 77_777 * PAGE_SIZE + 5, 1));
    expect(sparse.mapping.cache.bytesUsed).toBe(PAGE_SIZE);
  });
});
