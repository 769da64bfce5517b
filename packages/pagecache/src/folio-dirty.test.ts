import { EIO } from '@f2fskit/errno';
import { runSync, Scheduler, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addWrite,
  CACHE_BYTES_MIN,
  cacheProblems,
  cancelDirty,
  cancelDirtyBlocks,
  clearDirtyForIo,
  dirtyRunEnd,
  discardRange,
  endWrite,
  endWriteback,
  type Folio,
  forgetDirtyBlocks,
  Mapping,
  type MappingOptions,
  Mark,
  markDirty,
  nextDirtyBlock,
  PAGE_SIZE,
  PageCache,
  type PageCacheOptions,
  redirty,
  redirtyFrom,
  SLAB_BYTES,
  startWriteback,
  truncateMapping,
  waitStable,
  waitWriteback,
} from './index.ts';

const newCache = (options: PageCacheOptions = {}): PageCache =>
  new PageCache({ budgetBytes: CACHE_BYTES_MIN, poison: true, ...options });
const newMapping = (cache = newCache(), options: Partial<MappingOptions> = {}): Mapping =>
  new Mapping(cache, { name: 'file', ...options });

/** A folio that is locked and uptodate. */
function make(mapping: Mapping, index: number, order: number): Folio {
  const folio = mapping.create(index, order)!;
  folio.markUptodate();
  return folio;
}

/** A folio that is unlocked and dirty in [from, to). */
function makeDirty(mapping: Mapping, index: number, order: number, from?: number, to?: number): Folio {
  const folio = make(mapping, index, order);
  markDirty(folio, from, to);
  folio.unlock();
  return folio;
}

/** Takes a dirty folio and starts its writeback. */
function startWriting(folio: Folio): Folio {
  expect(folio.tryLock()).toBe(true);
  clearDirtyForIo(folio);
  startWriteback(folio);
  forgetDirtyBlocks(folio);
  folio.unlock();
  return folio;
}

const dirtyBlocksOf = (folio: Folio): number[] =>
  Array.from({ length: folio.pages }, (_, block) => block).filter(
    (block) => folio.dirty && nextDirtyBlock(folio, block) === block,
  );
