import { FaultDevice } from '@f2fskit/block';
import { EAGAIN, EIO, FsError } from '@f2fskit/errno';
import { balanceDirtyPages, CACHE_BYTES_MIN, cacheProblems, PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, Scheduler, type Task, Tracer } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { Flusher, type FlusherOptions } from '../src/index.ts';
import { CheckingDevice } from './checking-device.ts';
import { type FakeFile, FakeFilesystem, type FakeOptions, pattern } from './fake-filesystem.ts';
import { dirtyPages, expectBytes, later, pause, settle, TestTime } from './harness.ts';

interface Rig {
  filesystem: FakeFilesystem;
  files: FakeFile[];
  time: TestTime;
  scheduler: Scheduler;
  flusher: Flusher;
  checking: CheckingDevice;
  fault: FaultDevice;
}

type RigOptions = FakeOptions & Partial<FlusherOptions> & { mode?: 'sync' | 'async' };

function newRig(options: RigOptions): Rig {
  let checking: CheckingDevice | undefined;
  let fault: FaultDevice | undefined;
  let flusher: Flusher | undefined;
  const { mode = 'async' } = options;
  const filesystem = new FakeFilesystem({
    files: 3,
    ...options,
    device: (below) => {
      fault = new FaultDevice(below, [], { mode });
      checking = new CheckingDevice(fault);
      return checking;
    },
    onDirty: (file) => flusher?.add(file),
  });
  const time = new TestTime();
  const scheduler = new Scheduler(mode);
  const { intervalMs = 1000, ageMs = 5000, budgetPages = 16 } = options;
  flusher = new Flusher(filesystem.cache, { clock: time.clock, intervalMs, ageMs, budgetPages });
  return { filesystem, files: filesystem.files, time, scheduler, flusher, checking: checking!, fault: fault! };
}

const limits = (background: number, max: number): FakeOptions => ({
  cache: { budgetBytes: CACHE_BYTES_MIN, dirtyBytesBackground: background * PAGE_SIZE, dirtyBytesMax: max * PAGE_SIZE },
});
const write = ({ scheduler }: Rig, file: FakeFile, from: number, pages: number, seed = 1): Promise<number> =>
  scheduler.run(file.pwrite(from * PAGE_SIZE, pattern(pages * PAGE_SIZE, seed)));
const turns = async (count = 30): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await later();
};

const ENGINES = [
  { engine: 'page', order: 0 },
  { engine: 'folio', order: 0 },
  { engine: 'folio', order: 4 },
  { engine: 'folio', order: 9 },
] as const;

