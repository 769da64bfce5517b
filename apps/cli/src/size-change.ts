// Sizes as truncate(1) takes them: `10M`, `+4K`, `-1`, `<1G`, `>1G`, `/4K`, `%4K`.

import { InvalidArgumentError } from 'commander';

/** The size that a file gets, from the one that it has. */
export type SizeChange = (size: number) => number;

const powers = 'KMGTP';

/** Throws what makes a run end with the exit code of wrong usage. */
export function parseSizeChange(text: string): SizeChange {
  const [, operator = '', digits, unit = ''] = /^\s*([-+<>/%]?)\s*(\d+)((?:[KMGTP](?:i?B)?)?)$/i.exec(text) ?? [];
  if (digits === undefined) throw notASize();
  const power = unit === '' ? 0 : powers.indexOf(unit[0]!.toUpperCase()) + 1;
  // As in coreutils: KB is 1000, K and KiB are 1024.
  const base = unit.length === 2 ? 1000 : 1024;
  const bytes = Number(digits) * base ** power;
  if (!Number.isSafeInteger(bytes)) throw notASize();
  if (bytes === 0 && (operator === '/' || operator === '%')) throw notASize();
  switch (operator) {
    case '+':
      return (size) => size + bytes;
    case '-':
      return (size) => Math.max(0, size - bytes);
    case '<':
      return (size) => Math.min(size, bytes);
    case '>':
      return (size) => Math.max(size, bytes);
    case '/':
      return (size) => size - (size % bytes);
    case '%':
      return (size) => Math.ceil(size / bytes) * bytes;
    default:
      return () => bytes;
  }
}

function notASize(): InvalidArgumentError {
  return new InvalidArgumentError(
    'A size is a number with K, M, G, T or P behind it, and perhaps one of + - < > / % before it.',
  );
}
