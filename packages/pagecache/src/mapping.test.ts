import { MemoryDevice } from '@f2fskit/block';
import { runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CACHE_BYTES_MIN, DeviceMapping, type Folio, Mapping, PAGE_SIZE, PageCache, SLAB_BYTES } from './index.ts';

const newCache = (): PageCache => new PageCache({ budgetBytes: CACHE_BYTES_MIN, poison: true });
const newMapping = (cache = newCache(), options = {}): Mapping => new Mapping(cache, { name: 'file', ...options });

/** Creates a folio and unlocks it, as a read does that is over at once. */
function make(mapping: Mapping, index: number, order: number): Folio | undefined {
  const folio = mapping.create(index, order);
  folio?.markUptodate();
  folio?.unlock();
  return folio;
}

describe('creating folios', () => {
  it('comes locked, empty and found under each of its pages', () => {
    const mapping = newMapping();
    const folio = mapping.create(64, 3)!;
    expect([folio.index, folio.order, folio.locked, folio.uptodate, folio.references]).toEqual([64, 3, true, false, 0]);
    for (let page = 64; page < 72; page++) expect(mapping.find(page)).toBe(folio);
    expect([mapping.find(63), mapping.find(72)]).toEqual([undefined, undefined]);
    expect(folio.bytes.length).toBe(8 * PAGE_SIZE);
  });

  it('lowers the order until the page is aligned to it, and until its pages are free', () => {
    const mapping = newMapping();
    expect(mapping.create(4, 9)!.order).toBe(2);
    expect(mapping.create(6, 9)).toBeUndefined();
    expect(mapping.create(8, 9)!.order).toBe(3);
    mapping.create(20, 0);
    expect(mapping.create(16, 4)!.order).toBe(2);
  });

  it('keeps to the least order of the mapping, beginning where such a folio must', () => {
    const mapping = newMapping(newCache(), { orderMin: 4 });
    const folio = mapping.create(21, 0)!;
    expect([folio.index, folio.order]).toEqual([16, 4]);
  });

  it('the highest order of the cache wins over that of the mapping', () => {
    const cache = new PageCache({ orderMax: 2 });
    expect(newMapping(cache, { orderMin: 8 }).create(9, 9)!.order).toBe(2);
  });
});

