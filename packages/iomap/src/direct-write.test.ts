import { FaultDevice, type MemoryDevice } from '@f2fskit/block';
import { EIO } from '@f2fskit/errno';
import { PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { expectBytes, pattern, WritableToy, type WritableToyOptions } from '../test/writable-toy.ts';
import { type DirectWriteOperations, writeDirect } from './index.ts';

/** What was done, in order. */
type Log = string[];

/** The places, as a reader finds them: nothing is reserved. */
function readersMap({ operations }: WritableToy): DirectWriteOperations['begin'] {
  return (position, length, _request, map) => operations.begin(position, length, 0, map);
}

function operationsOf(
  file: WritableToy,
  log: Log,
  changes: Partial<DirectWriteOperations> = {},
): DirectWriteOperations {
  return {
    begin: readersMap(file),
    *writeBack(start, end) {
      log.push(`write back ${start / PAGE_SIZE}-${end / PAGE_SIZE}`);
      yield* file.flush();
    },
    *window<T>(body: Task<T>): Task<T> {
      log.push('window');
      try {
        return yield* body;
      } finally {
        log.push('window ends');
      }
    },
    grow(end) {
      log.push(`grow ${end / PAGE_SIZE}`);
      file.size = Math.max(file.size, end);
    },
    ...changes,
  };
}

function direct(
  file: WritableToy,
  position: number,
  bytes: Uint8Array,
  log: Log = [],
  changes: Partial<DirectWriteOperations> = {},
): number {
  const done = runSync(writeDirect(file, position, bytes, operationsOf(file, log, changes)));
  file.model.set(bytes.subarray(0, done), position);
  return done;
}

/** `pages` pages on the device; the cache has them, clean. */
function storedFile(pages: number, options?: WritableToyOptions): WritableToy {
  const file = new WritableToy(options);
  runSync(file.pwrite(0, pattern(pages * PAGE_SIZE, 1)));
  runSync(file.flush());
  return file;
}

function expectModel(file: WritableToy): void {
  expectBytes(runSync(file.pread(0, file.size)), file.model);
  file.mapping.dropUnused();
  expectBytes(runSync(file.pread(0, file.size)), file.model);
  expect(file.problems()).toEqual([]);
}

describe('writeDirect', () => {
  it.each([0, 4, 9])('replaces what is cached, clean or dirty, order %i', (orderMax) => {
    const file = storedFile(32, { orderMax });
    runSync(file.pwrite(3 * PAGE_SIZE + 5, pattern(10 * PAGE_SIZE, 2)));
    expect(direct(file, 4 * PAGE_SIZE, pattern(20 * PAGE_SIZE, 3))).toBe(20 * PAGE_SIZE);
    expect(file.mapping.dirtyBlocks).toBe(0);
    expectModel(file);
  });

  it('is one request for what lies in one piece, from the memory of the caller', () => {
    const seen: Uint8Array[] = [];
    let watching = false;
    const file = storedFile(32, {
      device: (below: MemoryDevice) =>
        new Proxy(below, {
          get(target, key) {
            if (key !== 'submit') return Reflect.get(target, key, target);
            return (bio: Parameters<MemoryDevice['submit']>[0]) => {
              if (watching && bio.operation === 'write') seen.push(...bio.segments);
              target.submit(bio);
            };
          },
        }),
    });
    const bytes = pattern(8 * PAGE_SIZE, 4);
    watching = true;
    direct(file, PAGE_SIZE, bytes);
    expect(seen).toHaveLength(1);
    expect(seen[0]!.buffer).toBe(bytes.buffer);
    expect(seen[0]).toHaveLength(bytes.length);
  });

  it('stops before the first block that has no place, and is not asked about those behind', () => {
    const file = storedFile(8);
    file.placed.delete(5);
    const log: Log = [];
    expect(direct(file, 2 * PAGE_SIZE, pattern(6 * PAGE_SIZE, 5), log)).toBe(3 * PAGE_SIZE);
    expect(log).toEqual(['write back 2-8', 'window', 'window ends', 'grow 5']);
    file.placed.add(5);
    expectModel(file);
  });

  it('does nothing where the first block has no place', () => {
    const file = storedFile(8);
    file.placed.delete(2);
    const log: Log = [];
    expect(direct(file, 2 * PAGE_SIZE, pattern(PAGE_SIZE, 5), log)).toBe(0);
    expect(log).not.toContain('grow 2');
  });

  it('goes on window by window, and grows after each', () => {
    const file = storedFile(1090);
    file.size = 1000;
    const log: Log = [];
    direct(file, 0, pattern(1090 * PAGE_SIZE, 6), log);
    expect(log).toEqual([
      'write back 0-1090',
      'window',
      'window ends',
      'grow 1024',
      'window',
      'window ends',
      'grow 1090',
    ]);
    expectModel(file);
  });

  it('leaves everything to the cache where that keeps dirty bytes', () => {
    const file = storedFile(8);
    runSync(file.pwrite(PAGE_SIZE, pattern(10, 7)));
    const refused = { *writeBack(): Task<void> {} };
    expect(direct(file, 0, pattern(4 * PAGE_SIZE, 8), [], refused)).toBe(0);
    expectModel(file);
  });

  it('drops what a reader brought in while the bytes were on their way', () => {
    const file = storedFile(8);
    const old = file.model.slice();
    const log: Log = [];
    direct(file, 0, pattern(4 * PAGE_SIZE, 9), log, {
      *window<T>(body: Task<T>): Task<T> {
        // Before anything has arrived: old bytes, uptodate in the cache.
        expectBytes(yield* file.pread(0, 8 * PAGE_SIZE), old);
        return yield* body;
      },
    });
    expectModel(file);
  });

  it('D24: waits for all requests when one fails, says so, and does not grow', async () => {
    let faults: FaultDevice | undefined;
    const file = storedFile(8, {
      device: (below) => {
        faults = new FaultDevice(below);
        return faults;
      },
    });
    file.size = 10;
    const log: Log = [];
    // Every block by itself, so that there are several requests.
    const begin = readersMap(file);
    const oneByOne: Partial<DirectWriteOperations> = {
      begin: (position, _length, request, map) => {
        const task = begin(position, PAGE_SIZE, request, map);
        map.length = PAGE_SIZE;
        return task;
      },
    };
    faults!.inject({
      operation: 'write',
      range: { start: 2 * PAGE_SIZE, end: 3 * PAGE_SIZE },
      action: { kind: 'fail', error: EIO },
    });
    expect(() => direct(file, 0, pattern(4 * PAGE_SIZE, 10), log, oneByOne)).toThrow(
      expect.objectContaining({ code: 'EIO' }),
    );
    expect(log).toEqual(['write back 0-4', 'window', 'window ends']);
    expect(file.mapping.index.find(0)).toBeUndefined();
  });

  it('refuses parts of blocks', () => {
    const file = storedFile(2);
    expect(() => direct(file, 1, pattern(PAGE_SIZE, 1))).toThrow('whole');
    expect(() => direct(file, 0, pattern(PAGE_SIZE - 1, 1))).toThrow('whole');
  });

  it('ends a mapping that it cannot use', () => {
    const file = storedFile(4);
    file.placed.delete(2);
    let open = 0;
    const begin = readersMap(file);
    direct(file, 0, pattern(4 * PAGE_SIZE, 11), [], {
      begin: (...args) => {
        open++;
        return begin(...args);
      },
      end: () => {
        open--;
        return undefined;
      },
    });
    expect(open).toBe(0);
  });
});
