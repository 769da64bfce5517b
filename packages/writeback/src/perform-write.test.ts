import { EIO, ENOSPC, FsError } from '@f2fskit/errno';
import {
  CACHE_BYTES_MIN,
  cacheProblems,
  type Folio,
  finishFolioWrite,
  lockFolioForWrite,
  Mapping,
  markDirty,
  PAGE_SIZE,
  PageCache,
} from '@f2fskit/pagecache';
import { runSync, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FakeFile, FakeFilesystem, pattern } from '../test/fake-filesystem.ts';
import { expectBytes, later, settle, start } from '../test/harness.ts';
import { BytesSource, performWrite, type WriteSource } from './index.ts';

const newFile = (order = 0): FakeFile => new FakeFilesystem({ order }).files[0]!;

/** A source whose bytes come and go as the seed says. */
class MoodySource implements WriteSource {
  readonly bytes: Uint8Array;
  readonly #mapping: Mapping;
  readonly #random;
  readonly #endsAt: number;
  prepared = 0;

  /** From byte `endsAt` on there is nothing. */
  constructor(bytes: Uint8Array, mapping: Mapping, seed: number, endsAt = Number.POSITIVE_INFINITY) {
    this.bytes = bytes;
    this.#mapping = mapping;
    this.#random = seededRandom(seed);
    this.#endsAt = endsAt;
  }

  get length(): number {
    return this.bytes.length;
  }

