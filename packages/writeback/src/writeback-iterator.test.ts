import { EIO, FsError } from '@f2fskit/errno';
import {
  cacheProblems,
  cancelDirty,
  endWriteback,
  type Folio,
  forgetDirtyBlocks,
  lockFolioForWrite,
  Mapping,
  Mark,
  markDirty,
  PAGE_SIZE,
  PageCache,
  redirty,
  startWriteback,
} from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { later, settle, start } from '../test/harness.ts';
import { type WritebackControl, WritebackIterator, type WrittenFile } from './index.ts';

const newMapping = (): Mapping => new Mapping(new PageCache({ budgetBytes: 4 << 20, poison: true }), { name: 'file' });

/** Dirty folios: `order` pages each, one after the other. */
function dirty(mapping: Mapping, from: number, to: number, order = 0): void {
  for (let index = from; index < to; index += 2 ** order) {
    const folio = runSync(lockFolioForWrite(mapping, index, order));
    folio.bytes.fill(index + 1);
    folio.markUptodate();
    markDirty(folio);
    folio.unlock();
    folio.put();
  }
}

const dirtyIndexes = ({ index }: Mapping, mark: Mark = Mark.DIRTY): number[] => {
  const found: number[] = [];
  for (let folio = index.next(0, mark); folio !== undefined; folio = index.next(folio.endIndex, mark)) {
    found.push(folio.index);
  }
  return found;
};
const whole: WrittenFile = { lengthToWrite: (folio) => folio.size };
const cutAt = (size: number): WrittenFile => ({
  lengthToWrite: (folio) => Math.max(0, Math.min(folio.size, size - folio.position)),
});

/** The folio is written at once. */
function written(folio: Folio): void {
  startWriteback(folio);
  forgetDirtyBlocks(folio);
  folio.unlock();
  endWriteback(folio);
}

/** Walks over everything; each folio is written, or what `visit` does with it. */
function* walk(
  mapping: Mapping,
  control: WritebackControl,
  file: WrittenFile = whole,
  visit: (folio: Folio, iterator: WritebackIterator) => void = written,
): Task<{ seen: number[]; iterator: WritebackIterator }> {
  const iterator = new WritebackIterator(mapping, control, file);
  const seen: number[] = [];
  for (let folio = yield* iterator.next(); folio !== undefined; folio = yield* iterator.next()) {
    seen.push(folio.index);
    visit(folio, iterator);
  }
  iterator.end();
  yield* iterator.wait();
  return { seen, iterator };
}

