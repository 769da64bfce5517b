// struct(): a layout that refuses to load unless its fields tile its size exactly, no gap and no overlap — the
// build-time assert of C headers, moved to module load. Unions are two structs over the same bytes, each named.

import { assert } from '@f2fskit/errno';
import {
  Bits64,
  Bytes,
  type DecodedValue,
  decodeFields,
  type Field,
  I64,
  type StructLike,
  Structs,
  U8,
  U16,
  U16s,
  U32,
  U32s,
  U64,
} from './field.ts';

export type Struct<Fields extends Record<string, Field>> = Fields & StructLike;

/**
 * Declares a layout. `name` is the C name of the structure; `size` its bytes on disk. Throws at module load when the
 * fields leave a gap, overlap, or end anywhere but at `size`.
 */
export function struct<Fields extends Record<string, Field>>(
  name: string,
  size: number,
  fields: Fields,
): Struct<Fields> {
  const sorted = Object.entries(fields).sort(([, a], [, b]) => a.offset - b.offset);
  let end = 0;
  for (const [field, { offset, size: bytes }] of sorted) {
    assert(offset === end, `${name}.${field} starts at ${offset}, but the field before it ends at ${end}`);
    end = offset + bytes;
  }
  assert(end === size, `${name} is ${size} bytes, but its fields end at ${end}`);
  return Object.freeze({ ...fields, $name: name, $size: size, $fields: sorted });
}

export const u8 = (offset: number, note = ''): U8 => new U8(offset, note);
export const u16 = (offset: number, note = ''): U16 => new U16(offset, note);
export const u32 = (offset: number, note = ''): U32 => new U32(offset, note);
export const u64 = (offset: number, note = ''): U64 => new U64(offset, note);
export const i64 = (offset: number, note = ''): I64 => new I64(offset, note);
export const bits64 = (offset: number, note = ''): Bits64 => new Bits64(offset, note);
export const bytes = (offset: number, size: number, note = ''): Bytes => new Bytes(offset, size, note);
export const u16s = (offset: number, length: number, note = ''): U16s => new U16s(offset, length, note);
export const u32s = (offset: number, length: number, note = ''): U32s => new U32s(offset, length, note);
export const structs = <S extends StructLike>(offset: number, layout: S, length: number, note = ''): Structs<S> =>
  new Structs(offset, layout, length, note);

/** Every field as a plain object, in the order of the offsets. */
export function decode(layout: StructLike, view: DataView, at = 0): { [name: string]: DecodedValue } {
  return decodeFields(layout, view, at);
}

/** One row per field, as the tables of a format document show them. */
export function layoutRows(
  layout: StructLike,
): Array<{ offset: number; size: number; type: string; name: string; note: string }> {
  return layout.$fields.map(([name, { offset, size, type, note }]) => ({ offset, size, type, name, note }));
}

/** A view on the same memory as `data`: make it once, with the buffer. */
export function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
