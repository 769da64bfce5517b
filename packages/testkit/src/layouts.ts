// Layouts made from other layouts, for structures that the mutator takes apart.

import { bytes, type Field, type StructLike } from '@f2fskit/ondisk';

function named($name: string, $size: number): Pick<StructLike, '$name' | '$size'> {
  return { $name, $size };
}

/** A layout of the fields of another, without some of them. */
export function without(layout: StructLike, ...names: string[]): StructLike {
  return { ...named(layout.$name, layout.$size), $fields: layout.$fields.filter(([name]) => !names.includes(name)) };
}

/** A layout of one field. */
export function single(name: string, field: Field): StructLike {
  return { ...named(name, field.offset + field.size), $fields: [[name, field]] };
}

/** A layout of `size` bytes without structure. */
export function rawBytes(name: string, size: number): StructLike {
  return single(name, bytes(0, size));
}