function expectNothingHeld({ index }: Mapping): void {
  for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
    expect([folio.index, folio.locked, folio.references]).toEqual([folio.index, false, 0]);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe('the folios of a pass', () => {
  it('come in ascending order, locked, held, clean and not under writeback (14)', () => {
    for (const control of [{ mode: 'all' }, { mode: 'none' }, { mode: 'none', tagged: true }] as const) {
      const mapping = newMapping();
      dirty(mapping, 0, 40);
      dirty(mapping, 64, 128, 4);
      dirty(mapping, 600, 601);
      const { seen } = runSync(
        walk(mapping, control, whole, (folio) => {
          expect([folio.locked, folio.references, folio.dirty, folio.writeback]).toEqual([true, 1, false, false]);
          expect(mapping.index.hasMark(folio, Mark.DIRTY)).toBe(true); // I-4: still a way to find it
          written(folio);
        }),
      );
      expect(seen).toEqual([...range(0, 40), 64, 80, 96, 112, 600]);
      expect([mapping.dirtyPages, dirtyIndexes(mapping), dirtyIndexes(mapping, Mark.TOWRITE)]).toEqual([0, [], []]);
      expectNothingHeld(mapping);
      expect(cacheProblems([mapping])).toEqual([]);
    }
  });

  it('are those that hold bytes of the range', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 64, 2);
    const rangeStart = 7 * PAGE_SIZE + 4095;
    expect(runSync(walk(mapping, { mode: 'all', rangeStart, rangeEnd: 12 * PAGE_SIZE + 1 })).seen).toEqual([4, 8, 12]);
    expect(runSync(walk(mapping, { mode: 'none', rangeStart: 56 * PAGE_SIZE })).seen).toEqual([56, 60]);
    expect(mapping.dirtyPages).toBe(64 - 20);
  });

  it('R23, W2: what is behind the end of the file is dropped, what reaches behind it is zeroed there (I-12, I-48)', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 32, 3);
    const size = 9 * PAGE_SIZE + 100;
    const { seen } = runSync(
      walk(mapping, { mode: 'all' }, cutAt(size), (folio) => {
        if (folio.index === 8) {
          expect(folio.bytes[PAGE_SIZE + 99]).toBe(9);
          expect(folio.bytes.subarray(PAGE_SIZE + 100).every((byte) => byte === 0)).toBe(true);
          // Blocks 0 and 1 of it are to be written, none of the others.
          expect([folio.dirtyBlocks!.count, folio.dirtyBlocks!.allSet(0, 2)]).toEqual([2, true]);
        }
        written(folio);
      }),
    );
    expect([seen, mapping.dirtyPages, mapping.dirtyBlocks, dirtyIndexes(mapping)]).toEqual([[0, 8], 0, 0, []]);
    expectNothingHeld(mapping);
  });

  it('one of which only blocks behind the end were dirty does not come (I-48)', () => {
    const mapping = newMapping();
    const folio = runSync(lockFolioForWrite(mapping, 0, 3));
    folio.markUptodate();
    markDirty(folio, 5, 7);
    folio.unlock();
    folio.put();
    expect(runSync(walk(mapping, { mode: 'all' }, cutAt(5 * PAGE_SIZE))).seen).toEqual([]);
    expect([mapping.dirtyPages, mapping.dirtyBlocks, dirtyIndexes(mapping)]).toEqual([0, 0, []]);
  });

  it('those that left, or are clean, when their lock is free are passed over; memory lives as long as it is held (I-2, I-3)', async () => {
    for (const leave of [true, false]) {
      const mapping = newMapping();
      dirty(mapping, 0, 3);
      const folio = mapping.find(1)!;
      folio.tryLock();
      const walking = start(walk(mapping, { mode: 'all' }));
      await later();
      expect(folio.references).toBe(1);
      cancelDirty(folio);
      if (leave) mapping.remove(folio);
      expect(folio.bytes[0]).toBe(2); // not poisoned
      folio.unlock();
      expect((await settle(walking)).seen).toEqual([0, 2]);
      expect([folio.references, folio.bytes[0] === 2]).toEqual([0, !leave]);
      expectNothingHeld(mapping);
    }
  });

  it('a mark that nothing stands behind leads nobody there again', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 2);
    runSync(walk(mapping, { mode: 'all' }));
    mapping.index.setMark(mapping.find(1)!, Mark.DIRTY);
    expect(runSync(walk(mapping, { mode: 'none' })).seen).toEqual([]);
    expect(dirtyIndexes(mapping)).toEqual([]);
  });

  it('mode none leaves those under writeback, mode all waits for them (14)', async () => {
    const mapping = newMapping();
    dirty(mapping, 0, 3);
    const folio = mapping.find(1)!;
    runSync(
      walk(mapping, { mode: 'none', rangeStart: PAGE_SIZE, rangeEnd: 2 * PAGE_SIZE }, whole, () => {
        startWriteback(folio);
        forgetDirtyBlocks(folio);
        markDirty(folio); // in a mapping that is not stable
        folio.unlock();
      }),
    );
    const none = runSync(walk(mapping, { mode: 'none' }));
    expect([none.seen, none.iterator.pass.pagesSkipped]).toEqual([[0, 2], 1]);
    dirty(mapping, 2, 3);
    let over = false;
    const all = start(walk(mapping, { mode: 'all' })).finally(() => {
      over = true;
    });
    for (let turn = 0; turn < 5; turn++) await later();
    expect([over, folio.dirty, mapping.find(2)!.dirty]).toEqual([false, true, true]);
    endWriteback(folio);
    expect((await settle(all)).seen).toEqual([1, 2]);
    expect(mapping.dirtyPages).toBe(0);
  });
});