  *prepare(at: number, length: number): Task<number> {
    this.prepared++;
    // Anybody's code runs here: nothing may be locked or held (I-23, L5).
    const { index } = this.#mapping;
    for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
      expect([folio.locked, folio.references]).toEqual([false, 0]);
    }
    if (at >= this.#endsAt) throw new FsError(EIO);
    return Math.min(length, this.#endsAt - at);
  }

  copy(at: number, target: Uint8Array): number {
    const there = Math.max(0, Math.min(target.length, this.#endsAt - at));
    const count = this.#random.chance(0.5) ? there : this.#random.below(there + 1);
    target.set(this.bytes.subarray(at, at + count));
    return count;
  }
}

function cleanAndDrop(file: FakeFile): void {
  runSync(file.fsync());
  file.mapping.dropUnused();
  expect(file.mapping.index.size).toBe(0);
}

describe('a buffered write', () => {
  it('puts exactly these bytes into the cache, and leaves the others (I-20, I-21)', () => {
    for (const order of [0, 3]) {
      const file = newFile(order);
      runSync(file.pwrite(0, pattern(10 * PAGE_SIZE, 1)));
      cleanAndDrop(file);
      expect(runSync(file.pwrite(PAGE_SIZE - 3, pattern(2 * PAGE_SIZE + 7, 2)))).toBe(2 * PAGE_SIZE + 7);
      expect(runSync(file.pwrite(12 * PAGE_SIZE + 5, Uint8Array.of(1, 2, 3)))).toBe(3);
      expectBytes(runSync(file.pread(0, file.size)), file.model);
      expect(file.model.length).toBe(12 * PAGE_SIZE + 8);
      cleanAndDrop(file);
      expectBytes(runSync(file.pread(0, file.size)), file.model);
      expect(cacheProblems([file.mapping])).toEqual([]);
    }
  });

  it('D17, R20: short copies: every byte arrives in the end, none that was not copied is seen (I-22)', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(0, 2, 4),
        fc.nat({ max: 5 * PAGE_SIZE }),
        fc.integer({ min: 1, max: 9 * PAGE_SIZE }),
        fc.option(fc.nat({ max: 9 * PAGE_SIZE }), { nil: undefined }),
        fc.boolean(),
        (seed, order, position, length, endsAt, cached) => {
          const file = newFile(order);
          runSync(file.pwrite(0, pattern(4 * PAGE_SIZE, 1)));
          if (!cached) cleanAndDrop(file);
          const bytes = pattern(length, 2);
          const source = new MoodySource(bytes, file.mapping, seed, endsAt);
          const there = Math.min(length, endsAt ?? length);
          if (there === 0) expect(() => runSync(file.pwrite(position, bytes, source))).toThrow(FsError);
          else {
            const done = runSync(file.pwrite(position, bytes, source));
            if (endsAt === undefined || endsAt >= length) expect(done).toBe(length);
            else expect(done).toBeLessThanOrEqual(there);
          }
          expectBytes(runSync(file.pread(0, file.size)), file.model);
          cleanAndDrop(file);
          expectBytes(runSync(file.pread(0, file.size)), file.model);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('a source that never gives a whole page is taken in pieces (4, step 9)', () => {
    for (const order of [0, 3]) {
      const file = newFile(order);
      runSync(file.pwrite(0, pattern(6 * PAGE_SIZE, 1)));
      cleanAndDrop(file);
      const bytes = pattern(5 * PAGE_SIZE, 2);
      const source = new BytesSource(bytes);
      const copy = source.copy.bind(source);
      source.copy = (at, target) => copy(at, target.subarray(0, 1000));
      expect(runSync(file.pwrite(10, bytes, source))).toBe(bytes.length);
      expectBytes(runSync(file.pread(0, file.size)), file.model);
    }
  });

  it('a source that gives nothing ends the write, a broken one too', () => {
    const file = newFile();
    const silent: WriteSource = {
      length: 10,
      *prepare() {
        return 1;
      },
      copy: () => 0,
    };
    expect(() => runSync(file.pwrite(0, new Uint8Array(10), silent))).toThrow(/no bytes/);
    expect([file.size, file.mapping.dirtyPages]).toEqual([0, 0]);
    const bug = new Error('bug');
    const broken = { ...silent, copy: () => 0, prepare: () => raise(bug) };
    expect(() => runSync(file.pwrite(0, new Uint8Array(10), broken))).toThrow(bug);
  });

  it('an error after the first byte is a short count; before it, an error (4)', () => {
    const file = newFile();
    const { mapping } = file;
    let begins = 0;
    let ends = 0;
    const write = (room: number): number => {
      begins = 0;
      ends = 0;
      return runSync(
        performWrite(mapping, 0, new BytesSource(pattern(6 * PAGE_SIZE, 1)), {
          *writeBegin(position) {
            if (position >= room * PAGE_SIZE) throw new FsError(ENOSPC);
            begins++;
            return yield* lockFolioForWrite(mapping, position / PAGE_SIZE);
          },
          writeEnd(position, length, copied, folio) {
            ends++;
            return finishFolioWrite(folio, position, length, copied, { grow: () => {} });
          },
        }),
      );
    };
    expect([write(3), begins, ends]).toEqual([3 * PAGE_SIZE, 3, 3]); // I-24
    expect(() => write(0)).toThrow(FsError);
    expect(write(6)).toBe(6 * PAGE_SIZE);
    expect(cacheProblems([mapping])).toEqual([]);
  });

  it('takes the folio that comes back, larger or smaller than asked for', () => {
    const file = newFile();
    const { mapping } = file;
    const large = mapping.create(4, 2)!;
    large.markUptodate();
    large.unlock();
    const lengths: number[] = [];
    const done = runSync(
      performWrite(mapping, 2 * PAGE_SIZE, new BytesSource(pattern(8 * PAGE_SIZE, 1)), {
        writeBegin: (position) => lockFolioForWrite(mapping, position / PAGE_SIZE),
        writeEnd(position, length, copied, folio) {
          lengths.push(length / PAGE_SIZE);
          return finishFolioWrite(folio, position, length, copied, { grow: () => {} });
        },
      }),
    );
    expect([done, lengths]).toEqual([8 * PAGE_SIZE, [1, 1, 4, 1, 1]]);
  });
});

describe('the ends of a write into one folio', () => {
  const mapping = (stable = false): Mapping =>
    new Mapping(new PageCache({ budgetBytes: CACHE_BYTES_MIN }), { name: 'file', stable });

  it('the file grows while the folio is locked, and its bytes are uptodate and dirty (I-25)', () => {
    const folio = runSync(lockFolioForWrite(mapping(), 3));
    let grown = 0;
    const taken = finishFolioWrite(folio, 3 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, {
      grow: (end) => {
        expect([folio.locked, folio.uptodate, folio.dirty]).toEqual([true, true, true]);
        grown = end;
      },
    });
    expect([taken, grown, folio.locked, folio.references]).toEqual([PAGE_SIZE, 4 * PAGE_SIZE, false, 0]);
  });

  it('D17: a short copy counts where the rest was there before, and only there (I-22)', () => {
    const fresh = runSync(lockFolioForWrite(mapping(), 0));
    const grow = { grow: (): void => expect.unreachable() };
    expect(finishFolioWrite(fresh, 0, PAGE_SIZE, 4000, grow)).toBe(0);
    expect([fresh.uptodate, fresh.dirty, fresh.locked]).toEqual([false, false, false]);
    const known = runSync(lockFolioForWrite(fresh.mapping!, 0));
    known.markUptodate();
    expect(finishFolioWrite(known, 0, PAGE_SIZE, 4000, { grow: () => {} })).toBe(4000);
    expect([known.uptodate, known.dirty]).toEqual([true, true]);
    const untouched = runSync(lockFolioForWrite(fresh.mapping!, 1));
    untouched.markUptodate();
    expect([finishFolioWrite(untouched, PAGE_SIZE, 9, 0, grow), untouched.dirty]).toEqual([0, false]);
  });

  it('D11: a page is waited for: its lock, its writeback in a stable mapping, and room (I-40, H9)', async () => {
    const { file, release } = writing(true);
    const seen: Folio[] = [];
    const lock = function* (index: number): Task<void> {
      const folio = yield* lockFolioForWrite(file.mapping, index);
      seen.push(folio);
    };
    const waiting = start(lock(0));
    await later();
    expect(seen).toEqual([]);
    release();
    await settle(waiting);
    const folio = seen[0]!;
    expect([folio.index, folio.locked, folio.writeback]).toEqual([0, true, false]);
    // It leaves while somebody waits for its lock: that one gets another.
    const again = start(lock(0));
    file.mapping.remove(folio);
    folio.unlock();
    folio.put();
    await settle(again);
    expect([seen[1]!.mapping, seen[1] === folio]).toEqual([file.mapping, false]);

    const { cache } = file.mapping;
    const held: Folio[] = [];
    for (let index = 10; ; index++) {
      const next = file.mapping.create(index, 0);
      if (next === undefined) break;
      held.push(next);
    }
    const forRoom = start(lock(5000));
    await later();
    expect([seen.length, cache.statistics.waits]).toEqual([2, 1]);
    held[7]!.unlock();
    await settle(forRoom);
    expect([seen[2]!.index, held[7]!.mapping]).toEqual([5000, undefined]);
  });

  it('where content may change on its way, nobody waits', () => {
    const { file } = writing(false);
    const folio = runSync(lockFolioForWrite(file.mapping, 0));
    expect(folio.writeback).toBe(true);
    expect(markDirty(folio)).toBe(true);
  });
});

/** A file whose page 0 is under writeback. */
function writing(stable: boolean): { file: FakeFile; release: () => void } {
  const filesystem = new FakeFilesystem({ mapping: { stable }, cache: { budgetBytes: CACHE_BYTES_MIN } });
  const file = filesystem.files[0]!;
  runSync(file.pwrite(0, pattern(PAGE_SIZE, 1)));
  const { submit } = filesystem.bios;
  // Requests stay where they are until the test says so.
  filesystem.bios.submit = () => {};
  runSync(file.write({ mode: 'none' }));
  return { file, release: () => submit.call(filesystem.bios) };
}

function* raise(error: Error): Task<never> {
  throw error;
}