const marksOf = (folio: Folio): boolean[] =>
  Object.values(Mark).map((mark) => folio.mapping!.index.hasMark(folio, mark));
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('dirty', () => {
  it('is counted once a folio, whole, and once back (I-5)', () => {
    const mapping = newMapping();
    const folio = make(mapping, 16, 4);
    expect([markDirty(folio, 3, 5), markDirty(folio, 3, 4), markDirty(folio, 9, 10)]).toEqual([true, false, false]);
    expect([mapping.dirtyPages, mapping.cache.dirtyPages]).toEqual([16, 16]);
    expect(dirtyBlocksOf(folio)).toEqual([3, 4, 9]);
    expect([nextDirtyBlock(folio, 5), dirtyRunEnd(folio, 3), nextDirtyBlock(folio, 10)]).toEqual([9, 5, 16]);
    expect([clearDirtyForIo(folio), clearDirtyForIo(folio)]).toEqual([true, false]);
    expect([mapping.dirtyPages, mapping.cache.dirtyPages, folio.dirty]).toEqual([0, 0, false]);
    // What is to be written is still known, and the mark still leads there (I-4).
    expect([nextDirtyBlock(folio, 0), dirtyRunEnd(folio, 3)]).toEqual([3, 5]);
    expect(mapping.index.next(0, Mark.DIRTY)).toBe(folio);
    redirty(folio);
    expect([dirtyBlocksOf(folio), mapping.dirtyPages]).toEqual([[3, 4, 9], 16]);
  });

  it('has bits only while some blocks are dirty and others are not', () => {
    const mapping = newMapping();
    const folio = make(mapping, 0, 2);
    markDirty(folio, 0, 3);
    expect(folio.dirtyBlocks?.count).toBe(3);
    markDirty(folio, 3, 4);
    expect(folio.dirtyBlocks).toBeUndefined();
    expect(dirtyBlocksOf(folio)).toEqual([0, 1, 2, 3]);
    cancelDirtyBlocks(folio, 1, 3);
    expect(dirtyBlocksOf(folio)).toEqual([0, 3]);
    expect([cancelDirtyBlocks(folio, 0, 1), cancelDirtyBlocks(folio, 2, 4)]).toEqual([true, false]);
    expect([folio.dirty, folio.dirtyBlocks, mapping.dirtyPages]).toEqual([false, undefined, 0]);
    expect(mapping.index.next(0, Mark.DIRTY)).toBeUndefined();
  });

  it('everything is in order when the owner is told, once for a mapping that was clean (3.3)', () => {
    const calls: unknown[] = [];
    const onDirty = (mapping: Mapping): void => {
      const folio = mapping.index.next(0, Mark.DIRTY)!;
      calls.push([folio.index, folio.dirty, mapping.dirtyPages, mapping.cache.dirtyPages, dirtyBlocksOf(folio)]);
    };
    const mapping = newMapping(newCache(), { onDirty });
    const folio = makeDirty(mapping, 8, 3, 1, 2);
    makeDirty(mapping, 32, 0);
    expect(calls).toEqual([[8, true, 8, 8, [1]]]);
    folio.tryLock();
    cancelDirty(folio);
    markDirty(folio);
    expect(calls.length).toBe(1);
  });

  it('a block that is not uptodate, or not locked, does not become dirty (I-10)', () => {
    const mapping = newMapping();
    const folio = mapping.create(0, 2)!;
    folio.markUptodate(1, 3);
    expect(() => markDirty(folio, 0, 2)).toThrow(/uptodate/);
    expect(() => markDirty(folio, 2, 2)).toThrow(/blocks of the folio/);
    expect(markDirty(folio, 1, 3)).toBe(true);
    folio.unlock();
    expect(() => markDirty(folio, 1, 2)).toThrow(/under its lock/);
  });

  it('what was taken for writing is settled before the unlock', () => {
    const mapping = newMapping();
    const folio = makeDirty(mapping, 0, 2, 0, 1);
    folio.tryLock();
    clearDirtyForIo(folio);
    expect(() => folio.unlock()).toThrow(/settled/);
    redirtyFrom(folio, 0);
    expect(dirtyBlocksOf(folio)).toEqual([0]);
    folio.unlock();
    expect(() => mapping.remove(folio)).toThrow(/clean/);
  });
});