describe('room', () => {
  it('never takes more than the budget, whatever is asked, and never what is held (I-1, I-3)', () => {
    const step = fc.record({
      file: fc.nat({ max: 2 }),
      index: fc.nat({ max: 5000 }),
      order: fc.nat({ max: 9 }),
      hold: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), fc.nat(), (steps, seed) => {
        const cache = newCache();
        const random = seededRandom(seed);
        const mappings = [0, 3, 6].map((orderMin) => newMapping(cache, { orderMin }));
        const held: Array<{ folio: Folio; mapping: Mapping; mark: number }> = [];
        for (const [id, { file, index, order, hold }] of steps.entries()) {
          const mapping = mappings[file]!;
          const folio = mapping.find(index) ?? make(mapping, index, order);
          if (folio !== undefined && hold && held.length < 20) {
            folio.get();
            folio.bytes.fill((id % 200) + 1);
            for (const other of held) if (other.folio === folio) other.mark = (id % 200) + 1;
            held.push({ folio, mapping, mark: (id % 200) + 1 });
          } else if (held.length > 0 && random.chance(0.3)) held.splice(random.below(held.length), 1)[0]!.folio.put();
          expect(cache.bytesUsed).toBeLessThanOrEqual(cache.budgetBytes);
          for (const { folio: kept, mapping: owner, mark } of held) {
            expect(owner.find(kept.index)).toBe(kept);
            expect(kept.bytes[0] === mark && kept.bytes.at(-1) === mark).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('frees the oldest for the new, and falls back to smaller folios where memory is in pieces', () => {
    const cache = newCache();
    const mapping = newMapping(cache);
    for (let index = 0; index < 1024; index++) make(mapping, index, 0);
    expect(cache.bytesUsed).toBe(CACHE_BYTES_MIN);
    expect(mapping.find(0)).toBeDefined();
    for (let index = 0; index < 1024; index += 2) mapping.find(index)!.get(); // every other page is held
    // One slab more than the budget makes room for large folios while the rest is in pieces.
    const large = [4096, 4096 + 256].map((index) => make(mapping, index, 8)!);
    expect(large.map(({ order }) => order)).toEqual([8, 8]);
    for (const folio of large) folio.get();
    expect(mapping.find(1)).toBeUndefined();
    expect(make(mapping, 8192, 8)).toBeUndefined(); // everything is held
    for (let index = 0; index < 1024; index += 4) mapping.find(index)!.put();
    expect(make(mapping, 8192, 8)!.order).toBe(1); // two pages side by side are the largest piece
    for (let index = 2; index < 1024; index += 4) mapping.find(index)!.put();
    for (const folio of large) folio.put();
    expect(make(mapping, 16_384, 9)!.order).toBe(9);
    expect(cache.bytesUsed).toBeLessThanOrEqual(CACHE_BYTES_MIN);
    expect(cache.bytesAllocated).toBe(CACHE_BYTES_MIN + SLAB_BYTES);
  });

  it('metadata has a reserve that file data does not get', () => {
    const cache = newCache();
    const file = newMapping(cache);
    for (let index = 0; index < 1024; index++) file.create(index, 0); // all locked
    expect(file.create(5000, 0)).toBeUndefined();
    const blocks = new DeviceMapping(cache, new MemoryDevice(SLAB_BYTES * 2));
    for (let block = 0; block < 512; block++) expect(blocks.mapping.create(block, 0)).toBeDefined();
    expect(blocks.mapping.create(600, 0)).toBeUndefined();
    expect(cache.bytesUsed).toBe(CACHE_BYTES_MIN + SLAB_BYTES);
  });

  it('who waits for room goes on when something is given up, all of them', async () => {
    const cache = newCache();
    const mapping = newMapping(cache);
    const locked = Array.from({ length: 1024 }, (_, index) => mapping.create(index, 0)!);
    const scheduler = new Scheduler('async');
    const got: number[] = [];
    function* wanting(index: number): Task<void> {
      for (;;) {
        const folio = mapping.create(index, 0);
        if (folio !== undefined) {
          got.push(index);
          return;
        }
        yield* cache.waitForRoom();
      }
    }
    const tasks = [5000, 5001, 5002].map((index) => scheduler.run(wanting(index)));
    expect(got).toEqual([]);
    locked[0]!.unlock();
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toEqual([5000]);
    locked[1]!.unlock();
    locked[2]!.unlock();
    await Promise.all(tasks);
    expect(got).toEqual([5000, 5001, 5002]);
  });
});

describe('the lock and the references of a folio', () => {
  it('is handed over in order of asking, and looked at again (I-2, I-6)', async () => {
    const mapping = newMapping();
    const folio = mapping.create(0, 2)!;
    const scheduler = new Scheduler('async');
    const seen: string[] = [];
    function* user(name: string): Task<void> {
      folio.get();
      yield* folio.lock();
      seen.push(`${name} ${folio.mapping === mapping ? 'in place' : 'gone'}`);
      folio.unlock();
      folio.put();
    }
    const users = ['a', 'b'].map((name) => scheduler.run(user(name)));
    const gone = scheduler.run(mapping.invalidate(0, 4));
    users.push(scheduler.run(user('c')));
    folio.unlock();
    await Promise.all([...users, gone]);
    expect(seen).toEqual(['a in place', 'b in place', 'c gone']);
    expect(mapping.index.size).toBe(0);
    expect(mapping.cache.bytesUsed).toBe(0);
    expect(() => folio.unlock()).toThrow(/nobody locked/);
  });

  it('memory of a removed folio lives as long as its references', () => {
    const mapping = newMapping();
    const folio = make(mapping, 0, 1)!;
    folio.bytes.fill(5);
    folio.get();
    folio.get();
    mapping.cache.statistics.waits = 0;
    folio.tryLock();
    mapping.remove(folio);
    folio.unlock();
    folio.put();
    expect(folio.bytes.every((byte) => byte === 5)).toBe(true);
    expect(mapping.cache.bytesUsed).toBe(2 * PAGE_SIZE);
    folio.put();
    expect(folio.bytes.every((byte) => byte === 0xdb)).toBe(true);
    expect(mapping.cache.bytesUsed).toBe(0);
    expect(() => folio.put()).toThrow(/without references/);
  });

  it('dropUnused leaves what somebody holds', () => {
    const mapping = newMapping();
    for (let index = 0; index < 20; index += 2) make(mapping, index, 1);
    mapping.find(4)!.get();
    mapping.find(9)!.tryLock();
    mapping.dropUnused();
    expect(Array.from({ length: 20 }, (_, page) => page).filter((page) => mapping.find(page))).toEqual([4, 5, 8, 9]);
  });

  it('the flag speaks for all blocks, and the bits exist only while it is clear (I-7)', () => {
    const mapping = newMapping();
    const folio = mapping.create(0, 3)!;
    folio.markUptodate(0, 3);
    folio.markUptodate(5, 8);
    expect([
      folio.uptodate,
      folio.isUptodate(0, 3 * PAGE_SIZE),
      folio.isUptodate(PAGE_SIZE, 3 * PAGE_SIZE + 1),
    ]).toEqual([false, true, false]);
    folio.markUptodate(3, 5);
    expect([folio.uptodate, folio.blocks, folio.isUptodate(0, folio.size)]).toEqual([true, undefined, true]);
    folio.unlock();
    expect(() => make(mapping, 8, 0)!.markUptodate(0, 1)).toThrow(/under the lock/);
  });
});

it('a walk that reads a device twice as large as the cache leaves the cache full and everything readable', () => {
  const cache = newCache();
  const device = new MemoryDevice(2 * CACHE_BYTES_MIN);
  const blocks = new DeviceMapping(cache, device);
  for (let round = 0; round < 2; round++) {
    for (let block = 0; block < device.size / PAGE_SIZE; block++) {
      expect(runSync(blocks.get(block)).bytes[7]).toBe(0);
    }
  }
  expect([cache.bytesUsed, cache.bytesAllocated]).toEqual([CACHE_BYTES_MIN, CACHE_BYTES_MIN]);
});
