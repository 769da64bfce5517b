// How sizes, modes, times and kinds look to people.

import type { Attributes, InodeKind } from 'f2fskit';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1536` → `1.5 KiB`. */
export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const typeLetters: Record<InodeKind, string> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
};

/** `drwxr-sr-t`, as ls shows it. */
export function showMode({ kind, mode }: Pick<Attributes, 'kind' | 'mode'>): string {
  const triple = (bits: number, special: boolean, letter: string): string => {
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-';
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  };
  const user = triple((mode >> 6) & 7, (mode & 0o4000) !== 0, 's');
  const group = triple((mode >> 3) & 7, (mode & 0o2000) !== 0, 's');
  const other = triple(mode & 7, (mode & 0o1000) !== 0, 't');
  return `${typeLetters[kind]}${user}${group}${other}`;
}

/** `2026-11-20 23:33:00.000000000 +0000`; seconds that no calendar shows stay a number. */
export function showTime({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string {
  const date = new Date(seconds * 1000);
  const fraction = String(nanoseconds).padStart(9, '0');
  if (Number.isNaN(date.getTime())) return `@${seconds}.${fraction}`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${fraction} +0000`;
}

/** For lists: to the minute. */
export function showTimeShort({ seconds }: { seconds: number }): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `@${seconds}` : date.toISOString().slice(0, 16).replace('T', ' ');
}

/** ISO 8601 to the nanosecond, for JSON; `null` where no calendar shows it (the seconds are there as well). */
export function isoTime({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string | null {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return null;
  return `${date.toISOString().slice(0, -5)}.${String(nanoseconds).padStart(9, '0')}Z`;
}
