// What happens at the edges of a pass and of a write: places that come too late to be of use, a source that gives less for a
// moment.

import { EAGAIN, FsError } from '@f2fskit/errno';
import { cacheProblems, PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { BytesSource, type FolioWriter, writeFolios } from '../src/index.ts';
import { FakeFilesystem, pattern } from './fake-filesystem.ts';
import { dirtyPages, expectBytes } from './harness.ts';

describe('too early (EAGAIN), said behind the last block', () => {
  it.each([
    ['none', false],
    ['all', false],
    ['none', true],
    ['all', true],
  ] as const)('changes nothing: everything has been sent (mode %s, after a wait: %s)', (mode, waits) => {
    const filesystem = new FakeFilesystem({ engine: 'folio', mapping: { orderMax: 3 } });
    const file = filesystem.files[0]!;
    runSync(file.pwrite(0, pattern(16 * PAGE_SIZE, 1)));
    runSync(file.fsync());
    for (const page of [0, 6, 7, 10]) runSync(file.pwrite(page * PAGE_SIZE, pattern(PAGE_SIZE, page)));
    const { bios } = filesystem;
    let backedOff = 0;
    const sent: number[] = [];
    const writer: FolioWriter = {
      bios,
      lengthToWrite: (folio) => folio.size,
      writeRange(range) {
        const { folio, end } = range;
        for (; range.next < end; range.next++) {
          const page = folio.index + range.next;
          sent.push(page);
          bios.add(folio, range.next * PAGE_SIZE, (range.next + 1) * PAGE_SIZE, file.offsetOf(page * PAGE_SIZE));
        }
        // The last dirty block of each folio.
        if (![8, 3].includes(end)) return undefined;
        const late = function* (): Task<void> {
          throw new FsError(EAGAIN);
        };
        if (waits) return late();
        throw new FsError(EAGAIN);
      },
      *backOff() {
        backedOff++;
      },
    };
    const result = runSync(writeFolios(file.mapping, { mode }, writer));
    expect([sent, backedOff, dirtyPages(file)]).toEqual([[0, 6, 7, 10], 0, []]);
    expect(result).toMatchObject({ pagesWritten: 4, pagesSkipped: 0, error: 0 });
    expect([bios.held, bios.inFlight, cacheProblems(filesystem.mappings)]).toEqual([0, 0, []]);
    expectBytes(file.onDevice(), file.model);
  });
});

describe('a source that gives less for a moment', () => {
  it('is asked for as much as before when it gives again what it is asked for', () => {
    const filesystem = new FakeFilesystem({ engine: 'page', order: 2, mapping: { orderMax: 2 } });
    const file = filesystem.files[0]!;
    const bytes = pattern(20 * PAGE_SIZE, 2);
    const source = new BytesSource(bytes);
    const copy = source.copy.bind(source);
    const asked: number[] = [];
    source.copy = (at, target) => {
      asked.push(target.length / PAGE_SIZE);
      return asked.length <= 2 ? 0 : copy(at, target);
    };
    expect(runSync(file.pwrite(0, bytes, source))).toBe(bytes.length);
    expect(asked).toEqual([4, 2, 1, 1, 2, 4, 4, 4, 4]);
    expectBytes(runSync(file.pread(0, bytes.length)), bytes);
  });
});
