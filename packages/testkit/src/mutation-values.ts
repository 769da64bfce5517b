// A field of a declared layout, and the values that hurt: the ends of its range, one off, another structure's number, its
// own number, the special addresses, numbers no volume is large enough for.

import { COMPRESS_ADDRESS, NEW_ADDRESS } from '@f2fskit/f2fs-format';
import { Bytes, type Field, type StructLike, Structs, U16s, U32s } from '@f2fskit/ondisk';
import type { RandomSource } from '@f2fskit/task';

/** One number in a structure: `width` bytes at `offset`, little-endian. */
export interface Leaf {
  /** `entries[3].ino`. */
  readonly name: string;
  readonly offset: number;
  /** 1, 2, 4 or 8. */
  readonly width: number;
}

/** Numbers of the same volume that may stand in the wrong place. */
export interface ValuePool {
  readonly addresses: readonly number[];
  readonly nids: readonly number[];
  /** Block behind the main area. */
  readonly mainEnd: number;
  /** Of the structure itself, 0 where it has none. */
  readonly ino: number;
  readonly parentIno: number;
}

/** A value, and what it is. */
export interface MutatedValue {
  readonly value: bigint;
  readonly why: string;
}

/** A random field of `layout`, or of a record inside it. Elements of arrays that are not 0 are preferred. */
export function pickLeaf(layout: StructLike, view: DataView, at: number, random: RandomSource): Leaf {
  const [name, field] = pick(layout.$fields, random);
  return leafOf(name, field, view, at, random);
}

function leafOf(name: string, field: Field, view: DataView, at: number, random: RandomSource): Leaf {
  const { offset } = field;
  if (field instanceof Structs) {
    const index = random.below(field.length);
    const start = field.at(0, index);
    const inner = pickLeaf(field.struct, view, at + start, random);
    const label = field.length === 1 ? name : `${name}[${index}]`;
    return { ...inner, name: `${label}.${inner.name}`, offset: start + inner.offset };
  }
  if (field instanceof U32s || field instanceof U16s) {
    const width = field instanceof U32s ? 4 : 2;
    let index = random.below(field.length);
    if (random.chance(0.7)) {
      for (let tries = 0; tries < field.length && field.get(view, at, index) === 0; tries++) {
        index = (index + 1) % field.length;
      }
    }
    return { name: `${name}[${index}]`, offset: offset + width * index, width };
  }
  if (field instanceof Bytes) {
    const width = field.size >= 4 && random.chance(0.3) ? 4 : 1;
    const index = random.below(field.size - width + 1);
    return { name: `${name}[${index}]`, offset: offset + index, width };
  }
  return { name, offset, width: field.size };
}

/** A value for a field that holds `before`; never the same value. */
export function pickValue(before: bigint, width: number, pool: ValuePool, random: RandomSource): MutatedValue {
  const bits = BigInt(8 * width);
  const mask = (1n << bits) - 1n;
  for (;;) {
    const { value, why } = candidate(before, width, bits, mask, pool, random);
    if ((value & mask) !== before) return { value: value & mask, why };
  }
}

function candidate(
  before: bigint,
  width: number,
  bits: bigint,
  mask: bigint,
  pool: ValuePool,
  random: RandomSource,
): MutatedValue {
  const half = bits / 2n;
  const any = () => BigInt(random.u32()) | (BigInt(random.u32()) << 32n);
  const of = (value: bigint | number, why: string): MutatedValue => ({ value: BigInt(value), why });
  const makers: Array<() => MutatedValue> = [
    () => of(0, 'zero'),
    () => of(1, 'one'),
    () => of(mask, 'all ones'),
    () => of(before + 1n, 'one more'),
    () => of(before - 1n, 'one less'),
    () => of(before ^ (1n << BigInt(random.below(8 * width))), 'a bit flipped'),
    () => of(before ^ (1n << BigInt(random.below(8 * width))), 'a bit flipped'),
    () => of(any(), 'random'),
    () => of(random.below(256), 'small'),
    () => of((before >> half) | (before << half), 'halves swapped'),
    () => of(1n << (bits - 1n), 'the top bit'),
    () => of((1n << (bits - 1n)) - 1n, 'all but the top bit'),
    () => of(before * 2n, 'doubled'),
  ];
  if (width >= 4) {
    makers.push(
      () => of(NEW_ADDRESS, 'NEW_ADDRESS'),
      () => of(COMPRESS_ADDRESS, 'COMPRESS_ADDRESS'),
      () => of(pick(pool.addresses, random), 'the address of another structure'),
      () => of(pick(pool.addresses, random), 'the address of another structure'),
      () => of(pick(pool.nids, random), 'another nid'),
      () => of(pick(pool.nids, random), 'another nid'),
      () => of(pool.ino, 'the own inode'),
      () => of(pool.parentIno, 'the parent'),
      () => of(pool.mainEnd - random.below(2), 'the end of the main area'),
      () => of(0x7fff_ffff, '2^31 - 1'),
    );
  }
  if (width === 8) {
    makers.push(
      () => of(1n << 62n, '2^62'),
      () => of(1n << 53n, '2^53'),
      () => of((1n << 53n) - 1n, '2^53 - 1'),
      () => of(1n << 43n, '2^43'),
      () => of(1n << BigInt(20 + random.below(22)), 'a power of two'),
      () => of(before + 4096n * BigInt(1 + random.below(5000)), 'some blocks more'),
    );
  }
  return pick(makers, random)();
}

export function pick<T>(list: readonly T[], random: RandomSource): T {
  return list[random.below(list.length)]!;
}

export function readValue(bytes: Uint8Array, at: number, width: number): bigint {
  let value = 0n;
  for (let index = width - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[at + index]!);
  return value;
}

export function writeValue(bytes: Uint8Array, at: number, width: number, value: bigint): void {
  for (let index = 0; index < width; index++) bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
}
