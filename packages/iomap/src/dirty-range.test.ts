import { PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { expectBytes, pattern, WritableToy } from '../test/writable-toy.ts';
import { dirtyRange, type Mutator, type WriteOperations } from './index.ts';

function storedFile(pages: number, orderMax = 9): WritableToy {
  const file = new WritableToy({ orderMax });
  runSync(file.pwrite(0, pattern(pages * PAGE_SIZE, 1)));
  drop(file);
  return file;
}

function drop(file: WritableToy): void {
  runSync(file.flush());
  file.mapping.dropUnused();
  file.device.takeReads();
}

function change(
  file: WritableToy,
  position: number,
  length: number,
  mutate: Mutator,
  changes?: Partial<WriteOperations>,
): void {
  runSync(dirtyRange(file, position, length, mutate, file.writing(changes)));
}

function expectModel(file: WritableToy): void {
  expectBytes(runSync(file.pread(0, file.size)), file.model);
  drop(file);
  expectBytes(runSync(file.pread(0, file.size)), file.model);
  expect(file.problems()).toEqual([]);
}

describe.each([0, 9])('dirtyRange, order %i', (orderMax) => {
  it('shows the old bytes page by page, and keeps what becomes of them', () => {
    const file = storedFile(8, orderMax);
    const seen: number[] = [];
    change(file, PAGE_SIZE + 100, 2 * PAGE_SIZE, (bytes, position) => {
      seen.push(position, bytes.length);
      expectBytes(bytes, file.model.subarray(position, position + bytes.length));
      for (let at = 0; at < bytes.length; at++) bytes[at]! ^= 0xff;
    });
    expect(seen).toEqual([PAGE_SIZE + 100, PAGE_SIZE - 100, 2 * PAGE_SIZE, PAGE_SIZE, 3 * PAGE_SIZE, 100]);
    for (let at = PAGE_SIZE + 100; at < 3 * PAGE_SIZE + 100; at++) file.model[at]! ^= 0xff;
    expect(file.mapping.dirtyBlocks).toBe(3);
    expectModel(file);
  });

  it('reserves holes, which are zeros', () => {
    const file = new WritableToy({ orderMax });
    runSync(file.pwrite(5 * PAGE_SIZE, pattern(100, 1)));
    drop(file);
    change(file, 2 * PAGE_SIZE, 10, (bytes) => {
      expect(bytes.every((byte) => byte === 0)).toBe(true);
      bytes.fill(7);
    });
    file.model.fill(7, 2 * PAGE_SIZE, 2 * PAGE_SIZE + 10);
    expect(file.reserved.has(2)).toBe(true);
    expectModel(file);
  });

  it('writes zeros behind the end of the file', () => {
    const file = storedFile(2, orderMax);
    file.size = PAGE_SIZE + 10;
    file.model = file.model.slice(0, PAGE_SIZE + 10);
    change(file, PAGE_SIZE, 10, (bytes) => {
      // Memory behind what was asked for is still the file's.
      new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length).fill(9);
    });
    const folio = file.mapping.find(1)!;
    const from = PAGE_SIZE + 10 - folio.position;
    expect(folio.bytes.subarray(from, from + PAGE_SIZE - 10).every((byte) => byte === 0)).toBe(true);
    file.model.fill(9, PAGE_SIZE);
    expectModel(file);
  });

  it('leaves the page dirty and unlocked when the mutator throws', () => {
    const file = storedFile(2, orderMax);
    const broken: Mutator = (bytes) => {
      bytes[0] = 1;
      throw new Error('no');
    };
    expect(() => change(file, 0, 10, broken)).toThrow('no');
    file.model[0] = 1;
    expect(file.mapping.find(0)!.locked).toBe(false);
    expectModel(file);
  });

  it('asks again for a mapping that no longer holds', () => {
    const file = storedFile(2, orderMax);
    let asked = 0;
    change(file, 0, 10, (bytes) => bytes.fill(3), { valid: () => ++asked > 1 });
    expect(file.ends.at(-2)).toMatchObject({ stale: true, processed: 0 });
    file.model.fill(3, 0, 10);
    expectModel(file);
  });
});
