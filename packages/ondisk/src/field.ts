// Field objects: one class per width, so that every call site stays monomorphic and a declared layout reads as fast as
// hand-written DataView calls. All integers are little-endian. A field knows its offset in the structure; `at` is where
// the structure starts in the view. `note` says what the field protects or who reads it: tables in documents show it.

import { Corruption } from '@f2fskit/errno';

/** What every field can tell about itself; `struct()` tiles by `offset` and `size`. */
export interface Field {
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly note: string;
  /** As tables show it: `u32`, `u8[16]`, `f2fs_nat_entry[455]`. */
  readonly type: string;
  /** A plain value for dumps and tests: number, bigint, array, bytes (copied) or object. */
  decode(view: DataView, at: number): DecodedValue;
}

export type DecodedValue = number | bigint | Uint8Array | DecodedValue[] | { [name: string]: DecodedValue };

/** Where a field lies and what it is for. */
abstract class Placed {
  readonly offset: number;
  readonly note: string;
  constructor(offset: number, note: string) {
    this.offset = offset;
    this.note = note;
  }
}

export class U8 extends Placed implements Field {
  readonly size = 1;
  readonly type = 'u8';
  get(view: DataView, at: number): number {
    return view.getUint8(at + this.offset);
  }
  set(view: DataView, at: number, value: number): void {
    view.setUint8(at + this.offset, value);
  }
  decode(view: DataView, at: number): number {
    return this.get(view, at);
  }
}

export class U16 extends Placed implements Field {
  readonly size = 2;
  readonly type = 'u16';
  get(view: DataView, at: number): number {
    return view.getUint16(at + this.offset, true);
  }
  set(view: DataView, at: number, value: number): void {
    view.setUint16(at + this.offset, value, true);
  }
  decode(view: DataView, at: number): number {
    return this.get(view, at);
  }
}

export class U32 extends Placed implements Field {
  readonly size = 4;
  readonly type = 'u32';
  get(view: DataView, at: number): number {
    return view.getUint32(at + this.offset, true);
  }
  set(view: DataView, at: number, value: number): void {
    view.setUint32(at + this.offset, value, true);
  }
  decode(view: DataView, at: number): number {
    return this.get(view, at);
  }
}

const WORD = 0x1_0000_0000;
/** Upper halves below this keep the whole number below 2^53. */
const SAFE_HIGH = 0x20_0000;

/** An unsigned 64-bit quantity (a size, a count): a number that must stay below 2^53. */
export class U64 extends Placed implements Field {
  readonly size = 8;
  readonly type = 'u64';
  /** False when the stored value is 2^53 or more: validate with this before `get`, to report the place yourself. */
  fits(view: DataView, at: number): boolean {
    return view.getUint32(at + this.offset + 4, true) < SAFE_HIGH;
  }
  /** Throws {@link Corruption} `numberRange` for 2^53 and above. */
  get(view: DataView, at: number): number {
    const low = view.getUint32(at + this.offset, true);
    const high = view.getUint32(at + this.offset + 4, true);
    if (high >= SAFE_HIGH) throw outOfRange(view.getBigUint64(at + this.offset, true), at + this.offset);
    return high * WORD + low;
  }
  set(view: DataView, at: number, value: number): void {
    view.setUint32(at + this.offset, value % WORD, true);
    view.setUint32(at + this.offset + 4, Math.floor(value / WORD), true);
  }
  decode(view: DataView, at: number): number | bigint {
    return this.fits(view, at) ? this.get(view, at) : view.getBigUint64(at + this.offset, true);
  }
}

/** A signed 64-bit quantity (seconds since 1970): a number within ±2^53. */
export class I64 extends Placed implements Field {
  readonly size = 8;
  readonly type = 'i64';
  fits(view: DataView, at: number): boolean {
    const high = view.getInt32(at + this.offset + 4, true);
    return high < SAFE_HIGH && high >= -SAFE_HIGH;
  }
  /** Throws {@link Corruption} `numberRange` outside ±2^53. */
  get(view: DataView, at: number): number {
    const low = view.getUint32(at + this.offset, true);
    const high = view.getInt32(at + this.offset + 4, true);
    if (high >= SAFE_HIGH || high < -SAFE_HIGH)
      throw outOfRange(view.getBigInt64(at + this.offset, true), at + this.offset);
    return high * WORD + low;
  }
  set(view: DataView, at: number, value: number): void {
    const high = Math.floor(value / WORD);
    view.setUint32(at + this.offset, value - high * WORD, true);
    view.setInt32(at + this.offset + 4, high, true);
  }
  decode(view: DataView, at: number): number | bigint {
    return this.fits(view, at) ? this.get(view, at) : view.getBigInt64(at + this.offset, true);
  }
}

