// A dump as people read it: lines of text, without colour.
//
//   Title                                    place
//     fact    value
//     offset  field    value  hex    meaning
//     ! a problem
//
// and the same for its children, below. A dump with bytes ends in them, sixteen to a line, repeated lines as one `*`.

import type { Dump, DumpRow, DumpValue, Meaning } from './dump.ts';
import { hexOf } from './phrases.ts';

export interface TableOptions {
  /** Show what each field is for. Default false. */
  notes?: boolean;
}

/** A line and what it is, for those who paint. */
export interface TableLine {
  readonly kind: 'title' | 'text' | 'problem';
  readonly text: string;
}

/** Every line of a dump and its children. */
export function tableLines(dump: Dump, options: TableOptions = {}): TableLine[] {
  const lines: TableLine[] = [];
  addDump(lines, dump, options, '');
  return lines;
}

function addDump(lines: TableLine[], dump: Dump, options: TableOptions, indent: string): void {
  const { title, place, facts, rows, problems, children, layout, bytes } = dump;
  const at = `block ${place.block}, byte ${place.offset} (${hexOf(place.address)} on the volume)`;
  lines.push({ kind: 'title', text: `${indent}${title}: ${layout} at ${at}` });
  for (const text of columns(facts.map(({ name, value }) => [name, String(value)]))) {
    lines.push({ kind: 'text', text: `${indent}  ${text}` });
  }
  for (const text of columns(rows.map((row) => cellsOf(row, options)))) {
    lines.push({ kind: 'text', text: `${indent}  ${text}` });
  }
  for (const { message } of problems) lines.push({ kind: 'problem', text: `${indent}  ! ${message}` });
  if (bytes !== undefined) {
    for (const text of hexLines(bytes)) lines.push({ kind: 'text', text: `${indent}  ${text}` });
  }
  for (const child of children) addDump(lines, child, options, `${indent}  `);
}

function cellsOf(row: DumpRow, { notes = false }: TableOptions): string[] {
  const meaning = meaningText(row.meaning);
  const last = notes ? [meaning, row.note].filter((text) => text !== '').join(' — ') : meaning;
  return [String(row.offset), row.name, row.type, ...valueCells(row.value), last];
}

/** Names of flags are separated by spaces where each is a word, else by commas. */
export function meaningText(meaning: Meaning | undefined): string {
  if (meaning === undefined) return '';
  if (typeof meaning === 'string') return meaning;
  return meaning.join(meaning.some((part) => part.includes(' ')) ? ', ' : ' ');
}

const BYTES_SHOWN_MAX = 8;
const NUMBERS_SHOWN_MAX = 4;

/** The value in decimal and in hex; of bytes and lists only the start. */
function valueCells(value: DumpValue): [decimal: string, hex: string] {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return [String(value), value >= 0 ? hexOf(value) : ''];
  }
  if (value instanceof Uint8Array) {
    const end = lastNonZero(value);
    if (end === 0) return ['zeros', ''];
    const shown = Array.from(value.subarray(0, Math.min(end, BYTES_SHOWN_MAX)), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join('');
    return ['bytes', `${shown}${end > BYTES_SHOWN_MAX ? '…' : ''}`];
  }
  const rest = value.length > NUMBERS_SHOWN_MAX ? ' …' : '';
  const head = value.slice(0, NUMBERS_SHOWN_MAX);
  return [`${head.join(' ')}${rest}`, `${head.map(hexOf).join(' ')}${rest}`];
}

function lastNonZero(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1;
}

/** Cells in columns, the last one as long as it is. */
function columns(table: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const cells of table) {
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return table.map((cells) => {
    const padded = cells.map((cell, column) =>
      column === 0 && isNumber(cell) ? cell.padStart(widths[0]!) : cell.padEnd(widths[column]!),
    );
    return padded.join('  ').trimEnd();
  });
}

function isNumber(cell: string): boolean {
  return /^\d+$/.test(cell);
}

const LINE_BYTES = 16;

/** Bytes in hex and as text, sixteen to a line; a run of equal lines is one line and a `*`. */
export function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  let before = '';
  let skipping = false;
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    const line = Array.from(bytes.subarray(at, at + LINE_BYTES));
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`;
    if (halves === before && at + LINE_BYTES < bytes.length) {
      if (!skipping) lines.push('*');
      skipping = true;
      continue;
    }
    skipping = false;
    before = halves;
    const text = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${halves.padEnd(3 * LINE_BYTES)}  ${text}`);
  }
  return lines;
}
