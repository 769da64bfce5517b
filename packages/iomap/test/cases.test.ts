// Defects that reads and writes through mappings can have, as what ours do instead, where a filesystem above cannot show it.
// Numbers: the list of known defects in docs/testing.md.

import { MemoryDevice } from '@f2fskit/block';
import { lockFolioForWrite, PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  BytesSource,
  dirtyRange,
  Iomap,
  IomapIterator,
  type IomapOperations,
  IomapRequest,
  readFolios,
  writeDirect,
  zeroBuffered,
} from '../src/index.ts';
import { toyFile } from './toy-file.ts';
import { expectBytes, pattern, WritableToy } from './writable-toy.ts';
import { expectModel, flushAndDrop, foliosOf, storedFile } from './write-checks.ts';

describe('mappings', () => {
  it('D5: begin gets a clear one each time, so one that adds up claims no more than one that assigns', () => {
    const file = new WritableToy({ orderMax: 2 });
    const fresh = { ...new Iomap() };
    let begins = 0;
    const done = runSync(
      file.pwrite(PAGE_SIZE + 10, pattern(9 * PAGE_SIZE, 2), {
        begin(position, _length, _request, map) {
          expect({ ...map }).toEqual(fresh);
          begins++;
          map.kind = 'delalloc';
          map.offset += position - (position % PAGE_SIZE);
          map.length += 2 * PAGE_SIZE;
          map.cookie += 1;
          map.private = begins;
          return undefined;
        },
        end: () => undefined,
      }),
    );
    expect([done, begins]).toEqual([9 * PAGE_SIZE, 5]);
    expectBytes(runSync(file.pread(0, file.size)), file.model);
  });

  it('D14: each operation asks with its own request', () => {
    const file = storedFile(8, { orderMax: 2 });
    const asked = (body: (operations: ReturnType<WritableToy['writing']>) => Task<unknown>): number[] => {
      const requests: number[] = [];
      const begin = file.operations.begin.bind(file.operations);
      const spy: IomapOperations['begin'] = (position, length, request, map) => {
        requests.push(request);
        return begin(position, length, request, map);
      };
      Object.assign(file.operations, { begin: spy });
      runSync(body(file.writing({ begin: spy })));
      Object.assign(file.operations, { begin });
      return [...new Set(requests)];
    };
    const { WRITE, ZERO, DIRECT } = IomapRequest;
    expect(asked(() => file.pread(0, 10))).toEqual([0]);
    flushAndDrop(file);
    // The edge is read as a reader would.
    expect(asked(({ begin }) => file.pwrite(10, pattern(10, 2), { begin }))).toEqual([WRITE, 0]);
    flushAndDrop(file);
    expect(asked(({ begin }) => zeroBuffered(file, 5 * PAGE_SIZE, 6 * PAGE_SIZE, { begin }))).toEqual([ZERO]);
    file.model.fill(0, 5 * PAGE_SIZE, 6 * PAGE_SIZE);
    flushAndDrop(file);
    expect(asked((operations) => dirtyRange(file, 0, 10, () => {}, operations))).toEqual([WRITE, 0]);
    flushAndDrop(file);
    const bytes = file.model.slice(0, PAGE_SIZE);
    const window = <T>(body: Task<T>): Task<T> => body;
    expect(
      asked((operations) => writeDirect(file, 0, bytes, { ...operations, window, writeBack: () => file.flush() })),
    ).toEqual([WRITE | DIRECT]);
    expectModel(file);
  });

  it('D31: an end and a look at the cookie get the mapping of their own begin, whoever else uses the operations', () => {
    const ends: Array<[private_: unknown, position: number, processed: number]> = [];
    let made = 0;
    const operations: IomapOperations = {
      begin(position, _length, _request, map) {
        map.kind = 'mapped';
        map.offset = position;
        map.length = 10;
        map.private = `${++made} at ${position}`;
        return undefined;
      },
      end(map, position, processed) {
        ends.push([map.private, position, processed]);
        return undefined;
      },
    };
    // Bare iterators, of two callers, in turns.
    const [one, two] = [new IomapIterator(operations, 0, 20), new IomapIterator(operations, 100, 20)];
    for (const [iterator, count] of [
      [one, 10],
      [two, 3],
      [one, 10],
      [two, 10],
      [two, 7],
    ] as const) {
      expect(runSync(iterator.next())).toBe(true);
      iterator.advance(count);
    }
    expect([runSync(one.next()), runSync(two.next())]).toEqual([false, false]);
    expect(ends).toEqual([
      ['1 at 0', 0, 10],
      ['2 at 100', 100, 3],
      ['4 at 103', 103, 10],
      ['3 at 10', 10, 10],
      ['5 at 113', 113, 7],
    ]);
  });
});

describe('reads', () => {
  it.each([0, 3])('R7: requests smaller than a block complete their folio once, order %i', (orderMax) => {
    const file = toyFile([{ kind: 'mapped', blocks: 8 }], { cache: { orderMax } });
    for (let index = 0; index < 8; index += 1 << orderMax) {
      const folio = runSync(lockFolioForWrite(file.mapping, index, orderMax));
      const [read] = runSync(readFolios(file, [folio], { bytesMax: 512 }));
      // A byte that is settled twice is a bug that is found; one that is not leaves the lock.
      expect([read!.completion.done, folio.locked, folio.uptodate]).toEqual([true, false, true]);
      expectBytes(folio.bytes, file.model.subarray(folio.position, folio.position + folio.size));
      folio.put();
    }
    expect(file.device).toBeInstanceOf(MemoryDevice);
  });
});

describe('a source that gives less for a moment', () => {
  it('is asked for as much as before when it gives again what it is asked for', () => {
    const file = new WritableToy({ orderMax: 2 });
    const bytes = pattern(20 * PAGE_SIZE, 2);
    const source = new BytesSource(bytes);
    const copy = source.copy.bind(source);
    const asked: number[] = [];
    source.copy = (at, target) => {
      asked.push(target.length / PAGE_SIZE);
      return asked.length <= 2 ? 0 : copy(at, target);
    };
    expect(runSync(file.pwrite(0, bytes, {}, source))).toBe(bytes.length);
    expect(asked).toEqual([4, 2, 1, 1, 2, 4, 4, 4, 4]);
    expect(foliosOf(file.mapping).map(({ order }) => order)).toEqual([2, 2, 2, 2, 2]);
    expectModel(file);
  });
});