describe.each(ENGINES)('$engine engine, order $order', ({ engine, order }) => {
  /** For what counts single pages: with larger folios turns and limits are kept to the folio. */
  const inPages = order === 0 ? it : undefined;
  const makeRig = (options: RigOptions = {}): Rig =>
    newRig({ engine, order, mapping: { orderMax: order }, ...options });

  describe('the list of dirty files', () => {
    it('has a file from when it is dirty until it is clean', async () => {
      const rig = makeRig();
      const { files, flusher, scheduler, fault } = rig;
      expect(flusher.size).toBe(0);
      await write(rig, files[1]!, 0, 2);
      await write(rig, files[1]!, 4, 2);
      await write(rig, files[0]!, 0, 1);
      expect(flusher.size).toBe(2);
      fault.inject({ action: { kind: 'hold' }, operation: 'write' });
      const done = scheduler.run(flusher.sync());
      await turns();
      // Clean, but under writeback: who syncs now must find it.
      expect([flusher.size, files[0]!.mapping.dirtyPages, files[0]!.mapping.writebackPages]).toEqual([2, 0, 1]);
      fault.release();
      await settle(done);
      expect(flusher.size).toBe(0);
      await write(rig, files[2]!, 0, 1);
      flusher.remove(files[2]!);
      expect(flusher.size).toBe(0);
    });

    it('keeps a file that was dirtied while it was written', async () => {
      const rig = makeRig();
      const [file] = rig.files;
      await write(rig, file!, 0, 2);
      file!.onPlace = function* (index) {
        // In the first pass of sync, and again in the second.
        if (index === 1) yield* file!.pwrite(9 * PAGE_SIZE, pattern(1, 2));
        if (index === 9) yield* file!.pwrite(11 * PAGE_SIZE, pattern(1, 2));
        return undefined;
      };
      await settle(rig.scheduler.run(rig.flusher.sync()));
      expect([rig.flusher.size, dirtyPages(file!)]).toEqual([1, [11]]);
      await settle(rig.scheduler.run(rig.flusher.sync()));
      expect([rig.flusher.size, dirtyPages(file!)]).toEqual([0, []]);
    });
  });

  describe('sync', () => {
    it('starts everything before it waits for anything', async () => {
      const rig = makeRig();
      for (const file of rig.files) await write(rig, file, 0, 3);
      rig.fault.inject({ action: { kind: 'hold' }, operation: 'write' });
      const done = settle(rig.scheduler.run(rig.flusher.sync()));
      await turns();
      expect(rig.fault.held.length).toBe(3);
      rig.fault.release();
      await done;
      for (const file of rig.files) expectBytes(file.onDevice(), file.model);
      expect(cacheProblems(rig.filesystem.mappings)).toEqual([]);
    });

    it('tries everything, then tells what failed, once (I-46)', async () => {
      const rig = makeRig();
      const [bad, good, odd] = rig.files as [FakeFile, FakeFile, FakeFile];
      for (const file of rig.files) await write(rig, file, 0, 3);
      bad.onPlace = () => fail(new FsError(EIO));
      odd.write = () => fail(new FsError(EIO));
      await expect(settle(rig.scheduler.run(rig.flusher.sync()))).rejects.toThrow(FsError);
      expectBytes(good.onDevice(), good.model);
      // Each open file has its own account.
      expect([bad.cursor.take(), good.cursor.take(), odd.cursor.take()]).toEqual([EIO, 0, EIO]);
      rig.flusher.remove(odd);
      await settle(rig.scheduler.run(rig.flusher.sync()));
    });

    it('waits for all the others after one has failed', async () => {
      const rig = makeRig();
      const [bad, good] = rig.files as [FakeFile, FakeFile];
      for (const file of [bad, good]) await write(rig, file, 0, 3);
      bad.onPlace = () => fail(new FsError(EAGAIN));
      rig.fault.inject({ action: { kind: 'hold' }, operation: 'write' });
      let over = false;
      const done = rig.scheduler.run(rig.flusher.sync()).finally(() => {
        over = true;
      });
      await turns();
      expect([over, good.mapping.writebackPages]).toEqual([false, 3]);
      rig.fault.release();
      await expect(settle(done)).rejects.toThrow(FsError);
      expectBytes(good.onDevice(), good.model);
    });

    it('does not say that all is well when something is still dirty (I-42)', async () => {
      const rig = makeRig();
      const [file] = rig.files;
      await write(rig, file!, 0, 3);
      file!.onPlace = () => fail(new FsError(EAGAIN));
      await expect(settle(rig.scheduler.run(rig.flusher.sync()))).rejects.toThrow(FsError);
      file!.onPlace = undefined;
      await settle(rig.scheduler.run(rig.flusher.sync()));
      expectBytes(file!.onDevice(), file!.model);
    });

    it('works without a start, on a sync device', () => {
      const rig = makeRig({ mode: 'sync' });
      const [file] = rig.files;
      rig.scheduler.runSync(file!.pwrite(0, pattern(5 * PAGE_SIZE, 1)));
      rig.scheduler.runSync(rig.flusher.sync());
      expectBytes(file!.onDevice(), file!.model);
      expect(rig.flusher.size).toBe(0);
    });
  });

  describe('in the background', () => {
    it('what is old enough is written, and nothing else', async () => {
      const rig = makeRig();
      const { flusher, time, files, checking } = rig;
      flusher.start(rig.scheduler, time);
      await write(rig, files[0]!, 0, 2);
      time.advance(3000);
      await write(rig, files[1]!, 0, 2);
      for (const [ms, pages] of [
        [1000, [[0, 1], [0, 1], []]],
        [1000, [[], [0, 1], []]],
        [1000, [[], [0, 1], []]],
        [1000, [[], [0, 1], []]],
        [1000, [[], [], []]],
      ] as const) {
        time.advance(ms);
        await turns();
        expect(files.map(dirtyPages)).toEqual(pages);
      }
      expect([checking.takeBlocks().length, flusher.passes]).toEqual([4, 2]);
      // They were under writeback when their passes ended; a last look, and they are forgotten.
      for (let round = 0; round < 3; round++) {
        time.advance(50_000);
        await turns();
        expect([flusher.size, flusher.passes]).toEqual([0, 4]);
      }
      await settle(rig.scheduler.run(flusher.stop()));
      expect([time.pending, rig.filesystem.cache.onPressure]).toEqual([0, undefined]);
    });

    inPages?.('above the background limit files have their turns, oldest first, until it is enough', async () => {
      const rig = makeRig({ ...limits(40, 400), budgetPages: 8 });
      const { flusher, files, checking } = rig;
      for (const file of files) await write(rig, file, 0, 20);
      flusher.start(rig.scheduler, rig.time);
      await turns();
      const blocks = checking.takeBlocks();
      // 60 pages are dirty: three turns of 8.
      expect(blocks.map((block) => Math.floor(block / 1024)).join('')).toBe('000000001111111122222222');
      expect([rig.filesystem.cache.dirtyPages, rig.time.pending]).toEqual([36, 1]);
      await settle(rig.scheduler.run(flusher.stop()));
    });

    inPages?.('a turn that was cut short makes nothing younger', async () => {
      const rig = makeRig({ ...limits(40, 400), budgetPages: 8 });
      const { flusher, time, files } = rig;
      await write(rig, files[0]!, 0, 45);
      time.advance(4000);
      flusher.start(rig.scheduler, time);
      await turns();
      expect(dirtyPages(files[0]!).length).toBe(37);
      time.advance(1000);
      await turns();
      expect(dirtyPages(files[0]!)).toEqual([]);
      await settle(rig.scheduler.run(flusher.stop()));
    });

    inPages?.('what cannot be written now is tried again, without being asked and without spinning', async () => {
      const rig = makeRig(limits(4, 400));
      const { flusher, time, files } = rig;
      let tries = 0;
      files[0]!.onPlace = function* () {
        if (tries++ < 40) throw new FsError(EAGAIN);
        return undefined;
      };
      flusher.start(rig.scheduler, time);
      await write(rig, files[0]!, 0, 10);
      await turns(100);
      expect(tries).toBeLessThan(40);
      for (let second = 0; second < 8; second++) {
        time.advance(1000);
        await turns();
      }
      expect(dirtyPages(files[0]!)).toEqual([]);
      await settle(rig.scheduler.run(flusher.stop()));
    });

    inPages?.('what somebody asked for is not forgotten because it was too early', async () => {
      const rig = makeRig(limits(400, 400));
      const { flusher, time, files } = rig;
      let tries = 0;
      files[0]!.onPlace = function* () {
        if (tries++ < 10) throw new FsError(EAGAIN);
        return undefined;
      };
      flusher.start(rig.scheduler, time);
      await write(rig, files[0]!, 0, 10);
      flusher.wake();
      await turns();
      expect([tries, dirtyPages(files[0]!).length]).toEqual([10, 10]);
      time.advance(1000); // long before they are old
      await turns();
      expect(dirtyPages(files[0]!)).toEqual([]);
      await settle(rig.scheduler.run(flusher.stop()));
    });

    it('a turn that begins in the middle finds what is before it, without waiting for the timer', async () => {
      const rig = makeRig(limits(4, 400));
      const { flusher, files } = rig;
      await write(rig, files[0]!, 0, 10);
      files[0]!.mapping.writebackIndex = 30;
      flusher.start(rig.scheduler, rig.time);
      await turns();
      expect(dirtyPages(files[0]!)).toEqual([]);
      await settle(rig.scheduler.run(flusher.stop()));
    });

    it('an error of one file does not keep the others from being written', async () => {
      const rig = makeRig(limits(10, 400));
      const { flusher, files } = rig;
      files[0]!.onPlace = () => fail(new FsError(EIO));
      for (const file of files) await write(rig, file, 0, 10);
      flusher.start(rig.scheduler, rig.time);
      await turns();
      expect(rig.filesystem.cache.overDirtyBackground).toBe(false);
      expect(files.map(({ cursor }) => cursor.take())).toEqual([EIO, 0, 0]);
      await settle(rig.scheduler.run(flusher.stop()));
    });

    it('a bug ends it: nobody waits for it any more, and it is told', async () => {
      const rig = makeRig(limits(4, 20));
      const { flusher, files } = rig;
      files[0]!.onPlace = function* () {
        yield* pause();
        throw new TypeError('bug');
      };
      flusher.start(rig.scheduler, rig.time);
      await settle(write(rig, files[0]!, 0, 50));
      expect(dirtyPages(files[0]!).length).toBeGreaterThan(10);
      await expect(settle(rig.scheduler.run(flusher.sync()))).rejects.toThrow('bug');
      await expect(settle(rig.scheduler.run(flusher.stop()))).rejects.toThrow('bug');
    });

    inPages?.('can be stopped in the middle of a pass and started again', async () => {
      const rig = makeRig(limits(4, 400));
      const { flusher, files } = rig;
      await write(rig, files[0]!, 0, 40);
      files[0]!.onPlace = () => pause();
      flusher.start(rig.scheduler, rig.time);
      flusher.start(rig.scheduler, rig.time);
      await settle(rig.scheduler.run(flusher.stop()));
      expect(dirtyPages(files[0]!).length).toBe(24);
      await settle(rig.scheduler.run(flusher.stop()));
      flusher.start(rig.scheduler, rig.time);
      await turns();
      expect(dirtyPages(files[0]!).length).toBeLessThanOrEqual(4);
      await settle(rig.scheduler.run(flusher.stop()));
    });
  });

  describe('the brake on writers', () => {
    it('R17: a write much larger than the limits goes through, and never more is dirty than allowed (I-23)', async () => {
      const tracer = new Tracer();
      let throttled = 0;
      tracer.listen((name) => {
        if (name === 'writeback:throttle') throttled++;
      });
      const rig = makeRig(limits(8, 24));
      Object.assign(rig.filesystem.cache, { tracer });
      rig.flusher.start(rig.scheduler, rig.time);
      let most = 0;
      const { cache } = rig.filesystem;
      tracer.listen(() => {
        most = Math.max(most, cache.dirtyPages + cache.writebackPages);
      });
      await settle(Promise.all(rig.files.map((file) => write(rig, file, 0, 300))));
      expect(throttled).toBeGreaterThan(order === 9 ? 2 : 10);
      // One folio more for each writer that was about to write.
      expect(most).toBeLessThanOrEqual(24 + 3 * 2 ** order);
      await settle(rig.scheduler.run(rig.flusher.sync()));
      for (const file of rig.files) expectBytes(file.onDevice(), file.model);
      expect(rig.checking.problems).toEqual([]);
      await settle(rig.scheduler.run(rig.flusher.stop()));
    });

    inPages?.('lets go of writers when the flusher stops', async () => {
      const rig = makeRig(limits(2, 4));
      const [file] = rig.files;
      rig.fault.inject({ action: { kind: 'hold' }, operation: 'write' });
      rig.flusher.start(rig.scheduler, rig.time);
      const done = write(rig, file!, 0, 50);
      await turns();
      expect(file!.size).toBe(5 * PAGE_SIZE);
      await settle(rig.scheduler.run(rig.flusher.stop()));
      expect(await settle(done)).toBe(50 * PAGE_SIZE);
      rig.fault.release();
    });

    inPages?.('D20: holds no folio meanwhile (I-23)', async () => {
      const rig = makeRig(limits(2, 4));
      const { cache } = rig.filesystem;
      let looks = 0;
      cache.onPressure = () => {
        looks++;
        for (const mapping of rig.filesystem.mappings) {
          for (let folio = mapping.index.next(0); folio !== undefined; folio = mapping.index.next(folio.endIndex)) {
            expect([folio.locked, folio.references]).toEqual([false, 0]);
          }
        }
      };
      let over = false;
      const done = write(rig, rig.files[0]!, 0, 8).finally(() => {
        over = true;
      });
      await turns();
      expect([over, looks > 1, cache.statistics.throttles]).toEqual([false, true, 1]);
      await settle(rig.scheduler.run(rig.files[0]!.write({ mode: 'all' })));
      await settle(rig.scheduler.run(rig.files[0]!.write({ mode: 'all' })));
      await settle(done);
    });

    it('a sync call on a sync device runs the flusher itself', () => {
      const rig = makeRig({ ...limits(8, 24), mode: 'sync' });
      rig.flusher.start(rig.scheduler, rig.time);
      const [file] = rig.files;
      expect(rig.scheduler.runSync(file!.pwrite(0, pattern(300 * PAGE_SIZE, 1)))).toBe(300 * PAGE_SIZE);
      expect(rig.filesystem.cache.dirtyPages).toBeLessThanOrEqual(24 + 2 ** order);
      rig.scheduler.runSync(rig.flusher.sync());
      expectBytes(file!.onDevice(), file!.model);
      rig.scheduler.runSync(rig.flusher.stop());
    });

    it('a write that fails all the time does not stop writers for ever', async () => {
      const rig = makeRig(limits(4, 8));
      rig.fault.inject({ action: { kind: 'fail' }, operation: 'write' });
      rig.flusher.start(rig.scheduler, rig.time);
      expect(await settle(write(rig, rig.files[0]!, 0, 100))).toBe(100 * PAGE_SIZE);
      await expect(settle(rig.scheduler.run(rig.files[0]!.fsync()))).rejects.toThrow(FsError);
      await settle(rig.scheduler.run(rig.flusher.stop()));
    });

    it('where nothing works in the background, a writer writes by itself, also after a stop', async () => {
      const rig = makeRig({ ...limits(8, 24), mode: 'sync' });
      const { flusher, scheduler, checking } = rig;
      const { cache } = rig.filesystem;
      const [file] = rig.files;
      file!.throttle = () => flusher.throttle();
      for (const from of [0, 300]) {
        expect(scheduler.runSync(file!.pwrite(from * PAGE_SIZE, pattern(200 * PAGE_SIZE, 1)))).toBe(200 * PAGE_SIZE);
        expect(cache.dirtyPages).toBeLessThanOrEqual(8);
        // Turns of 16 pages, not every page by itself.
        expect(checking.takeBlocks().length).toBeGreaterThanOrEqual(192);
        expect(flusher.passes).toBeLessThan(50);
        flusher.start(scheduler, rig.time);
        scheduler.runSync(flusher.stop());
      }
      // What cannot be written does not stop it.
      file!.onPlace = () => fail(new FsError(EAGAIN));
      expect(scheduler.runSync(file!.pwrite(0, pattern(30 * PAGE_SIZE, 2)))).toBe(30 * PAGE_SIZE);
      file!.onPlace = undefined;
      scheduler.runSync(flusher.sync());
      expectBytes(file!.onDevice(), file!.model);
    });

    it('beside a flusher that works, it waits for that one', async () => {
      const rig = makeRig(limits(8, 24));
      const [file] = rig.files;
      file!.throttle = () => rig.flusher.throttle();
      rig.flusher.start(rig.scheduler, rig.time);
      expect(rig.flusher.running).toBe(true);
      await settle(write(rig, file!, 0, 200));
      expect(rig.filesystem.cache.statistics.throttles).toBeGreaterThan(0);
      await settle(rig.scheduler.run(rig.flusher.stop()));
      expect(rig.flusher.running).toBe(false);
    });

    it('without anybody who writes, nobody is stopped', () => {
      const rig = makeRig({ ...limits(1, 2), mode: 'sync' });
      rig.scheduler.runSync(rig.files[0]!.pwrite(0, pattern(9 * PAGE_SIZE, 1)));
      runSync(balanceDirtyPages(rig.filesystem.cache));
      expect(rig.filesystem.cache.overDirtyLimit).toBe(true);
    });

    it('R17: who waits for room in a cache full of dirty folios gets it', async () => {
      const pages = CACHE_BYTES_MIN / PAGE_SIZE;
      const rig = makeRig({ cache: { budgetBytes: CACHE_BYTES_MIN }, files: 3 });
      for (const [index, file] of rig.files.entries()) {
        const count = index < 2 ? pages / 2 - 8 : 16;
        await settle(write(rig, file, 0, count));
      }
      expect(rig.filesystem.cache.dirtyPages).toBe(pages);
      rig.flusher.start(rig.scheduler, rig.time);
      await settle(write(rig, rig.files[2]!, 100, 20));
      await settle(rig.scheduler.run(rig.flusher.sync()));
      for (const file of rig.files) expectBytes(file.onDevice(), file.model);
      await settle(rig.scheduler.run(rig.flusher.stop()));
    });
  });
});

function* fail(error: Error): Task<never> {
  throw error;
}
