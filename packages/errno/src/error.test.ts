import os from 'node:os';
import { describe, expect, it } from 'vitest';
import * as errno from './index.ts';

describe('errno', () => {
  it('has the numbers and names that this platform has (Linux hosts)', () => {
    if (process.platform !== 'linux') return;
    const host = os.constants.errno as Record<string, number>;
    let compared = 0;
    for (const [name, number] of errno.errnoTable) {
      if (host[name] === undefined) continue; // EUCLEAN, ENOKEY and EKEYREJECTED are not in Node's table
      expect(number, name).toBe(host[name]);
      compared++;
    }
    expect(compared).toBeGreaterThan(30);
  });

  it('exports each row as a constant of the same value', () => {
    const exports = errno as unknown as Record<string, unknown>;
    for (const [name, number] of errno.errnoTable) expect(exports[name], name).toBe(number);
  });

  it('shows a number without a row', () => {
    expect(errno.errnoName(9999)).toBe('E9999');
    expect(errno.errnoOf('ENOENT')).toBe(2);
    expect(errno.errnoOf('ENOSUCH')).toBeUndefined();
  });
});

describe('FsError', () => {
  it('has the shape and the message of node:fs', () => {
    const error = new errno.FsError(errno.ENOENT, { syscall: 'open', path: '/x' });
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe("ENOENT: no such file or directory, open '/x'");
    expect({ code: error.code, errno: error.errno, syscall: error.syscall, path: error.path }).toEqual({
      code: 'ENOENT',
      errno: -2,
      syscall: 'open',
      path: '/x',
    });
  });

  it('leaves out what it does not know', () => {
    expect(Object.hasOwn(new errno.FsError(errno.EIO), 'path')).toBe(false);
    expect(new errno.FsError(errno.EIO, 'bio 7').message).toBe('EIO: i/o error (bio 7)');
  });
});

describe('Corruption', () => {
  it('finds the byte', () => {
    const error = new errno.Corruption('nodeFooterNid', { where: { block: 4096, nid: 7 }, expected: 7, found: 9 });
    expect(error).toBeInstanceOf(errno.FsError);
    expect(error.code).toBe('EUCLEAN');
    expect(error.kind).toBe('nodeFooterNid');
    expect(error.message).toContain('nodeFooterNid at block 4096, nid 7: expected 7 (0x7), found 9 (0x9)');
    expect(errno.errnoFrom(error, errno.EIO)).toBe(errno.EUCLEAN);
    expect(errno.errnoFrom(new Error('x'), errno.EIO)).toBe(errno.EIO);
  });
});

describe('assert', () => {
  it('is its own family', () => {
    expect(() => errno.assert(false, 'held')).toThrow(errno.AssertionError);
    expect(() => errno.assert(true)).not.toThrow();
  });
});
