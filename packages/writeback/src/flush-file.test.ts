import { FaultDevice } from '@f2fskit/block';
import { EIO, ENOSPC, FsError } from '@f2fskit/errno';
import { ErrorCursor, PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { type FakeFile, FakeFilesystem, pattern } from '../test/fake-filesystem.ts';
import { dirtyPages, expectBytes } from '../test/harness.ts';
import { flushFile } from './index.ts';

function makeRig(): { file: FakeFile; fault: FaultDevice } {
  let fault: FaultDevice | undefined;
  const filesystem = new FakeFilesystem({
    device: (below) => {
      fault = new FaultDevice(below);
      return fault;
    },
  });
  return { file: filesystem.files[0]!, fault: fault! };
}

const errnoOf = (task: Task<unknown>): number => {
  try {
    runSync(task);
    return 0;
  } catch (error) {
    expect(error).toBeInstanceOf(FsError);
    expect((error as FsError).syscall).toBe('fsync');
    return -(error as FsError).errno;
  }
};

describe('fsync', () => {
  it('writes a range, and says what it wrote', () => {
    const { file } = makeRig();
    runSync(file.pwrite(0, pattern(9 * PAGE_SIZE, 1)));
    expect(runSync(file.fsync(PAGE_SIZE, 3 * PAGE_SIZE)).pagesWritten).toBe(2);
    expect(dirtyPages(file)).toEqual([0, 3, 4, 5, 6, 7, 8]);
    expect(runSync(file.fsync()).pagesWritten).toBe(7);
    expectBytes(file.onDevice(), file.model);
  });

  it('R25: two open files hear of an error once each; a third opened later does not (I-46)', () => {
    const { file, fault } = makeRig();
    const [first, second] = [new ErrorCursor(file.mapping.errors), new ErrorCursor(file.mapping.errors)];
    runSync(file.pwrite(0, pattern(3 * PAGE_SIZE, 1)));
    fault.inject({ action: { kind: 'fail' }, times: 1 });
    expect(errnoOf(flushFile(file, first))).toBe(EIO);
    const third = new ErrorCursor(file.mapping.errors);
    const cursors = [first, third, second, second, third];
    expect(cursors.map((cursor) => errnoOf(flushFile(file, cursor)))).toEqual([0, 0, EIO, 0, 0]);
  });

  it('an error of writeback in the background is told by the next fsync; nothing is written for it (I-66, 3.5)', () => {
    const { file, fault } = makeRig();
    runSync(file.pwrite(0, pattern(2 * PAGE_SIZE, 1)));
    fault.inject({ action: { kind: 'fail', error: ENOSPC }, times: 1 });
    expect(runSync(file.write({ mode: 'none' }))).toMatchObject({ pagesWritten: 2, error: 0 });
    expect(dirtyPages(file)).toEqual([]);
    expect(errnoOf(file.fsync())).toBe(ENOSPC);
    expect(errnoOf(file.fsync())).toBe(0);
    // Written again, it arrives.
    runSync(file.pwrite(0, pattern(2 * PAGE_SIZE, 2)));
    expect(errnoOf(file.fsync())).toBe(0);
    expectBytes(file.onDevice(), file.model);
  });

  it('an error outside of the range is told all the same', () => {
    const { file, fault } = makeRig();
    runSync(file.pwrite(0, pattern(9 * PAGE_SIZE, 1)));
    fault.inject({ action: { kind: 'fail' }, times: 1 });
    runSync(file.write({ mode: 'none', rangeEnd: PAGE_SIZE }));
    expect(errnoOf(file.fsync(4 * PAGE_SIZE))).toBe(EIO);
  });
});
