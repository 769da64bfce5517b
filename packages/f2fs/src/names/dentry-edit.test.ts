import {
  BLOCK_SIZE,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  dentryEntryOffset,
  dentrySlots,
  FileType,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DentryArea, readDentries } from '../dentry-area.ts';
import {
  clearDentry,
  findRoom,
  isAbsentFrom,
  isEmptyArea,
  setDentryInode,
  writeDentry,
  writeDots,
} from './dentry-edit.ts';

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

describe('a name that is not there', () => {
  const NID_END = 1000;
  const filled = (names: readonly Uint8Array[]): DentryArea => {
    const area = emptyArea();
    for (const name of names) {
      const slot = findRoom(area, dentrySlots(name.length));
      if (slot !== undefined) writeDentry(area, slot, { name, hash: 1, ino: 10, fileType: FileType.fifo });
    }
    return area;
  };
  const names = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40, max: 3 }), { minLength: 1, maxLength: 60 });

  it('is what reading all entries says', () => {
    fc.assert(
      fc.property(names, fc.uint8Array({ minLength: 1, maxLength: 20, max: 3 }), fc.nat(59), (list, other, at) => {
        const area = filled(list);
        for (const name of [other, list[at % list.length]!]) {
          const found = readDentries(area, NID_END, []).some((entry) => Buffer.compare(entry.name, name) === 0);
          expect(isAbsentFrom(area, name, NID_END)).toBe(!found);
        }
      }),
    );
  });

  it('is not certain where an entry is damaged', () => {
    const damages: Array<(view: DataView, at: number) => void> = [
      (view, at) => Dentry.nameLength.set(view, at, 0),
      (view, at) => Dentry.nameLength.set(view, at, 256),
      (view, at) => Dentry.ino.set(view, at, 0),
      (view, at) => Dentry.ino.set(view, at, NID_END),
    ];
    for (const damage of damages) {
      const area = filled([nameOf(1, 5), nameOf(2, 12), nameOf(3, 3)]);
      expect(isAbsentFrom(area, nameOf(4, 5), NID_END)).toBe(true);
      damage(area.view, dentryEntryOffset(area.layout, 1));
      expect(isAbsentFrom(area, nameOf(4, 5), NID_END)).toBe(false);
    }
    const last = emptyArea();
    writeDentry(last, last.layout.slots - 1, { name: nameOf(1, 8), hash: 1, ino: 10, fileType: FileType.fifo });
    Dentry.nameLength.set(last.view, dentryEntryOffset(last.layout, last.layout.slots - 1), 9);
    expect(isAbsentFrom(last, nameOf(4, 5), NID_END)).toBe(false);
  });
});
