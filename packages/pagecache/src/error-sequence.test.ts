import { EIO, ENOSPC } from '@f2fskit/errno';
import { describe, expect, it } from 'vitest';
import { ErrorCursor, ErrorSequence, Mapping, PageCache } from './index.ts';

describe('errors of writes that nobody waited for', () => {
  it('R25: each open file is told once; one that was opened later is not (I-46)', () => {
    const errors = new ErrorSequence();
    const [a, b] = [new ErrorCursor(errors), new ErrorCursor(errors)];
    expect([a.take(), b.take()]).toEqual([0, 0]);
    errors.set(EIO);
    expect([a.take(), a.take(), b.take(), b.take()]).toEqual([EIO, 0, EIO, 0]);
    const c = new ErrorCursor(errors);
    expect(c.take()).toBe(0);
    errors.set(ENOSPC);
    errors.set(EIO);
    expect([c, a, b, c].map((cursor) => cursor.take())).toEqual([EIO, EIO, EIO, 0]);
  });

  it('an error that nobody has heard of waits for who opens the file next', () => {
    const errors = new ErrorSequence();
    const early = new ErrorCursor(errors);
    errors.set(ENOSPC);
    const late = new ErrorCursor(errors);
    expect([late.take(), early.take()]).toEqual([ENOSPC, ENOSPC]);
    expect(new ErrorCursor(errors).take()).toBe(0);
  });

  it('the same error twice is two errors', () => {
    const errors = new ErrorSequence();
    const cursor = new ErrorCursor(errors);
    errors.set(EIO);
    expect(cursor.take()).toBe(EIO);
    errors.set(EIO);
    expect(cursor.take()).toBe(EIO);
  });

  it('an error of one mapping is one of the volume, and of no other mapping', () => {
    const cache = new PageCache();
    const [one, other] = ['one', 'other'].map((name) => new Mapping(cache, { name }));
    const volume = new ErrorCursor(cache.errors);
    one!.setError(EIO);
    expect(new ErrorCursor(other!.errors).take()).toBe(0);
    // The volume's reader does not take it from the file's.
    expect([volume.take(), new ErrorCursor(one!.errors).take()]).toEqual([EIO, EIO]);
  });
});