describe('writeback', () => {
  it('moves the marks, and ends once (3.4, I-4, I-6, R12)', () => {
    const mapping = newMapping();
    const folio = makeDirty(mapping, 0, 1);
    mapping.index.copyMark(0, 9, Mark.DIRTY, Mark.TOWRITE);
    folio.tryLock();
    expect(() => startWriteback(folio)).toThrow(/taken for writing/);
    clearDirtyForIo(folio);
    expect(marksOf(folio)).toEqual([true, false, true]);
    startWriteback(folio);
    expect(() => startWriteback(folio)).toThrow(/once at a time/);
    folio.unlock();
    expect(marksOf(folio)).toEqual([false, true, false]);
    expect([mapping.writebackPages, mapping.cache.writebackPages]).toEqual([2, 2]);
    endWriteback(folio);
    expect(marksOf(folio)).toEqual([false, false, false]);
    expect([mapping.writebackPages, mapping.cache.writebackPages]).toEqual([0, 0]);
    expect(() => endWriteback(folio)).toThrow(/ends once/);
  });

  it('ends with its last part, whoever that is (I-9, H17)', () => {
    const folio = startWriting(makeDirty(newMapping(), 0, 3));
    for (let part = 0; part < 3; part++) addWrite(folio);
    endWrite(folio);
    endWrite(folio);
    expect(() => endWriteback(folio)).toThrow(/all its parts/);
    expect(folio.writeback).toBe(true);
    endWrite(folio);
    expect(folio.writeback).toBe(false);
    expect(() => endWrite(folio)).toThrow(/ends once/);
    expect(() => addWrite(folio)).toThrow(/under writeback/);
  });

  it('keeps its tag where the rest of the folio is still wanted', () => {
    const mapping = newMapping();
    const folio = makeDirty(mapping, 0, 2);
    mapping.index.copyMark(0, 4, Mark.DIRTY, Mark.TOWRITE);
    folio.tryLock();
    clearDirtyForIo(folio);
    startWriteback(folio, true);
    redirtyFrom(folio, 3);
    folio.unlock();
    expect([marksOf(folio), dirtyBlocksOf(folio)]).toEqual([[true, true, true], [3]]);
    expect(cacheProblems([mapping])).toEqual([]);
  });

  it('who waits goes on when it is over, all of them; who writes waits only where the mapping is stable (I-40)', async () => {
    const scheduler = new Scheduler('async');
    const seen: string[] = [];
    function* user(name: string, wait: Task<void>): Task<void> {
      yield* wait;
      seen.push(name);
    }
    const stable = startWriting(makeDirty(newMapping(newCache(), { stable: true }), 0, 0));
    const free = startWriting(makeDirty(newMapping(), 0, 0));
    const tasks = [
      user('a', waitWriteback(stable)),
      user('b', waitStable(stable)),
      user('c', waitStable(free)),
      user('d', waitWriteback(free)),
    ].map((task) => scheduler.run(task));
    await later();
    expect(seen).toEqual(['c']);
    free.tryLock();
    expect(markDirty(free)).toBe(true); // dirty and under writeback at the same time
    expect(marksOf(free)).toEqual([true, true, false]);
    stable.tryLock();
    expect(() => markDirty(stable)).toThrow(/stable/);
    endWriteback(stable);
    endWriteback(free);
    await Promise.all(tasks);
    expect(seen).toEqual(['c', 'a', 'b', 'd']);
    expect([free.dirty, markDirty(stable)]).toEqual([true, true]);
  });
});

describe('reclaim', () => {
  it('takes neither dirty folios nor those under writeback; who waits for room is woken by the end of one', async () => {
    const cache = newCache();
    const mapping = newMapping(cache);
    const folios = Array.from({ length: 1024 }, (_, index) => makeDirty(mapping, index, 0));
    let asked = 0;
    cache.onPressure = () => asked++;
    const got: number[] = [];
    function* wanting(): Task<void> {
      for (;;) {
        const folio = mapping.create(5000, 0);
        if (folio !== undefined) {
          got.push(folio.index);
          folio.unlock();
          return;
        }
        yield* cache.waitForRoom();
      }
    }
    const done = new Scheduler('async').run(wanting());
    expect([got, asked]).toEqual([[], 1]);
    startWriting(folios[7]!);
    await later();
    expect(got).toEqual([]);
    endWriteback(folios[7]!);
    await done;
    expect([got, mapping.find(7), mapping.find(8)]).toEqual([[5000], undefined, folios[8]]);
    // Clean ones go, a truncated one's memory too.
    runSync(truncateMapping(mapping, 8 * PAGE_SIZE));
    expect(mapping.create(6000, 0)).toBeDefined();
    expect(cache.bytesUsed).toBe(8 * PAGE_SIZE);
  });

  it('limits are bytes of the budget; writeback counts against the hard one alone', async () => {
    const cache = newCache({ dirtyBytesBackground: 2 * PAGE_SIZE, dirtyBytesMax: 4 * PAGE_SIZE });
    expect([newCache({ dirtyBytesMax: 1e12 }).dirtyBytesMax, newCache().dirtyBytesMax]).toEqual([
      CACHE_BYTES_MIN - SLAB_BYTES,
      CACHE_BYTES_MIN / 2,
    ]);
    const mapping = newMapping(cache);
    const state = (): boolean[] => [cache.overDirtyBackground, cache.overDirtyLimit];
    makeDirty(mapping, 0, 1);
    expect(state()).toEqual([false, false]);
    const folio = makeDirty(mapping, 4, 2);
    expect(state()).toEqual([true, true]);
    startWriting(folio);
    expect(state()).toEqual([false, true]);
    let cleaned = false;
    const waiting = new Scheduler('async').run(
      (function* (): Task<void> {
        yield* cache.waitForCleaning();
        cleaned = true;
      })(),
    );
    await later();
    expect(cleaned).toBe(false);
    endWriteback(folio);
    await waiting;
    expect([cleaned, ...state()]).toEqual([true, false, false]);
  });

  it('a write that failed leaves the folio clean and uptodate (3.5)', () => {
    const mapping = newMapping();
    const folio = startWriting(makeDirty(mapping, 0, 0));
    mapping.setError(EIO);
    endWriteback(folio);
    expect([folio.dirty, folio.uptodate, folio.reclaimable]).toEqual([false, true, true]);
  });
});

