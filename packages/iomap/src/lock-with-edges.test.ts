import { PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import type { WritableToy } from '../test/writable-toy.ts';
import { emptyFolio, expectNothingHeld, storedFile } from '../test/write-checks.ts';
import { lockWithEdges, tryLockWithEdges } from './index.ts';

describe('a page with its edges', () => {
  it('whose bytes have always moved by the time they arrive: an error in the end', () => {
    const file = storedFile(2);
    let cookie = 0;
    const moving = Object.defineProperty(Object.create(file) as WritableToy, 'cookie', { get: () => cookie++ });
    for (const name of ['mapping', 'operations', 'device', 'unitOrder'] as const) {
      Object.defineProperty(moving, name, { value: file[name] });
    }
    expect(() => runSync(lockWithEdges(moving, 0, 5, 10))).toThrow(/lost/);
    expect(file.device.takeReads().length).toBeGreaterThan(50);
    expectNothingHeld(file.mapping);
  });

  it('D24: a bug of the filesystem leaves nothing locked or held (I-6, I-24)', () => {
    const file = storedFile(2);
    const bug = new Error('bug');
    const broken = { ...file.operations, end: () => throwing(bug) };
    const { mapping, device, size } = file;
    expect(() => runSync(lockWithEdges({ mapping, device, size, unitOrder: 0, operations: broken }, 0, 5, 10))).toThrow(
      bug,
    );
    expectNothingHeld(mapping);
  });

  it('what needs no wait is found without one; else nothing is changed', () => {
    const file = storedFile(8);
    expect(tryLockWithEdges(file, 0, 0, 10)).toBeUndefined(); // not there
    const folio = emptyFolio(file, 0, 3);
    expect(tryLockWithEdges(file, 2, 2 * PAGE_SIZE + 1, 3 * PAGE_SIZE)).toBeUndefined(); // would have to be read
    expectNothingHeld(file.mapping);
    for (const [from, to] of [
      [2 * PAGE_SIZE, 3 * PAGE_SIZE],
      [3 * PAGE_SIZE, 20 * PAGE_SIZE],
    ] as const) {
      expect(tryLockWithEdges(file, from / PAGE_SIZE, from, to)).toBe(folio);
      expect([folio.locked, folio.references]).toEqual([true, 1]);
      expect(tryLockWithEdges(file, from / PAGE_SIZE, from, to)).toBeUndefined(); // locked
      folio.unlock();
      folio.put();
    }
    expect([folio.blocks, file.device.takeReads()]).toEqual([undefined, []]);
  });
});

function* throwing(cause: unknown): Task<never> {
  throw cause;
}
