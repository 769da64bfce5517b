import { BLOCK_SIZE, DENTRY_BLOCK_LAYOUT, dentrySlots, FileType } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DentryArea, readDentries } from '../dentry-area.ts';
import { clearDentry, findRoom, isEmptyArea, setDentryInode, writeDentry, writeDots } from './dentry-edit.ts';

function emptyArea(): DentryArea {
  const bytes = new Uint8Array(BLOCK_SIZE);
  return { bytes, view: viewOf(bytes), offset: 0, layout: DENTRY_BLOCK_LAYOUT, place: {} };
}

const nameOf = (index: number, length: number): Uint8Array => new Uint8Array(length).fill(1 + (index % 250));

function entriesOf(area: DentryArea): Array<[slot: number, ino: number, length: number]> {
  const problems: [] = [];
  const found = readDentries(area, 1 << 30, problems);
  expect(problems).toEqual([]);
  return found.map(({ slot, ino, name }) => [slot, ino, name.length]);
}

describe('an area of entries', () => {
  it('takes names at the first run of free slots that is long enough', () => {
    const area = emptyArea();
    writeDots(area, 7, 3);
    expect(findRoom(area, 1)).toBe(2);
    for (let index = 0; index < 53; index++) {
      const slot = findRoom(area, 4)!;
      expect(slot).toBe(2 + 4 * index);
      const name = nameOf(index, 32);
      writeDentry(area, slot, { name, hash: index, ino: 10 + index, fileType: FileType.fifo });
    }
    expect(findRoom(area, 1)).toBeUndefined();
    clearDentry(area, 2 + 4 * 5);
    clearDentry(area, 2 + 4 * 9);
    clearDentry(area, 2 + 4 * 10);
    expect([1, 4, 5, 8, 9].map((count) => findRoom(area, count))).toEqual([22, 22, 38, 38, undefined]);
  });

  it('names another inode, in the same place', () => {
    const area = emptyArea();
    writeDentry(area, 3, { name: nameOf(1, 20), hash: 5, ino: 9, fileType: FileType.fifo });
    setDentryInode(area, 3, 11, FileType.directory);
    expect(readDentries(area, 100, [])).toMatchObject([{ slot: 3, hash: 5, ino: 11, fileType: FileType.directory }]);
  });

  it('holds what a list of entries holds, whatever comes and goes', () => {
    const change = fc.record({ remove: fc.boolean(), which: fc.nat(1000), length: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const area = emptyArea();
        const model = new Map<number, [ino: number, length: number]>();
        for (const [index, { remove, which, length }] of changes.entries()) {
          if (remove && model.size > 0) {
            const slot = [...model.keys()][which % model.size]!;
            clearDentry(area, slot);
            model.delete(slot);
            continue;
          }
          const slot = findRoom(area, dentrySlots(length));
          if (slot === undefined) continue;
          writeDentry(area, slot, { name: nameOf(index, length), hash: 0, ino: 4 + index, fileType: 1 });
          model.set(slot, [4 + index, length]);
        }
        const expected = [...model].map(([slot, [ino, length]]) => [slot, ino, length]);
        expect(entriesOf(area)).toEqual(expected.sort((a, b) => a[0]! - b[0]!));
        expect(isEmptyArea(area)).toBe(model.size === 0);
      }),
      { numRuns: 60 },
    );
  });
});
