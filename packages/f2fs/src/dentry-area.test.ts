import type { FsError } from '@f2fskit/errno';
import { Corruption } from '@f2fskit/errno';
import { dentryLayoutOf } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillArea, type TestDentry } from '../test/dentries.ts';
import { type DentryArea, isDot, isImpossibleName, kindOfFileType, readDentries } from './dentry-area.ts';

const NID_END = 1000;

function areaOf(bytes: Uint8Array, offset: number, size: number): DentryArea {
  return { bytes, view: viewOf(bytes), offset, layout: dentryLayoutOf(size), place: { block: 77, ino: 5 } };
}

/** A dentry block with these entries, and what reading it gives. */
function readBlock(entries: readonly TestDentry[], change: (view: DataView, bytes: Uint8Array) => void = () => {}) {
  const bytes = new Uint8Array(4096);
  fillArea(bytes, 0, 4096, entries);
  change(viewOf(bytes), bytes);
  const problems: FsError[] = [];
  const found = readDentries(areaOf(bytes, 0, 4096), NID_END, problems);
  return { names: found.map(({ name }) => Buffer.from(name).toString('latin1')), found, problems, bytes };
}

const entry = (name: string, more: Partial<TestDentry> = {}): TestDentry => ({ name, ino: 50, ...more });
/** Byte of an entry in a dentry block (spec 7.1). */
const entryAt = (slot: number): number => 30 + 11 * slot;

describe('readDentries', () => {
  it('reads names of every length from areas of every size', () => {
    // Sizes of spec 7.2, of a block, and the smallest that an inode can have.
    const size = fc.constantFrom(4096, 3488, 3452, 3652, 40);
    const name = fc.uint8Array({ minLength: 1, maxLength: 255 });
    const entries = fc.array(
      fc.record({ name, ino: fc.integer({ min: 1, max: NID_END - 1 }), fileType: fc.nat({ max: 9 }), gap: fc.nat(2) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(size, fc.nat(400), entries, (areaSize, offset, list) => {
        const bytes = new Uint8Array(offset + areaSize);
        const slots = Math.floor((8 * areaSize) / 153);
        const placed: TestDentry[] = [];
        let next = 0;
        for (const { gap, ...one } of list) {
          const slot = next + gap;
          if (slot + Math.ceil(one.name.length / 8) > slots) continue;
          placed.push({ ...one, slot, hash: slot * 3 });
          next = slot + Math.ceil(one.name.length / 8);
        }
        fillArea(bytes, offset, areaSize, placed);
        const problems: FsError[] = [];
        const found = readDentries(areaOf(bytes, offset, areaSize), NID_END, problems);
        expect(problems).toEqual([]);
        expect(found.map((one) => ({ ...one, name: [...one.name] }))).toEqual(
          placed.map((one) => ({ ...one, name: [...(one.name as Uint8Array)] })),
        );
      }),
    );
  });

  it('fills a block to its last slot, and sees every bit of the map least significant first', () => {
    const full = Array.from({ length: 214 }, (_, slot) => entry(`n${slot}`));
    expect(readBlock(full).names).toEqual(full.map(({ name }) => name));
    expect(readBlock([entry('a', { slot: 9 })]).bytes[1]).toBe(0b10);
    expect(readBlock([entry('last', { slot: 213 })]).names).toEqual(['last']);
    // Bits 214 and 215 of the map belong to no slot.
    const beyond = readBlock([], (_, bytes) => bytes.fill(0xc0, 26, 27));
    expect(beyond).toMatchObject({ names: [], problems: [] });
  });

  it.each([
    ['0', 0],
    ['300', 300],
    ['256', 256],
  ])('a length of %s costs that slot', (_, length) => {
    const { names, problems, bytes } = readBlock([entry('a'), entry('bad', { nameLength: length }), entry('c')]);
    expect(names).toEqual(['a', 'c']);
    expect(problems).toHaveLength(1);
    const offset = entryAt(1) + 8;
    expect(problems[0]).toMatchObject({ kind: 'dentry', where: { block: 77, ino: 5, offset }, found: length });
    expect(viewOf(bytes).getUint16(offset, true)).toBe(length);
  });

  it('a name that crosses the end of the block costs its slot', () => {
    const { names, problems } = readBlock([entry('a'), entry('x', { slot: 212, nameLength: 17 })]);
    expect(names).toEqual(['a']);
    expect(problems[0]).toMatchObject({ kind: 'dentry', expected: '1 to 16', found: 17 });
    expect(readBlock([entry('x', { slot: 212, nameLength: 16 })]).names).toEqual(['x' + '\0'.repeat(15)]);
  });

  it.each([
    ['0', 0],
    ['behind the NAT', NID_END],
    ['the largest there is', 0xffff_ffff],
  ])('an inode number of %s costs that entry, with all its slots', (_, ino) => {
    const long = 'long-name-of-three-slots';
    const { names, problems } = readBlock([entry('a'), entry(long, { ino }), entry('c')]);
    expect(names).toEqual(['a', 'c']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ kind: 'dentryIno', where: { offset: entryAt(1) + 4 }, found: ino });
  });

  it('does not look at the entries of the later slots of a name, nor at their bits', () => {
    const { names, problems } = readBlock([entry('name-of-two-slots'.slice(0, 16)), entry('b')], (view, bytes) => {
      view.setUint16(entryAt(1) + 8, 300, true);
      bytes[0]! &= ~0b10;
    });
    expect(names).toEqual(['name-of-two-slot', 'b']);
    expect(problems).toEqual([]);
  });

  it('takes any bytes: it ends, stays inside the area, and never gives a slot twice', () => {
    const size = fc.constantFrom(4096, 3452, 40);
    fc.assert(
      fc.property(size, fc.uint8Array({ minLength: 4096, maxLength: 4096 }), fc.boolean(), (areaSize, bytes, dense) => {
        if (dense) bytes.fill(0xff, 0, 27);
        const problems: FsError[] = [];
        const found = readDentries(areaOf(bytes, 0, areaSize), NID_END, problems);
        const layout = dentryLayoutOf(areaSize);
        expect(found.length + problems.length).toBeLessThanOrEqual(layout.slots);
        let free = 0;
        for (const { slot, ino, name } of found) {
          expect(slot).toBeGreaterThanOrEqual(free);
          free = slot + Math.ceil(name.length / 8);
          expect(free).toBeLessThanOrEqual(layout.slots);
          expect(ino > 0 && ino < NID_END).toBe(true);
          expect(name.length > 0 && name.length <= 255).toBe(true);
        }
        for (const problem of problems) expect(problem).toBeInstanceOf(Corruption);
      }),
    );
  });
});

describe('names and kinds', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

  it('knows the two dots', () => {
    for (const name of ['.', '..']) expect(isDot(bytes(name))).toBe(true);
    for (const name of ['', 'a', '.a', '...', 'a.', '..a']) expect(isDot(bytes(name))).toBe(false);
  });

  it('knows the names that no system call makes', () => {
    for (const name of ['a/b', '/', 'a\0', '\0']) expect(isImpossibleName(bytes(name))).toBe(true);
    for (const name of ['a', 'a b', '\xff\xfe', '...']) expect(isImpossibleName(bytes(name))).toBe(false);
  });

  it('names the kind that an entry claims', () => {
    const kinds = ['unknown', 'file', 'directory', 'char', 'block', 'fifo', 'socket', 'symlink', 'unknown'];
    kinds.forEach((kind, fileType) => {
      expect(kindOfFileType(fileType)).toBe(kind);
    });
  });
});
