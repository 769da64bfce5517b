// A dump: one structure of a volume as it lies on the medium, field by field, whether it is sound or not.
//
//   rows      what is stored: every field with its place, its value and what the value means
//   facts     what follows from it together with the rest of the volume: which copy is in use, who owns a block
//   problems  the rules that the structure breaks; the rows are there all the same
//   children  structures inside it or beside it
//
// A row's value is what is stored and its meaning is what that says: names of flags, a date, the area of an address.

import { FsError } from '@f2fskit/errno';
import { type Field, type StructLike, Structs } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';

/** A stored value: a number, a pattern or count of 64 bits, bytes, or several numbers. */
export type DumpValue = number | bigint | Uint8Array | readonly number[];

/** What a value says: a phrase, or the names of the flags that are set. */
export type Meaning = string | readonly string[];

export interface DumpRow {
  /** Byte of the field, counted from the start of the structure. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** As tables show it: `u32`, `u8[16]`, `f2fs_summary[12]`. */
  readonly type: string;
  /** Our name of the field. */
  readonly name: string;
  /** The name in the C structure. */
  readonly cName?: string;
  readonly value: DumpValue;
  /**
   * How many consecutive slots or entries this row stands for, where that is more than one: `value` is the first of them.
   * The special addresses 0 and 0xffffffff repeat, everything else goes on by one from each to the next.
   */
  readonly run?: number;
  readonly meaning?: Meaning;
  /** What the field protects or who reads it. */
  readonly note: string;
}

/** A statement that is stored nowhere as it is. */
export interface DumpFact {
  readonly name: string;
  readonly value: string | number;
}

/** Where a structure lies. */
export interface DumpPlace {
  /** Block address. */
  readonly block: number;
  /** Byte in that block. */
  readonly offset: number;
  /** Byte on the volume. */
  readonly address: number;
}

export interface Dump {
  readonly title: string;
  readonly place: DumpPlace;
  /** The C name of the structure. */
  readonly layout: string;
  readonly facts: readonly DumpFact[];
  readonly rows: readonly DumpRow[];
  readonly problems: readonly FsError[];
  readonly children: readonly Dump[];
  /** The bytes themselves, where a dump is about them. */
  readonly bytes?: Uint8Array;
}

const BLOCK_BYTES = 4096;

/** The place at byte `offset` of block `block`. */
export function placeAt(block: number, offset = 0): DumpPlace {
  return { block, offset, address: block * BLOCK_BYTES + offset };
}

/** A dump with nothing in the parts that are not given. */
export function newDump(parts: Pick<Dump, 'title' | 'place' | 'layout'> & Partial<Dump>): Dump {
  return { facts: [], rows: [], problems: [], children: [], ...parts };
}

/** Every problem of a dump and of what is inside it, in the order of printing. */
export function allProblems({ problems, children }: Dump): FsError[] {
  return [...problems, ...children.flatMap(allProblems)];
}

/** The names of a layout's fields. */
export type FieldName<Layout extends StructLike> = Exclude<keyof Layout, keyof StructLike> & string;

/** C names of every field of a layout. */
export type CNames<Layout extends StructLike> = Readonly<Record<FieldName<Layout>, string>>;

/** What the values of some fields mean, by field. */
export type Meanings<Layout extends StructLike> = {
  readonly [Name in FieldName<Layout>]?: Layout[Name] extends { decode(view: DataView, at: number): infer Value }
    ? (value: Value) => Meaning | undefined
    : never;
};

export interface FieldRowOptions<Layout extends StructLike> {
  cNames: CNames<Layout>;
  meanings?: Meanings<Layout>;
  /** Byte of the layout in the dumped structure. */
  start?: number;
  /** Before our names and the C names: `extent.`. */
  prefix?: string;
  cPrefix?: string;
  /** Fields that get no row: true leaves one out. */
  skip?: (name: string, field: Field) => boolean;
}

/** One row for each field of `layout` at byte `at` of `view`; nested structures are left to the caller. */
export function fieldRows<Layout extends StructLike>(
  layout: Layout,
  view: DataView,
  at: number,
  { cNames, meanings, start = 0, prefix = '', cPrefix = '', skip }: FieldRowOptions<Layout>,
): DumpRow[] {
  const rows: DumpRow[] = [];
  for (const [name, field] of layout.$fields) {
    if (field instanceof Structs || skip?.(name, field) === true) continue;
    const value = field.decode(view, at) as DumpValue;
    const meaningOf = meanings?.[name as FieldName<Layout>] as ((value: DumpValue) => Meaning | undefined) | undefined;
    const meaning = meaningOf?.(value);
    rows.push({
      offset: start + field.offset,
      size: field.size,
      type: field.type,
      name: prefix + name,
      cName: cPrefix + cNames[name as FieldName<Layout>],
      value,
      ...(meaning === undefined ? {} : { meaning }),
      note: field.note,
    });
  }
  return rows;
}

/** Calls `check` for what it throws: the format's own validation, as a problem beside the rows. */
export function problemsOf(check: () => unknown): FsError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof FsError) return [error];
    throw error;
  }
}

/** What {@link attempt} came to. */
export type Attempt<T> = { value: T; problem?: undefined } | { value?: undefined; problem: FsError };

/** Runs a task that a dump can do without: its result, or the problem that it met. */
export function* attempt<T>(task: Task<T>): Task<Attempt<T>> {
  try {
    return { value: yield* task };
  } catch (problem) {
    if (problem instanceof FsError) return { problem };
    throw problem;
  }
}
