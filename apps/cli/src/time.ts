// Times on the command line and in the environment.

import type { Timestamp } from '@f2fskit/vfs';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './errors.ts';
import { visible } from './output.ts';

const SINCE_1970 = /^@(-?)(\d{1,15})(?:\.(\d{1,9}))?$/;
const CALENDAR = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?(Z|[-+]\d\d:?\d\d))?)?$/;

/**
 * `@1700000000.5`, or ISO 8601 as `f2fs stat` prints it: `2026-11-20`, `2026-11-20T23:33:00.5Z`,
 * `2026-11-20 23:33 +0100`. UTC where no zone is named. Throws what makes a run end with the exit code of wrong usage.
 */
export function parseTime(text: string): Timestamp {
  const [counted, sign, digits, part] = SINCE_1970.exec(text) ?? [];
  if (counted !== undefined) {
    const nanoseconds = toNanoseconds(part);
    if (sign === '') return { seconds: Number(digits), nanoseconds };
    const seconds = -Number(digits) - (nanoseconds === 0 ? 0 : 1);
    return { seconds: seconds + 0, nanoseconds: nanoseconds === 0 ? 0 : 1e9 - nanoseconds };
  }
  const [whole, year, month, day, hour = '00', minute = '00', second = '00', fraction, zone = 'Z'] =
    CALENDAR.exec(text) ?? [];
  if (whole === undefined) throw notATime();
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const date = new Date(iso);
  // The calendar of the system takes February 30 for March 2.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso) throw notATime();
  return { seconds: date.getTime() / 1000 - offsetOf(zone), nanoseconds: toNanoseconds(fraction) };
}

/** Seconds east of Greenwich. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /^([-+])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  if (hours === undefined) return 0;
  if (Number(hours) > 23 || Number(minutes) > 59) throw notATime();
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

function toNanoseconds(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.padEnd(9, '0'));
}

function notATime(): InvalidArgumentError {
  return new InvalidArgumentError('A time is @SECONDS, or 2026-11-20T23:33:00Z, to the nanosecond if you like.');
}

/** The time that every run has, for builds that give the same bytes again: seconds, if SOURCE_DATE_EPOCH is set. */
export function sourceDateEpoch({ SOURCE_DATE_EPOCH: text }: NodeJS.ProcessEnv): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new UsageError(`SOURCE_DATE_EPOCH is '${visible(text)}', and no number of seconds`);
  }
  return Number(text);
}