function outOfRange(found: bigint, offset: number): Corruption<'numberRange'> {
  return new Corruption('numberRange', { where: { offset }, expected: 'a magnitude below 2^53', found });
}

/** A 64-bit pattern whose halves mean different things: compared half by half, never as one number. */
export class Bits64 extends Placed implements Field {
  readonly size = 8;
  readonly type = 'bits64';
  low(view: DataView, at: number): number {
    return view.getUint32(at + this.offset, true);
  }
  high(view: DataView, at: number): number {
    return view.getUint32(at + this.offset + 4, true);
  }
  set(view: DataView, at: number, low: number, high: number): void {
    view.setUint32(at + this.offset, low, true);
    view.setUint32(at + this.offset + 4, high, true);
  }
  decode(view: DataView, at: number): bigint {
    return view.getBigUint64(at + this.offset, true);
  }
}

/** A run of raw bytes: a map, a name area, a uuid, reserved space. */
export class Bytes implements Field {
  readonly type: string;
  readonly offset: number;
  readonly size: number;
  readonly note: string;
  constructor(offset: number, size: number, note: string) {
    this.offset = offset;
    this.size = size;
    this.note = note;
    this.type = `u8[${size}]`;
  }
  /** A window on the view's own memory, not a copy. */
  get(view: DataView, at: number): Uint8Array {
    return new Uint8Array(view.buffer, view.byteOffset + at + this.offset, this.size);
  }
  set(view: DataView, at: number, value: Uint8Array): void {
    const window = this.get(view, at);
    window.set(value.subarray(0, this.size));
    window.fill(0, Math.min(value.length, this.size));
  }
  decode(view: DataView, at: number): Uint8Array {
    return this.get(view, at).slice();
  }
}

export class U16s implements Field {
  readonly type: string;
  readonly size: number;
  readonly offset: number;
  readonly length: number;
  readonly note: string;
  constructor(offset: number, length: number, note: string) {
    this.offset = offset;
    this.length = length;
    this.note = note;
    this.size = 2 * length;
    this.type = `u16[${length}]`;
  }
  get(view: DataView, at: number, index: number): number {
    return view.getUint16(at + this.offset + 2 * index, true);
  }
  set(view: DataView, at: number, index: number, value: number): void {
    view.setUint16(at + this.offset + 2 * index, value, true);
  }
  decode(view: DataView, at: number): number[] {
    return Array.from({ length: this.length }, (_, index) => this.get(view, at, index));
  }
}

export class U32s implements Field {
  readonly type: string;
  readonly size: number;
  readonly offset: number;
  readonly length: number;
  readonly note: string;
  constructor(offset: number, length: number, note: string) {
    this.offset = offset;
    this.length = length;
    this.note = note;
    this.size = 4 * length;
    this.type = `u32[${length}]`;
  }
  get(view: DataView, at: number, index: number): number {
    return view.getUint32(at + this.offset + 4 * index, true);
  }
  set(view: DataView, at: number, index: number, value: number): void {
    view.setUint32(at + this.offset + 4 * index, value, true);
  }
  decode(view: DataView, at: number): number[] {
    return Array.from({ length: this.length }, (_, index) => this.get(view, at, index));
  }
}

/** What {@link Structs} repeats: any declared layout. */
export interface StructLike {
  readonly $name: string;
  readonly $size: number;
  readonly $fields: ReadonlyArray<readonly [name: string, field: Field]>;
}

/** Consecutive records of one layout. `at(index)` is where record `index` starts; read its fields from there. */
export class Structs<S extends StructLike> implements Field {
  readonly type: string;
  readonly size: number;
  readonly offset: number;
  readonly length: number;
  readonly struct: S;
  readonly note: string;
  constructor(offset: number, struct: S, length: number, note: string) {
    this.offset = offset;
    this.struct = struct;
    this.length = length;
    this.note = note;
    this.size = struct.$size * length;
    this.type = length === 1 ? struct.$name : `${struct.$name}[${length}]`;
  }
  at(at: number, index: number): number {
    return at + this.offset + this.struct.$size * index;
  }
  decode(view: DataView, at: number): DecodedValue[] {
    return Array.from({ length: this.length }, (_, index) => decodeFields(this.struct, view, this.at(at, index)));
  }
}

/** Every field of a layout as a plain object: for dumps and tests, not for hot paths. */
export function decodeFields(struct: StructLike, view: DataView, at: number): { [name: string]: DecodedValue } {
  const record: { [name: string]: DecodedValue } = {};
  for (const [name, field] of struct.$fields) record[name] = field.decode(view, at);
  return record;
}
