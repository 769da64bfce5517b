// Sizes on the command line: `65536`, `64K`, `1G`. The units are powers of 1024.

import { InvalidArgumentError } from 'commander';

const units = ['', 'K', 'M', 'G', 'T'];

/** Bytes. Throws what makes a run end with the exit code of wrong usage. */
export function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+)([KMGT]?)$/i.exec(text) ?? [];
  const bytes = digits === undefined ? Number.NaN : Number(digits) * 1024 ** units.indexOf(unit!.toUpperCase());
  if (!Number.isSafeInteger(bytes)) throw new InvalidArgumentError('A size is a number with K, M, G or T behind it.');
  return bytes;
}

/** A whole number of decimal digits. */
export function parseInteger(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new InvalidArgumentError('It is a whole number.');
  return number;
}
