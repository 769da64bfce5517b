import { PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectBytes, pattern, TOY_BLOCKS, WritableToy } from '../test/writable-toy.ts';
import { type Iomap, type ZeroOperations, zeroBuffered } from './index.ts';

/** The file as a reader finds it, with what is reserved as such. */
function mapsOf(file: WritableToy, changes: Partial<ZeroOperations> = {}): ZeroOperations {
  const kindOf = (block: number): Iomap['kind'] =>
    file.placed.has(block) ? 'mapped' : file.reserved.has(block) ? 'unwritten' : 'hole';
  return {
    begin(position, length, _request, map) {
      const block = Math.floor(position / PAGE_SIZE);
      const last = Math.min(TOY_BLOCKS, Math.ceil((position + length) / PAGE_SIZE));
      let end = block + 1;
      while (end < last && kindOf(end) === kindOf(block)) end++;
      map.kind = kindOf(block);
      map.offset = block * PAGE_SIZE;
      map.length = (end - block) * PAGE_SIZE;
      map.address = (block + 1) * PAGE_SIZE;
      map.cookie = file.generation;
      return undefined;
    },
    ...changes,
  };
}

function zero(file: WritableToy, from: number, to: number, changes?: Partial<ZeroOperations>): void {
  runSync(zeroBuffered(file, from, to, mapsOf(file, changes)));
  file.model.fill(0, from, Math.min(to, file.size));
}

/** `pages` pages on the device, and none in the cache. */
function storedFile(pages: number, orderMax = 9): WritableToy {
  const file = new WritableToy({ orderMax });
  runSync(file.pwrite(0, pattern(pages * PAGE_SIZE, 1)));
  flushAndDrop(file);
  return file;
}

function flushAndDrop(file: WritableToy): void {
  runSync(file.flush());
  file.mapping.dropUnused();
  file.device.takeReads();
}

function expectModel(file: WritableToy): void {
  expectBytes(runSync(file.pread(0, file.size + 10)), file.model);
  flushAndDrop(file);
  expectBytes(runSync(file.pread(0, file.size + 10)), file.model);
}

describe('zeroBuffered', () => {
  it.each([0, 9])('reads the edges of mapped blocks and nothing else, order %i', (orderMax) => {
    const file = storedFile(8, orderMax);
    zero(file, 100, 6 * PAGE_SIZE + 5);
    expect(file.device.takeReads().sort(([a], [b]) => a - b)).toEqual([
      [0, 1],
      [6, 1],
    ]);
    expect(file.mapping.dirtyBlocks).toBe(7);
    expect(file.size).toBe(8 * PAGE_SIZE);
    expectModel(file);
  });

  it('leaves holes alone, and reserved blocks that have nothing in the cache', () => {
    const file = new WritableToy();
    runSync(file.pwrite(20 * PAGE_SIZE, pattern(10, 1)));
    flushAndDrop(file);
    for (const block of [3, 4, 5]) file.reserved.add(block);
    zero(file, 10, 19 * PAGE_SIZE);
    expect(file.mapping.index.size).toBe(0);
    expect(file.mapping.dirtyBlocks).toBe(0);
  });

  it('leaves reserved blocks alone that are clean in the cache', () => {
    const file = storedFile(1);
    file.size = 4 * PAGE_SIZE;
    file.model = new Uint8Array(4 * PAGE_SIZE);
    file.model.set(pattern(PAGE_SIZE, 1));
    file.reserved.add(1).add(2);
    runSync(file.pread(0, 4 * PAGE_SIZE));
    zero(file, PAGE_SIZE, 3 * PAGE_SIZE);
    expect(file.mapping.dirtyBlocks).toBe(0);
    expect(file.mapping.index.size).toBeGreaterThan(0);
  });

  it('makes zeros of what is dirty over reserved blocks, and dirties no other', () => {
    const file = new WritableToy();
    runSync(file.pwrite(0, pattern(10 * PAGE_SIZE, 1)));
    flushAndDrop(file);
    file.placed.clear();
    for (let block = 0; block < 10; block++) file.reserved.add(block);
    file.model.fill(0);
    runSync(file.pread(0, 10 * PAGE_SIZE));
    runSync(file.pwrite(2 * PAGE_SIZE + 7, pattern(PAGE_SIZE, 2)));
    runSync(file.pwrite(6 * PAGE_SIZE, pattern(PAGE_SIZE, 3)));
    expect(file.mapping.dirtyBlocks).toBe(3);
    zero(file, 2 * PAGE_SIZE + 100, 6 * PAGE_SIZE + 50);
    expect(file.mapping.dirtyBlocks).toBe(3);
    expectModel(file);
  });

  it('asks again for a mapping that no longer holds', () => {
    const file = storedFile(4);
    let asked = 0;
    const { begin } = mapsOf(file);
    let refused = false;
    zero(file, 5, 3 * PAGE_SIZE, {
      begin: (...args) => {
        asked++;
        return begin(...args);
      },
      valid: () => {
        if (refused) return true;
        refused = true;
        return false;
      },
    });
    expect(asked).toBe(2);
    expectModel(file);
  });

  it('ends every mapping, also when reading fails', () => {
    const file = storedFile(4);
    let open = 0;
    const { begin } = mapsOf(file);
    const counted: Partial<ZeroOperations> = {
      begin: (...args) => {
        open++;
        return begin(...args);
      },
      end: () => {
        open--;
        return undefined;
      },
    };
    zero(file, 5, 2 * PAGE_SIZE + 5, counted);
    expect(open).toBe(0);
    const broken = {
      ...counted,
      throttle: () => {
        throw new Error('no');
      },
    };
    expect(() => zero(file, 5, PAGE_SIZE, broken)).toThrow('no');
    expect(open).toBe(0);
  });

  it('does nothing for an empty range', () => {
    const file = storedFile(1);
    zero(file, 10, 10);
    zero(file, 10, 5);
    expect(file.mapping.dirtyBlocks).toBe(0);
  });

  it('leaves what a plain array has, whatever was done before', () => {
    const place = fc.integer({ min: 0, max: 40 * PAGE_SIZE });
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(0, 2, 9),
        fc.array(place, { maxLength: 30 }),
        (seed, orderMax, places) => {
          const random = seededRandom(seed);
          const file = new WritableToy({ orderMax });
          for (const at of places) {
            const length = 1 + random.below(random.below(4) === 0 ? 60_000 : 6000);
            switch (random.below(5)) {
              case 0:
              case 1:
                runSync(file.pwrite(at, pattern(length, at)));
                break;
              case 2:
                zero(file, Math.min(at, file.size), Math.min(at + length, file.size));
                break;
              case 3:
                runSync(file.flush());
                break;
              default:
                runSync(file.pread(at, length));
            }
            if (random.below(8) === 0) flushAndDrop(file);
          }
          expectModel(file);
        },
      ),
      { numRuns: 60 },
    );
  });
});