describe('the end of a pass', () => {
  it('what becomes dirty later does not belong to a tagged one (I-43)', () => {
    for (const control of [{ mode: 'all' }, { mode: 'none', tagged: true }] as const) {
      const mapping = newMapping();
      dirty(mapping, 10, 30);
      let ahead = 40;
      const { seen } = runSync(
        walk(mapping, control, whole, (folio) => {
          written(folio);
          dirty(mapping, ahead, ++ahead);
          dirty(mapping, folio.index, folio.index + 1);
        }),
      );
      expect(seen).toEqual(range(10, 30));
      expect(mapping.dirtyPages).toBe(40);
    }
  });

  it('the budget; cyclic passes go on there, around the end only with the next pass (I-47)', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 20);
    const turn = (budgetPages: number): number[] => {
      const count = (folio: Folio, { pass }: WritebackIterator): void => {
        pass.wrote(folio.pages);
        written(folio);
      };
      const { seen } = runSync(walk(mapping, { mode: 'none', cyclic: true, budgetPages }, whole, count));
      expectNothingHeld(mapping); // also those that had been found
      return seen;
    };
    expect([turn(3), mapping.writebackIndex]).toEqual([range(0, 3), 3]);
    expect([turn(13), mapping.writebackIndex]).toEqual([range(3, 16), 16]);
    dirty(mapping, 0, 1);
    expect([turn(100), mapping.writebackIndex]).toEqual([range(16, 20), 0]);
    expect([turn(100), mapping.writebackIndex]).toEqual([[0], 0]);
    // Of a folio that contains the place, all comes.
    dirty(mapping, 32, 64, 4);
    mapping.writebackIndex = 40;
    expect([turn(16), mapping.writebackIndex]).toEqual([[32], 48]);
  });

  it('a pass of mode none stops at the first error, and makes way; mode all does neither (14, 15.1)', () => {
    for (const mode of ['none', 'all'] as const) {
      const mapping = newMapping();
      dirty(mapping, 0, 10);
      const failing = runSync(
        walk(mapping, { mode }, whole, (folio, iterator) => {
          if (folio.index !== 4) return written(folio);
          cancelDirty(folio);
          folio.unlock();
          iterator.fail(new FsError(EIO));
        }),
      );
      expect(failing.seen).toEqual(mode === 'none' ? range(0, 5) : range(0, 10));
      expect([failing.iterator.pass.error, mapping.errors.count]).toEqual([EIO, 1]);
      dirty(mapping, 0, 10);
      let asked = 0;
      const file = { ...whole, shouldYield: () => ++asked > 3 };
      expect(runSync(walk(mapping, { mode }, file)).seen).toEqual(mode === 'none' ? range(0, 3) : range(0, 10));
      expectNothingHeld(mapping);
    }
  });

  it('making way in a cyclic pass: the next one begins with the folio that did not come (I-47)', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 10);
    let asked = 0;
    const control = { mode: 'none', cyclic: true } as const;
    runSync(walk(mapping, control, { ...whole, shouldYield: () => ++asked > 3 }));
    expect(mapping.writebackIndex).toBe(3);
    expect(runSync(walk(mapping, control)).seen).toEqual(range(3, 10));
  });

  it('mode all waits for what others sent as well, and tells what failed in the range while it ran (14)', async () => {
    const mapping = newMapping();
    dirty(mapping, 0, 2);
    const other = mapping.find(1)!;
    runSync(
      walk(mapping, { mode: 'none', rangeStart: PAGE_SIZE }, whole, (folio) => {
        startWriteback(folio);
        forgetDirtyBlocks(folio);
        folio.unlock();
      }),
    );
    mapping.setError(EIO); // before it began: not this pass's
    let over = false;
    const all = start(walk(mapping, { mode: 'all' })).finally(() => {
      over = true;
    });
    for (let turn = 0; turn < 5; turn++) await later();
    expect(over).toBe(false);
    mapping.setError(EIO);
    endWriteback(other);
    expect((await settle(all)).iterator.pass.error).toBe(EIO);
    expect(runSync(walk(mapping, { mode: 'all' })).iterator.pass.error).toBe(0);
  });

  it('a bug is not an error of the file', () => {
    const mapping = newMapping();
    const iterator = new WritebackIterator(mapping, { mode: 'all' }, whole);
    expect(() => iterator.fail(new TypeError('bug'))).toThrow('bug');
    expect([mapping.errors.count, iterator.pass.error]).toEqual([0, 0]);
  });
});

describe('once more', () => {
  it('the same folio, as often as it takes', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 4);
    let tries = 0;
    const { seen } = runSync(
      walk(mapping, { mode: 'all' }, whole, (folio, iterator) => {
        if (folio.index !== 2 || tries++ === 3) return written(folio);
        redirty(folio);
        folio.unlock();
        iterator.again();
      }),
    );
    expect(seen).toEqual([0, 1, 2, 2, 2, 2, 3]);
    expectNothingHeld(mapping);
    const iterator = new WritebackIterator(mapping, { mode: 'all' }, whole);
    expect(() => iterator.again()).toThrow(/came/);
  });

  it('the whole range: what is still tagged comes again, and nothing else', () => {
    const mapping = newMapping();
    dirty(mapping, 0, 40);
    const iterator = new WritebackIterator(mapping, { mode: 'all' }, whole);
    const round = (refuse: number[]): number[] => {
      const seen: number[] = [];
      for (let folio = runSync(iterator.next()); folio !== undefined; folio = runSync(iterator.next())) {
        seen.push(folio.index);
        if (refuse.includes(folio.index)) {
          redirty(folio);
          folio.unlock();
        } else written(folio);
      }
      return seen;
    };
    expect(round([3, 17, 39])).toEqual(range(0, 40));
    dirty(mapping, 5, 6);
    iterator.restart();
    expect(round([17])).toEqual([3, 17, 39]);
    iterator.restart();
    expect(round([])).toEqual([17]);
    iterator.end();
    expectNothingHeld(mapping);
  });
});
