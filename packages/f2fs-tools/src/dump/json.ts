// A dump as a plain JSON value: bytes are hex text, numbers of 64 bits that no JSON number holds are decimal text, a
// problem is its message with the place and the two values.

import { Corruption, type FsError } from '@f2fskit/errno';
import type { Dump, DumpValue } from './dump.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** The schema that `dumpJson` carries at its top. */
export const DUMP_SCHEMA = 'f2fs.dump/1';

/** The whole dump, ready for `JSON.stringify`. */
export function dumpJson(dump: Dump): { [name: string]: JsonValue } {
  return { schema: DUMP_SCHEMA, ...nested(dump) };
}

function nested({ title, place, layout, facts, rows, problems, children, bytes }: Dump): { [name: string]: JsonValue } {
  return {
    title,
    place: { ...place },
    layout,
    facts: facts.map((fact) => ({ ...fact })),
    rows: rows.map(({ offset, size, type, name, cName, value, run, meaning, note }) => ({
      offset,
      size,
      type,
      name,
      ...(cName === undefined ? {} : { cName }),
      value: valueJson(value),
      ...(run === undefined ? {} : { run }),
      ...(meaning === undefined ? {} : { meaning: typeof meaning === 'string' ? meaning : [...meaning] }),
      note,
    })),
    problems: problems.map(problemJson),
    children: children.map(nested),
    ...(bytes === undefined ? {} : { bytes: hexText(bytes) }),
  };
}

/** A stored value for JSON. */
export function valueJson(value: DumpValue): JsonValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return hexText(value);
  return typeof value === 'number' ? value : [...value];
}

function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function problemJson(error: FsError): { [name: string]: JsonValue } {
  const shown: { [name: string]: JsonValue } = { code: error.code, message: error.message };
  if (!(error instanceof Corruption)) return shown;
  const { kind, where, expected, found } = error;
  return {
    ...shown,
    kind,
    where: { ...where },
    ...(expected === undefined ? {} : { expected: plain(expected) }),
    ...(found === undefined ? {} : { found: plain(found) }),
  };
}

function plain(value: string | number | bigint): string | number {
  return typeof value === 'bigint' ? value.toString() : value;
}
