import { FsError } from '@f2fskit/errno';
import { runSync, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ExtentList,
  type Iomap,
  IomapFlag,
  IomapIterator,
  type IomapKind,
  type IomapOperations,
  seekData,
  seekHole,
} from './index.ts';

interface Piece {
  kind: IomapKind;
  length: number;
}

/** A file of pieces; mapped ones lie where they lie in the file, plus `shift` for each piece. */
class Pieces implements IomapOperations {
  begins = 0;
  readonly ends: number[] = [];
  readonly #pieces: readonly Piece[];
  failAt = -1;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  get size(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  *begin(position: number, _length: number, _request: number, map: Iomap): Task<void> {
    if (position === this.failAt) throw new FsError(5);
    this.begins++;
    let offset = 0;
    for (const [index, { kind, length }] of this.#pieces.entries()) {
      if (position < offset + length) {
        map.kind = kind;
        map.offset = offset;
        map.length = length;
        map.address = offset + 1000 * Math.floor(index / 3);
        return;
      }
      offset += length;
    }
    map.offset = offset;
    map.length = 1000;
  }

  *end(_map: Iomap, _position: number, processed: number): Task<void> {
    this.ends.push(processed);
  }
}

const kinds: IomapKind[] = ['hole', 'mapped', 'mapped', 'unwritten', 'private', 'delalloc'];
const pieces = fc.array(fc.record({ kind: fc.constantFrom(...kinds), length: fc.integer({ min: 1, max: 20 }) }), {
  minLength: 1,
  maxLength: 12,
  size: 'max',
});

describe('IomapIterator', () => {
  it('covers the range once, with an end for each begin (I-24)', () => {
    fc.assert(
      fc.property(pieces, fc.nat({ max: 200 }), fc.nat({ max: 200 }), (list, from, length) => {
        const file = new Pieces(list);
        const iterator = new IomapIterator(file, from, length);
        let at = from;
        while (runSync(iterator.next())) {
          expect(iterator.position).toBe(at);
          expect(iterator.map.offset <= at && at < iterator.map.end).toBe(true);
          const count = Math.min(iterator.length, 7);
          iterator.advance(count);
          at += count;
        }
        expect(at).toBe(from + length);
        expect(file.ends.length).toBe(file.begins);
        expect(file.ends.reduce((sum, count) => sum + count, 0)).toBe(length);
      }),
    );
  });

  it('a body that comes nowhere ends the loop, unless it says that the mapping is stale', () => {
    const file = new Pieces([{ kind: 'mapped', length: 10 }]);
    const iterator = new IomapIterator(file, 0, 10);
    expect(runSync(iterator.next())).toBe(true);
    iterator.map.flags |= IomapFlag.STALE;
    expect(runSync(iterator.next())).toBe(true);
    expect(iterator.map.flags).toBe(0); // asked again, from scratch
    expect(runSync(iterator.next())).toBe(false);
    expect([file.begins, file.ends]).toEqual([2, [0, 0]]);
  });

  it('owes no end for a begin that threw, and one for a body that stops', () => {
    const file = new Pieces([
      { kind: 'mapped', length: 10 },
      { kind: 'hole', length: 10 },
    ]);
    const iterator = new IomapIterator(file, 0, 20);
    expect(runSync(iterator.next())).toBe(true);
    iterator.advance(10);
    file.failAt = 10;
    expect(() => runSync(iterator.next())).toThrow(/EIO/);
    expect([file.begins, file.ends]).toEqual([1, [10]]);
    runSync(iterator.abort());
    expect(file.ends).toEqual([10]);
    iterator.skip(4);
    expect(runSync(iterator.next())).toBe(true);
    iterator.advance(2);
    runSync(iterator.abort());
    expect(file.ends).toEqual([10, 2]);
  });

  it('refuses a body that goes beyond its mapping, and a mapping that is not there', () => {
    const iterator = new IomapIterator(new Pieces([{ kind: 'mapped', length: 10 }]), 0, 20);
    runSync(iterator.next());
    expect(() => iterator.advance(11)).toThrow(/within its mapping/);
    const wrong: IomapOperations = {
      *begin(_position, _length, _request, map) {
        map.length = 5;
      },
    };
    expect(() => runSync(new IomapIterator(wrong, 7, 1).next())).toThrow(/contains its position/);
  });
});

describe('seek and extents', () => {
  const dataKinds: IomapKind[] = ['mapped', 'private', 'inline'];

  it('find data and holes as a model does; reserved space is neither', () => {
    fc.assert(
      fc.property(pieces, fc.nat({ max: 250 }), (list, position) => {
        const file = new Pieces(list);
        const { size } = file;
        const bytes = list.flatMap(({ kind, length }) => new Array<IomapKind>(length).fill(kind));
        const first = (wanted: (kind: IomapKind) => boolean): number => {
          for (let at = position; at < size; at++) if (wanted(bytes[at]!)) return at;
          return -1;
        };
        const data = first((kind) => dataKinds.includes(kind));
        if (data < 0) expect(() => runSync(seekData(file, position, size))).toThrow(/ENXIO/);
        else expect(runSync(seekData(file, position, size))).toBe(data);
        const hole = first((kind) => kind === 'hole');
        if (position >= size) expect(() => runSync(seekHole(file, position, size))).toThrow(/ENXIO/);
        else expect(runSync(seekHole(file, position, size))).toBe(hole < 0 ? size : hole);
        expect(file.ends.length).toBe(file.begins);
      }),
    );
  });

  it('extents cover exactly what has blocks, joined where file and device go on, and the last one says so', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const file = new Pieces(list);
        const extents = new ExtentList(file, 0, file.size, file.size);
        const found = [];
        for (let extent = runSync(extents.next()); extent !== undefined; extent = runSync(extents.next()))
          found.push(extent);
        const covered = new Set<number>();
        for (const { position, length } of found) for (let at = position; at < position + length; at++) covered.add(at);
        const bytes = list.flatMap(({ kind, length }) => new Array<IomapKind>(length).fill(kind));
        for (const [at, kind] of bytes.entries()) expect(covered.has(at)).toBe(kind !== 'hole' && kind !== 'delalloc');
        const placeOf = (at: number): number => {
          let offset = 0;
          for (const [index, { length }] of list.entries()) {
            if (at < offset + length) return at + 1000 * Math.floor(index / 3);
            offset += length;
          }
          return -1;
        };
        for (const { position, length, deviceOffset, unwritten } of found) {
          for (let at = position; at < position + length && !unwritten; at++) {
            expect(deviceOffset + at - position).toBe(placeOf(at));
          }
        }
        for (const [index, extent] of found.entries()) {
          expect(extent.last).toBe(index === found.length - 1);
          const next = found[index + 1];
          if (next === undefined || extent.encoded || next.encoded || extent.unwritten || next.unwritten) continue;
          const goesOn = extent.position + extent.length === next.position;
          expect(goesOn && extent.deviceOffset + extent.length === next.deviceOffset).toBe(false);
        }
      }),
    );
  });
});