describe('taking content away', () => {
  it('truncation zeroes the tail, forgets dirty blocks behind it, and removes what is wholly behind (9.1)', () => {
    const mapping = newMapping();
    const folios = [makeDirty(mapping, 0, 2), makeDirty(mapping, 4, 2), makeDirty(mapping, 8, 2), make(mapping, 12, 2)];
    for (const folio of folios) folio.bytes.fill(7);
    folios[3]!.unlock();
    runSync(truncateMapping(mapping, 5 * PAGE_SIZE + 100));
    expect(folios.map(({ mapping: owner }) => owner !== undefined)).toEqual([true, true, false, false]);
    expect(dirtyBlocksOf(folios[1]!)).toEqual([0, 1]);
    const { bytes } = folios[1]!;
    expect(bytes.indexOf(0)).toBe(PAGE_SIZE + 100);
    expect(bytes.subarray(PAGE_SIZE + 100).every((byte) => byte === 0)).toBe(true);
    expect([mapping.dirtyPages, folios[0]!.bytes.includes(0)]).toEqual([8, false]);
    expect(cacheProblems([mapping])).toEqual([]);
    runSync(truncateMapping(mapping, 4 * PAGE_SIZE));
    expect([mapping.index.size, mapping.dirtyPages]).toEqual([1, 4]);
  });

  it('a hole takes whole blocks, and keeps those that are cut', () => {
    const mapping = newMapping();
    const folio = makeDirty(mapping, 0, 3);
    folio.bytes.fill(7);
    runSync(discardRange(mapping, PAGE_SIZE - 1, 3 * PAGE_SIZE + 1));
    expect(dirtyBlocksOf(folio)).toEqual([0, 3, 4, 5, 6, 7]);
    expect([folio.bytes.indexOf(0), folio.bytes.lastIndexOf(0)]).toEqual([PAGE_SIZE - 1, 3 * PAGE_SIZE]);
    runSync(discardRange(mapping, 0, 8 * PAGE_SIZE));
    expect([mapping.index.size, mapping.dirtyPages]).toEqual([0, 0]);
  });

  it('waits for the lock and for writeback, folio by folio (H1)', async () => {
    const mapping = newMapping();
    const [writing, locked] = [startWriting(makeDirty(mapping, 1, 0)), make(mapping, 2, 0)];
    makeDirty(mapping, 3, 0);
    const done = new Scheduler('async').run(truncateMapping(mapping, 100));
    await later();
    expect(mapping.index.size).toBe(3);
    endWriteback(writing!);
    await later();
    expect(mapping.index.size).toBe(2);
    locked!.unlock();
    await done;
    expect(mapping.index.size).toBe(0);
    expect(mapping.cache.bytesUsed).toBe(0);
  });

  it('invalidation leaves dirty folios, and says how many; it waits for the others', async () => {
    const mapping = newMapping();
    make(mapping, 0, 1).unlock();
    makeDirty(mapping, 2, 0);
    const writing = startWriting(makeDirty(mapping, 3, 0));
    make(mapping, 8, 0).unlock();
    const done = new Scheduler('async').run(mapping.invalidate(1, 8));
    await later();
    endWriteback(writing);
    expect(await done).toBe(1);
    expect([0, 2, 3, 8].map((page) => mapping.find(page) !== undefined)).toEqual([false, true, false, true]);
  });
});

describe('against a model', () => {
  const order = fc.constantFrom(0, 0, 1, 2, 3, 5);
  const step = fc.record({
    action: fc.constantFrom(
      'dirty',
      'dirty',
      'dirty',
      'write',
      'end',
      'redirty',
      'cancel',
      'cut',
      'hole',
      'drop',
      'fill',
    ),
    page: fc.nat({ max: 160 }),
    count: fc.integer({ min: 1, max: 40 }),
    order,
  });

  it('any sequence: the right blocks are dirty, the counts add up, nothing dirty is lost (I-1 to I-10)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), fc.boolean(), (steps, stable) => {
        const cache = newCache();
        const mapping = newMapping(cache, { stable });
        const other = newMapping(cache, { name: 'other' });
        /** Dirty pages, and folios under writeback with the pages that are on their way. */
        const dirty = new Set<number>();
        const writing = new Set<Folio>();
        const finish = (folio: Folio): void => {
          writing.delete(folio);
          endWriteback(folio);
        };
        const pagesOf = (folio: Folio): number[] =>
          Array.from({ length: folio.pages }, (_, block) => folio.index + block);
        for (const { action, page, count, order: wanted } of steps) {
          const end = page + count;
          const folio = mapping.find(page);
          switch (action) {
            case 'dirty': {
              const target = folio ?? mapping.create(page, wanted)!;
              if (folio !== undefined) folio.tryLock();
              if (stable && writing.has(target)) finish(target);
              target.markUptodate();
              const last = Math.min(end, target.endIndex);
              markDirty(target, page - target.index, last - target.index);
              for (let each = page; each < last; each++) dirty.add(each);
              target.unlock();
              break;
            }
            case 'write':
            case 'redirty': {
              if (folio === undefined || !folio.dirty || folio.writeback) break;
              folio.tryLock();
              clearDirtyForIo(folio);
              const sent = pagesOf(folio).filter(
                (each) => nextDirtyBlock(folio, each - folio.index) === each - folio.index,
              );
              expect(sent).toEqual(pagesOf(folio).filter((each) => dirty.has(each)));
              if (action === 'redirty') redirty(folio);
              else {
                startWriteback(folio);
                forgetDirtyBlocks(folio);
                writing.add(folio);
                for (const each of sent) dirty.delete(each);
              }
              folio.unlock();
              break;
            }
            case 'end': {
              const [oldest] = writing;
              if (oldest !== undefined) finish(oldest);
              break;
            }
            case 'cancel':
              if (folio === undefined) break;
              folio.tryLock();
              cancelDirty(folio);
              folio.unlock();
              for (const each of pagesOf(folio)) dirty.delete(each);
              break;
            case 'cut':
            case 'hole': {
              for (const each of [...writing]) finish(each);
              const to = action === 'cut' ? Number.POSITIVE_INFINITY : end;
              runSync(discardRange(mapping, page * PAGE_SIZE, to * PAGE_SIZE));
              for (const each of [...dirty]) if (each >= page && each < to) dirty.delete(each);
              break;
            }
            case 'drop': {
              for (const each of [...writing]) finish(each);
              const inRange = new Set(
                [...dirty]
                  .map((each) => mapping.find(each)!)
                  .filter((each) => each.index < end && each.endIndex > page),
              );
              expect(runSync(mapping.invalidate(page, end))).toBe(inRange.size);
              break;
            }
            case 'fill': // reclaim takes what it may
              for (let index = 0; index < 2; index++) {
                const large = other.create(512 * (page + index), 9);
                large?.markUptodate();
                large?.unlock();
              }
              break;
          }
          expect(cacheProblems([mapping, other])).toEqual([]);
          for (const each of dirty) expect(mapping.find(each)?.dirty).toBe(true);
          for (let each = 0; each < 240; each++) {
            const holder = mapping.find(each);
            const isDirty =
              holder?.dirty === true && nextDirtyBlock(holder, each - holder.index) === each - holder.index;
            if (isDirty !== dirty.has(each)) throw new Error(`page ${each} after ${action}: dirty ${isDirty}`);
          }
          for (const each of writing) expect(each.mapping).toBe(mapping);
        }
      }),
      { numRuns: 120 },
    );
  });
});
